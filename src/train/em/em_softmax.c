/* SPDX-License-Identifier: BSD-3-Clause */
/* Linear networks whose outputs go through one softmax: the gate and categorical experts, and
 * squared errors of such outputs. */
#include "em_state.h"

#include "math/vector_math.h"

#include <string.h>

/* Samples are taken in tiles that stay in cache. */
enum { TILE = 256 };

LEAF_KERNEL static void row_max(size_t n, const double *restrict z, double *restrict most)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        most[i] = z[i] > most[i] ? z[i] : most[i];
}

/* z becomes exp(z - most) */
LEAF_KERNEL static void row_exp(size_t n, const double *restrict most, double *restrict z,
                                double *restrict sum)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        z[i] = exp(z[i] - most[i]);
        sum[i] += z[i];
    }
}

LEAF_KERNEL static double sum_of_logs(size_t n, const double *restrict s,
                                      const double *restrict most, const double *restrict sum)
{
    double value = 0;
#pragma omp simd reduction(+ : value)
    for (size_t i = 0; i < n; i++)
        value += s[i] * (most[i] + log(sum[i]));
    return value;
}

LEAF_KERNEL static void invert(size_t n, double *sum)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        sum[i] = 1 / sum[i];
}

LEAF_KERNEL static void multiply_row(size_t n, const double *restrict factor, double *restrict z)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        z[i] *= factor[i];
}

/* -1/2 sum s (d - o)^2 */
LEAF_KERNEL static double row_squares(size_t n, const double *restrict s, const double *restrict d,
                                      const double *restrict o)
{
    double value = 0;
#pragma omp simd reduction(+ : value)
    for (size_t i = 0; i < n; i++)
        value -= 0.5 * s[i] * (d[i] - o[i]) * (d[i] - o[i]);
    return value;
}

/* z becomes p; the value of a tile is returned. */
static double softmax_tile(const struct em_linear *linear, bool is_squares, size_t stride, size_t n,
                           const double *target, const double *s, double *z)
{
    double most[TILE], sum[TILE] = {0}, value = 0;
    memcpy(most, z, n * sizeof *z);
    for (size_t k = 1; k < linear->n_outputs; k++)
        row_max(n, z + k * stride, most);
    for (size_t k = 0; k < linear->n_outputs; k++)
        row_exp(n, most, z + k * stride, sum);
    if (!is_squares)
        value = -sum_of_logs(n, s, most, sum);
    invert(n, sum);
    for (size_t k = 0; k < linear->n_outputs; k++) {
        multiply_row(n, sum, z + k * stride);
        if (is_squares)
            value += row_squares(n, s, target + k * stride, z + k * stride);
    }
    return value;
}

static double value_of_tiles(const struct em_linear *linear, bool is_squares, size_t stride,
                             const double *target)
{
    double value = 0;
    for (size_t at = 0; at < stride; at += TILE)
        value += softmax_tile(linear, is_squares, stride, stride - at < TILE ? stride - at : TILE,
                              target + at, linear->s + at, linear->z + at);
    return value;
}

static double value_of_logs(const struct em_linear *linear, size_t stride, const double *target)
{
    return value_of_tiles(linear, false, stride, target);
}

static double value_of_squares(const struct em_linear *linear, size_t stride, const double *target)
{
    return value_of_tiles(linear, true, stride, target);
}

LEAF_KERNEL static void row_softmax_residual(size_t n, const double *restrict s,
                                             const double *restrict p, double *restrict r)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        r[i] = -s[i] * p[i];
}

LEAF_KERNEL static void row_residual(size_t n, const double *restrict s, const double *restrict d,
                                     const double *restrict o, double *restrict r)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        r[i] = s[i] * (d[i] - o[i]);
}

LEAF_KERNEL static void add_products(size_t n, const double *restrict a, const double *restrict b,
                                     double *restrict sum)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        sum[i] += a[i] * b[i];
}

LEAF_KERNEL static void row_softmax_chain(size_t n, const double *restrict p,
                                          const double *restrict mean, double *restrict v)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        v[i] = p[i] * (v[i] - mean[i]);
}

