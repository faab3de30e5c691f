/* SPDX-License-Identifier: BSD-3-Clause */
#include "checkpoint_internal.h"

#include "base/clock.h"
#include "base/fresh_file.h"
#include "base/memory.h"
#include "base/site.h"
#include "data/hdf5/hdf5_probe.h"

#include <stdlib.h>
#include <string.h>

struct network_writer {
    struct hdf5_file *file;
    const struct model_shape *shape;
    const struct networks *networks;
};

static status write_block(const struct network_block *block, void *context)
{
    const struct network_writer *writer = context;
    uint64_t n_experts = writer->shape->config.n_experts;
    if (!block->of_experts) {
        uint64_t dims[3] = {block->out, block->in, block->deep};
        int rank = 1 + (block->in > 0) + (block->deep > 0);
        status outcome =
            hdf5_create_dataset(writer->file, block->name, HDF5_AS_REAL, rank, dims, block->out);
        if (outcome == STATUS_OK)
            outcome = hdf5_write_rows(writer->file, block->name, 0, block->out, HDF5_AS_REAL,
                                      writer->networks->gate + block->offset);
        return outcome;
    }
    uint64_t dims[3] = {n_experts, block->out, block->in};
    status outcome =
        hdf5_create_dataset(writer->file, block->name, HDF5_AS_REAL, block->in ? 3 : 2, dims, 1);
    size_t stride = parameters_stride(&writer->shape->expert);
    for (uint64_t e = 0; e < n_experts && outcome == STATUS_OK; e++)
        outcome = hdf5_write_rows(writer->file, block->name, e, 1, HDF5_AS_REAL,
                                  writer->networks->experts + e * stride + block->offset);
    return outcome;
}

static status write_doubles(struct hdf5_file *file, const char *name, uint64_t n,
                            const double *values)
{
    status outcome = hdf5_create_dataset(file, name, HDF5_AS_DOUBLE, 1, &n, n > 0 ? n : 1);
    if (outcome == STATUS_OK && n > 0)
        outcome = hdf5_write_rows(file, name, 0, n, HDF5_AS_DOUBLE, values);
    return outcome;
}

/* What the experts have beside their networks: one member of every dispersion. */
static status write_dispersion(const struct dispersion_block *block, void *context)
{
    const struct network_writer *writer = context;
    uint64_t n = writer->shape->config.n_experts;
    status outcome = hdf5_create_dataset(writer->file, block->name, HDF5_AS_DOUBLE, 1, &n, n);
    for (uint64_t e = 0; e < n && outcome == STATUS_OK; e++)
        outcome =
            hdf5_write_rows(writer->file, block->name, e, 1, HDF5_AS_DOUBLE,
                            dispersion_number(&writer->networks->dispersion[e], block->which));
    return outcome;
}

static status write_networks(struct hdf5_file *file, const struct model_shape *shape,
                             const char *prefix, const struct networks *networks)
{
    struct network_writer writer = {file, shape, networks};
    status outcome = network_blocks_visit(shape, prefix, write_block, &writer);
    return outcome == STATUS_OK ? dispersion_blocks_visit(shape, prefix, write_dispersion, &writer)
                                : outcome;
}

static status write_header(struct hdf5_file *file)
{
    char created[32];
    clock_timestamp(created, sizeof created);
    status outcome = hdf5_write_text(file, "/", "format", checkpoint_format);
    if (outcome == STATUS_OK)
        outcome = hdf5_write_int64(file, "/", "format_version", CHECKPOINT_FORMAT_VERSION);
    if (outcome == STATUS_OK)
        outcome = hdf5_write_text(file, "/", "software_version", COTERIE_VERSION);
    if (outcome == STATUS_OK)
        outcome = hdf5_write_text(file, "/", "created", created);
    if (outcome == STATUS_OK)
        outcome = hdf5_write_text(file, "/", "precision", REAL_NAME);
    return outcome;
}

