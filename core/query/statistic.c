#include "core/query/statistic.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool percentile_parse(const char *text, uint32_t *ret_thousandths)
{
    uint32_t whole = 0, fraction = 0, unit = 100;
    const char *p = text;
    if (*p++ != 'p' || *p < '0' || *p > '9')
        return false;
    for (; *p >= '0' && *p <= '9'; p++) {
        whole = whole * 10 + (uint32_t)(*p - '0');
        if (whole > 100)
            return false;
    }
    if (*p == '.') {
        const char *first = ++p;
        for (; *p >= '0' && *p <= '9'; p++, unit /= 10) {
            if (unit == 0)
                return false;
            fraction += unit * (uint32_t)(*p - '0');
        }
        if (p == first)
            return false;
    }
    uint32_t total = whole * 1000 + fraction;
    if (*p != '\0' || total == 0 || total > PERCENTILE_MAX)
        return false;
    *ret_thousandths = total;
    return true;
}

uint64_t percentile_rank(uint32_t thousandths, uint64_t n)
{
    unsigned __int128 product = (unsigned __int128)n * thousandths;
    uint64_t rank = (uint64_t)((product + PERCENTILE_MAX - 1) / PERCENTILE_MAX);
    return rank ? rank : 1;
}

static inline void swap(int64_t *a, int64_t *b)
{
    int64_t t = *a;
    *a = *b;
    *b = t;
}

static void sift(int64_t *v, size_t i, size_t n)
{
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= n)
            return;
        if (child + 1 < n && v[child + 1] > v[child])
            child++;
        if (v[i] >= v[child])
            return;
        swap(&v[i], &v[child]);
        i = child;
    }
}

static void heap_sort(int64_t *v, size_t n)
{
    for (size_t i = n / 2; i-- > 0;)
        sift(v, i, n);
    for (size_t i = n; i-- > 1;) {
        swap(&v[0], &v[i]);
        sift(v, 0, i);
    }
}

static inline int64_t median_of_three(int64_t a, int64_t b, int64_t c)
{
    return a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
}

/* Of nine values spread over the range, so that sorted and repeated data split well too. */
static int64_t pivot_of(const int64_t *v, size_t n)
{
    size_t step = n / 9;
    if (step == 0)
        return median_of_three(v[0], v[n / 2], v[n - 1]);
    return median_of_three(median_of_three(v[0], v[step], v[2 * step]),
                           median_of_three(v[3 * step], v[4 * step], v[5 * step]),
                           median_of_three(v[6 * step], v[7 * step], v[n - 1]));
}

int64_t values_select(int64_t *values, size_t n, size_t place)
{
    size_t low = 0, high = n; /* the place lies in [low, high) */
    /* A few times n is what splits at chance cost; beyond it somebody chose the data, and sorting bounds the
     * work. */
    size_t budget = 16 * n;
    while (high - low > 1) {
        if (budget < high - low) {
            heap_sort(values + low, high - low);
            break;
        }
        budget -= high - low;
        int64_t pivot = pivot_of(values + low, high - low);
        /* Three parts, since real durations repeat a lot: below, equal, above. */
        size_t below = low, at = low, above = high;
        while (at < above) {
            if (values[at] < pivot)
                swap(&values[below++], &values[at++]);
            else if (values[at] > pivot)
                swap(&values[at], &values[--above]);
            else
                at++;
        }
        if (place < below)
            high = below;
        else if (place >= above)
            low = above;
        else
            break;
    }
    return values[place];
}

/* Fewer values are put in order faster than counted. */
#define RANKS_COUNTED 1024

/* Buckets are as wide as their least value is great: 64 for each power of two above 64, one a value below. */
static inline uint32_t bucket_of(uint64_t above)
{
    if (above < RANKS_STEPS)
        return (uint32_t)above;
    unsigned power = 63 - (unsigned)__builtin_clzll(above);
    return (power - 5) * RANKS_STEPS + (uint32_t)(above >> (power - 6) & (RANKS_STEPS - 1));
}

