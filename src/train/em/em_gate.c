/* SPDX-License-Identifier: BSD-3-Clause */
#include "em_state.h"

#include "base/memory.h"
#include "math/blas.h"

#include <string.h>

/* Group g has the chunks [first, last). */
static size_t group_begin(const struct em *em, size_t group)
{
    return group * em->n_chunks / em->groups.n_experts;
}

void em_collect_targets(struct em *em, const struct step *step, size_t number)
{
    size_t n_local = em->model->experts.n_local, units = em->gate.n_units;
    if (number == 0)
        memset(em->own_targets, 0, n_local * units * sizeof *em->own_targets);
    if (n_local == 0)
        return;
    em_take_chunk(em, number, &step->batch);
    size_t stride = em->chunk.stride;
    for (size_t k = 0; k < n_local; k++) {
        em_widen(stride, step->own_weights + k * stride, em->weights);
        blas_add_products(1, units, stride, em->weights, stride, em->chunk.x, stride,
                          em->own_targets + k * units, units);
    }
}

/* Collective. What the posteriors say, to the root. */
static void gather_targets(struct em *em)
{
    size_t n_local = em->model->experts.n_local, units = em->gate.n_units;
    for (size_t k = 0; k < n_local && em->experts_in_closed_form; k++)
        for (size_t u = 0; u < units; u++)
            em->own_targets[k * units + u] = least_squares_moment(&em->fit, k, u, units - 1);
    communicator_gather_rows(em->comm, &em->model->shard, units * sizeof(double), em->own_targets,
                             em->all_targets);
}

/* Collective. What this rank's groups add, to the root. */
static void work_on_groups(struct em *em, enum em_request request)
{
    size_t n = em_linear_n_sums(&em->gate, request);
    size_t first = shard_first(&em->groups, em->comm->rank);
    size_t count = shard_count(&em->groups, em->comm->rank);
    memset(em->group_sums, 0, count * n * sizeof *em->group_sums);
    for (size_t g = 0; g < count; g++)
        for (size_t c = group_begin(em, first + g); c < group_begin(em, first + g + 1); c++) {
            em_load(em, c);
            em->gate.s = em->chunk.w;
            em_linear_add(&em->gate, &em->chunk, c, request, em->gate_vector,
                          em->group_sums + g * n);
        }
    communicator_gather_rows(em->comm, &em->groups, n * sizeof(double), em->group_sums,
                             em->all_sums);
}

/* Root: asks all ranks for a sum, and adds what the groups say in their order. */
static void total_at_root(void *context, enum em_request request, const double *vector,
                          double *sums)
{
    struct em *em = context;
    int32_t what = (int32_t)request;
    size_t n = em_linear_n_sums(&em->gate, request);
    communicator_broadcast(em->comm, &what, sizeof what);
    memcpy(em->gate_vector, vector, em->gate.n_parameters * sizeof *vector);
    communicator_broadcast(em->comm, em->gate_vector, em->gate.n_parameters * sizeof *vector);
    work_on_groups(em, request);
    memset(sums, 0, n * sizeof *sums);
    for (size_t g = 0; g < em->groups.n_experts; g++)
        for (size_t i = 0; i < n; i++)
            sums[i] += em->all_sums[g * n + i];
}

/* The other ranks do what the root asks until it is done. */
static void serve_root(struct em *em)
{
    for (;;) {
        int32_t what = EM_DONE;
        communicator_broadcast(em->comm, &what, sizeof what);
        if (what == EM_DONE)
            return;
        communicator_broadcast(em->comm, em->gate_vector,
                               em->gate.n_parameters * sizeof *em->gate_vector);
        work_on_groups(em, (enum em_request)what);
    }
}

void em_update_gate(struct em *em)
{
    if (em->gate.n_outputs < 2) /* one expert: nothing to choose */
        return;
    gather_targets(em);
    if (!em->model->has_gate) {
        serve_root(em);
        return;
    }
    em->gate_newton.total = total_at_root;
    em->gate_newton.context = em;
    double *theta = em->gate_theta;
    em_unpack(&em->model->gate_shape, em->model->gate.parameters.value, theta);
    em_newton_step(&em->gate_newton, theta);
    em_pack(&em->model->gate_shape, theta, em->model->gate.parameters.value);
    int32_t what = EM_DONE;
    communicator_broadcast(em->comm, &what, sizeof what);
}
