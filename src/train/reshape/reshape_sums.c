/* SPDX-License-Identifier: BSD-3-Clause */
/* The running sums of on-line EM, of which the next M-step makes the parameters. */
#include "reshape_sums.h"

#include "base/memory.h"
#include "math/blas.h"
#include "math/moments.h"
#include "model/gate/gaussian_gate.h"

#include <string.h>

/* One expert's sums in full: (width, width) of z = [x;1;d], but for the block of d and d. */
struct work {
    size_t n_inputs, n_outputs, units, width;
    double *full, *map, *product;
};

/*
 * The map of z that makes parent's samples those of a twin: x' = x + delta, and d' with the
 * residual of d: d' = d + W' [x';1] - W [x;1].
 */
static void make_map(const struct work *work, const struct mlp *shape, const real *parent,
                     const real *twin, const real *parent_mean, const real *twin_mean)
{
    size_t inputs = work->n_inputs, width = work->width;
    memset(work->map, 0, width * width * sizeof *work->map);
    for (size_t u = 0; u < width; u++)
        work->map[u * width + u] = 1;
    for (size_t u = 0; u < inputs; u++)
        work->map[u * width + inputs] = (double)twin_mean[u] - (double)parent_mean[u];
    for (size_t o = 0; o < work->n_outputs; o++) {
        double *row = work->map + (work->units + o) * width;
        size_t weights = shape->weight_at[0] + o * inputs, bias = shape->bias_at[0] + o;
        row[inputs] = (double)twin[bias] - (double)parent[bias];
        for (size_t u = 0; u < inputs; u++) {
            row[u] = (double)twin[weights + u] - (double)parent[weights + u];
            row[inputs] += (double)twin[weights + u] * work->map[u * width + inputs];
        }
    }
}

/* Half of the parent's sums, as `map` makes them. */
static void map_sums(const struct work *work, const double *from, double *to)
{
    size_t units = work->units, width = work->width, count = moments_count(units, width);
    memset(work->full, 0, width * width * sizeof *work->full);
    for (size_t u = 0; u < units; u++)
        for (size_t v = u; v < width; v++)
            work->full[u * width + v] = work->full[v * width + u] =
                from[moments_at(width, u, v)] / 2;
    blas_multiply(width, width, width, work->map, width, work->full, width, work->product, width);
    memset(work->full, 0, width * width * sizeof *work->full);
    blas_add_products(width, width, width, work->product, width, work->map, width, work->full,
                      width);
    for (size_t u = 0; u < units; u++)
        for (size_t v = u; v < width; v++)
            to[moments_at(width, u, v)] = work->full[u * width + v];
    to[count] = from[count] / 2; /* sum w h |d|^2 */
    for (size_t o = units; o < width; o++)
        to[count] += work->full[o * width + o];
}

static void split_sums(const struct reshape *reshape, size_t e, const struct work *work,
                       const struct model_shape *before, const struct snapshot *from,
                       struct snapshot *to)
{
    size_t stride = parameters_stride(&before->expert), inputs = work->n_inputs;
    size_t mean = gaussian_gate_layout(reshape->n_before, inputs).mean_at + e * inputs;
    size_t means = gaussian_gate_layout(reshape->n_after, inputs).mean_at;
    size_t twins[2] = {reshape_place(reshape, e), reshape_twin(reshape, e)};
    for (int t = 0; t < 2; t++) {
        make_map(work, &before->expert, from->current.experts + e * stride,
                 to->current.experts + twins[t] * stride, from->current.gate + mean,
                 to->current.gate + means + twins[t] * inputs);
        map_sums(work, from->sums + e * from->n_sums, to->sums + twins[t] * to->n_sums);
    }
}

status reshape_sums(const struct reshape *reshape, const struct snapshot *from, struct snapshot *to)
{
    const struct model_shape *before = &from->shape;
    size_t inputs = before->config.n_inputs, outputs = before->config.n_outputs, n = to->n_sums;
    struct work work = {inputs, outputs, inputs + 1, inputs + 1 + outputs, NULL, NULL, NULL};
    double *memory;
    status outcome = memory_alloc(&memory, 3 * work.width * work.width, sizeof(double), "sums");
    if (outcome != STATUS_OK)
        return outcome;
    work.full = memory;
    work.map = work.full + work.width * work.width;
    work.product = work.map + work.width * work.width;
    for (size_t e = 0; e < reshape->n_before; e++) {
        const struct reshape_expert *expert = &reshape->expert[e];
        const double *row = from->sums + e * n, *other = from->sums + expert->other * n;
        double *own = to->sums + reshape_place(reshape, e) * n;
        if (expert->action == RESHAPE_SPLIT)
            split_sums(reshape, e, &work, before, from, to);
        if (expert->action == RESHAPE_KEEP || expert->action == RESHAPE_MERGE)
            memcpy(own, row, n * sizeof *own);
        for (size_t i = 0; i < n && expert->action == RESHAPE_MERGE; i++)
            own[i] += other[i];
    }
    memory_free(&memory);
    return STATUS_OK;
}
