#include "coterie/math/softmax.h"

#include "coterie/math/vector_math.h"

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

/* h = exp(a + b - largest), and its sum. h may be one row for all (h_step 0). */
LEAF_KERNEL static void add_exponentials(const struct terms *terms, const real *restrict largest,
                                         real *h, size_t h_step, double *restrict sum)
{
    const real *a = terms->a, *b = terms->b;
    for (size_t e = 0; e < terms->rows; e++, a += terms->stride, b += terms->b_step, h += h_step)
#pragma omp simd
        for (size_t i = 0; i < terms->n; i++) {
            double term = exp((double)a[i] + (double)b[i] - (double)largest[i]);
            sum[i] += term;
            h[i] = (real)term;
        }
}

/* The same with b = 0 and the exponential of `real`: where only reals are made of the sum. */
LEAF_KERNEL static void add_real_exponentials(const struct terms *terms,
                                              const real *restrict largest, real *h, size_t h_step,
                                              double *restrict sum)
{
    const real *a = terms->a;
    for (size_t e = 0; e < terms->rows; e++, a += terms->stride, h += h_step)
#pragma omp simd
        for (size_t i = 0; i < terms->n; i++) {
            real term = real_exp(a[i] - largest[i]);
            sum[i] += (double)term;
            h[i] = term;
        }
}

LEAF_KERNEL static void divide_by_sum(const struct terms *terms, const double *restrict sum,
                                      real *h)
{
    double inverse[TILE];
#pragma omp simd
    for (size_t i = 0; i < terms->n; i++)
        inverse[i] = 1 / sum[i];
    for (size_t e = 0; e < terms->rows; e++, h += terms->stride)
#pragma omp simd
        for (size_t i = 0; i < terms->n; i++)
            h[i] = (real)((double)h[i] * inverse[i]);
}

LEAF_KERNEL static void take_log(size_t n, const real *restrict largest, const double *restrict sum,
                                 double *restrict log_sum)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        log_sum[i] = (double)largest[i] + log(sum[i]);
}

void softmax_posterior(size_t rows, size_t stride, const real *log_g, const real *loglik, real *h,
                       double *log_sum)
{
    real largest[TILE], unused[TILE] = {0};
    for (size_t at = 0; at < stride; at += TILE) {
        size_t n = stride - at < TILE ? stride - at : TILE;
        struct terms terms = {rows, n, stride, stride, log_g + at, loglik + at};
        double sum[TILE] = {0};
        find_largest(&terms, largest);
        add_exponentials(&terms, largest, h ? h + at : unused, h ? stride : 0, sum);
        if (h)
            divide_by_sum(&terms, sum, h + at);
        take_log(n, largest, sum, log_sum + at);
    }
}

LEAF_KERNEL static void subtract_log(const struct terms *terms, const double *restrict log_sum,
                                     real *log_p)
{
    const real *z = terms->a;
    for (size_t e = 0; e < terms->rows; e++, z += terms->stride, log_p += terms->stride)
#pragma omp simd
        for (size_t i = 0; i < terms->n; i++)
            log_p[i] = (real)((double)z[i] - log_sum[i]);
}

void softmax_forward(size_t rows, size_t stride, const real *z, real *p, real *log_p)
{
    static const real zero[TILE];
    real largest[TILE], unused[TILE] = {0};
    double log_sum[TILE];
    for (size_t at = 0; at < stride; at += TILE) {
        size_t n = stride - at < TILE ? stride - at : TILE;
        struct terms terms = {rows, n, stride, 0, z + at, zero};
        double sum[TILE] = {0};
        find_largest(&terms, largest);
        add_real_exponentials(&terms, largest, p ? p + at : unused, p ? stride : 0, sum);
        if (p)
            divide_by_sum(&terms, sum, p + at);
        take_log(n, largest, sum, log_sum);
        subtract_log(&terms, log_sum, log_p + at);
    }
}
