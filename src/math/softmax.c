/* SPDX-License-Identifier: BSD-3-Clause */
#include "math/softmax.h"

#include "math/vector_math.h"

/* Samples are taken in tiles whose sums stay in the first-level cache. */
enum { TILE = 256 };

/* The exponents a + b of n samples; rows of a and h are `stride` reals apart, those of b `b_step`.
 */
struct terms {
    size_t rows, n, stride, b_step;
    const real *a, *b;
};

LEAF_KERNEL static void find_largest(const struct terms *terms, real *restrict largest)
{
    const real *a = terms->a, *b = terms->b;
    for (size_t i = 0; i < terms->n; i++)
        largest[i] = a[i] + b[i];
    for (size_t e = 1; e < terms->rows; e++) {
        a += terms->stride;
        b += terms->b_step;
#pragma omp simd
        for (size_t i = 0; i < terms->n; i++) {
            real value = a[i] + b[i];
            largest[i] = value > largest[i] ? value : largest[i];
        }
    }
}

/*
 * h = exp(a + b - largest), and its sum. h may be one row for all (h_step 0). Where b is large and
 * the result is not 0, b is close to largest, and their difference has no error of rounding.
 */
LEAF_KERNEL static void add_exponentials(const struct terms *terms, const real *restrict largest,
                                         real *h, size_t h_step, double *restrict sum)
{
    const real *a = terms->a, *b = terms->b;
    for (size_t i = 0; i < terms->n; i++)
        sum[i] = 0;
    for (size_t e = 0; e < terms->rows; e++, a += terms->stride, b += terms->b_step, h += h_step)
#pragma omp simd
        for (size_t i = 0; i < terms->n; i++) {
            real term = real_exp(b[i] - largest[i] + a[i]);
            sum[i] += (double)term;
            h[i] = term;
        }
}

LEAF_KERNEL static void divide_by_sum(const struct terms *terms, const double *restrict sum,
                                      real *h)
{
    real inverse[TILE];
#pragma omp simd
    for (size_t i = 0; i < terms->n; i++)
        inverse[i] = (real)(1 / sum[i]);
    for (size_t e = 0; e < terms->rows; e++, h += terms->stride)
#pragma omp simd
        for (size_t i = 0; i < terms->n; i++)
            h[i] *= inverse[i];
}

/* log_sum = largest + log sum */
LEAF_KERNEL static void take_log(size_t n, const real *restrict largest, const double *restrict sum,
                                 double *restrict log_sum)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        log_sum[i] = (double)largest[i] + (double)real_log((real)sum[i]);
}

void softmax_posterior(size_t rows, size_t stride, const real *log_g, const real *loglik, real *h,
                       double *log_sum)
{
    real largest[TILE], unused[TILE] = {0};
    double sum[TILE];
    for (size_t at = 0; at < stride; at += TILE) {
        size_t n = stride - at < TILE ? stride - at : TILE;
        struct terms terms = {rows, n, stride, stride, log_g + at, loglik + at};
        find_largest(&terms, largest);
        add_exponentials(&terms, largest, h ? h + at : unused, h ? stride : 0, sum);
        if (h)
            divide_by_sum(&terms, sum, h + at);
        take_log(n, largest, sum, log_sum + at);
    }
}

LEAF_KERNEL static void subtract_log(const struct terms *terms, const real *restrict largest,
                                     const double *restrict sum, real *log_p)
{
    const real *z = terms->a;
    real log_sum[TILE];
#pragma omp simd
    for (size_t i = 0; i < terms->n; i++)
        log_sum[i] = real_log((real)sum[i]);
    for (size_t e = 0; e < terms->rows; e++, z += terms->stride, log_p += terms->stride)
#pragma omp simd
        for (size_t i = 0; i < terms->n; i++)
            log_p[i] = z[i] - largest[i] - log_sum[i];
}

void softmax_forward(size_t rows, size_t stride, const real *z, real *p, real *log_p)
{
    static const real zero[TILE];
    real largest[TILE], unused[TILE] = {0};
    double sum[TILE];
    for (size_t at = 0; at < stride; at += TILE) {
        size_t n = stride - at < TILE ? stride - at : TILE;
        struct terms terms = {rows, n, stride, 0, z + at, zero};
        find_largest(&terms, largest);
        add_exponentials(&terms, largest, p ? p + at : unused, p ? stride : 0, sum);
        if (p)
            divide_by_sum(&terms, sum, p + at);
        subtract_log(&terms, largest, sum, log_p + at);
    }
}
