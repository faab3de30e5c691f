/* SPDX-License-Identifier: BSD-3-Clause */
#include "train/step/replicas.h"

#include "base/memory.h"
#include "comm/ordered_sum.h"

#include <stdint.h>
#include <string.h>

status replicas_check(long n, long n_ranks, size_t n_samples)
{
    if (n < 1 || n_ranks % n != 0)
        return status_set(STATUS_USAGE,
                          "@replicas %ld does not divide %ld rank%s: start %ld ranks or a "
                          "multiple, or choose another number of replicas",
                          n, n_ranks, n_ranks == 1 ? "" : "s", n);
    if ((size_t)n > n_samples)
        return status_set(STATUS_USAGE,
                          "@replicas %ld share batches of %zu samples: use at most "
                          "%zu replicas, or larger batches",
                          n, n_samples, n_samples);
    return STATUS_OK;
}

status replicas_init(struct replicas *replicas, const struct communicator *all, int n)
{
    memset(replicas, 0, sizeof *replicas);
    replicas->all = all;
    replicas->n = n;
    status outcome = replicas_check(n, all->size, SIZE_MAX);
    if (outcome != STATUS_OK)
        return outcome;
    replicas->own = all->rank / (all->size / n);
    return communicator_divide(all, n, &replicas->group, &replicas->peers);
}

void replicas_release(struct replicas *replicas)
{
    communicator_release(&replicas->group);
    communicator_release(&replicas->peers);
    memory_free(&replicas->work);
}

static size_t expert_reals(const struct model *model)
{
    return model->experts.n_local * model->experts.parameters.stride;
}

static size_t gate_reals(const struct model *model)
{
    return model->has_gate ? model->gate.parameters.stride : 0;
}

status replicas_use_model(struct replicas *replicas, const struct model *model)
{
    size_t experts = ordered_sum_work(replicas->n, expert_reals(model));
    size_t gate = ordered_sum_work(replicas->n, gate_reals(model));
    status outcome = memory_alloc(&replicas->work, experts > gate ? experts : gate, sizeof(real),
                                  "the sum over replicas");
    return communicator_agree(replicas->all, outcome);
}

void replicas_share(const struct replicas *replicas, size_t n, size_t *first, size_t *count)
{
    size_t parts = (size_t)replicas->n, own = (size_t)replicas->own;
    size_t each = n / parts, extra = n % parts;
    *first = own * each + (own < extra ? own : extra);
    *count = each + (own < extra);
}

void replicas_sum_gradients(const struct replicas *replicas, struct model *model)
{
    /* Ranks without a gate add nothing: every rank passes the same collectives. */
    ordered_sum(&replicas->peers, model->has_gate ? model->gate.parameters.gradient : NULL,
                gate_reals(model), replicas->work);
    ordered_sum(&replicas->peers, model->experts.parameters.gradient, expert_reals(model),
                replicas->work);
}

void replicas_clear_gradients(struct model *model)
{
    memset(model->experts.parameters.gradient, 0, expert_reals(model) * sizeof(real));
    if (model->has_gate)
        memset(model->gate.parameters.gradient, 0, gate_reals(model) * sizeof(real));
}
