/* SPDX-License-Identifier: BSD-3-Clause */
#include "checkpoint_internal.h"

#include "base/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

status checkpoint_is_one(struct hdf5_file *file, bool *answer)
{
    char *format = NULL;
    status outcome = STATUS_OK;
    if (hdf5_has_attribute(file, "/", "format"))
        outcome = hdf5_read_text(file, "/", "format", &format);
    *answer = outcome == STATUS_OK && format && strcmp(format, checkpoint_format) == 0;
    memory_free(&format);
    return outcome;
}

static status check_format(struct hdf5_file *file)
{
    int64_t version = 0;
    bool is_one = false;
    status outcome = checkpoint_is_one(file, &is_one);
    if (outcome == STATUS_OK && !is_one)
        outcome = status_set(STATUS_USAGE,
                             "%s is an HDF5 file but not a checkpoint of coterie; give one from "
                             "the folder checkpoints of a run",
                             hdf5_path(file));
    if (outcome == STATUS_OK)
        outcome = hdf5_read_int64(file, "/", "format_version", &version);
    if (outcome == STATUS_OK &&
        (version < CHECKPOINT_OLDEST_VERSION || version > CHECKPOINT_FORMAT_VERSION))
        outcome = status_set(STATUS_USAGE,
                             "%s has checkpoint format %" PRId64 ", this program reads formats "
                             "%d to %d; use the coterie that wrote it",
                             hdf5_path(file), version, CHECKPOINT_OLDEST_VERSION,
                             CHECKPOINT_FORMAT_VERSION);
    return outcome;
}

status checkpoint_open(const char *path, struct hdf5_file **out)
{
    status outcome = hdf5_open(path, out);
    if (outcome != STATUS_OK)
        return outcome;
    outcome = check_format(*out);
    if (outcome == STATUS_OK)
        outcome = checkpoint_verify(*out);
    if (outcome != STATUS_OK) {
        outcome = hdf5_close_after(out, outcome);
    }
    return outcome;
}

static status collect_config(const char *name, const char *value, void *context)
{
    struct run_record *record = context;
    status outcome = string_list_add(&record->config_keys, name);
    if (outcome == STATUS_OK)
        outcome = string_list_add(&record->config_values, value);
    return outcome;
}

static status read_doubles(struct hdf5_file *file, const char *name, uint64_t n, double *values)
{
    struct hdf5_shape shape;
    status outcome = hdf5_shape(file, name, &shape);
    if (outcome == STATUS_OK && (shape.rank != 1 || shape.dims[0] != n))
        outcome = status_set(STATUS_USAGE, "%s in %s should hold %" PRIu64 " numbers", name,
                             hdf5_path(file), n);
    if (outcome == STATUS_OK && n > 0)
        outcome = hdf5_read_rows(file, name, 0, n, HDF5_AS_DOUBLE, values);
    return outcome;
}

static status read_scaler(struct hdf5_file *file, struct scaler *scaler)
{
    struct hdf5_shape x, y;
    status outcome = hdf5_shape(file, "/scaler/x_mean", &x);
    if (outcome == STATUS_OK)
        outcome = hdf5_shape(file, "/scaler/y_mean", &y);
    if (outcome == STATUS_OK)
        outcome = scaler_init(scaler, x.dims[0], y.dims[0]);
    if (outcome == STATUS_OK)
        outcome = read_doubles(file, "/scaler/x_mean", scaler->n_inputs, scaler->x_mean);
    if (outcome == STATUS_OK)
        outcome = read_doubles(file, "/scaler/x_scale", scaler->n_inputs, scaler->x_scale);
    if (outcome == STATUS_OK)
        outcome = read_doubles(file, "/scaler/y_mean", scaler->n_targets, scaler->y_mean);
    if (outcome == STATUS_OK)
        outcome = read_doubles(file, "/scaler/y_scale", scaler->n_targets, scaler->y_scale);
    /* Older ones do not have them. */
    if (outcome == STATUS_OK && hdf5_exists(file, "/scaler/x_least"))
        outcome = read_doubles(file, "/scaler/x_least", scaler->n_inputs, scaler->x_least);
    if (outcome == STATUS_OK && hdf5_exists(file, "/scaler/x_most"))
        outcome = read_doubles(file, "/scaler/x_most", scaler->n_inputs, scaler->x_most);
    return outcome;
}

