/* SPDX-License-Identifier: BSD-3-Clause */
#include "inspect_internal.h"

#include "app/judge/loaded_model.h"
#include "base/log.h"
#include "base/memory.h"
#include "checkpoint/checkpoint.h"
#include "train/loop/run_directory.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static status show_config(const char *name, const char *value, void *context)
{
    (void)context;
    if (*value)
        log_info("  %-17s %s", name, value);
    return STATUS_OK;
}

static void show_names(const char *what, const struct string_list *names)
{
    char text[400];
    string_list_join(names, text, sizeof text);
    if (names->n > 0)
        log_info("%-10s %zu: %s", what, names->n, text);
}

/* The range of each input in the samples trained on, unless the checkpoint is older. */
static void show_ranges(const struct run_record *record)
{
    const struct scaler *scaler = &record->scaler;
    char text[400] = "";
    for (size_t c = 0; c < scaler->n_inputs && isfinite(scaler->x_least[c]); c++) {
        size_t used = strlen(text);
        int length =
            snprintf(text + used, sizeof text - used, "%s%s %.6g to %.6g", used > 0 ? ", " : "",
                     record->input_names.item[c], scaler->x_least[c], scaler->x_most[c]);
        if ((size_t)length >= sizeof text - used) {
            snprintf(text + used, sizeof text - used, "%s", used + 4 < sizeof text ? "..." : "");
            break;
        }
    }
    if (*text)
        log_info("%-10s %s", "ranges", text);
}

static status show_progress(struct hdf5_file *file)
{
    int64_t epoch = 0, step = 0, best_epoch = -1;
    double best_error = 0;
    status outcome = hdf5_read_int64(file, "/progress", "epoch", &epoch);
    if (outcome == STATUS_OK)
        outcome = hdf5_read_int64(file, "/progress", "step", &step);
    if (outcome == STATUS_OK)
        outcome = hdf5_read_int64(file, "/progress", "best_epoch", &best_epoch);
    if (outcome == STATUS_OK)
        outcome = hdf5_read_double(file, "/progress", "best_error", &best_error);
    if (outcome != STATUS_OK)
        return outcome;
    log_info("progress   epoch %" PRId64 ", step %" PRId64, epoch, step);
    if (best_epoch >= 0)
        log_info("best       validation error %.6g in epoch %" PRId64, best_error, best_epoch);
    return STATUS_OK;
}

static status show_contents(struct hdf5_file *file)
{
    struct run_record record;
    struct problem problem;
    char *created = NULL, *version = NULL, *precision = NULL;
    status outcome = checkpoint_read_record(file, &record);
    if (outcome == STATUS_OK)
        outcome = problem_from_record(&record, &problem);
    if (outcome == STATUS_OK)
        outcome = hdf5_read_text(file, "/", "created", &created);
    if (outcome == STATUS_OK)
        outcome = hdf5_read_text(file, "/", "software_version", &version);
    if (outcome == STATUS_OK)
        outcome = hdf5_read_text(file, "/", "precision", &precision);
    if (outcome == STATUS_OK) {
        log_info("%s: checkpoint of coterie %s, %s precision, made %s", hdf5_path(file), version,
                 precision, created);
        log_info("model      %zu experts, %zu inputs, %zu outputs, %zu parameters",
                 problem.model.n_experts, problem.model.n_inputs, problem.model.n_outputs,
                 model_n_parameters(&problem.model));
        show_names("inputs", &record.input_names);
        show_names("units", &record.input_units);
        show_ranges(&record);
        show_names("targets", &record.target_names);
        show_names("units", &record.target_units);
        show_names("classes", &record.classes);
        log_info("data       %s, %" PRIu64 " samples: %s", record.data_path, record.data_n,
                 record.data_split);
        outcome = show_progress(file);
    }
    if (outcome == STATUS_OK) {
        log_info("options");
        outcome = hdf5_visit_attributes(file, "/config", show_config, NULL);
    }
    memory_free(&created);
    memory_free(&version);
    memory_free(&precision);
    run_record_release(&record);
    return outcome;
}

status inspect_checkpoint(const char *path, bool verify)
{
    struct hdf5_file *file;
    status outcome = hdf5_open(path, &file);
    if (outcome != STATUS_OK)
        return outcome;
    if (verify && checkpoint_verify(file) != STATUS_OK)
        outcome = STATUS_FAILED;
    else {
        outcome = show_contents(file);
        if (outcome == STATUS_OK && verify)
            log_info("verified   every checksum matches");
    }
    return hdf5_close_after(&file, outcome);
}

/* A run that is under way removes old generations, perhaps while they are looked at. */
static bool has_gone(const char *path)
{
    return access(path, F_OK) != 0;
}

/* One line for a generation; *failed counts those that do not verify. */
static void show_generation(const char *folder, const char *name, bool verify, int *failed)
{
    char path[PATH_MAX + 300];
    struct hdf5_file *file;
    int64_t epoch = 0, step = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    status outcome = verify ? checkpoint_open(path, &file) : hdf5_open(path, &file);
    if (outcome == STATUS_OK) {
        outcome = hdf5_read_int64(file, "/progress", "epoch", &epoch);
        if (outcome == STATUS_OK)
            outcome = hdf5_read_int64(file, "/progress", "step", &step);
        outcome = hdf5_close_after(&file, outcome);
    }
    if (outcome == STATUS_OK)
        log_info("  %s  epoch %" PRId64 ", step %" PRId64 "%s", name, epoch, step,
                 verify ? ", verified" : "");
    else if (has_gone(path))
        log_info("  %s  has been removed meanwhile by the run, which is under way", name);
    else {
        log_info("  %s  damaged: %s", name, status_text());
        ++*failed;
    }
}

/* The best or newest checkpoint, which may be replaced while it is looked for. */
static status inspect_chosen(const char *run, bool verify)
{
    enum { TRIES = 5 };
    char chosen[PATH_MAX], real[PATH_MAX];
    status outcome = STATUS_OK;
    for (int i = 0; i < TRIES; i++) {
        if (checkpoint_find(run, chosen, sizeof chosen) != STATUS_OK)
            return STATUS_OK;
        /* The file itself: the link may soon show another one. */
        if (!realpath(chosen, real))
            continue;
        outcome = inspect_checkpoint(real, verify);
        if (outcome == STATUS_OK || !has_gone(real))
            return outcome;
    }
    log_info("the run replaces its checkpoints faster than they can be read; look again later");
    return STATUS_OK;
}

status inspect_run(const char *path, bool verify)
{
    char folder[PATH_MAX];
    struct string_list names = {0};
    int failed = 0;
    if (!run_directory_holds_run(path))
        return status_set(STATUS_USAGE,
                          "%s is a folder without a run (no config.yaml, no checkpoints); give a "
                          "run directory, a checkpoint or a data file",
                          path);
    snprintf(folder, sizeof folder, "%s/checkpoints", path);
    status outcome = run_directory_generations(folder, &names);
    if (outcome == STATUS_OK) {
        log_info("%s: run directory with %zu checkpoint%s", path, names.n, names.n == 1 ? "" : "s");
        for (size_t i = 0; i < names.n; i++)
            show_generation(folder, names.item[i], verify, &failed);
    }
    string_list_release(&names);
    if (outcome == STATUS_OK && failed > 0)
        return status_set(STATUS_FAILED, "%d of the checkpoints in %s do not verify", failed,
                          folder);
    return outcome == STATUS_OK ? inspect_chosen(path, verify) : outcome;
}
