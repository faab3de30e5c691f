/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bf16 products, by each maker that this processor has: single steps against the C library's fused
 * multiply-add, rounding against the distance to both neighbours, blocks of all shapes against each
 * other bit by bit and against sums in double. `test_bf16 N` tries N operands instead of 10^5.
 */
#include "unit_test.h"

#include "base/memory.h"
#include "math/bf16.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_MAKERS = BF16_PLAIN + 1 };

static uint64_t n_operands = 100000;

static uint32_t draw(void)
{
    static uint64_t state = 0x2545f4914f6cdd1d;
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (uint32_t)(state * 0x2545f4914f6cdd1d >> 32);
}

static float number_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static bool same(float a, float b)
{
    return bits_of(a) == bits_of(b) || (isnan(a) && isnan(b));
}

static float no_denormal(float x)
{
    return fabsf(x) < FLT_MIN ? copysignf(0, x) : x;
}

/*
 * a b + c rounded once, with zeros for denormal numbers. Whether a result is one is asked of the
 * number rounded as if there were smaller exponents, and so a multiple of it is looked at.
 */
static float fused(float a, float b, float c)
{
    a = no_denormal(a), b = no_denormal(b), c = no_denormal(c);
    float d = fmaf(a, b, c);
    if (fabsf(d) > FLT_MIN || isnan(d) || d == 0)
        return d;
    float small = fabsf(a) < fabsf(b) ? a : b, large = fabsf(a) < fabsf(b) ? b : a;
    float multiple = fmaf(small * 0x1p60F, large, c * 0x1p60F);
    return fabsf(multiple) < FLT_MIN * 0x1p60F ? copysignf(0, d) : d;
}

static float step(bf16_pair a, bf16_pair b, float c)
{
    float t = fused(number_of(a & 0xffff0000), number_of(b & 0xffff0000), c);
    return fused(number_of(a << 16), number_of(b << 16), t);
}

/* Zeros, denormal numbers, both sides of the least and largest ones, infinities, NaN. */
static const uint32_t edges[] = {
    0x00000000, 0x00010000, 0x007f0000, 0x00800000, 0x00810000, 0x00ff0000, 0x01000000, 0x1a000000,
    0x1a7f0000, 0x1f800000, 0x20000000, 0x20010000, 0x3f800000, 0x3f810000, 0x5f7f0000, 0x5f800000,
    0x7f7f0000, 0x7f800000, 0x7fc00000, 0x00000001, 0x007fffff, 0x00800001, 0x00ffffff, 0x7f7fffff};
enum { N_EDGES = sizeof edges / sizeof edges[0] };

static uint32_t an_edge(void)
{
    return edges[draw() % N_EDGES] | (draw() & 0x80000000);
}

/* Any bits; or exponents such that products and sum are of one size, or near 2^-126. */
static void draw_operands(int kind, bf16_pair *a, bf16_pair *b, float *c)
{
    uint32_t middle = kind == 2 ? 63 : 120, spread = kind == 2 ? 2 : 8, of_c = kind == 2 ? 1 : 112;
    *a = draw(), *b = draw();
    *c = number_of(draw());
    if (kind == 0)
        return;
    if (kind == 3) {
        *a = an_edge() >> 16 | (an_edge() & 0xffff0000);
        *b = an_edge() >> 16 | (an_edge() & 0xffff0000);
        *c = number_of(an_edge());
        return;
    }
    bf16_pair *both[2] = {a, b};
    for (int i = 0; i < 2; i++) {
        uint32_t low = middle + draw() % spread, high = middle + draw() % spread;
        *both[i] = (*both[i] & 0x807f807f) | low << 7 | high << 23;
        if (draw() % 4 == 0)
            *both[i] &= 0xff80ff80; /* powers of two: ties, and sums that cancel */
    }
    *c = number_of((bits_of(*c) & (draw() % 2 ? 0x807fffff : 0x807f0000)) |
                   (of_c + draw() % (2 * spread)) << 23);
}

static void steps_of_the_instruction(void **state)
{
    (void)state;
    enum { N = 64 };
    for (uint64_t done = 0; done < n_operands; done += N)
        for (int kind = 0; kind < 4; kind++) {
            bf16_pair a, b[N];
            float c[N], wanted[N], made[N];
            for (int i = 0; i < N; i++) {
                draw_operands(kind, &a, &b[i], &c[i]);
            }
            for (int i = 0; i < N; i++)
                wanted[i] = step(a, b[i], c[i]);
            for (int maker = 0; maker < N_MAKERS; maker++) {
                const struct bf16_shape shape = {1, N, 1, 1, N, N};
                if (!bf16_has((enum bf16_maker)maker))
                    continue;
                bf16_choose((enum bf16_maker)maker);
                memcpy(made, c, sizeof c);
                bf16_multiply(&shape, &a, b, true, made);
                for (int i = 0; i < N; i++)
                    if (!same(made[i], wanted[i]))
                        fail_msg("%s: %a %a times %a %a and %a is %a, not %a", bf16_maker_name(),
                                 (double)number_of(a << 16), (double)number_of(a & 0xffff0000),
                                 (double)number_of(b[i] << 16),
                                 (double)number_of(b[i] & 0xffff0000), (double)c[i],
                                 (double)made[i], (double)wanted[i]);
            }
        }
}

