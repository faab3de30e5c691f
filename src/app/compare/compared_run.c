/* SPDX-License-Identifier: BSD-3-Clause */
#include "compared_run.h"

#include "app/judge/evaluation.h"
#include "app/judge/loaded_model.h"
#include "base/memory.h"
#include "data/formats/formats.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct compared_errors unknown = {NAN, NAN, NAN};

static const char *config(const struct compared_run *run, const char *key)
{
    const char *value = run_record_config(&run->record, key);
    return value ? value : "";
}

/* What was learned belongs to the rows: errors in other units are not compared either. */
static status name_rows(struct compared_run *run, const char *rows, const char *for_people)
{
    char *targets = NULL, *classes = NULL;
    size_t size;
    status outcome = string_list_joined(&run->record.target_names, &targets);
    if (outcome == STATUS_OK)
        outcome = string_list_joined(&run->record.classes, &classes);
    memory_free(&run->rows);
    memory_free(&run->rows_for_people);
    FILE *stream = outcome == STATUS_OK ? open_memstream(&run->rows, &size) : NULL;
    if (stream) {
        fprintf(stream, "%s, targets %s, classes %s", rows, targets, classes);
        fclose(stream);
    }
    run->rows_for_people = memory_strdup(for_people);
    memory_free(&targets);
    memory_free(&classes);
    if (outcome == STATUS_OK && (!run->rows || !run->rows_for_people))
        outcome = status_set(STATUS_FAILED, "not enough memory for the runs");
    return outcome;
}

/* The samples that the errors of validation in the history are of. */
static status find_rows(struct compared_run *run)
{
    const struct run_record *record = &run->record;
    const char *valid = config(run, "valid"), *built_in = source_validation(record->data_path);
    const double share = loaded_model_held_out(record);
    char rows[2 * PATH_MAX], people[2 * PATH_MAX];
    run->has_held_out = true;
    if (share > 0) {
        snprintf(rows, sizeof rows, "share %.17g of %016" PRIx64 " (%" PRIu64 ") group %s seed %s",
                 share, record->data_fingerprint, record->data_n, config(run, "group"),
                 config(run, "seed"));
        snprintf(people, sizeof people, "%g of %s by %s and seed %s", share, record->data_path,
                 *config(run, "group") ? config(run, "group") : "sample", config(run, "seed"));
    } else if (*valid || built_in) {
        const char *path = *valid ? valid : built_in;
        snprintf(rows, sizeof rows, "file %016" PRIx64 " %s", record->valid_fingerprint,
                 record->valid_fingerprint == 0 ? path : "");
        snprintf(people, sizeof people, "%s", path);
    } else if (run->problem.model.n_members > 1) {
        snprintf(rows, sizeof rows, "in turn %016" PRIx64 " (%" PRIu64 ")",
                 record->data_fingerprint, record->data_n);
        snprintf(people, sizeof people, "all of %s, left out in turn by members of the committee",
                 record->data_path);
    } else {
        run->has_held_out = false;
        snprintf(rows, sizeof rows, "nothing");
        snprintf(people, sizeof people, "nothing was held out");
    }
    return name_rows(run, rows, people);
}

/* The row of the history that tells of these parameters. */
static status read_errors(struct hdf5_file *file, struct compared_run *run)
{
    struct progress progress = {0};
    struct history history = {0};
    status outcome = checkpoint_read_progress(file, &progress);
    if (outcome == STATUS_OK)
        outcome = checkpoint_read_history(file, &history);
    run->epoch = progress.epoch;
    run->held_out = run->trained = unknown;
    for (size_t i = 0; i < history.n && outcome == STATUS_OK; i++) {
        const struct metrics_record *at = &history.record[i];
        if (at->epoch != run->epoch)
            continue;
        run->trained = (struct compared_errors){at->nll, at->rmse, at->accuracy};
        if (run->has_held_out)
            run->held_out =
                (struct compared_errors){at->nll_valid, at->rmse_valid, at->accuracy_valid};
    }
    history_release(&history);
    return outcome;
}

status compared_run_read(const char *name, struct compared_run *run)
{
    struct hdf5_file *file = NULL;
    memset(run, 0, sizeof *run);
    run->name = name;
    status outcome = checkpoint_find(name, run->checkpoint, sizeof run->checkpoint);
    if (outcome == STATUS_OK)
        outcome = checkpoint_open(run->checkpoint, &file);
    if (outcome == STATUS_OK)
        outcome = checkpoint_read_record(file, &run->record);
    if (outcome == STATUS_OK)
        outcome = problem_from_record(&run->record, &run->problem);
    if (outcome == STATUS_OK)
        outcome = find_rows(run);
    if (outcome == STATUS_OK)
        outcome = read_errors(file, run);
    return file ? hdf5_close_after(&file, outcome) : outcome;
}

/* Root. What has been measured. */
static status take_errors(const struct evaluation *evaluation, const struct loaded_model *loaded,
                          const char *data, struct compared_run *run)
{
    struct metrics_record record;
    uint64_t fingerprint = 0;
    evaluation_summarise(evaluation, &evaluation->all, &record);
    run->held_out = (struct compared_errors){record.nll, record.rmse, record.accuracy};
    run->has_held_out = true;
    status outcome = source_fingerprint(loaded->source, &fingerprint);
    run->has_learned_them = fingerprint == run->record.data_fingerprint &&
                            source_info(loaded->source)->n == run->record.data_n;
    return outcome == STATUS_OK ? name_rows(run, "--data", data) : outcome;
}

status compared_run_judge(const struct communicator *comm, const char *data,
                          struct compared_run *run)
{
    struct options judged;
    struct loaded_model loaded = {0};
    struct evaluation evaluation = {0};
    status outcome = options_init(&judged, COMMAND_EVALUATE);
    if (outcome == STATUS_OK && !(judged.data = memory_strdup(data)))
        outcome = status_set(STATUS_FAILED, "not enough memory for a path");
    if (outcome == STATUS_OK)
        outcome = loaded_model_open(comm, &judged, run->checkpoint, false, &loaded);
    if (outcome == STATUS_OK)
        outcome = loaded_model_spread(comm, &loaded);
    if (outcome == STATUS_OK)
        outcome = evaluation_measure(&evaluation, comm, &loaded);
    if (outcome == STATUS_OK)
        outcome = take_errors(&evaluation, &loaded, data, run);
    evaluation_release(&evaluation);
    loaded_model_release(comm, &loaded);
    options_release(&judged);
    return outcome == STATUS_OK ? outcome : status_prefix(outcome, run->name);
}

void compared_run_release(struct compared_run *run)
{
    run_record_release(&run->record);
    memory_free(&run->rows);
    memory_free(&run->rows_for_people);
}

void compared_run_structure(const struct compared_run *run, char *text, size_t size)
{
    const struct model_config *model = &run->problem.model;
    const char *hidden = config(run, "expert_hidden");
    const bool is_linear = !*hidden || strcmp(hidden, "none") == 0;
    const size_t members = model->n_members > 1 ? model->n_members : 1;
    const size_t experts = model->n_experts / members;
    char committee[32] = "";
    if (members > 1)
        snprintf(committee, sizeof committee, "%zu x ", members);
    snprintf(text, size, "%s%zu expert%s (%s%s%s)", committee, experts, experts == 1 ? "" : "s",
             is_linear ? "linear" : hidden, is_linear ? "" : " ",
             is_linear ? "" : config(run, "activation"));
}
