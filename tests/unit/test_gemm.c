/* SPDX-License-Identifier: BSD-3-Clause */
/* Products of one shape against the sum over k in double, transposed blocks, and tiles. */
#include "unit_test.h"

#include "base/memory.h"
#include "math/dots.h"
#include "math/gemm.h"
#include "math/transpose.h"
#include "model/network/inputs.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const double epsilon = sizeof(real) == sizeof(double) ? DBL_EPSILON : FLT_EPSILON;

static real *numbers(size_t n)
{
    real *values;
    assert_int_equal(memory_alloc(&values, n, sizeof(real), "a test"), STATUS_OK);
    for (size_t i = 0; i < n; i++)
        values[i] = (real)sin(1 + 0.7 * (double)i);
    return values;
}

/* `count` products, steps between them as rows apart as lda and ldb say; padding stays as it was.
 */
static void check_shape(size_t m, size_t n, size_t k, size_t padding, size_t count)
{
    size_t lda = k + padding, ldb = n + padding, ldc = n + 2 * padding;
    size_t a_step = m * lda, b_step = k * ldb;
    real *a = numbers(count * a_step), *b = numbers(count * b_step), *c = numbers(m * ldc);
    real *before = numbers(m * ldc);
    struct gemm gemm;
    gemm_prepare(&gemm, m, n, k, lda, ldb, ldc);
    for (int add = 0; add <= 1; add++) {
        memcpy(before, c, m * ldc * sizeof(real));
        if (!add)
            c[0] = NAN; /* what is not added to is not read */
        gemm_sum(&gemm, count, a, a_step, b, b_step, add, c);
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < ldc; j++) {
                double sum = add || j >= n ? (double)before[i * ldc + j] : 0, size = fabs(sum);
                for (size_t t = 0; t < count && j < n; t++)
                    for (size_t l = 0; l < k; l++) {
                        double term = (double)a[t * a_step + i * lda + l] *
                                      (double)b[t * b_step + l * ldb + j];
                        sum += term;
                        size += fabs(term);
                    }
                assert_true(fabs((double)c[i * ldc + j] - sum) <=
                            2 * epsilon * sqrt(size) * (1 + size));
            }
    }
    memory_free(&a);
    memory_free(&b);
    memory_free(&c);
    memory_free(&before);
}

static void products_of_all_shapes(void **state)
{
    (void)state;
    const size_t shapes[][3] = {{1, 1, 1},    {4, 208, 2},   {10, 64, 128}, {64, 128, 64},
                                {65, 129, 3}, {130, 300, 7}, {63, 16, 50},  {128, 5, 17}};
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++)
        for (size_t padding = 0; padding <= 3; padding += 3)
            for (size_t count = 1; count <= 3; count += 2)
                check_shape(shapes[s][0], shapes[s][1], shapes[s][2], padding, count);
}

static void transposed_and_added(void **state)
{
    (void)state;
    enum { ROWS = 37, COLUMNS = 70, LD_FROM = 71, LD_TO = 40 };
    real *from = numbers(ROWS * LD_FROM), *to = numbers(COLUMNS * LD_TO);
    transpose(ROWS, COLUMNS, from, LD_FROM, to, LD_TO);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j < COLUMNS; j++)
            assert_true(to[j * LD_TO + i] == from[i * LD_FROM + j]);
    transpose_add(ROWS, COLUMNS, from, LD_FROM, to, LD_TO);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j < COLUMNS; j++)
            assert_true(to[j * LD_TO + i] == 2 * from[i * LD_FROM + j]);
    memory_free(&from);
    memory_free(&to);
}

/* Rows one behind the other and with a gap, which take different ways; nothing else is written. */
static void narrow_transposes(void **state)
{
    (void)state;
    enum { MOST = 45, WIDEST = 9, GAP = 2, LD_TO = MOST + 1 };
    real *from = numbers(MOST * (WIDEST + GAP)), *to = numbers((WIDEST + 1) * LD_TO);
    for (size_t columns = 1; columns <= WIDEST; columns++)
        for (size_t rows = 1; rows <= MOST; rows += 4)
            for (size_t ld_from = columns; ld_from <= columns + GAP; ld_from += GAP) {
                for (size_t i = 0; i < (WIDEST + 1) * LD_TO; i++)
                    to[i] = -7;
                transpose(rows, columns, from, ld_from, to, LD_TO);
                for (size_t j = 0; j <= WIDEST; j++)
                    for (size_t i = 0; i < LD_TO; i++) {
                        bool is_inside = i < rows && j < columns;
                        assert_true(to[j * LD_TO + i] == (is_inside ? from[i * ld_from + j] : -7));
                    }
            }
    memory_free(&from);
    memory_free(&to);
}

