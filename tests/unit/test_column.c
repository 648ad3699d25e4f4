/* Columns of every shape come back, in the form that suits them; bytes that are none are refused. */
#include "core/store/bits.h"
#include "core/store/column.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NULL_VALUE    INT64_MIN
#define FOREVER_VALUE INT64_MAX

static uint64_t rng = 1;

static uint64_t next(void)
{
    rng = rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return rng >> 11;
}

/* Values as columns of facts and of the log have them. */
enum shape {
    CONSTANT,
    SMALL,
    INSTANTS,
    MINUTES,
    FAR_MINUTES,
    RISING,
    FEW_OTHERS,
    HALF_OTHERS,
    MOSTLY_NULL,
    FAR_OUT,
    SPECIALS_ONLY,
    ANYTHING,
    SHAPES
};

static int64_t value_of(enum shape shape, size_t i)
{
    const int64_t base = INT64_C(1704672000000);
    switch (shape) {
    case CONSTANT:
        return -7;
    case SMALL:
        return (int64_t)(next() % 11) - 5;
    case INSTANTS:
        return base + (int64_t)(next() % (UINT64_C(1) << 29));
    case MINUTES:
        return next() % 9 ? base + (int64_t)(next() % 100000) * 60000 : NULL_VALUE;
    case FAR_MINUTES:
        return base + (int64_t)(next() % (next() % 200 ? 5000 : UINT64_C(1) << 30)) * 60000;
    case RISING:
        return base + (int64_t)i * 30000 + (int64_t)(next() % 1000);
    case FEW_OTHERS:
        return next() % 100 ? 42 : (int64_t)(next() % (UINT64_C(1) << 31));
    case HALF_OTHERS:
        return next() % 2 ? 0 : (int64_t)(next() % (UINT64_C(1) << 31));
    case MOSTLY_NULL:
        return next() % 20 ? NULL_VALUE : next() % 2 ? FOREVER_VALUE : (int64_t)(next() % 1000);
    case FAR_OUT:
        return next() % 200 ? (int64_t)(next() % 5000) : (int64_t)(next() % (UINT64_C(1) << 45));
    case SPECIALS_ONLY:
        return next() % 2 ? NULL_VALUE : FOREVER_VALUE;
    case ANYTHING:
    case SHAPES:
        break;
    }
    return (int64_t)(next() << 20 ^ next());
}

/* Every other value, or further apart; not all forms have single ones. */
static void check_picked(const uint8_t *bytes, size_t size, const int64_t *in, size_t n)
{
    static uint16_t rows[65536];
    static int64_t out[65536];
    uint32_t n_rows = 0;
    for (size_t i = next() % 3; i < n; i += 1 + next() % 20)
        rows[n_rows++] = (uint16_t)i;
    int r = column_pick(bytes, size, n, rows, n_rows, out);
    assert_in_range(r, 0, 1);
    for (uint32_t k = 0; r == 1 && k < n_rows; k++)
        assert_int_equal(out[k], in[rows[k]]);
}

static void fill(enum shape shape, int64_t *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        values[i] = value_of(shape, i);
}