static status write_fingerprint(struct hdf5_file *file, const char *name, uint64_t fingerprint)
{
    char text[32];
    snprintf(text, sizeof text, "%016llx", (unsigned long long)fingerprint);
    return hdf5_write_text(file, "/data", name, text);
}

static status write_record(struct hdf5_file *file, const struct run_record *record)
{
    status outcome = hdf5_create_group(file, "/config");
    for (size_t i = 0; i < record->config_keys.n && outcome == STATUS_OK; i++)
        outcome = hdf5_write_text(file, "/config", record->config_keys.item[i],
                                  record->config_values.item[i]);
    if (outcome == STATUS_OK)
        outcome = hdf5_write_strings(file, "/names/inputs", &record->input_names);
    if (outcome == STATUS_OK)
        outcome = hdf5_write_strings(file, "/names/targets", &record->target_names);
    if (outcome == STATUS_OK)
        outcome = hdf5_write_strings(file, "/classes", &record->classes);
    if (outcome == STATUS_OK && record->input_units.n > 0)
        outcome = hdf5_write_strings(file, "/names/input_units", &record->input_units);
    if (outcome == STATUS_OK && record->target_units.n > 0)
        outcome = hdf5_write_strings(file, "/names/target_units", &record->target_units);
    const struct scaler *scaler = &record->scaler;
    struct {
        const char *name;
        size_t n;
        const double *values;
    } scales[] = {{"/scaler/x_mean", scaler->n_inputs, scaler->x_mean},
                  {"/scaler/x_scale", scaler->n_inputs, scaler->x_scale},
                  {"/scaler/x_least", scaler->n_inputs, scaler->x_least},
                  {"/scaler/x_most", scaler->n_inputs, scaler->x_most},
                  {"/scaler/y_mean", scaler->n_targets, scaler->y_mean},
                  {"/scaler/y_scale", scaler->n_targets, scaler->y_scale}};
    for (size_t i = 0; i < sizeof scales / sizeof scales[0] && outcome == STATUS_OK; i++)
        outcome = write_doubles(file, scales[i].name, scales[i].n, scales[i].values);
    if (outcome == STATUS_OK)
        outcome = input_spread_write(file, &record->spread);
    if (outcome == STATUS_OK)
        outcome = hdf5_create_group(file, "/data");
    if (outcome == STATUS_OK)
        outcome = hdf5_write_text(file, "/data", "path", record->data_path);
    if (outcome == STATUS_OK)
        outcome = hdf5_write_text(file, "/data", "split", record->data_split);
    if (outcome == STATUS_OK)
        outcome = hdf5_write_int64(file, "/data", "n", (int64_t)record->data_n);
    if (outcome == STATUS_OK)
        outcome = write_fingerprint(file, "fingerprint", record->data_fingerprint);
    if (outcome == STATUS_OK)
        outcome = write_fingerprint(file, "valid_fingerprint", record->valid_fingerprint);
    if (outcome == STATUS_OK)
        outcome = hdf5_write_double(file, "/data", "target_variance", record->target_variance);
    return outcome;
}

static status write_progress_field(struct hdf5_file *file, const struct progress *progress,
                                   const struct progress_field *field)
{
    const void *at = (const char *)progress + field->offset;
    switch (field->kind) {
    case FIELD_INT64:
        return hdf5_write_int64(file, "/progress", field->name, *(const int64_t *)at);
    case FIELD_UINT64:
        return hdf5_write_int64(file, "/progress", field->name, (int64_t) * (const uint64_t *)at);
    case FIELD_BOOL:
        return hdf5_write_int64(file, "/progress", field->name, *(const bool *)at);
    case FIELD_DOUBLE:
        break;
    }
    return hdf5_write_double(file, "/progress", field->name, *(const double *)at);
}

