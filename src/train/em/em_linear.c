/* SPDX-License-Identifier: BSD-3-Clause */
#include "em_state.h"

#include "base/memory.h"
#include "math/blas.h"
#include "math/moments.h"
#include "math/vector_math.h"

#include <string.h>

/* Samples are taken in tiles that stay in cache. */
enum { TILE = 256 };

/* The most unknowns for which the curvature is formed; beyond, conjugate gradients apply it. */
enum { MOST_SOFTMAX_UNKNOWNS = 128, MOST_BLOCK_UNKNOWNS = 512 };

/* So many weights of a tile's curvature are in the cache at once. */
enum { MOST_WEIGHTS = 16 };

static bool is_softmax(const struct em_linear *linear)
{
    return linear->family == EM_SOFTMAX || linear->family == EM_SOFTMAX_SQUARES;
}

/* Softmax leaves one output free: the last one's change is fixed in a factored system. */
static size_t n_blocks(const struct em_linear *linear)
{
    return linear->family == EM_SOFTMAX ? linear->n_outputs - 1 : linear->n_outputs;
}

static bool may_factor(const struct em_linear *linear)
{
    if (linear->family == EM_SOFTMAX)
        return n_blocks(linear) * linear->n_units <= MOST_SOFTMAX_UNKNOWNS;
    return linear->family != EM_SOFTMAX_SQUARES && linear->n_units <= MOST_BLOCK_UNKNOWNS;
}

size_t em_linear_system(const struct em_linear *linear)
{
    if (!linear->is_factored)
        return 0;
    return linear->family == EM_SOFTMAX ? n_blocks(linear) * linear->n_units : linear->n_units;
}

/* Outputs of softmax know of each other: their curvature has a block for each pair k <= l. */
static size_t curvature_size(const struct em_linear *linear)
{
    size_t blocks = n_blocks(linear);
    if (!linear->is_factored)
        return linear->n_parameters;
    if (linear->family == EM_SOFTMAX)
        blocks = blocks * (blocks + 1) / 2;
    return blocks * moments_count(linear->n_units, linear->n_units);
}

status em_linear_init(struct em_linear *linear, enum em_family family, size_t n_outputs,
                      size_t n_inputs, size_t max_stride, size_t n_kept_chunks)
{
    memset(linear, 0, sizeof *linear);
    linear->family = family;
    linear->n_outputs = n_outputs;
    linear->n_units = n_inputs + 1;
    linear->n_parameters = n_outputs * linear->n_units;
    linear->is_factored = may_factor(linear);
    linear->n_curvature = curvature_size(linear);
    size_t block = n_outputs * max_stride;
    size_t work = linear->is_factored ? MOST_WEIGHTS * MOMENTS_TILE : linear->n_units * TILE;
    struct {
        double **array;
        size_t count;
    } buffers[] = {{&linear->z, block},
                   {&linear->r, block},
                   {&linear->work, work},
                   {&linear->kept, linear->is_factored ? 0 : block * n_kept_chunks}};
    status outcome = STATUS_OK;
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0] && outcome == STATUS_OK; i++)
        outcome = memory_alloc(buffers[i].array, buffers[i].count, sizeof(double), "EM");
    return outcome;
}

void em_linear_release(struct em_linear *linear)
{
    memory_free(&linear->z);
    memory_free(&linear->r);
    memory_free(&linear->work);
    memory_free(&linear->kept);
}

size_t em_linear_n_sums(const struct em_linear *linear, enum em_request request)
{
    switch (request) {
    case EM_VALUE:
        return 1;
    case EM_SLOPE:
        return 1 + linear->n_parameters + linear->n_curvature;
    case EM_PRODUCT:
        return linear->n_parameters;
    case EM_DONE:
        break;
    }
    return 0;
}

/* ---- z becomes p or o; the value of a tile is returned */

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

static double softmax_tile(const struct em_linear *linear, size_t stride, size_t n,
                           const double *target, const double *s, double *z)
{
    double most[TILE], sum[TILE] = {0}, value = 0;
    memcpy(most, z, n * sizeof *z);
    for (size_t k = 1; k < linear->n_outputs; k++)
        row_max(n, z + k * stride, most);
    for (size_t k = 0; k < linear->n_outputs; k++)
        row_exp(n, most, z + k * stride, sum);
    if (linear->family == EM_SOFTMAX)
        value = -sum_of_logs(n, s, most, sum);
    invert(n, sum);
    for (size_t k = 0; k < linear->n_outputs; k++) {
        multiply_row(n, sum, z + k * stride);
        if (linear->family == EM_SOFTMAX_SQUARES)
            value += row_squares(n, s, target + k * stride, z + k * stride);
    }
    return value;
}