static status read_fingerprint(struct hdf5_file *file, const char *name, uint64_t *fingerprint)
{
    char *text = NULL;
    status outcome = hdf5_read_text(file, "/data", name, &text);
    if (outcome == STATUS_OK)
        *fingerprint = strtoull(text, NULL, 16);
    memory_free(&text);
    return outcome;
}

static status read_data_record(struct hdf5_file *file, struct run_record *record)
{
    int64_t n = 0, version = 0;
    status outcome = hdf5_read_text(file, "/data", "path", &record->data_path);
    if (outcome == STATUS_OK)
        outcome = hdf5_read_text(file, "/data", "split", &record->data_split);
    if (outcome == STATUS_OK)
        outcome = hdf5_read_int64(file, "/data", "n", &n);
    if (outcome == STATUS_OK)
        outcome = read_fingerprint(file, "fingerprint", &record->data_fingerprint);
    if (outcome == STATUS_OK)
        outcome = hdf5_read_int64(file, "/", "format_version", &version);
    if (outcome == STATUS_OK && version >= 2)
        outcome = read_fingerprint(file, "valid_fingerprint", &record->valid_fingerprint);
    if (outcome == STATUS_OK)
        outcome = hdf5_read_double(file, "/data", "target_variance", &record->target_variance);
    record->data_n = (uint64_t)n;
    return outcome;
}

/* Units, one for each name; without them the list stays empty. */
static status read_units(struct hdf5_file *file, const char *name, size_t n,
                         struct string_list *units)
{
    if (!hdf5_exists(file, name))
        return STATUS_OK;
    status outcome = hdf5_read_strings(file, name, units);
    if (outcome == STATUS_OK && units->n != n)
        outcome =
            status_set(STATUS_USAGE, "%s in %s should hold %zu texts", name, hdf5_path(file), n);
    return outcome;
}

status checkpoint_read_record(struct hdf5_file *file, struct run_record *record)
{
    memset(record, 0, sizeof *record);
    status outcome = hdf5_visit_attributes(file, "/config", collect_config, record);
    if (outcome == STATUS_OK)
        outcome = hdf5_read_strings(file, "/names/inputs", &record->input_names);
    if (outcome == STATUS_OK)
        outcome = hdf5_read_strings(file, "/names/targets", &record->target_names);
    if (outcome == STATUS_OK)
        outcome = hdf5_read_strings(file, "/classes", &record->classes);
    if (outcome == STATUS_OK)
        outcome =
            read_units(file, "/names/input_units", record->input_names.n, &record->input_units);
    if (outcome == STATUS_OK)
        outcome =
            read_units(file, "/names/target_units", record->target_names.n, &record->target_units);
    if (outcome == STATUS_OK)
        outcome = read_scaler(file, &record->scaler);
    if (outcome == STATUS_OK)
        outcome = input_spread_read(file, record->scaler.n_inputs, &record->spread);
    if (outcome == STATUS_OK)
        outcome = read_data_record(file, record);
    return outcome;
}

/* (n, width), or (n) for a width of 0. */
static status read_check_part(struct hdf5_file *file, const char *name, uint64_t n, uint64_t width,
                              double *values)
{
    struct hdf5_shape shape;
    status outcome = hdf5_shape(file, name, &shape);
    bool fits = outcome == STATUS_OK && shape.rank == 1 + (width > 0) && shape.dims[0] == n &&
                (width == 0 || shape.dims[1] == width);
    if (outcome == STATUS_OK && !fits)
        outcome =
            status_set(STATUS_USAGE, "%s in %s does not have the shape that the model asks for",
                       name, hdf5_path(file));
    return outcome == STATUS_OK ? hdf5_read_rows(file, name, 0, n, HDF5_AS_DOUBLE, values)
                                : outcome;
}

status checkpoint_read_check(struct hdf5_file *file, const struct model_config *config,
                             struct self_check *check)
{
    struct hdf5_shape shape;
    *check = (struct self_check){0};
    if (!hdf5_exists(file, "/check/log_density"))
        return STATUS_OK;
    status outcome = hdf5_shape(file, "/check/log_density", &shape);
    if (outcome == STATUS_OK && (shape.rank != 1 || shape.dims[0] > CHECKPOINT_MOST_CHECKS))
        outcome =
            status_set(STATUS_USAGE, "/check/log_density in %s is no row of at most %d numbers",
                       hdf5_path(file), CHECKPOINT_MOST_CHECKS);
    if (outcome == STATUS_OK)
        outcome = self_check_init(check, shape.dims[0], config->n_inputs, config->n_outputs);
    if (outcome == STATUS_OK)
        outcome = read_check_part(file, "/check/x", check->n, check->n_inputs, check->x);
    if (outcome == STATUS_OK)
        outcome = read_check_part(file, "/check/y", check->n, check->n_outputs, check->y);
    if (outcome == STATUS_OK)
        outcome = read_check_part(file, "/check/log_density", check->n, 0, check->log_density);
    return outcome;
}

