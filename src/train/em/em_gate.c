/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The linear softmax gate, on all ranks. What it needs of the posteriors are the sums w h [x;1]^T
 * of each expert, which its rank makes in the E-step.
 */
#include "em_state.h"

#include "base/memory.h"
#include "math/blas.h"

#include <string.h>

enum { MOST_FACTORED = 128 };

static double doubles(const struct model_config *config, const struct shard *shard, int rank,
                      double samples, double stride)
{
    double experts = (double)config->n_experts, unknowns = experts * (double)(config->n_inputs + 1);
    double count = 2 * experts * stride + 12 * unknowns;
    if (unknowns <= MOST_FACTORED)
        return count + (rank == 0 ? 4 + EM_MOST_GROUPS : 4) * unknowns * unknowns;
    /* Probabilities, kept between products with a curvature that is too large to be formed. */
    return count + samples * experts / shard->n_ranks;
}

static status init(struct em *em)
{
    const struct model_config *config = &em->model->config;
    size_t n_groups = em->n_chunks < EM_MOST_GROUPS ? em->n_chunks : EM_MOST_GROUPS;
    status outcome = shard_init(&em->groups, n_groups, em->comm->size, -1, 0);
    if (outcome != STATUS_OK)
        return outcome;
    size_t first = shard_first(&em->groups, em->comm->rank);
    size_t count = shard_count(&em->groups, em->comm->rank);
    size_t begin = first * em->n_chunks / n_groups, end = (first + count) * em->n_chunks / n_groups;
    outcome = em_linear_init(&em->gate, &em_softmax, config->n_experts, &em->model->gate_shape,
                             em->max_stride, end - begin);
    em->gate.kept_first = begin;
    size_t n_sums = em_linear_n_sums(&em->gate, EM_SLOPE);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&em->group_sums, count * n_sums, sizeof(double), "EM");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&em->gate_vector, em->gate.n_parameters, sizeof(double), "EM");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&em->own_targets, em->model->experts.n_local * em->gate.n_units,
                               sizeof(double), "EM");
    if (outcome != STATUS_OK || !em->model->has_gate)
        return outcome;
    outcome = memory_alloc(&em->all_sums, n_groups * n_sums, sizeof(double), "EM");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&em->gate_theta, em->gate.n_parameters, sizeof(double), "EM");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&em->all_targets, em->gate.n_parameters, sizeof(double), "EM");
    if (outcome == STATUS_OK)
        outcome = em_newton_init(&em->gate_newton, &em->gate, &em->system);
    em->gate_newton.target_sums = em->all_targets;
    em->gate_newton.keeps_sums = true;
    return outcome;
}

/* Group g has the chunks [first, last). */
static size_t group_begin(const struct em *em, size_t group)
{
    return group * em->n_chunks / em->groups.n_experts;
}

static void collect(struct em *em, const struct step *step, size_t number)
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

static void update(struct em *em)
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

static size_t largest_system(const struct em *em)
{
    return em_linear_system(&em->gate);
}

const struct em_gate em_gate_softmax = {.doubles = doubles,
                                        .init = init,
                                        .system = largest_system,
                                        .collect = collect,
                                        .update = update};