/* sum s (d z - ln(1 + e^z)), and z becomes the logistic function */
LEAF_KERNEL static double row_bernoulli(size_t n, const double *restrict s,
                                        const double *restrict d, double *restrict z)
{
    double value = 0;
#pragma omp simd reduction(+ : value)
    for (size_t i = 0; i < n; i++) {
        double e = exp(-fabs(z[i])), positive = z[i] > 0 ? z[i] : 0;
        value += s[i] * (d[i] * z[i] - positive - log1p(e));
        z[i] = (z[i] > 0 ? 1 : e) / (1 + e);
    }
    return value;
}

LEAF_KERNEL static void row_logistic(size_t n, double *z)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        double e = exp(-fabs(z[i]));
        z[i] = (z[i] > 0 ? 1 : e) / (1 + e);
    }
}

static double outputs_and_value(const struct em_linear *linear, size_t stride, const double *target)
{
    double value = 0;
    if (is_softmax(linear)) {
        for (size_t at = 0; at < stride; at += TILE)
            value += softmax_tile(linear, stride, stride - at < TILE ? stride - at : TILE,
                                  target + at, linear->s + at, linear->z + at);
        return value;
    }
    for (size_t k = 0; k < linear->n_outputs; k++) {
        double *z = linear->z + k * stride;
        const double *d = target + k * stride;
        if (linear->family == EM_BERNOULLI) {
            value += row_bernoulli(stride, linear->s, d, z);
        } else {
            row_logistic(stride, z);
            value += row_squares(stride, linear->s, d, z);
        }
    }
    return value;
}

/* ---- r = d value / dz */

LEAF_KERNEL static void row_residual(size_t n, const double *restrict s, const double *restrict d,
                                     const double *restrict o, double *restrict r)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        r[i] = s[i] * (d[i] - o[i]);
}

LEAF_KERNEL static void row_softmax_residual(size_t n, const double *restrict s,
                                             const double *restrict p, double *restrict r)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        r[i] = -s[i] * p[i];
}

LEAF_KERNEL static void row_logistic_chain(size_t n, const double *restrict o, double *restrict r)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        r[i] *= o[i] * (1 - o[i]);
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

static void residuals(const struct em_linear *linear, size_t stride, const double *target)
{
    for (size_t k = 0; k < linear->n_outputs; k++) {
        const double *o = linear->z + k * stride, *d = target + k * stride;
        double *r = linear->r + k * stride;
        if (linear->family == EM_SOFTMAX)
            row_softmax_residual(stride, linear->s, o, r);
        else
            row_residual(stride, linear->s, d, o, r);
        if (linear->family == EM_LOGISTIC_SQUARES)
            row_logistic_chain(stride, o, r);
    }
    if (linear->family == EM_SOFTMAX_SQUARES)
        softmax_chain(linear->n_outputs, stride, linear->z, linear->r);
}

/* ---- curvature: -d2 value / dz dz^T, or Gauss and Newton's part of it */

/* Residuals are rounded to 1e-16: a curvature below this would make a step of nothing but rounding.
 */
static const double least_curvature = 1e-14;

/* a = s o (1 - o), or s (o (1 - o))^2 */
LEAF_KERNEL static void row_weights(size_t n, int squared, const double *restrict s,
                                    const double *restrict o, double *restrict a)
{
    double least = least_curvature;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        double slope = o[i] * (1 - o[i]);
        a[i] = s[i] * ((squared ? slope * slope : slope) + least);
    }
}

LEAF_KERNEL static void row_product(size_t n, const double *restrict a, const double *restrict b,
                                    double *restrict product)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        product[i] = a[i] * b[i];
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

/*
 * Blocks sum a x x^T, as moments, one for each output and with softmax one for each pair k <= l of
 * outputs, where a is s p_k (1 - p_k) or -s p_k p_l.
 */
static void add_curvature(struct em_linear *linear, const struct em_chunk *chunk, double *sums)
{
    size_t units = linear->n_units, blocks = n_blocks(linear), stride = chunk->stride;
    size_t count = moments_count(units, units);
    bool coupled = linear->family == EM_SOFTMAX;
    for (size_t at = 0; at < stride; at += MOMENTS_TILE) {
        size_t n = stride - at < MOMENTS_TILE ? stride - at : MOMENTS_TILE, n_rows = 0, done = 0;
        for (size_t k = 0; k < blocks; k++)
            for (size_t l = k; l < (coupled ? blocks : k + 1); l++) {
                const double *s = linear->s + at, *o = linear->z + k * stride + at;
                double *a = linear->work + n_rows * n;
                if (l > k)
                    row_pair_weights(n, s, o, linear->z + l * stride + at, a);
                else
                    row_weights(n, linear->family == EM_LOGISTIC_SQUARES, s, o, a);
                if (++n_rows < MOST_WEIGHTS && k + 1 < blocks)
                    continue;
                moments_add(n_rows, units, units, n, linear->work, n, chunk->x + at, stride,
                            sums + done * count, count);
                done += n_rows;
                n_rows = 0;
            }
    }
}