static status write_progress(struct hdf5_file *file, const struct snapshot *snapshot)
{
    status outcome = hdf5_create_group(file, "/progress");
    for (size_t i = 0; i < n_progress_fields && outcome == STATUS_OK; i++)
        outcome = write_progress_field(file, &snapshot->progress, &progress_fields[i]);
    const struct milestone best = progress_best(&snapshot->progress);
    if (outcome == STATUS_OK)
        outcome = hdf5_write_int64(file, "/progress", "best_epoch", best.epoch);
    if (outcome == STATUS_OK)
        outcome = hdf5_write_int64(file, "/progress", "best_step", best.step);
    if (outcome == STATUS_OK)
        outcome = hdf5_write_double(file, "/progress", "best_error", best.error);
    for (int i = 0; i < METRICS_N_SUMS && outcome == STATUS_OK; i++) {
        char name[64];
        progress_running_name(i, name, sizeof name);
        outcome = hdf5_write_double(file, "/progress", name, snapshot->progress.running[i]);
    }
    if (outcome == STATUS_OK)
        outcome =
            write_doubles(file, "/progress/use", snapshot->shape.config.n_experts, snapshot->use);
    return outcome;
}

static status write_history(struct hdf5_file *file, const struct history *history)
{
    double *values;
    status outcome = memory_alloc(&values, history->n, sizeof(double), "the history");
    for (int column = 0; column < HISTORY_N_COLUMNS && outcome == STATUS_OK; column++) {
        char name[64];
        snprintf(name, sizeof name, "/history/%s", history_column_name(column));
        for (size_t i = 0; i < history->n; i++)
            values[i] = history_get(&history->record[i], column);
        outcome = write_doubles(file, name, history->n, values);
    }
    memory_free(&values);
    return outcome;
}

static status write_checksums(struct hdf5_file *file, size_t n_experts)
{
    uint64_t *sums, one = 1, n = n_experts;
    status outcome = memory_alloc(&sums, n_experts + 2, sizeof *sums, "checksums");
    if (outcome == STATUS_OK)
        outcome =
            checkpoint_checksums(file, n_experts, sums, &sums[n_experts], &sums[n_experts + 1]);
    struct {
        const char *name;
        uint64_t *n, *values;
    } parts[3] = {{"/checksum/experts", &n, sums},
                  {"/checksum/gate", &one, sums + n_experts},
                  {"/checksum/rest", &one, sums + n_experts + 1}};
    for (int i = 0; i < 3 && outcome == STATUS_OK; i++) {
        outcome =
            hdf5_create_dataset(file, parts[i].name, HDF5_AS_UINT64, 1, parts[i].n, *parts[i].n);
        if (outcome == STATUS_OK)
            outcome = hdf5_write_rows(file, parts[i].name, 0, *parts[i].n, HDF5_AS_UINT64,
                                      parts[i].values);
    }
    memory_free(&sums);
    return outcome;
}

/* The running sums of on-line EM, one chunk and checksum per expert as of its parameters. */
static status write_sums(struct hdf5_file *file, const struct snapshot *snapshot)
{
    uint64_t dims[2] = {snapshot->shape.config.n_experts, snapshot->n_sums};
    status outcome = hdf5_create_dataset(file, CHECKPOINT_SUMS, HDF5_AS_DOUBLE, 2, dims, 1);
    return outcome == STATUS_OK
               ? hdf5_write_rows(file, CHECKPOINT_SUMS, 0, dims[0], HDF5_AS_DOUBLE, snapshot->sums)
               : outcome;
}

/* The best model, and what remains the best if the run goes on and its last row is taken back. */
static status write_best(struct hdf5_file *file, const struct snapshot *snapshot)
{
    const struct progress *progress = &snapshot->progress;
    const struct milestone best = progress_best(progress);
    bool is_last = best.epoch != progress->due_best.epoch;
    if (!snapshot->has_best || best.epoch < 0)
        return STATUS_OK;
    status outcome = write_networks(file, &snapshot->shape, "/best",
                                    is_last ? &snapshot->current : &snapshot->best);
    if (outcome == STATUS_OK && is_last && progress->due_best.epoch >= 0)
        outcome = write_networks(file, &snapshot->shape, "/due_best", &snapshot->best);
    return outcome;
}