static void test_round_trip(void **state)
{
    static const size_t SIZES[] = {1, 2, 7, 8, 9, 63, 64, 65, 1000, 4096, 8192, 20000};
    static const unsigned EFFORTS[] = {COLUMN_PACK, COLUMN_DELTA, COLUMN_PLANES,
                                       COLUMN_PLANES | COLUMN_DELTA};
    int64_t *in = calloc(20000, sizeof(*in)), *out = calloc(20000, sizeof(*out));
    uint16_t *narrow = calloc(20000, sizeof(*narrow));
    struct column_coder coder = {0};
    struct buffer b;
    (void)state;
    assert_non_null(in);
    assert_non_null(out);
    assert_non_null(narrow);
    buffer_init(&b, 1 << 22);
    for (unsigned shape = 0; shape < SHAPES; shape++)
        for (size_t s = 0; s < sizeof(SIZES) / sizeof(*SIZES); s++)
            for (size_t e = 0; e < sizeof(EFFORTS) / sizeof(*EFFORTS); e++) {
                const size_t n = SIZES[s];
                fill(shape, in, n);
                buffer_clear(&b);
                column_encode(&coder, &b, in, n, EFFORTS[e], NULL);
                assert_false(buffer_failed(&b));
                uint8_t *exact = malloc(b.size); /* nothing behind it is read */
                assert_non_null(exact);
                memcpy(exact, b.data, b.size);
                assert_int_equal(column_decode(s % 2 ? &coder : NULL, exact, b.size, n, out), 0);
                assert_memory_equal(in, out, n * sizeof(*in));
                check_picked(exact, b.size, in, n);
                assert_int_equal(column_decode_u16(exact, b.size, n, narrow), 0);
                for (size_t i = 0; i < n; i++)
                    assert_int_equal(narrow[i], (uint16_t)in[i]);
                assert_int_equal(column_add_u16(exact, b.size, n, narrow), 0);
                for (size_t i = 0; i < n; i++)
                    assert_int_equal(narrow[i], (uint16_t)(2 * (uint64_t)in[i]));
                free(exact);
            }
    buffer_fini(&b);
    column_coder_fini(&coder);
    free(in);
    free(out);
    free(narrow);
}

/* What is rare or far out does not make all the others wide. */
static void test_sizes(void **state)
{
    enum { N = 4096 };
    static const struct {
        enum shape shape;
        size_t bits; /* a value, at most */
    } LIMITS[] = {{CONSTANT, 1},   {SMALL, 5},        {MINUTES, 18},
                  {FEW_OTHERS, 2}, {HALF_OTHERS, 18}, {FAR_OUT, 15}};
    int64_t in[N];
    struct buffer b;
    (void)state;
    buffer_init(&b, 1 << 20);
    for (size_t i = 0; i < sizeof(LIMITS) / sizeof(*LIMITS); i++) {
        fill(LIMITS[i].shape, in, N);
        buffer_clear(&b);
        column_encode(NULL, &b, in, N, COLUMN_PACK, NULL);
        assert_true(b.size * 8 <= LIMITS[i].bits * N);
    }
    buffer_fini(&b);
}

static void test_broken(void **state)
{
    enum { N = 500 };
    int64_t in[N], out[N];
    uint16_t narrow[N] = {0};
    struct column_coder coder = {0};
    struct buffer b;
    (void)state;
    buffer_init(&b, 1 << 20);
    for (unsigned round = 0; round < 4000; round++) {
        fill((enum shape)(round % SHAPES), in, N);
        buffer_clear(&b);
        column_encode(&coder, &b, in, N, round % 4, NULL);
        size_t size = round % 3 ? b.size : next() % b.size;
        uint8_t *bytes = malloc(size ? size : 1);
        assert_non_null(bytes);
        memcpy(bytes, b.data, size);
        for (unsigned i = 0; size && i < round % 5; i++)
            bytes[next() % (i % 2 ? size : size < 24 ? size : 24)] = (uint8_t)next();
        (void)column_decode(&coder, bytes, size, N, out);
        (void)column_decode_u16(bytes, size, N, narrow);
        (void)column_add_u16(bytes, size, N, narrow);
        (void)column_pick(bytes, size, N, (const uint16_t[]){0, 7, N - 1}, 3, out);
        free(bytes);
    }
    buffer_fini(&b);
    column_coder_fini(&coder);
}

/* Of one width and so many, in just as many bytes: by the path that this processor takes and by the one that
 * all have. */
static void check_bits(const uint64_t *in, size_t n, unsigned width)
{
    static uint64_t out[2][131];
    static uint16_t narrow[2][131];
    const uint64_t mask = width == 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1, add = next();
    const uint32_t unit = n % 3 ? (uint32_t)next() : 1;
    uint8_t *packed = malloc(bits_size(n, width));
    assert_non_null(packed);
    bits_pack(packed, in, n, width);
    bits_unpack(packed, out[0], n, width, unit, add);
    bits_unpack_portable(packed, out[1], n, width, unit, add);
    if (width <= 48) {
        bits_unpack_u16(packed, narrow[0], n, width, add);
        bits_unpack_u16_portable(packed, narrow[1], n, width, add);
    }
    for (unsigned path = 0; path < 2; path++)
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(out[path][i], (in[i] & mask) * unit + add);
            if (width <= 48)
                assert_int_equal(narrow[path][i], (uint16_t)((in[i] & mask) + add));
        }
    free(packed);
}