/* The curvature's diagonal in z: s p (1 - p), s o (1 - o), s (o (1 - o))^2, or of (diag p - pp^T)^2
 */
static void diagonal_weights(struct em_linear *linear, size_t stride)
{
    double *a = linear->r;
    for (size_t k = 0; k < linear->n_outputs; k++)
        row_weights(stride, linear->family == EM_LOGISTIC_SQUARES, linear->s,
                    linear->z + k * stride, a + k * stride);
    if (linear->family != EM_SOFTMAX_SQUARES)
        return;
    for (size_t at = 0; at < stride; at += TILE) {
        size_t n = stride - at < TILE ? stride - at : TILE;
        double norm[TILE] = {0};
        for (size_t k = 0; k < linear->n_outputs; k++)
            add_products(n, linear->z + k * stride + at, linear->z + k * stride + at, norm);
        for (size_t k = 0; k < linear->n_outputs; k++)
            for (size_t i = 0; i < n; i++) {
                double p = linear->z[k * stride + at + i];
                a[k * stride + at + i] = linear->s[at + i] * p * p * (1 - 2 * p + norm[i]);
            }
    }
}

/* The diagonal of the curvature, (K, units): sum a_k x^2 */
static void add_diagonal(struct em_linear *linear, const struct em_chunk *chunk, double *sums)
{
    size_t units = linear->n_units, stride = chunk->stride;
    diagonal_weights(linear, stride);
    for (size_t at = 0; at < stride; at += TILE) {
        size_t n = stride - at < TILE ? stride - at : TILE;
        for (size_t u = 0; u < units; u++)
            row_product(n, chunk->x + u * stride + at, chunk->x + u * stride + at,
                        linear->work + u * n);
        blas_add_products(linear->n_outputs, units, n, linear->r + at, stride, linear->work, n,
                          sums, units);
    }
}

/* r = curvature of each sample times z' = V x, from the kept probabilities p. */
static void apply_curvature(struct em_linear *linear, size_t stride, const double *p)
{
    double *v = linear->r;
    if (is_softmax(linear)) {
        softmax_chain(linear->n_outputs, stride, p, v);
        for (size_t k = 0; k < linear->n_outputs; k++)
            multiply_row(stride, linear->s, v + k * stride);
        if (linear->family == EM_SOFTMAX_SQUARES)
            softmax_chain(linear->n_outputs, stride, p, v);
        return;
    }
    for (size_t k = 0; k < linear->n_outputs; k++) {
        row_weights(stride, linear->family == EM_LOGISTIC_SQUARES, linear->s, p + k * stride,
                    linear->z + k * stride);
        multiply_row(stride, linear->z + k * stride, v + k * stride);
    }
}

static void multiply_inputs(const struct em_linear *linear, const struct em_chunk *chunk,
                            const double *vector, double *z)
{
    size_t stride = chunk->stride, units = linear->n_units;
    blas_multiply(linear->n_outputs, stride, units, vector, units, chunk->x, stride, z, stride);
}

static double *kept_chunk(const struct em_linear *linear, const struct em_chunk *chunk,
                          size_t number)
{
    return linear->kept + (number - linear->kept_first) * linear->n_outputs * chunk->max_stride;
}

void em_linear_add(struct em_linear *linear, const struct em_chunk *chunk, size_t number,
                   enum em_request request, const double *vector, double *sums)
{
    size_t stride = chunk->stride, units = linear->n_units, outputs = linear->n_outputs;
    const double *target = chunk->d;
    if (request == EM_PRODUCT) {
        multiply_inputs(linear, chunk, vector, linear->r);
        apply_curvature(linear, stride, kept_chunk(linear, chunk, number));
        blas_add_products(outputs, units, stride, linear->r, stride, chunk->x, stride, sums, units);
        return;
    }
    multiply_inputs(linear, chunk, vector, linear->z);
    sums[EM_VALUE_AT] += outputs_and_value(linear, stride, target);
    if (request == EM_VALUE)
        return;
    residuals(linear, stride, target);
    blas_add_products(outputs, units, stride, linear->r, stride, chunk->x, stride,
                      sums + EM_GRADIENT_AT, units);
    double *curvature = sums + EM_GRADIENT_AT + linear->n_parameters;
    if (linear->is_factored) {
        add_curvature(linear, chunk, curvature);
        return;
    }
    memcpy(kept_chunk(linear, chunk, number), linear->z, outputs * stride * sizeof(double));
    add_diagonal(linear, chunk, curvature);
}
