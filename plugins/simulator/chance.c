#include "plugins/simulator/chance.h"

uint64_t chance_next(struct chance *chance) /* splitmix64 */
{
    uint64_t z = chance->state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void chance_init(struct chance *chance, uint64_t seed, uint64_t number)
{
    chance->state = seed;
    chance->state = chance_next(chance) ^ number;
    chance->state = chance_next(chance);
}

uint64_t chance_below(struct chance *chance, uint64_t n)
{
    return (uint64_t)((unsigned __int128)chance_next(chance) * n >> 64);
}

bool chance_hits(struct chance *chance, uint32_t per_thousand)
{
    return chance_below(chance, 1000) < per_thousand;
}

uint64_t chance_around(struct chance *chance, uint64_t median)
{
    /* exp(z) at the quantiles 0, 1/16 … 1 of a normal z, the ends cut at 1 of 200; in thousandths */
    static const uint32_t factors[17] = {76,   216,  317,  412,  509,  613,  727,  854,  1000,
                                         1170, 1376, 1631, 1963, 2427, 3159, 4636, 13140};
    uint64_t place = chance_below(chance, 16 << 10);
    uint64_t left = factors[place >> 10], right = factors[(place >> 10) + 1];

    return median * (left * 1024 + (right - left) * (place & 1023)) / (1000 * 1024);
}

uint32_t chance_rank(struct chance *chance, uint32_t n)
{
    /* of two even draws the product leans to the front: P(rank < x·n) = x(1 − ln x) */
    uint64_t first = chance_below(chance, n * 1024ull), second = chance_below(chance, 1024);

    return (uint32_t)(first * second >> 20);
}
