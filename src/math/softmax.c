#include "coterie/math/softmax.h"

#include "coterie/math/vector_math.h"

/* Samples are taken in tiles whose sums stay in the first-level cache. */
enum { TILE = 256 };

struct tile {
    double largest[TILE], sum[TILE];
};

LEAF_KERNEL static void tile_max(size_t n, const real *restrict a, const real *restrict b,
                                 int is_first, double *restrict largest)
{
    if (is_first) {
#pragma omp simd
        for (size_t i = 0; i < n; i++)
            largest[i] = (double)a[i] + (double)b[i];
        return;
    }
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        double value = (double)a[i] + (double)b[i];
        largest[i] = value > largest[i] ? value : largest[i];
    }
}

/* h = exp(a + b - largest), and its sum */
LEAF_KERNEL static void tile_exp(size_t n, const real *restrict a, const real *restrict b,
                                 const double *restrict largest, real *h, double *restrict sum)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        double term = exp((double)a[i] + (double)b[i] - largest[i]);
        sum[i] += term;
        h[i] = (real)term;
    }
}

LEAF_KERNEL static void tile_sum(size_t n, const real *restrict a, const real *restrict b,
                                 const double *restrict largest, double *restrict sum)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        sum[i] += exp((double)a[i] + (double)b[i] - largest[i]);
}

LEAF_KERNEL static void tile_divide(size_t n, const double *restrict sum, real *h)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        h[i] = (real)((double)h[i] / sum[i]);
}

LEAF_KERNEL static void tile_log_sum(size_t n, const double *restrict largest,
                                     const double *restrict sum, double *restrict log_sum)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        log_sum[i] = largest[i] + log(sum[i]);
}

static void add_exponentials(size_t n, const real *a, const real *b, const double *largest,
                             real *term, double *sum)
{
    if (term)
        tile_exp(n, a, b, largest, term, sum);
    else
        tile_sum(n, a, b, largest, sum);
}

static void posterior_of_tile(size_t rows, size_t stride, size_t n, const real *log_g,
                              const real *loglik, real *h, double *log_sum)
{
    struct tile tile = {.sum = {0}};
    for (size_t e = 0; e < rows; e++)
        tile_max(n, log_g + e * stride, loglik + e * stride, e == 0, tile.largest);
    for (size_t e = 0; e < rows; e++)
        add_exponentials(n, log_g + e * stride, loglik + e * stride, tile.largest,
                         h ? h + e * stride : NULL, tile.sum);
    for (size_t e = 0; h && e < rows; e++)
        tile_divide(n, tile.sum, h + e * stride);
    tile_log_sum(n, tile.largest, tile.sum, log_sum);
}

void softmax_posterior(size_t rows, size_t stride, const real *log_g, const real *loglik, real *h,
                       double *log_sum)
{
    for (size_t at = 0; at < stride; at += TILE) {
        size_t n = stride - at < TILE ? stride - at : TILE;
        posterior_of_tile(rows, stride, n, log_g + at, loglik + at, h ? h + at : NULL,
                          log_sum + at);
    }
}

LEAF_KERNEL static void tile_log_softmax(size_t n, const real *z, const double *restrict log_sum,
                                         real *log_p)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        log_p[i] = (real)((double)z[i] - log_sum[i]);
}

void softmax_forward(size_t rows, size_t stride, const real *z, real *p, real *log_p)
{
    static const real zero[TILE];
    double log_sum[TILE];
    for (size_t at = 0; at < stride; at += TILE) {
        size_t n = stride - at < TILE ? stride - at : TILE;
        struct tile tile = {.sum = {0}};
        for (size_t e = 0; e < rows; e++)
            tile_max(n, z + e * stride + at, zero, e == 0, tile.largest);
        for (size_t e = 0; e < rows; e++)
            add_exponentials(n, z + e * stride + at, zero, tile.largest,
                             p ? p + e * stride + at : NULL, tile.sum);
        tile_log_sum(n, tile.largest, tile.sum, log_sum);
        for (size_t e = 0; e < rows; e++) {
            size_t row = e * stride + at;
            tile_log_softmax(n, z + row, log_sum, log_p + row);
            if (p)
                tile_divide(n, tile.sum, p + row);
        }
    }
}
