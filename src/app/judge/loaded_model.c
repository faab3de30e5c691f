/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/judge/loaded_model.h"
#include "app/problem/samples_check.h"

#include "app/problem/columns.h"
#include "base/log.h"
#include "base/memory.h"
#include "data/formats/formats.h"
#include "data/samples/epoch_order.h"
#include "data/samples/split.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Root. Record and problem; the file stays open for the parameters. */
static status read_record(const char *path, struct loaded_model *loaded)
{
    char found[PATH_MAX];
    status outcome = checkpoint_find(path, found, sizeof found);
    if (outcome == STATUS_OK)
        outcome = checkpoint_open(found, &loaded->file);
    if (outcome == STATUS_OK)
        outcome = checkpoint_read_record(loaded->file, &loaded->record);
    if (outcome == STATUS_OK)
        outcome = problem_from_record(&loaded->record, &loaded->problem);
    return outcome;
}

/* Root. The samples' source: columns by the names that the model knows. */
static status open_source(const struct options *options, bool targets_optional,
                          struct loaded_model *loaded)
{
    const struct run_record *record = &loaded->record;
    struct options as_trained = *options;
    if (!options->data)
        return status_set(STATUS_USAGE, "which samples? name them with --data FILE");
    /* In another HDF5 file the data sets have the names they had in training. */
    const char *inputs = run_record_config(record, "inputs");
    const char *targets = run_record_config(record, "targets");
    if (!options->inputs && inputs && *inputs)
        as_trained.inputs = (char *)inputs;
    const char *exclude = run_record_config(record, "exclude");
    if (!as_trained.inputs && exclude && *exclude)
        as_trained.exclude = (char *)exclude;
    const char *categories = run_record_config(record, "categories");
    if (categories && *categories)
        as_trained.categories = (char *)categories;
    if (!options->targets && targets && *targets)
        as_trained.targets = (char *)targets;
    /* The data are known by all that training read of them, and only then is the split. */
    bool all = !targets_optional || options->part != PART_ALL;
    const char *group = run_record_config(record, "group");
    const char *weight = run_record_config(record, "weight");
    if (!options->group && group && *group && all)
        as_trained.group = (char *)group;
    if (!options->weight && weight && *weight && all)
        as_trained.weight = (char *)weight;
    const char *missing = run_record_config(record, "missing");
    as_trained.missing = missing && strcmp(missing, "auto") == 0 ? MISSING_AUTO : MISSING_DROP;
    status outcome =
        columns_open(&as_trained, options->data, &record->input_names, &record->target_names,
                     &record->classes, !loaded->problem.has_labels, targets_optional,
                     targets_optional ? SOURCE_GAPS_IN_INPUTS : SOURCE_GAPS_KEPT, &loaded->source);
    return outcome == STATUS_OK
               ? columns_check_offset(loaded->source, run_record_config(record, "offset"))
               : outcome;
}

static status read_parameters(const struct communicator *comm, struct loaded_model *loaded)
{
    struct model *model = &loaded->model;
    struct snapshot snapshot;
    status outcome = snapshot_init(&snapshot, model, comm, OPTIMIZER_GD, false);
    if (outcome == STATUS_OK) {
        if (comm->rank == 0)
            outcome =
                checkpoint_read_networks(loaded->file, &snapshot.shape, false, &snapshot.current);
        outcome = communicator_agree(comm, outcome);
    }
    if (outcome == STATUS_OK) {
        struct local_networks local = {model->has_gate ? model->gate.parameters.value : NULL,
                                       model->experts.parameters.value, model->experts.dispersion};
        snapshot_scatter(model, comm, &snapshot.current, &local);
    }
    snapshot_release(&snapshot);
    return outcome;
}

/* What the run held out, into `options`. */
static status name_held_out(const char *path, const struct run_record *record,
                            struct options *options)
{
    const char *valid = run_record_config(record, "valid");
    bool is_file = valid && *valid && loaded_model_held_out(record) == 0;
    const char *builtin = source_validation(record->data_path);
    if (!is_file && !builtin && loaded_model_held_out(record) == 0)
        return status_set(STATUS_USAGE,
                          "which samples? name them with --data FILE: %s was trained on all of %s, "
                          "and nothing was held out (--valid 0.2 holds out a fifth)",
                          path, record->data_path);
    options->data = memory_strdup(is_file                             ? valid
                                  : loaded_model_held_out(record) > 0 ? record->data_path
                                                                      : builtin);
    options->part = !is_file && loaded_model_held_out(record) > 0 ? PART_VALID : PART_ALL;
    return STATUS_OK;
}