static void test_bits(void **state)
{
    uint64_t in[131];
    (void)state;
    for (unsigned width = 1; width <= 64; width++)
        for (size_t n = 1; n <= 131; n++) {
            for (size_t i = 0; i < n; i++)
                in[i] = next() << 32 ^ next();
            check_bits(in, n, width);
        }
}

/* Numbers from their differences, by both paths. */
static void test_sums(void **state)
{
    uint64_t steps[2][67];
    (void)state;
    for (unsigned round = 0; round < 500; round++) {
        const size_t n = 1 + next() % 67;
        const uint64_t from = next() << 11;
        const uint32_t unit = round % 3 ? (uint32_t)next() : 1;
        for (size_t i = 0; i < n; i++)
            steps[0][i] = steps[1][i] = round % 2 ? next() % 1000 : next() << 32 ^ next();
        uint64_t want[67], sum = from;
        for (size_t i = 0; i < n; i++) {
            const uint64_t half = steps[0][i] / 2;
            sum += (steps[0][i] % 2 ? ~half : half) * unit; /* 0, −1, 1, −2 … */
            want[i] = sum;
        }
        bits_sum(steps[0], n, from, unit);
        bits_sum_portable(steps[1], n, from, unit);
        assert_memory_equal(steps[0], want, n * sizeof(*want));
        assert_memory_equal(steps[1], want, n * sizeof(*want));
    }
}

/* The paths for different processors say the same, as does looking at each value by itself. */
static void test_summaries(void **state)
{
    enum { N = 517 };
    int64_t values[N];
    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        size_t n = 1 + next() % N;
        unsigned kind = (unsigned)(next() % 5);
        for (size_t i = 0; i < n; i++) {
            uint64_t r = next();
            values[i] = kind == 0    ? (int64_t)(r << 11)
                        : kind == 1  ? (int64_t)(r % 7) - 3
                        : r % 4 == 0 ? NULL_VALUE
                        : r % 4 == 1 ? FOREVER_VALUE
                        : kind == 2  ? (int64_t)(r % 1000)
                        : r % 8 < 6  ? NULL_VALUE
                        : kind == 3  ? 0
                                     : FOREVER_VALUE;
            if (round % 16 == 0)
                values[i] = values[0];
        }
        struct summary want = {.min = INT64_MAX, .max = INT64_MIN, .is_constant = true}, a, b;
        int64_t common = values[next() % n];
        for (size_t i = 0; i < n; i++) {
            want.n_null += values[i] == NULL_VALUE;
            want.n_forever += values[i] == FOREVER_VALUE;
            want.n_zero += values[i] == 0;
            want.n_common += values[i] == common;
            want.is_constant &= values[i] == values[0];
            if (values[i] == NULL_VALUE || values[i] == FOREVER_VALUE)
                continue;
            want.min = values[i] < want.min ? values[i] : want.min;
            want.max = values[i] > want.max ? values[i] : want.max;
        }
        summary_of(values, n, common, &a);
        summary_of_portable(values, n, common, &b);
        const struct summary *const both[] = {&a, &b};
        for (unsigned i = 0; i < 2; i++) {
            assert_int_equal(both[i]->min, want.min);
            assert_int_equal(both[i]->max, want.max);
            assert_int_equal(both[i]->n_null, want.n_null);
            assert_int_equal(both[i]->n_forever, want.n_forever);
            assert_int_equal(both[i]->n_zero, want.n_zero);
            assert_int_equal(both[i]->n_common, want.n_common);
            assert_int_equal(both[i]->is_constant, want.is_constant);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_sizes),
                                       cmocka_unit_test(test_broken),     cmocka_unit_test(test_bits),
                                       cmocka_unit_test(test_sums),       cmocka_unit_test(test_summaries)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
