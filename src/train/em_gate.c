#include "em_internal.h"

#include "coterie/base/memory.h"

#include <string.h>

/* Group g has the chunks [first, last). */
static size_t group_begin(const struct em *em, size_t group)
{
    return group * em->n_chunks / em->groups.n_experts;
}

LEAF_KERNEL static void take_targets(size_t n, const real *restrict h, double *restrict t,
                                     double *restrict s)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        t[i] = (double)h[i];
        s[i] += t[i];
    }
}

/* Loads a micro-batch, and for the gate t = w h and its sum over the experts. */
static void load_for_gate(struct em *em, size_t number)
{
    struct em_linear *gate = &em->gate;
    em_load(em, number);
    memset(gate->s, 0, em->chunk.stride * sizeof *gate->s);
    for (size_t e = 0; e < gate->n_outputs; e++)
        take_targets(em->chunk.stride, em_posterior(em, number, e), gate->t + e * em->chunk.stride,
                     gate->s);
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
            load_for_gate(em, c);
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