static status name_trained(const char *path, const struct run_record *record,
                           struct options *options)
{
    (void)path;
    options->data = memory_strdup(record->data_path);
    return STATUS_OK;
}

/* Collective. Without --data: what `name` takes from the record, into the options. */
static status take_from_record(const struct communicator *comm, const char *path,
                               status (*name)(const char *path, const struct run_record *record,
                                              struct options *options),
                               struct options *options)
{
    char found[PATH_MAX];
    struct run_record record = {0};
    struct hdf5_file *file = NULL;
    status outcome = STATUS_OK;
    if (comm->rank == 0 && !options->data) {
        outcome = checkpoint_find(path, found, sizeof found);
        if (outcome == STATUS_OK)
            outcome = checkpoint_open(found, &file);
        if (outcome == STATUS_OK)
            outcome = checkpoint_read_record(file, &record);
        if (outcome == STATUS_OK)
            outcome = name(path, &record, options);
        if (file)
            hdf5_close(&file);
        run_record_release(&record);
    }
    return options_share(comm, outcome, options);
}

status loaded_model_take_held_out(const struct communicator *comm, const char *path,
                                  struct options *options)
{
    return take_from_record(comm, path, name_held_out, options);
}

status loaded_model_take_trained(const struct communicator *comm, const char *path,
                                 struct options *options)
{
    return take_from_record(comm, path, name_trained, options);
}

double loaded_model_held_out(const struct run_record *record)
{
    const char *valid = run_record_config(record, "valid");
    char *end;
    double share = valid ? strtod(valid, &end) : 0;
    return valid && end != valid && *end == '\0' && share > 0 && share < 1 ? share : 0;
}

/* The split of the training run once more: the same data and seed give the same one. */
static status split_again(const struct run_record *record, struct source *source,
                          struct split *split)
{
    const struct source_info *info = source_info(source);
    const char *seed = run_record_config(record, "seed");
    double share = loaded_model_held_out(record);
    uint64_t fingerprint = 0;
    if (share == 0 || !seed)
        return status_set(STATUS_USAGE,
                          "--part: this model was trained on %s: %s; there is no part to choose",
                          record->data_path, record->data_split);
    status outcome = source_fingerprint(source, &fingerprint);
    if (outcome == STATUS_OK &&
        (fingerprint != record->data_fingerprint || info->n != record->data_n))
        return status_set(STATUS_USAGE,
                          "--part: %s is not the data that the model was trained on (%s)",
                          info->path, record->data_path);
    return outcome == STATUS_OK ? split_init(split, info->n, info->group, info->group_names.n,
                                             share, strtoull(seed, NULL, 10))
                                : outcome;
}

/* Root. What cannot be judged is left out; what is predicted keeps its place. */
static void leave_out_incomplete(struct loaded_model *loaded, size_t *n)
{
    const struct source_info *info = source_info(loaded->source);
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++)
        if (!info->incomplete[loaded->rows[i]])
            loaded->rows[kept++] = loaded->rows[i];
    if (kept < *n)
        log_warning("%s: %zu of %zu rows lack a value and are left out", info->path, *n - kept, *n);
    *n = kept;
}

/* Root. PART_TRAINED is the training part of the data of the training, and all of other data. */
static status choose_part(enum data_part asked, struct loaded_model *loaded)
{
    const struct run_record *record = &loaded->record;
    uint64_t fingerprint = 0;
    loaded->part = asked;
    if (asked != PART_TRAINED)
        return STATUS_OK;
    loaded->part = PART_ALL;
    if (loaded_model_held_out(record) == 0 || source_info(loaded->source)->n != record->data_n)
        return STATUS_OK;
    status outcome = source_fingerprint(loaded->source, &fingerprint);
    if (outcome == STATUS_OK && fingerprint == record->data_fingerprint)
        loaded->part = PART_TRAIN;
    return outcome;
}

