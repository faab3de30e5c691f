/* SPDX-License-Identifier: BSD-3-Clause */
#include "math/dots.h"

#include "math/lanes.h"

/* n is a number that the compiler knows: the sums stay in registers. */
__attribute__((always_inline)) static inline void
dots_of_row(size_t n, size_t k, const real *a, const real *b, size_t ldb, bool add, real *c)
{
    line sum[DOTS_COLUMNS] = {{0}};
    for (size_t i = 0; i < k; i += REALS_PER_LINE)
        for (size_t j = 0; j < n; j++)
            sum[j] += *(const line *)(a + i) * *(const line *)(b + j * ldb + i);
    for (size_t j = 0; j < n; j++)
        c[j] = (add ? c[j] : 0) + line_sum(&sum[j]);
}

LEAF_KERNEL void dots(size_t m, size_t n, size_t k, const real *a, size_t lda, const real *b,
                      size_t ldb, bool add, real *c, size_t ldc)
{
    for (size_t row = 0; row < m; row++, a += lda, c += ldc)
        switch (n) {
        case 1:
            dots_of_row(1, k, a, b, ldb, add, c);
            break;
        case 2:
            dots_of_row(2, k, a, b, ldb, add, c);
            break;
        case 3:
            dots_of_row(3, k, a, b, ldb, add, c);
            break;
        default:
            dots_of_row(DOTS_COLUMNS, k, a, b, ldb, add, c);
            break;
        }
}

__attribute__((always_inline)) static inline void
combine_row(size_t n, size_t k, const real *a, const real *b, size_t ldb, real bias, real *c)
{
    for (size_t i = 0; i < k; i += REALS_PER_LINE) {
        line sum = a[0] * *(const line *)(b + i);
        for (size_t j = 1; j < n; j++)
            sum += a[j] * *(const line *)(b + j * ldb + i);
        *(line *)(c + i) = sum + bias;
    }
}

LEAF_KERNEL void dots_combine(size_t m, size_t n, size_t k, const real *a, const real *b,
                              size_t ldb, const real *bias, real *c, size_t ldc)
{
    for (size_t row = 0; row < m; row++, a += n, c += ldc)
        switch (n) {
        case 1:
            combine_row(1, k, a, b, ldb, bias[row], c);
            break;
        case 2:
            combine_row(2, k, a, b, ldb, bias[row], c);
            break;
        case 3:
            combine_row(3, k, a, b, ldb, bias[row], c);
            break;
        default:
            combine_row(DOTS_COLUMNS, k, a, b, ldb, bias[row], c);
            break;
        }
}