/* The least that a bucket's values are above what buckets are counted from. */
static uint64_t bucket_start(uint32_t bucket)
{
    if (bucket < RANKS_STEPS)
        return bucket;
    unsigned power = bucket / RANKS_STEPS + 5;
    return (uint64_t)(RANKS_STEPS + bucket % RANKS_STEPS) << (power - 6);
}

void ranks_room_fini(struct ranks_room *room)
{
    free(room->values);
    room->values = NULL;
    room->n_values = 0;
}

/* Copies the values of one bucket. */
static int bucket_collect(const int64_t *values, size_t n, int64_t min, uint32_t bucket,
                          struct ranks_room *room)
{
    const size_t n_inside = room->counts[bucket];
    if (n_inside > room->n_values) {
        free(room->values);
        room->values = malloc(n_inside * sizeof(*room->values));
        room->n_values = room->values ? n_inside : 0;
        if (!room->values)
            return -ENOMEM;
    }
    const uint64_t start = (uint64_t)min + bucket_start(bucket),
                   width = bucket_start(bucket + 1) - bucket_start(bucket);
    size_t k = 0;
    for (size_t i = 0; i < n && k < n_inside; i++)
        if ((uint64_t)values[i] - start < width)
            room->values[k++] = values[i];
    return 0;
}

static int ranks_counted(const int64_t *values, size_t n, const size_t *places, unsigned n_places,
                         struct ranks_room *room, int64_t *ret)
{
    int64_t min = 0, signs = 0; /* what buckets are counted from: the least value where some are below 0 */
    for (size_t i = 0; i < n; i++)
        signs |= values[i];
    for (size_t i = 0; i < n && signs < 0; i++)
        min = values[i] < min ? values[i] : min;
    memset(room->counts, 0, sizeof(room->counts));
    for (size_t i = 0; i < n; i++)
        room->counts[bucket_of((uint64_t)values[i] - (uint64_t)min)]++;
    size_t before = 0; /* values in buckets below */
    uint32_t bucket = 0;
    for (unsigned k = 0; k < n_places;) {
        while (before + room->counts[bucket] <= places[k])
            before += room->counts[bucket++];
        int r = bucket_collect(values, n, min, bucket, room);
        if (r < 0)
            return r;
        const size_t n_inside = room->counts[bucket];
        for (size_t first = 0; k < n_places && places[k] < before + n_inside; k++) {
            size_t place = places[k] - before;
            ret[k] = values_select(room->values + first, n_inside - first, place - first);
            first = place;
        }
    }
    return 0;
}

int values_ranks(int64_t *values, size_t n, const size_t *places, unsigned n_places, struct ranks_room *room,
                 int64_t *ret)
{
    if (n >= RANKS_COUNTED)
        return ranks_counted(values, n, places, n_places, room, ret);
    size_t first = 0; /* what the search for one has left behind it is not less */
    for (unsigned k = 0; k < n_places; k++) {
        ret[k] = values_select(values + first, n - first, places[k] - first);
        first = places[k];
    }
    return 0;
}

int64_t average_round(__int128 sum, uint64_t n)
{
    bool negative = sum < 0;
    unsigned __int128 size = negative ? -(unsigned __int128)sum : (unsigned __int128)sum;
    unsigned __int128 rounded = (2 * size + n) / (2 * (unsigned __int128)n);
    return negative ? -(int64_t)rounded : (int64_t)rounded;
}

void wilson_interval(double x, double n, double *ret_low, double *ret_high)
{
    const double z = 1.959963984540054, zz = z * z;
    double centre = (x + zz / 2) / (n + zz);
    double half = z / (n + zz) * sqrt(x * (n - x) / n + zz / 4);
    *ret_low = x <= 0 ? 0 : fmax(0, centre - half);
    *ret_high = x >= n ? 1 : fmin(1, centre + half);
}
