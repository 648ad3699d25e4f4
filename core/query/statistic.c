#include "core/query/statistic.h"

#include <errno.h>
#include <float.h>
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
#define RANKS_COUNTED 512

/* Buckets are as wide as their least value is great: RANKS_STEPS for each power of two. They are the exponent
 * and the first digits of a floating-point number, of which all that counts is that they ascend with the
 * values. */
static inline uint32_t bucket_of(int64_t value)
{
    const double d = (double)value + 1;
    uint64_t bits;
    _Static_assert(sizeof(d) == sizeof(bits) && DBL_MANT_DIG == 53, "a double has 52 digits after the first");
    memcpy(&bits, &d, sizeof(bits));
    return (uint32_t)(bits >> (52 - RANKS_DIGITS)) - (1023u << RANKS_DIGITS);
}

void ranks_room_fini(struct ranks_room *room)
{
    free(room->values);
    room->values = NULL;
    room->n_values = 0;
}

static int ranks_reserve(struct ranks_room *room, size_t n)
{
    if (n <= room->n_values)
        return 0;
    free(room->values);
    room->values = malloc(n * sizeof(*room->values));
    room->n_values = room->values ? n : 0;
    return room->values ? 0 : -ENOMEM;
}

void values_copy(const struct values_run *runs, int64_t *ret)
{
    for (; runs; ret += runs->n, runs = runs->next)
        memcpy(ret, runs->values, runs->n * sizeof(*ret));
}

/* The values of ranks, of values that may change their places. */
static void ranks_select(int64_t *values, size_t n, const size_t *places, unsigned n_places, int64_t *ret)
{
    size_t first = 0; /* what the search for one has left behind it is not less */
    for (unsigned k = 0; k < n_places; k++) {
        ret[k] = values_select(values + first, n - first, places[k] - first);
        first = places[k];
    }
}

/* Marks the buckets that hold a rank; places[k] becomes the rank's place among the values of those alone.
 * Returns how many they are. */
static size_t buckets_want(struct ranks_room *room, size_t *places, unsigned n_places)
{
    size_t before = 0, kept = 0; /* values in buckets below: in all, and in wanted ones */
    uint32_t bucket = 0;
    for (unsigned k = 0; k < n_places; k++) {
        while (before + room->counts[bucket] <= places[k]) {
            kept += room->wanted[bucket] ? room->counts[bucket] : 0;
            before += room->counts[bucket++];
        }
        room->wanted[bucket] = 1;
        places[k] = kept + (places[k] - before);
    }
    return kept + room->counts[bucket];
}

static int ranks_counted(const struct values_run *runs, size_t *places, unsigned n_places,
                         struct ranks_room *room, int64_t *ret)
{
    memset(room->counts, 0, sizeof(room->counts));
    memset(room->wanted, 0, sizeof(room->wanted));
    for (const struct values_run *run = runs; run; run = run->next)
        for (uint32_t i = 0; i < run->n; i++)
            room->counts[bucket_of(run->values[i])]++;
    const size_t n = buckets_want(room, places, n_places);
    if (ranks_reserve(room, n + 1) < 0) /* what is not wanted is written behind those that are */
        return -ENOMEM;
    int64_t *values = room->values;
    for (const struct values_run *run = runs; run; run = run->next)
        for (uint32_t i = 0; i < run->n; i++) {
            *values = run->values[i];
            values += room->wanted[bucket_of(run->values[i])];
        }
    ranks_select(room->values, n, places, n_places, ret);
    return 0;
}

int values_ranks(const struct values_run *runs, size_t n, bool has_negative, size_t *places,
                 unsigned n_places, struct ranks_room *room, int64_t *ret)
{
    if (n >= RANKS_COUNTED && !has_negative)
        return ranks_counted(runs, places, n_places, room, ret);
    if (ranks_reserve(room, n) < 0)
        return -ENOMEM;
    values_copy(runs, room->values);
    ranks_select(room->values, n, places, n_places, ret);
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