/* Of the two bf16 numbers around x the nearer one, or the one whose last bit is 0. */
static uint32_t nearest(float x)
{
    uint32_t below = bits_of(x) >> 16, above = below + 1;
    if (fabsf(x) < FLT_MIN)
        return below & 0x8000;
    if (isinf(x))
        return below;
    /* Beyond the largest number comes 2^128, which is written as infinity. */
    double next =
        (above & 0x7fff) == 0x7f80 ? copysign(0x1p128, (double)x) : (double)number_of(above << 16);
    double down = fabs((double)x - (double)number_of(below << 16)), up = fabs(next - (double)x);
    if (down == up)
        return below % 2 == 0 ? below : above;
    return down < up ? below : above;
}

static bool is_nearest(uint32_t half, float x)
{
    return isnan(x) ? isnan(number_of(half << 16)) : half == nearest(x);
}

/* All upper halves, with lower ones on both sides of the middle. */
static void numbers_are_rounded(void **state)
{
    (void)state;
    enum { N = 1 << 13 };
    static float x[2][N];
    static bf16_pair rows[2][N / 2], pairs[N];
    for (uint32_t upper = 0; upper < 0x10000; upper += N / 8) {
        static const uint32_t lower[8] = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff, 0x4000, 0xc123};
        for (uint32_t i = 0; i < N; i++) {
            x[0][i] = number_of((upper + i / 8) << 16 | lower[i % 8]);
            x[1][N - 1 - i] = x[0][i];
        }
        for (int maker = 0; maker < N_MAKERS; maker++) {
            if (!bf16_has((enum bf16_maker)maker))
                continue;
            bf16_choose((enum bf16_maker)maker);
            bf16_round_rows(2, N, x[0], N, rows[0], N / 2);
            bf16_pair_rows(2, N, x[0], N, pairs, N);
            for (int i = 0; i < N; i++) {
                assert_true(is_nearest(rows[0][i / 2] >> 16 * (i % 2) & 0xffff, x[0][i]));
                assert_true(is_nearest(rows[1][i / 2] >> 16 * (i % 2) & 0xffff, x[1][i]));
                assert_true(is_nearest(pairs[i] & 0xffff, x[0][i]));
                assert_true(is_nearest(pairs[i] >> 16, x[1][i]));
            }
        }
    }
}

/* Whole numbers up to 256 are bf16 numbers. Odd ones of rows and columns get zeros beside them. */
static void numbers_are_paired(void **state)
{
    (void)state;
    enum { MOST = 40, LD_FROM = MOST + 3, LD_TO = MOST + 1 };
    static float from[MOST * LD_FROM];
    static bf16_pair to[MOST * LD_TO], pairs[MOST * LD_TO];
    for (int i = 0; i < MOST * LD_FROM; i++)
        from[i] = (float)(i % 251);
    for (size_t size = 0; size < (size_t)N_MAKERS * MOST * MOST; size++) {
        size_t rows = size % MOST + 1, columns = size / MOST % MOST + 1;
        enum bf16_maker maker = (enum bf16_maker)(size / MOST / MOST);
        if (!bf16_has(maker))
            continue;
        bf16_choose(maker);
        memset(to, 0xaa, sizeof to);
        memset(pairs, 0xaa, sizeof pairs);
        bf16_round_rows(rows, columns, from, LD_FROM, to, LD_TO);
        bf16_pair_rows(rows, columns, from, LD_FROM, pairs, LD_TO);
        for (size_t i = 0; i < MOST; i++)
            for (size_t j = 0; j < LD_TO; j++) {
                float number[4] = {0};
                for (size_t h = 0; h < 2; h++) {
                    if (i < rows && 2 * j + h < columns)
                        number[h] = from[i * LD_FROM + 2 * j + h];
                    if (2 * i + h < rows && j < columns)
                        number[2 + h] = from[(2 * i + h) * LD_FROM + j];
                }
                uint32_t along = bits_of(number[0]) >> 16 | (bits_of(number[1]) & 0xffff0000);
                uint32_t across = bits_of(number[2]) >> 16 | (bits_of(number[3]) & 0xffff0000);
                bool is_row = i < rows && j < bf16_pairs(columns);
                bool is_pair = i < bf16_pairs(rows) && j < columns;
                assert_int_equal(to[i * LD_TO + j], is_row ? along : 0xaaaaaaaa);
                assert_int_equal(pairs[i * LD_TO + j], is_pair ? across : 0xaaaaaaaa);
            }
    }
}