/* Root. Which samples of the source: all, or those of a part; without rows that lack a value. */
static status choose_rows(enum data_part asked, bool for_prediction, struct loaded_model *loaded,
                          size_t *n)
{
    struct split split = {0};
    const struct source_info *info = source_info(loaded->source);
    *n = info->n;
    status outcome = choose_part(asked, loaded);
    if (outcome == STATUS_OK && loaded->part != PART_ALL) {
        outcome = split_again(&loaded->record, loaded->source, &split);
        *n = loaded->part == PART_TRAIN ? split.n_train : split.n_valid;
    }
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&loaded->rows, *n, sizeof *loaded->rows, "sample numbers");
    const uint64_t *chosen = loaded->part == PART_ALL     ? NULL
                             : loaded->part == PART_TRAIN ? split.train
                                                          : split.valid;
    for (size_t i = 0; i < *n && outcome == STATUS_OK; i++)
        loaded->rows[i] = chosen ? chosen[i] : i;
    split_release(&split);
    if (outcome == STATUS_OK)
        columns_tell_gaps(loaded->source);
    if (outcome == STATUS_OK && info->incomplete && !for_prediction)
        leave_out_incomplete(loaded, n);
    else if (outcome == STATUS_OK && info->incomplete)
        log_warning("%s: %zu of %zu rows lack a value; their predictions are empty (nan)",
                    info->path, info->n_incomplete, info->n);
    return outcome;
}

static status load_samples(const struct communicator *comm, const struct options *options,
                           bool for_prediction, struct loaded_model *loaded)
{
    struct {
        struct dataset_shape shape;
        bool streams, some;
    } plan = {.streams = false};
    status outcome = STATUS_OK;
    if (comm->rank == 0) {
        const struct source_info *info = source_info(loaded->source);
        size_t n = 0;
        outcome = choose_rows(options->part, for_prediction, loaded, &n);
        plan.some = n != info->n;
        plan.shape = (struct dataset_shape){.n = n,
                                            .n_inputs = info->n_inputs,
                                            .n_targets = info->n_targets,
                                            .has_labels = info->has_labels,
                                            .has_weights = info->weight != NULL};
        if (outcome == STATUS_OK)
            outcome = samples_check_stream(options, loaded->source);
        plan.streams = samples_stay_in_file(
            loaded->source, options->stream,
            samples_fit(samples_bytes(&plan.shape), (double)memory_available()));
        if (outcome == STATUS_OK)
            outcome = samples_check_reader(comm, options, loaded->source, plan.streams);
    }
    outcome = communicator_agree(comm, outcome);
    communicator_broadcast(comm, &plan, sizeof plan);
    const struct scaler *scaler = &loaded->record.scaler;
    const uint64_t *rows = plan.some ? loaded->rows : NULL;
    size_t width = plan.shape.n_inputs + plan.shape.n_targets;
    if (outcome == STATUS_OK && plan.streams)
        outcome = samples_stream(comm, &plan.shape, epoch_order_auto_block(plan.shape.n, width),
                                 loaded->source, scaler, rows, &loaded->samples);
    else if (outcome == STATUS_OK)
        outcome = samples_load(comm, &plan.shape, options->read, loaded->source, scaler, rows,
                               &loaded->samples);
    return outcome;
}

static size_t micro_batch_of(const struct options *options, const struct loaded_model *loaded)
{
    if (options->micro_batch > 0)
        return (size_t)options->micro_batch;
    return model_micro_batch(&loaded->problem.model, loaded->samples.dataset.shape.n);
}

status loaded_model_open(const struct communicator *comm, const struct options *options,
                         const char *path, bool targets_optional, struct loaded_model *loaded)
{
    memset(loaded, 0, sizeof *loaded);
    status outcome = STATUS_OK;
    if (comm->rank == 0) {
        outcome = read_record(path, loaded);
        if (outcome == STATUS_OK)
            outcome = open_source(options, targets_optional, loaded);
    }
    outcome = communicator_agree(comm, outcome);
    communicator_broadcast(comm, &loaded->problem, sizeof loaded->problem);
    if (outcome == STATUS_OK)
        outcome = load_samples(comm, options, targets_optional, loaded);
    if (outcome == STATUS_OK)
        loaded->micro_batch = micro_batch_of(options, loaded);
    return outcome;
}

status loaded_model_spread(const struct communicator *comm, struct loaded_model *loaded)
{
    size_t stride = real_padded(loaded->micro_batch);
    status outcome = model_init(&loaded->model, &loaded->problem.model, comm, -1, stride);
    if (outcome == STATUS_OK)
        outcome = read_parameters(comm, loaded);
    return outcome == STATUS_OK ? step_init(&loaded->step, &loaded->model, comm, stride) : outcome;
}

void loaded_model_release(const struct communicator *comm, struct loaded_model *loaded)
{
    step_release(&loaded->step);
    model_release(&loaded->model);
    samples_release(&loaded->samples);
    if (comm->rank == 0) {
        if (loaded->file)
            hdf5_close(&loaded->file);
        source_close(&loaded->source);
        memory_free(&loaded->rows);
        run_record_release(&loaded->record);
    }
}