struct network_reader {
    struct hdf5_file *file;
    const struct model_shape *shape;
    struct networks *networks;
    bool optional;
    int n_found;
};

static status check_shape(const struct network_reader *reader, const struct network_block *block)
{
    struct hdf5_shape shape;
    status outcome = hdf5_shape(reader->file, block->name, &shape);
    if (outcome != STATUS_OK)
        return outcome;
    uint64_t wanted[4] = {reader->shape->config.n_experts, block->out, block->in, block->deep};
    const uint64_t *dims = block->of_experts ? wanted : wanted + 1;
    int rank = (block->of_experts ? 2 : 1) + (block->in > 0) + (block->deep > 0);
    bool fits = shape.rank == rank && (shape.kind == HDF5_FLOAT || shape.kind == HDF5_INTEGER);
    for (int d = 0; d < rank && fits; d++)
        fits = shape.dims[d] == dims[d];
    if (fits)
        return STATUS_OK;
    char expected[96];
    int used = 0;
    for (int d = 0; d < rank; d++)
        used += snprintf(expected + used, sizeof expected - (size_t)used, "%s%" PRIu64,
                         d ? ", " : "", dims[d]);
    return status_set(STATUS_USAGE,
                      "%s in %s does not have the shape (%s) that the model and the data ask for",
                      block->name, hdf5_path(reader->file), expected);
}

static status read_block(const struct network_block *block, void *context)
{
    struct network_reader *reader = context;
    if (reader->optional && !hdf5_exists(reader->file, block->name))
        return STATUS_OK;
    reader->n_found++;
    status outcome = check_shape(reader, block);
    if (outcome != STATUS_OK)
        return outcome;
    if (!block->of_experts)
        return hdf5_read_rows(reader->file, block->name, 0, block->out, HDF5_AS_REAL,
                              reader->networks->gate + block->offset);
    size_t stride = parameters_stride(&reader->shape->expert);
    for (uint64_t e = 0; e < reader->shape->config.n_experts && outcome == STATUS_OK; e++)
        outcome = hdf5_read_rows(reader->file, block->name, e, 1, HDF5_AS_REAL,
                                 reader->networks->experts + e * stride + block->offset);
    return outcome;
}

static status read_dispersion(const struct dispersion_block *block, void *context)
{
    struct network_reader *reader = context;
    struct hdf5_shape shape;
    uint64_t n = reader->shape->config.n_experts;
    if (reader->optional && !hdf5_exists(reader->file, block->name))
        return STATUS_OK;
    reader->n_found++;
    status outcome = hdf5_shape(reader->file, block->name, &shape);
    if (outcome == STATUS_OK && (shape.rank != 1 || shape.dims[0] != n))
        outcome = status_set(STATUS_USAGE, "%s in %s should hold %" PRIu64 " numbers", block->name,
                             hdf5_path(reader->file), n);
    for (uint64_t e = 0; e < n && outcome == STATUS_OK; e++)
        outcome = hdf5_read_rows(reader->file, block->name, e, 1, HDF5_AS_DOUBLE,
                                 dispersion_number(&reader->networks->dispersion[e], block->which));
    return outcome;
}

static status read_networks(struct network_reader *reader, const char *prefix)
{
    status outcome = network_blocks_visit(reader->shape, prefix, read_block, reader);
    return outcome == STATUS_OK
               ? dispersion_blocks_visit(reader->shape, prefix, read_dispersion, reader)
               : outcome;
}

static status check_dispersion(const struct dispersion_block *block, void *context)
{
    const struct network_reader *reader = context;
    for (size_t e = 0; e < reader->shape->config.n_experts; e++) {
        double number = *dispersion_number(&reader->networks->dispersion[e], block->which);
        if (!(number > 0 && isfinite(number)))
            return status_set(STATUS_USAGE, "%s in %s must be positive", block->name,
                              hdf5_path(reader->file));
    }
    return STATUS_OK;
}