static status write_check(struct hdf5_file *file, const struct self_check *check)
{
    const struct {
        const char *name;
        uint64_t dims[2];
        int rank;
        const double *values;
    } parts[] = {{"/check/x", {check->n, check->n_inputs}, 2, check->x},
                 {"/check/y", {check->n, check->n_outputs}, 2, check->y},
                 {"/check/log_density", {check->n}, 1, check->log_density}};
    status outcome = STATUS_OK;
    for (size_t i = 0; i < 3 && check->n > 0 && outcome == STATUS_OK; i++) {
        outcome = hdf5_create_dataset(file, parts[i].name, HDF5_AS_DOUBLE, parts[i].rank,
                                      parts[i].dims, check->n);
        if (outcome == STATUS_OK)
            outcome =
                hdf5_write_rows(file, parts[i].name, 0, check->n, HDF5_AS_DOUBLE, parts[i].values);
    }
    return outcome;
}

static status write_all(struct hdf5_file *file, const struct snapshot *snapshot,
                        const struct run_record *record)
{
    const struct model_shape *shape = &snapshot->shape;
    status outcome = write_header(file);
    if (outcome == STATUS_OK)
        outcome = write_record(file, record);
    if (outcome == STATUS_OK)
        outcome = write_networks(file, shape, "", &snapshot->current);
    for (int s = 0; s < snapshot->n_slots && outcome == STATUS_OK; s++) {
        char prefix[64];
        snprintf(prefix, sizeof prefix, "/optimizer/%s",
                 optimizer_method_of(snapshot->optimizer)->slot[s]);
        outcome = write_networks(file, shape, prefix, &snapshot->slot[s]);
    }
    if (outcome == STATUS_OK && snapshot->n_sums > 0)
        outcome = write_sums(file, snapshot);
    if (outcome == STATUS_OK)
        outcome = write_best(file, snapshot);
    if (outcome == STATUS_OK)
        outcome = write_progress(file, snapshot);
    if (outcome == STATUS_OK)
        outcome = write_history(file, &snapshot->history);
    if (outcome == STATUS_OK)
        outcome = write_check(file, &snapshot->check);
    if (outcome == STATUS_OK)
        outcome = conformal_scores_write(file, &snapshot->scores);
    if (outcome == STATUS_OK)
        outcome = write_checksums(file, shape->config.n_experts);
    return outcome;
}

static status write_file(const char *path, const struct snapshot *snapshot,
                         const struct run_record *record)
{
    struct hdf5_file *file;
    status outcome = hdf5_create(path, &file);
    if (outcome != STATUS_OK)
        return outcome;
    outcome = write_all(file, snapshot, record);
    if (outcome == STATUS_OK)
        outcome = hdf5_sync(file);
    outcome = hdf5_close_after(&file, outcome);
    if (outcome == STATUS_OK)
        outcome = checkpoint_seal(path);
    if (outcome == STATUS_OK)
        hdf5_probe_trust(path); /* the seal made it another file */
    return outcome;
}

static status verify_file(const char *path)
{
    struct hdf5_file *file;
    status outcome = checkpoint_open(path, &file);
    if (outcome != STATUS_OK)
        return outcome;
    return hdf5_close(&file);
}

status checkpoint_publish(const char *path, const struct snapshot *snapshot,
                          const struct run_record *record)
{
    struct fresh_file fresh;
    status outcome = fresh_file_begin(&fresh, path);
    if (outcome == STATUS_OK)
        outcome = write_file(fresh.unfinished, snapshot, record);
    if (outcome == STATUS_OK)
        outcome = verify_file(fresh.unfinished);
    if (outcome == STATUS_OK)
        outcome = site_file(SITE_checkpoint_rename, path);
    outcome = fresh_file_end(&fresh, FRESH_FILE_REPLACES, outcome);
    return outcome == STATUS_OK
               ? outcome
               : status_set(STATUS_FAILED, "checkpoint not saved: %s", status_text());
}
