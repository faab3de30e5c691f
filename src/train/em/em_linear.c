/* SPDX-License-Identifier: BSD-3-Clause */
#include "em_state.h"

#include "base/memory.h"
#include "math/blas.h"
#include "math/moments.h"

#include <string.h>

/* Samples are taken in tiles that stay in cache. */
enum { TILE = 256 };

/* Weights whose curvature, for one tile, fits into the cache. */
enum { MOST_WEIGHTS = 16 };

/* Softmax leaves one output free: the last one's change is fixed in a factored system. */
static size_t n_blocks(const struct em_linear *linear)
{
    return linear->raised->is_coupled ? linear->n_outputs - 1 : linear->n_outputs;
}

/* The unknowns of one system of equations. */
static size_t n_together(const struct em_linear *linear)
{
    return linear->raised->is_coupled ? n_blocks(linear) * linear->n_units : linear->n_units;
}

size_t em_linear_system(const struct em_linear *linear)
{
    return linear->is_factored ? n_together(linear) : 0;
}

/* Outputs of softmax know of each other: their curvature has a block for each pair k <= l. */
static size_t curvature_size(const struct em_linear *linear)
{
    size_t blocks = n_blocks(linear);
    if (!linear->is_factored)
        return linear->n_parameters;
    if (linear->raised->is_coupled)
        blocks = blocks * (blocks + 1) / 2;
    return blocks * moments_count(linear->n_units, linear->n_units);
}

status em_linear_init(struct em_linear *linear, const struct em_raised *raised, size_t n_outputs,
                      const struct mlp *shape, size_t max_stride, size_t n_kept_chunks)
{
    memset(linear, 0, sizeof *linear);
    linear->raised = raised;
    linear->n_outputs = n_outputs;
    linear->n_units = shape->width[0] + 1;
    linear->seen = &shape->seen;
    linear->n_parameters = n_outputs * linear->n_units;
    linear->is_factored = n_together(linear) <= raised->most_unknowns;
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

/* Where the block of output k with itself begins: of coupled outputs each pair k <= l has one. */
static size_t own_block(const struct em_linear *linear, size_t k)
{
    size_t before = linear->raised->is_coupled ? k * n_blocks(linear) - k * (k - 1) / 2 : k;
    return before * moments_count(linear->n_units, linear->n_units);
}

void em_linear_hold_unseen(const struct em_linear *linear, double *sums)
{
    size_t units = linear->n_units;
    size_t outputs = linear->is_factored ? n_blocks(linear) : linear->n_outputs;
    double *curvature = sums + EM_GRADIENT_AT + linear->n_parameters;
    for (size_t u = 0; u + 1 < units; u++) {
        if (input_choice_has(linear->seen, u))
            continue;
        for (size_t k = 0; k < outputs; k++)
            curvature[linear->is_factored ? own_block(linear, k) + moments_at(units, u, u)
                                          : k * units + u] = 0;
    }
}

LEAF_KERNEL static void row_product(size_t n, const double *restrict a, const double *restrict b,
                                    double *restrict product)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        product[i] = a[i] * b[i];
}

/*
 * Blocks sum a x x^T, as moments, one for each output, and for coupled outputs one for each pair
 * k <= l of them.
 */
static void add_curvature(struct em_linear *linear, const struct em_chunk *chunk, double *sums)
{
    const struct em_raised *raised = linear->raised;
    size_t units = linear->n_units, blocks = n_blocks(linear), stride = chunk->stride;
    size_t count = moments_count(units, units);
    for (size_t at = 0; at < stride; at += MOMENTS_TILE) {
        size_t n = stride - at < MOMENTS_TILE ? stride - at : MOMENTS_TILE, n_rows = 0, done = 0;
        for (size_t k = 0; k < blocks; k++)
            for (size_t l = k; l < (raised->is_coupled ? blocks : k + 1); l++) {
                const double *target = raised->is_coupled ? NULL : chunk->d + k * stride + at;
                raised->weights(linear, n, linear->s + at, target, linear->z + k * stride + at,
                                linear->z + l * stride + at, linear->work + n_rows * n);
                if (++n_rows < MOST_WEIGHTS && k + 1 < blocks)
                    continue;
                moments_add(n_rows, units, units, n, linear->work, n, chunk->x + at, stride,
                            sums + done * count, count);
                done += n_rows;
                n_rows = 0;
            }
    }
}

/* The diagonal of the curvature, (K, units): sum a_k x^2 */
static void add_diagonal(struct em_linear *linear, const struct em_chunk *chunk, double *sums)
{
    size_t units = linear->n_units, stride = chunk->stride;
    linear->raised->diagonal(linear, stride, chunk->d);
    for (size_t at = 0; at < stride; at += TILE) {
        size_t n = stride - at < TILE ? stride - at : TILE;
        for (size_t u = 0; u < units; u++)
            row_product(n, chunk->x + u * stride + at, chunk->x + u * stride + at,
                        linear->work + u * n);
        blas_add_products(linear->n_outputs, units, n, linear->r + at, stride, linear->work, n,
                          sums, units);
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
        linear->raised->apply(linear, stride, target, kept_chunk(linear, chunk, number));
        blas_add_products(outputs, units, stride, linear->r, stride, chunk->x, stride, sums, units);
        return;
    }
    multiply_inputs(linear, chunk, vector, linear->z);
    sums[EM_VALUE_AT] += linear->raised->value(linear, stride, target);
    if (request == EM_VALUE)
        return;
    linear->raised->residuals(linear, stride, target);
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
