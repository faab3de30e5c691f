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
        outcome = memory_alloc(&networks->dispersion, n_experts, sizeof *networks->dispersion,
                               "a checkpoint");
    return outcome;
}

static void networks_release(struct networks *networks)
{
    memory_free(&networks->gate);
    memory_free(&networks->experts);
    memory_free(&networks->dispersion);
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

/* All of the rows (n_rows, D) are what they must be where inputs are not seen. */
static bool is_clear(const struct input_choice *seen, size_t n_inputs, size_t n_rows,
                     const real *rows)
{
    for (size_t i = 0; seen->is_made && i < n_rows * n_inputs; i++)
        if (!input_choice_has(seen, i % n_inputs) &&
            rows[i] != input_choice_unseen_weight(seen, i % n_inputs))
            return false;
    return true;
}

/* What the gate has for each input: weights of its first layer, or its blocks of such rows. */
static bool gate_is_clear(const struct model_shape *shape, const real *value)
{
    struct gate_block block[GATE_MOST_BLOCKS];
    const struct gate_config config = model_gate_config(&shape->config);
    const struct gate_kind *kind = gate_kind_of(shape->config.gate);
    const struct mlp *gate = &shape->gate;
    size_t inputs = shape->config.n_inputs,
           n_blocks = kind->blocks ? kind->blocks(&config, block) : 0;
    for (size_t b = 0; b < n_blocks; b++) {
        size_t rows = config.n_experts * (block[b].deep > 0 ? block[b].deep : 1);
        if (block[b].in > 0 && !is_clear(&gate->seen, inputs, rows, value + block[b].offset))
            return false;
    }
    return n_blocks > 0 ||
           is_clear(&gate->seen, inputs, gate->width[1], value + gate->weight_at[0]);
}

status networks_check_inputs(const struct networks *networks, const struct model_shape *shape,
                             const char *path)
{
    const struct mlp *expert = &shape->expert;
    bool experts_are_clear = true;
    for (size_t e = 0; e < shape->config.n_experts && experts_are_clear; e++)
        experts_are_clear =
            is_clear(&expert->seen, expert->width[0], expert->width[1],
                     networks->experts + e * parameters_stride(expert) + expert->weight_at[0]);
    if (experts_are_clear && gate_is_clear(shape, networks->gate))
        return STATUS_OK;
    return status_set(
        STATUS_USAGE,
        "%s has weights of inputs that @%s-inputs leaves out{; name these inputs, too, "
        "or start from other parameters}",
        path, experts_are_clear ? "gate" : "expert");
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
    conformal_scores_release(&snapshot->scores);
    history_release(&snapshot->history);
}