status checkpoint_read_networks(struct hdf5_file *file, const struct model_shape *shape, bool best,
                                struct networks *networks)
{
    struct network_reader reader = {file, shape, networks, false, 0};
    return read_networks(&reader, best ? "/best" : "");
}

static status check_finite(const struct network_block *block, void *context)
{
    const struct network_reader *reader = context;
    size_t n = network_block_size(block), stride = 0, n_networks = 1;
    const real *values = reader->networks->gate;
    if (block->of_experts) {
        values = reader->networks->experts;
        stride = parameters_stride(&reader->shape->expert);
        n_networks = reader->shape->config.n_experts;
    }
    for (size_t network = 0; network < n_networks; network++)
        for (size_t i = 0; i < n; i++)
            if (!isfinite(values[network * stride + block->offset + i]))
                return status_set(STATUS_USAGE,
                                  "%s in %s holds a number that is not finite; parameters to start "
                                  "from must be finite",
                                  block->name, hdf5_path(reader->file));
    return STATUS_OK;
}

status checkpoint_read_init(const char *path, const struct model_shape *shape,
                            struct networks *networks)
{
    struct hdf5_file *file;
    status outcome = hdf5_open(path, &file);
    if (outcome != STATUS_OK)
        return outcome;
    struct network_reader reader = {file, shape, networks, true, 0};
    outcome = read_networks(&reader, "");
    if (outcome == STATUS_OK && reader.n_found == 0)
        outcome = status_set(STATUS_USAGE,
                             "%s holds no parameters, which are in data sets such as "
                             "/experts/layer0/weight and /gate/layer0/weight",
                             path);
    const struct gate_kind *gate = gate_kind_of(shape->config.gate);
    const struct gate_config of_gate = model_gate_config(&shape->config);
    if (outcome == STATUS_OK && gate->check)
        outcome = gate->check(&of_gate, networks->gate, path);
    if (outcome == STATUS_OK)
        outcome = network_blocks_visit(shape, "", check_finite, &reader);
    if (outcome == STATUS_OK)
        outcome = dispersion_blocks_visit(shape, "", check_dispersion, &reader);
    return hdf5_close_after(&file, outcome);
}

static status read_progress_field(struct hdf5_file *file, struct progress *progress,
                                  const struct progress_field *field)
{
    void *at = (char *)progress + field->offset;
    if (field->kind == FIELD_DOUBLE)
        return hdf5_read_double(file, "/progress", field->name, at);
    int64_t number = 0;
    status outcome = hdf5_read_int64(file, "/progress", field->name, &number);
    if (field->kind == FIELD_BOOL)
        *(bool *)at = number != 0;
    else if (field->kind == FIELD_UINT64)
        *(uint64_t *)at = (uint64_t)number;
    else
        *(int64_t *)at = number;
    return outcome;
}

/*
 * Version 1 knew of one best model only, which could be the drawn one.
 */
static status upgrade_progress(struct hdf5_file *file, struct progress *progress)
{
    struct milestone best = MILESTONE_NONE;
    char *every = NULL;
    status outcome = hdf5_read_int64(file, "/progress", "best_epoch", &best.epoch);
    if (outcome == STATUS_OK)
        outcome = hdf5_read_int64(file, "/progress", "best_step", &best.step);
    if (outcome == STATUS_OK)
        outcome = hdf5_read_double(file, "/progress", "best_error", &best.error);
    if (outcome == STATUS_OK)
        outcome = hdf5_read_text(file, "/config", "metrics_every", &every);
    if (outcome != STATUS_OK)
        return outcome;
    int64_t interval = strtoll(every, NULL, 10);
    memory_free(&every);
    progress->due_best = best.epoch > 0 ? best : MILESTONE_NONE;
    progress->last = MILESTONE_NONE;
    if (interval > 0 && progress->recorded > 0 && progress->recorded % interval != 0)
        progress->last.epoch = progress->recorded;
    return STATUS_OK;
}

