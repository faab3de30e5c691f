/* SPDX-License-Identifier: BSD-3-Clause */
/* Samples, posteriors and parameters, as all parts of the M-step take them: in double. */
#include "em_state.h"

#include "base/real.h"

LEAF_KERNEL void em_widen(size_t n, const real *restrict from, double *restrict to)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        to[i] = (double)from[i];
}

static void set_chunk(struct em_chunk *chunk, const struct batch *batch)
{
    const struct inputs *inputs = &batch->inputs;
    size_t units = chunk->n_inputs, stride = chunk->stride;
    for (size_t at = 0; at < stride; at += inputs->tile) {
        size_t n = stride - at < inputs->tile ? stride - at : inputs->tile;
        for (size_t u = 0; u < units; u++)
            em_widen(n, inputs->tiles + at * units + u * n, chunk->x + u * stride + at);
    }
    for (size_t i = 0; i < stride; i++)
        chunk->x[units * stride + i] = 1;
    em_widen(chunk->n_outputs * stride, batch->d, chunk->d);
    em_widen(stride, batch->w, chunk->w);
}

/* Where the parts of a chunk of `stride` samples are. */
static void place_chunk(struct em_chunk *chunk, size_t stride, double *x)
{
    chunk->stride = stride;
    chunk->x = x;
    chunk->d = x + (chunk->n_inputs + 1) * stride;
    chunk->w = chunk->d + chunk->n_outputs * stride;
}

size_t em_chunk_rows(const struct em_chunk *chunk)
{
    return chunk->n_inputs + 1 + chunk->n_outputs + 1;
}

static size_t chunk_samples(const struct em *em, size_t number)
{
    size_t left = em->dataset->shape.n - number * em->config.micro_batch;
    return left < em->config.micro_batch ? left : em->config.micro_batch;
}

void em_load_batch(struct em *em, size_t number)
{
    batch_load(&em->batch, em->dataset, NULL, number * em->config.micro_batch,
               chunk_samples(em, number), em->total);
}

void em_take_chunk(struct em *em, size_t number, const struct batch *batch)
{
    struct em_chunk *chunk = &em->chunk;
    size_t slot = em->n_slots == em->n_chunks ? number : 0;
    place_chunk(chunk, real_padded(chunk_samples(em, number)),
                em->slots + slot * em_chunk_rows(chunk) * em->max_stride);
    if (em->slot_holds[slot] == (int64_t)number)
        return;
    if (!batch)
        em_load_batch(em, number);
    set_chunk(chunk, batch ? batch : &em->batch);
    em->slot_holds[slot] = (int64_t)number;
}

void em_take_batch(struct em *em, const struct batch *batch)
{
    place_chunk(&em->chunk, batch->stride, em->slots);
    em->slot_holds[0] = -1;
    set_chunk(&em->chunk, batch);
}

void em_load(struct em *em, size_t number)
{
    em_take_chunk(em, number, NULL);
}

real *em_posterior_row(const struct em *em, size_t number, size_t e)
{
    return em->posterior + (number * em->model->config.n_experts + e) * em->max_stride;
}

const real *em_posterior(const struct em *em, size_t number, size_t e)
{
    return em_posterior_row(em, number, e);
}

double em_share(const struct em *em, size_t k)
{
    double share = 0;
    for (size_t c = 0; c < em->n_chunks; c++) {
        const real *h = em_posterior(em, c, em->model->experts.first + k);
        size_t stride = real_padded(chunk_samples(em, c)); /* beyond it, nothing was written */
        for (size_t i = 0; i < stride; i++)
            share += (double)h[i];
    }
    return share;
}

void em_set_variance(struct em *em, size_t k, double square, double share)
{
    double variance = square / (share * (double)em->model->config.n_outputs);
    double floor = em->model->config.variance_floor;
    em->model->experts.dispersion[k].variance = variance < floor ? floor : variance;
}

void em_unpack(const struct mlp *shape, const real *value, double *theta)
{
    size_t inputs = shape->width[0];
    for (size_t k = 0; k < shape->width[1]; k++) {
        for (size_t u = 0; u < inputs; u++)
            theta[k * (inputs + 1) + u] = (double)value[shape->weight_at[0] + k * inputs + u];
        theta[k * (inputs + 1) + inputs] = (double)value[shape->bias_at[0] + k];
    }
}

void em_pack(const struct mlp *shape, const double *theta, real *value)
{
    size_t inputs = shape->width[0];
    for (size_t k = 0; k < shape->width[1]; k++) {
        for (size_t u = 0; u < inputs; u++)
            value[shape->weight_at[0] + k * inputs + u] = (real)theta[k * (inputs + 1) + u];
        value[shape->bias_at[0] + k] = (real)theta[k * (inputs + 1) + inputs];
    }
}