/* v = (diag p - p p^T) v for each sample */
static void softmax_chain(size_t n_outputs, size_t stride, const double *p, double *v)
{
    for (size_t at = 0; at < stride; at += TILE) {
        size_t n = stride - at < TILE ? stride - at : TILE;
        double mean[TILE] = {0};
        for (size_t k = 0; k < n_outputs; k++)
            add_products(n, p + k * stride + at, v + k * stride + at, mean);
        for (size_t k = 0; k < n_outputs; k++)
            row_softmax_chain(n, p + k * stride + at, mean, v + k * stride + at);
    }
}

static void residuals_of_logs(const struct em_linear *linear, size_t stride, const double *target)
{
    (void)target;
    for (size_t k = 0; k < linear->n_outputs; k++)
        row_softmax_residual(stride, linear->s, linear->z + k * stride, linear->r + k * stride);
}

static void residuals_of_squares(const struct em_linear *linear, size_t stride,
                                 const double *target)
{
    for (size_t k = 0; k < linear->n_outputs; k++)
        row_residual(stride, linear->s, target + k * stride, linear->z + k * stride,
                     linear->r + k * stride);
    softmax_chain(linear->n_outputs, stride, linear->z, linear->r);
}

/* a = s p (1 - p) */
LEAF_KERNEL static void row_weights(size_t n, const double *restrict s, const double *restrict p,
                                    double *restrict a)
{
    double least = likelihood_least_curvature;
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        a[i] = s[i] * (p[i] * (1 - p[i]) + least);
}

/* -s p_k p_l */
LEAF_KERNEL static void row_pair_weights(size_t n, const double *restrict s,
                                         const double *restrict p_k, const double *restrict p_l,
                                         double *restrict a)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        a[i] = -s[i] * p_k[i] * p_l[i];
}

/* a: s p_k (1 - p_k), or -s p_k p_l */
static void weights_of_logs(const struct em_linear *linear, size_t n, const double *s,
                            const double *target, const double *o, const double *other, double *a)
{
    (void)linear, (void)target;
    if (other == o)
        row_weights(n, s, o, a);
    else
        row_pair_weights(n, s, o, other, a);
}

/* s p_k (1 - p_k), in r */
static void diagonal_of_logs(const struct em_linear *linear, size_t stride, const double *target)
{
    (void)target;
    for (size_t k = 0; k < linear->n_outputs; k++)
        row_weights(stride, linear->s, linear->z + k * stride, linear->r + k * stride);
}

/* The diagonal of s (diag p - p p^T)^2, in r */
static void diagonal_of_squares(const struct em_linear *linear, size_t stride, const double *target)
{
    (void)target;
    for (size_t at = 0; at < stride; at += TILE) {
        size_t n = stride - at < TILE ? stride - at : TILE;
        double norm[TILE] = {0};
        for (size_t k = 0; k < linear->n_outputs; k++)
            add_products(n, linear->z + k * stride + at, linear->z + k * stride + at, norm);
        for (size_t k = 0; k < linear->n_outputs; k++)
            for (size_t i = 0; i < n; i++) {
                double p = linear->z[k * stride + at + i];
                linear->r[k * stride + at + i] = linear->s[at + i] * p * p * (1 - 2 * p + norm[i]);
            }
    }
}

/* r = (diag p - p p^T) r s */
static void apply_once(const struct em_linear *linear, size_t stride, const double *target,
                       const double *p)
{
    (void)target;
    softmax_chain(linear->n_outputs, stride, p, linear->r);
    for (size_t k = 0; k < linear->n_outputs; k++)
        multiply_row(stride, linear->s, linear->r + k * stride);
}

static void apply_twice(const struct em_linear *linear, size_t stride, const double *target,
                        const double *p)
{
    apply_once(linear, stride, target, p);
    softmax_chain(linear->n_outputs, stride, p, linear->r);
}

const struct em_raised em_softmax = {.is_centred = true,
                                     .is_coupled = true,
                                     .most_unknowns = 128,
                                     .value = value_of_logs,
                                     .residuals = residuals_of_logs,
                                     .weights = weights_of_logs,
                                     .diagonal = diagonal_of_logs,
                                     .apply = apply_once};

const struct em_raised em_softmax_squares = {.is_centred = true,
                                             .value = value_of_squares,
                                             .residuals = residuals_of_squares,
                                             .diagonal = diagonal_of_squares,
                                             .apply = apply_twice};
