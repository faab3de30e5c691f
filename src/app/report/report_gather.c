/* SPDX-License-Identifier: BSD-3-Clause */
#include "report_internal.h"

#include "app/history/run_history.h"
#include "app/train/begun_in.h"
#include "base/memory.h"
#include "train/loop/run_directory.h"

#include <string.h>

/* Lines of metrics that are drawn: more than there are pixels would only make the page long. */
enum { HISTORY_SHOWN = 300 };

static status note_missing(struct report *report, const char *what, const char *why)
{
    char text[2600];
    snprintf(text, sizeof text, "%s: %s", what, why);
    return string_list_add(&report->missing, text);
}

static status read_history(struct report *report)
{
    char path[PATH_MAX];
    status use_read = use_history_read(report->run, &report->use);
    if (use_read != STATUS_OK)
        return use_read;
    if (!run_history_path(report->run, path, sizeof path))
        return note_missing(report, "No learning curves", "the run has no metrics.jsonl");
    status outcome =
        run_history_read(path, HISTORY_SHOWN, &report->history, &report->history_is_whole);
    return outcome == STATUS_USAGE ? note_missing(report, "No learning curves", status_text())
                                   : outcome;
}

/* Where it was made, and how far it had come. */
static status read_origin(struct report *report)
{
    struct hdf5_file *file = NULL;
    status outcome = hdf5_open(report->checkpoint, &file);
    if (outcome == STATUS_OK)
        outcome = checkpoint_read_progress(file, &report->progress);
    if (outcome == STATUS_OK)
        outcome = hdf5_read_text(file, "/", "software_version", &report->version);
    if (outcome == STATUS_OK)
        outcome = hdf5_read_text(file, "/", "created", &report->created);
    if (outcome == STATUS_OK)
        outcome = hdf5_read_text(file, "/", "precision", &report->precision);
    return file ? hdf5_close_after(&file, outcome) : outcome;
}

static status read_model(struct report *report)
{
    status outcome = checkpoint_find(report->run, report->checkpoint, sizeof report->checkpoint);
    if (outcome == STATUS_OK)
        outcome = predictor_open(report->checkpoint, &report->predictor);
    if (outcome == STATUS_OK)
        outcome = read_origin(report);
    if (outcome == STATUS_OK)
        return STATUS_OK;
    predictor_destroy(&report->predictor);
    return note_missing(report, "Nothing about the model", status_text());
}

/* A path that was recorded in another folder, as a path from here. */
static status find_again(const struct report *report, char **data)
{
    char yaml[PATH_MAX], folder[PATH_MAX], found[PATH_MAX];
    snprintf(yaml, sizeof yaml, "%s/config.yaml", report->run);
    begun_in_read(yaml, folder, sizeof folder);
    if (!begun_in_matters(*data) || !begun_in_find(folder, *data, found, sizeof found))
        return STATUS_OK;
    memory_free(data);
    *data = memory_strdup(found);
    return *data ? STATUS_OK : status_set(STATUS_FAILED, "not enough memory for a path");
}

/* Which samples the model is shown with: those given, or held out, or trained on. */
static status choose_samples(const struct communicator *comm, struct report *report,
                             struct options *judged)
{
    const struct run_record *record = predictor_record(report->predictor);
    const char *what = "given by --data";
    status outcome = STATUS_OK;
    if (!judged->data) {
        what = "held out";
        if (loaded_model_take_held_out(comm, report->run, judged) != STATUS_OK) {
            what = "trained on: none were held out";
            judged->data = memory_strdup(record->data_path);
            if (!judged->data)
                return status_set(STATUS_FAILED, "not enough memory for a path");
        }
        outcome = find_again(report, &judged->data);
    }
    snprintf(report->samples_are, sizeof report->samples_are, "samples of %s (%s)", judged->data,
             what);
    return outcome;
}

static status read_samples(const struct communicator *comm, const struct options *options,
                           struct report *report)
{
    struct options judged;
    status outcome = options_init(&judged, COMMAND_EVALUATE);
    if (outcome == STATUS_OK && options->data && !(judged.data = memory_strdup(options->data)))
        outcome = status_set(STATUS_FAILED, "not enough memory for a path");
    if (outcome == STATUS_OK)
        outcome = choose_samples(comm, report, &judged);
    if (outcome == STATUS_OK)
        outcome = loaded_model_open(comm, &judged, report->run, false, &report->loaded);
    if (outcome == STATUS_OK)
        outcome = loaded_model_spread(comm, &report->loaded);
    if (outcome == STATUS_OK)
        outcome = evaluation_measure(&report->evaluation, comm, &report->loaded);
    if (outcome == STATUS_OK)
        outcome = report_samples_read(report);
    report->has_samples = outcome == STATUS_OK;
    options_release(&judged);
    return outcome == STATUS_OK
               ? STATUS_OK
               : note_missing(report, "Nothing that needs the samples (name them with --data)",
                              status_text());
}

status report_gather(const struct communicator *comm, const struct options *options,
                     struct report *report)
{
    status outcome = run_directory_check(report->run);
    if (outcome == STATUS_OK)
        outcome = read_history(report);
    if (outcome == STATUS_OK)
        outcome = read_model(report);
    if (outcome == STATUS_OK && report->predictor)
        outcome = read_samples(comm, options, report);
    return outcome;
}

void report_release(const struct communicator *comm, struct report *report)
{
    report_samples_release(&report->samples);
    evaluation_release(&report->evaluation);
    loaded_model_release(comm, &report->loaded);
    predictor_destroy(&report->predictor);
    history_release(&report->history);
    use_history_release(&report->use);
    memory_free(&report->version);
    memory_free(&report->created);
    memory_free(&report->precision);
    string_list_release(&report->missing);
}
