/* SPDX-License-Identifier: BSD-3-Clause */
#include "checkpoint/snapshot.h"

#include "base/memory.h"
#include "model/network/parameters.h"

#include <string.h>

static status networks_init(struct networks *networks, const struct model_shape *shape)
{
    size_t n_experts = shape->config.n_experts;
    status outcome = memory_alloc(&networks->gate, parameters_stride(&shape->gate), sizeof(real),
                                  "a checkpoint");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&networks->experts, n_experts * parameters_stride(&shape->expert),
                               sizeof(real), "a checkpoint");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&networks->variance, n_experts, sizeof(double), "a checkpoint");
    return outcome;
}

static void networks_release(struct networks *networks)
{
    memory_free(&networks->gate);
    memory_free(&networks->experts);
    memory_free(&networks->variance);
}

status self_check_init(struct self_check *check, size_t n, size_t n_inputs, size_t n_outputs)
{
    *check = (struct self_check){.n = n, .n_inputs = n_inputs, .n_outputs = n_outputs};
    status outcome = memory_alloc(&check->x, n * n_inputs, sizeof(double), "a check");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&check->y, n * n_outputs, sizeof(double), "a check");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&check->log_density, n, sizeof(double), "a check");
    return outcome;
}

void self_check_release(struct self_check *check)
{
    memory_free(&check->x);
    memory_free(&check->y);
    memory_free(&check->log_density);
    check->n = 0;
}

void snapshot_describe(struct snapshot *snapshot, const struct model_shape *shape,
                       enum optimizer_kind optimizer, bool has_best)
{
    memset(snapshot, 0, sizeof *snapshot);
    snapshot->shape = *shape;
    snapshot->optimizer = optimizer;
    snapshot->n_slots = optimizer_method_of(optimizer)->n_slots;
    snapshot->has_best = has_best;
}

status snapshot_init_at_root(struct snapshot *snapshot, const struct model_shape *shape,
                             enum optimizer_kind optimizer, bool has_best)
{
    snapshot_describe(snapshot, shape, optimizer, has_best);
    status outcome = networks_init(&snapshot->current, shape);
    if (outcome == STATUS_OK && has_best)
        outcome = networks_init(&snapshot->best, shape);
    for (int s = 0; s < snapshot->n_slots && outcome == STATUS_OK; s++)
        outcome = networks_init(&snapshot->slot[s], shape);
    if (outcome == STATUS_OK)
        outcome =
            memory_alloc(&snapshot->use, shape->config.n_experts, sizeof(double), "a checkpoint");
    return outcome;
}

status snapshot_add_sums_at_root(struct snapshot *snapshot, size_t width)
{
    snapshot->n_sums = width;
    return memory_alloc(&snapshot->sums, snapshot->shape.config.n_experts * width, sizeof(double),
                        "a checkpoint");
}

void snapshot_release(struct snapshot *snapshot)
{
    memory_free(&snapshot->sums);
    networks_release(&snapshot->current);
    networks_release(&snapshot->best);
    for (int s = 0; s < OPTIMIZER_MAX_SLOTS; s++)
        networks_release(&snapshot->slot[s]);
    memory_free(&snapshot->use);
    self_check_release(&snapshot->check);
    history_release(&snapshot->history);
}