status checkpoint_read_progress(struct hdf5_file *file, struct progress *progress)
{
    int64_t version = 0;
    status outcome = hdf5_read_int64(file, "/", "format_version", &version);
    for (size_t i = 0; i < n_progress_fields && outcome == STATUS_OK; i++)
        if (progress_fields[i].since <= version)
            outcome = read_progress_field(file, progress, &progress_fields[i]);
    if (outcome == STATUS_OK && version < 2)
        outcome = upgrade_progress(file, progress);
    for (int i = 0; i < METRICS_N_SUMS && outcome == STATUS_OK; i++) {
        char name[64];
        progress_running_name(i, name, sizeof name);
        outcome = hdf5_read_double(file, "/progress", name, &progress->running[i]);
    }
    return outcome;
}

static status read_history_column(struct hdf5_file *file, int column, struct history *history,
                                  double *values)
{
    char name[64];
    snprintf(name, sizeof name, "/history/%s", history_column_name(column));
    status outcome = read_doubles(file, name, history->n, values);
    for (size_t i = 0; i < history->n && outcome == STATUS_OK; i++)
        history_set(&history->record[i], column, values[i]);
    return outcome;
}

status checkpoint_read_history(struct hdf5_file *file, struct history *history)
{
    struct hdf5_shape shape;
    history_release(history);
    status outcome = hdf5_shape(file, "/history/error", &shape);
    const struct metrics_record empty = {0};
    for (uint64_t i = 0; outcome == STATUS_OK && i < shape.dims[0]; i++)
        outcome = history_add(history, &empty);
    double *values = NULL;
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&values, history->n, sizeof(double), "the history");
    for (int column = 0; column < HISTORY_N_COLUMNS && outcome == STATUS_OK; column++)
        outcome = read_history_column(file, column, history, values);
    memory_free(&values);
    return outcome;
}

static status read_sums(struct hdf5_file *file, struct snapshot *snapshot)
{
    struct hdf5_shape shape;
    uint64_t n_experts = snapshot->shape.config.n_experts;
    status outcome = hdf5_shape(file, CHECKPOINT_SUMS, &shape);
    if (outcome != STATUS_OK)
        return outcome;
    if (shape.rank != 2 || shape.kind != HDF5_FLOAT || shape.dims[0] != n_experts ||
        shape.dims[1] != snapshot->n_sums)
        return status_set(STATUS_USAGE, "%s in %s does not have the shape (%" PRIu64 ", %zu)",
                          CHECKPOINT_SUMS, hdf5_path(file), n_experts, snapshot->n_sums);
    return hdf5_read_rows(file, CHECKPOINT_SUMS, 0, n_experts, HDF5_AS_DOUBLE, snapshot->sums);
}

status checkpoint_read_state(struct hdf5_file *file, struct snapshot *snapshot)
{
    const struct model_shape *shape = &snapshot->shape;
    struct network_reader reader = {file, shape, &snapshot->current, false, 0};
    status outcome = read_networks(&reader, "");
    bool has_state = snapshot->n_slots > 0 || snapshot->n_sums > 0;
    if (outcome == STATUS_OK && has_state && !hdf5_exists(file, "/optimizer"))
        outcome =
            status_set(STATUS_USAGE,
                       "%s holds the best model only, without the state of the optimiser"
                       "{; go on from checkpoints/latest or with @resume auto, or start again from "
                       "it with @init}",
                       hdf5_path(file));
    for (int s = 0; s < snapshot->n_slots && outcome == STATUS_OK; s++) {
        char prefix[64];
        snprintf(prefix, sizeof prefix, "/optimizer/%s",
                 optimizer_method_of(snapshot->optimizer)->slot[s]);
        reader.networks = &snapshot->slot[s];
        outcome = read_networks(&reader, prefix);
    }
    if (outcome == STATUS_OK && snapshot->n_sums > 0)
        outcome = read_sums(file, snapshot);
    if (outcome == STATUS_OK)
        outcome = checkpoint_read_progress(file, &snapshot->progress);
    if (outcome == STATUS_OK)
        outcome = read_doubles(file, "/progress/use", shape->config.n_experts, snapshot->use);
    int64_t due_best = snapshot->progress.due_best.epoch;
    if (outcome == STATUS_OK && snapshot->has_best && due_best >= 0) {
        bool is_best = progress_best(&snapshot->progress).epoch == due_best;
        reader.networks = &snapshot->best;
        outcome = read_networks(&reader, is_best ? "/best" : "/due_best");
    }
    if (outcome == STATUS_OK)
        outcome = checkpoint_read_history(file, &snapshot->history);
    return outcome;
}