static void *memory(size_t n)
{
    float *values;
    assert_int_equal(memory_alloc(&values, n, sizeof(float), "a test"), STATUS_OK);
    return values;
}

static double term(bf16_pair a, bf16_pair b, double *size)
{
    double low = (double)number_of(a << 16) * (double)number_of(b << 16);
    double high = (double)number_of(a & 0xffff0000) * (double)number_of(b & 0xffff0000);
    *size += fabs(low) + fabs(high);
    return low + high;
}

/* C of one maker against sums in double: each of the 2 k roundings errs by half a unit at most. */
static void check_sums(const struct bf16_shape *s, const bf16_pair *a, const bf16_pair *b,
                       const float *before, const float *c)
{
    for (size_t i = 0; i < s->m; i++)
        for (size_t j = 0; j < s->ldc; j++) {
            double start = before && j < s->n ? (double)before[i * s->ldc + j] : 0;
            double sum = start, size = fabs(sum);
            if (j >= s->n) {
                assert_true(isnan(c[i * s->ldc + j])); /* nothing was written behind a row */
                continue;
            }
            for (size_t p = 0; p < s->pairs; p++)
                sum += term(a[i * s->lda + p], b[p * s->ldb + j], &size);
            double bound = (double)s->pairs * FLT_EPSILON * size * 1.001;
            assert_true(fabs((double)c[i * s->ldc + j] - sum) <= bound);
        }
}

static void check_shape(size_t m, size_t n, size_t pairs, size_t padding)
{
    struct bf16_shape s = {m, n, pairs, pairs + padding, n + padding, n + padding};
    bf16_pair *a = memory(m * s.lda), *b = memory(pairs * s.ldb);
    float *before = memory(m * s.ldc), *c = memory(m * s.ldc), *first = memory(m * s.ldc);
    for (size_t i = 0; i < m * s.lda; i++)
        a[i] = (draw() & 0x807f807f) | (120 + draw() % 8) << 7 | (120 + draw() % 8) << 23;
    for (size_t i = 0; i < pairs * s.ldb; i++)
        b[i] = (draw() & 0x807f807f) | (120 + draw() % 8) << 7 | (120 + draw() % 8) << 23;
    for (size_t i = 0; i < m * s.ldc; i++)
        before[i] = i % s.ldc < n ? (float)(draw() % 1000) / 64 : NAN;
    for (int add = 0; add < 2; add++) {
        bool is_first = true;
        for (int maker = 0; maker < N_MAKERS; maker++) {
            if (!bf16_has((enum bf16_maker)maker))
                continue;
            bf16_choose((enum bf16_maker)maker);
            memcpy(c, before, m * s.ldc * sizeof *c);
            if (!add)
                c[0] = NAN; /* what is not added to is not read */
            bf16_multiply(&s, a, b, add, c);
            if (is_first) {
                check_sums(&s, a, b, add ? before : NULL, c);
                memcpy(first, c, m * s.ldc * sizeof *c);
            }
            assert_memory_equal(c, first, m * s.ldc * sizeof *c);
            is_first = false;
        }
    }
    memory_free(&a);
    memory_free(&b);
    memory_free(&before);
    memory_free(&c);
    memory_free(&first);
}

static void products_of_all_shapes(void **state)
{
    (void)state;
    for (size_t m = 1; m <= 40; m++)
        for (size_t n = 1; n <= 40; n++)
            check_shape(m, n, 1 + (7 * m + 3 * n) % 20, (m + n) % 3);
    for (size_t n = 41; n <= 64; n++) /* as many vectors as a block has */
        for (size_t m = 1; m <= 7; m++)
            check_shape(m, n, 3, 1);
    const size_t larger[][3] = {{65, 129, 3}, {130, 300, 7}, {7, 64, 97}, {3, 70, 400}};
    for (size_t i = 0; i < sizeof larger / sizeof larger[0]; i++)
        check_shape(larger[i][0], larger[i][1], larger[i][2], i);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_of_the_instruction), cmocka_unit_test(numbers_are_rounded),
        cmocka_unit_test(numbers_are_paired), cmocka_unit_test(products_of_all_shapes)};
    if (argc > 1)
        n_operands = strtoull(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