static void combinations_of_few_rows(void **state)
{
    (void)state;
    enum { M = 5, K = 2 * REALS_PER_LINE, LDC = K + REALS_PER_LINE };
    _Alignas(REAL_ALIGNMENT) static real b[DOTS_COLUMNS * K], c[M * LDC];
    real a[M * DOTS_COLUMNS], bias[M];
    for (size_t i = 0; i < DOTS_COLUMNS * K; i++)
        b[i] = (real)(0.25 * (double)(i % 13)) - 1;
    for (size_t i = 0; i < M * DOTS_COLUMNS; i++)
        a[i] = (real)(0.5 * (double)(i % 7)) - 1;
    for (size_t i = 0; i < M; i++)
        bias[i] = (real)i;
    /* Quarters and halves of small numbers: every sum is exact. */
    for (size_t n = 1; n <= DOTS_COLUMNS; n++) {
        memset(c, 0, sizeof c);
        dots_combine(M, n, K, a, b, K, bias, c, LDC);
        for (size_t row = 0; row < M; row++)
            for (size_t i = 0; i < LDC; i++) {
                real sum = i < K ? bias[row] : 0;
                for (size_t j = 0; j < n && i < K; j++)
                    sum += a[row * n + j] * b[j * K + i];
                assert_true(c[row * LDC + i] == sum);
            }
    }
}

static void dots_of_rows(void **state)
{
    (void)state;
    enum { M = 7, K = 5 * REALS_PER_LINE, LDA = K + REALS_PER_LINE, LDC = 5 };
    real *a = numbers(M * LDA), *b = numbers(DOTS_COLUMNS * K), *c = numbers(M * LDC);
    real *before = numbers(M * LDC);
    for (size_t n = 1; n <= DOTS_COLUMNS; n++)
        for (int add = 0; add <= 1; add++) {
            memcpy(before, c, M * LDC * sizeof(real));
            dots(M, n, K, a, LDA, b, K, add, c, LDC);
            for (size_t i = 0; i < M * LDC; i++) {
                double sum = add || i % LDC >= n ? (double)before[i] : 0, size = fabs(sum);
                for (size_t l = 0; l < K && i % LDC < n; l++) {
                    double term = (double)a[i / LDC * LDA + l] * (double)b[i % LDC * K + l];
                    sum += term;
                    size += fabs(term);
                }
                assert_true(fabs((double)c[i] - sum) <= K * epsilon * size);
            }
        }
    memory_free(&a);
    memory_free(&b);
    memory_free(&c);
    memory_free(&before);
}

/* A last tile that is narrower than the others, and inputs so few that one tile holds them all. */
static void inputs_tile_by_tile(void **state)
{
    (void)state;
    const size_t widths[2] = {100, 2}, stride = 208;
    for (int c = 0; c < 2; c++) {
        struct inputs inputs;
        assert_int_equal(inputs_init(&inputs, widths[c], stride), STATUS_OK);
        for (size_t i = 0; i < stride * widths[c]; i++)
            inputs.x[i] = (real)i;
        inputs_set(&inputs, stride);
        assert_int_equal(inputs.tile, c == 0 ? 64 : stride);
        for (size_t i = 0; i < stride; i++)
            for (size_t d = 0; d < widths[c]; d++) {
                size_t first = i / inputs.tile * inputs.tile;
                size_t width = stride - first < inputs.tile ? stride - first : inputs.tile;
                assert_true(inputs.tiles[first * widths[c] + d * width + i - first] ==
                            inputs.x[i * widths[c] + d]);
            }
        inputs_release(&inputs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_of_all_shapes),   cmocka_unit_test(transposed_and_added),
        cmocka_unit_test(narrow_transposes),        cmocka_unit_test(dots_of_rows),
        cmocka_unit_test(combinations_of_few_rows), cmocka_unit_test(inputs_tile_by_tile)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
