/* SPDX-License-Identifier: BSD-3-Clause */
#include "checkpoint_internal.h"

#include "base/memory.h"

#include <string.h>

/* What the gate has beside layers. */
static status visit_gate(const struct model_shape *shape, const char *prefix,
                         status (*visit)(const struct network_block *block, void *context),
                         void *context)
{
    const struct gate_kind *kind = gate_kind_of(shape->config.gate);
    const struct gate_config config = model_gate_config(&shape->config);
    struct gate_block parts[GATE_MOST_BLOCKS];
    size_t n_parts = kind->blocks ? kind->blocks(&config, parts) : 0;
    status outcome = STATUS_OK;
    for (size_t i = 0; i < n_parts && outcome == STATUS_OK; i++) {
        struct network_block block = {.offset = parts[i].offset,
                                      .out = config.n_experts,
                                      .in = parts[i].in,
                                      .deep = parts[i].deep};
        snprintf(block.name, sizeof block.name, "%s/gate/%s", prefix, parts[i].name);
        outcome = visit(&block, context);
    }
    return outcome;
}

status network_blocks_visit(const struct model_shape *shape, const char *prefix,
                            status (*visit)(const struct network_block *block, void *context),
                            void *context)
{
    status outcome = visit_gate(shape, prefix, visit, context);
    for (int part = 0; part < 2; part++) {
        const struct mlp *mlp = part == 0 ? &shape->gate : &shape->expert;
        for (int l = 0; l < mlp->n_layers; l++)
            for (int is_bias = 0; is_bias < 2 && outcome == STATUS_OK; is_bias++) {
                struct network_block block = {0};
                network_block_set(&block, mlp, prefix, part == 1, l, is_bias);
                outcome = visit(&block, context);
            }
    }
    return outcome;
}

status dispersion_blocks_visit(const struct model_shape *shape, const char *prefix,
                               status (*visit)(const struct dispersion_block *block, void *context),
                               void *context)
{
    static const char *const names[] = {[BY_VARIANCE] = "variance", [BY_FREEDOM] = "freedom"};
    bool has_freedom = likelihood_family(shape->config.likelihood)->has_freedom;
    int n = has_freedom ? N_DISPERSIONS : BY_VARIANCE + 1;
    status outcome = STATUS_OK;
    for (int i = 0; i < n && outcome == STATUS_OK; i++) {
        struct dispersion_block block = {.which = i};
        snprintf(block.name, sizeof block.name, "%s/experts/%s", prefix, names[i]);
        outcome = visit(&block, context);
    }
    return outcome;
}

const struct progress_field progress_fields[] = {
    {"epoch", offsetof(struct progress, epoch), FIELD_INT64, 1},
    {"step", offsetof(struct progress, step), FIELD_INT64, 1},
    {"total_steps", offsetof(struct progress, total_steps), FIELD_INT64, 1},
    {"batch", offsetof(struct progress, batch), FIELD_INT64, 1},
    {"recorded", offsetof(struct progress, recorded), FIELD_INT64, 1},
    {"start", offsetof(struct progress, start), FIELD_INT64, 1},
    {"best_start", offsetof(struct progress, best_start), FIELD_INT64, 1},
    {"best_start_error", offsetof(struct progress, best_start_error), FIELD_DOUBLE, 1},
    {"starts_finished", offsetof(struct progress, starts_finished), FIELD_BOOL, 1},
    {"seed", offsetof(struct progress, seed), FIELD_UINT64, 1},
    {"learning_rate_factor", offsetof(struct progress, learning_rate_factor), FIELD_DOUBLE, 1},
    {"stale_epochs", offsetof(struct progress, stale_epochs), FIELD_INT64, 1},
    {"due_best_epoch", offsetof(struct progress, due_best.epoch), FIELD_INT64, 2},
    {"due_best_step", offsetof(struct progress, due_best.step), FIELD_INT64, 2},
    {"due_best_error", offsetof(struct progress, due_best.error), FIELD_DOUBLE, 2},
    {"last_epoch", offsetof(struct progress, last.epoch), FIELD_INT64, 2},
    {"last_step", offsetof(struct progress, last.step), FIELD_INT64, 2},
    {"last_error", offsetof(struct progress, last.error), FIELD_DOUBLE, 2},
    {"error_before", offsetof(struct progress, error_before), FIELD_DOUBLE, 1},
    {"seconds", offsetof(struct progress, seconds), FIELD_DOUBLE, 1},
};
const size_t n_progress_fields = sizeof progress_fields / sizeof progress_fields[0];

void progress_running_name(int i, char *name, size_t size)
{
    static const char *const sums[METRICS_N_SUMS] = {
        "weight", "error", "nll", "expected_square", "correct", "squared", "gate_entropy"};
    snprintf(name, size, "running_%s", sums[i]);
}

void run_record_release(struct run_record *record)
{
    string_list_release(&record->config_keys);
    string_list_release(&record->config_values);
    string_list_release(&record->input_names);
    string_list_release(&record->target_names);
    string_list_release(&record->classes);
    string_list_release(&record->input_units);
    string_list_release(&record->target_units);
    scaler_release(&record->scaler);
    input_spread_release(&record->spread);
    memory_free(&record->data_path);
    memory_free(&record->data_split);
}

const char checkpoint_format[] = "coterie-checkpoint";

const char *run_record_config(const struct run_record *record, const char *key)
{
    long i = string_list_find(&record->config_keys, key);
    return i < 0 ? NULL : record->config_values.item[i];
}

bool run_record_is_classifier(const struct run_record *record)
{
    const char *task = run_record_config(record, "task");
    return task && strcmp(task, "classification") == 0;
}
