/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/train/train_internal.h"

#include "base/log.h"
#include "base/memory.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* The newest generation that verifies; says which it skips and why. "" if there is none. */
static status newest_good(const char *run, char *found, size_t size)
{
    char folder[PATH_MAX];
    struct string_list names = {0};
    snprintf(folder, sizeof folder, "%s/checkpoints", run);
    found[0] = '\0';
    if (!is_folder(folder))
        return STATUS_OK;
    status outcome = run_directory_generations(folder, &names);
    for (size_t i = 0; i < names.n && !found[0] && outcome == STATUS_OK; i++) {
        char path[PATH_MAX + 300];
        struct hdf5_file *file;
        snprintf(path, sizeof path, "%s/%s", folder, names.item[i]);
        if (checkpoint_open(path, &file) != STATUS_OK) {
            log_warning("skipping a checkpoint: %s", status_text());
            continue;
        }
        outcome = hdf5_close(&file);
        if (snprintf(found, size, "%s", path) >= (int)size)
            outcome = status_set(STATUS_USAGE, "the path %s is too long", path);
    }
    if (outcome == STATUS_OK && names.n > 0 && !found[0])
        outcome =
            status_set(STATUS_USAGE,
                       "none of the %zu checkpoints in %s verifies; start a new run in another "
                       "directory",
                       names.n, folder);
    string_list_release(&names);
    return outcome;
}

/*
 * A run that is about to end in this directory may save once more while it is waited for: what is
 * resumed is looked for under the lock.
 */
static status lock_existing(struct training *training)
{
    if (training->options->dry_run || !training->output ||
        !run_directory_holds_run(training->output))
        return STATUS_OK;
    return run_directory_open(&training->directory, training->output);
}

status resume_find(struct training *training)
{
    const char *resume = training->options->resume;
    const char *output = training->output;
    training->resume_path[0] = '\0';
    if (!resume || strcmp(resume, "no") == 0) {
        if (output && run_directory_holds_run(output))
            return status_set(
                STATUS_USAGE,
                "%s already holds a run; continue it with --resume auto, or choose another "
                "--output",
                output);
        return STATUS_OK;
    }
    status locked = lock_existing(training);
    if (locked != STATUS_OK)
        return locked;
    if (strcmp(resume, "auto") == 0) {
        if (!training->options->output)
            return status_set(STATUS_USAGE,
                              "--resume auto looks in the run directory: name it with "
                              "--output");
        return newest_good(output, training->resume_path, sizeof training->resume_path);
    }
    if (is_folder(resume)) {
        status outcome = newest_good(resume, training->resume_path, sizeof training->resume_path);
        if (outcome == STATUS_OK && !training->resume_path[0])
            outcome = status_set(STATUS_USAGE, "there is no checkpoint in %s", resume);
        return outcome;
    }
    struct hdf5_file *file;
    status outcome = checkpoint_open(resume, &file);
    if (outcome != STATUS_OK)
        return outcome;
    snprintf(training->resume_path, sizeof training->resume_path, "%s", resume);
    return hdf5_close(&file);
}

static bool is_number(const char *text)
{
    char *end;
    strtod(text, &end);
    return end != text && *end == '\0';
}

/* What was not asked for must not keep a run from going on with other ranks. */
static bool fits_ranks(const struct training *training, long replicas)
{
    return replicas >= 1 && training->comm->size % replicas == 0;
}

/* Said now as well as recorded: whether they are for the checks of the samples to compare. */
static bool is_compared_later(struct training *training, const struct option_entry *entry,
                              const char *said, const char *recorded, bool valid_is_known)
{
    /* What is recorded is no larger than the batch: compared when this one is, too. */
    if (OPTION_IS(entry, micro_batch) && strcmp(said, "auto") != 0) {
        training->recorded_micro_batch = strtol(recorded, NULL, 10);
        return true;
    }
    /* Files are the same if their samples are, see resume_check_data. */
    return OPTION_IS(entry, valid) && valid_is_known && !is_number(said) && !is_number(recorded);
}

static status merge_option(struct training *training, const char *key, const char *recorded,
                           bool valid_is_known)
{
    struct options *options = training->options;
    const struct option_entry *entry = option_find(options->command, key);
    if (!entry)
        return options_set(options, key, recorded, training->resume_path);
    /* Other experts: what they are follows from the options of now, not from the record. */
    if (training->reshapes && (entry->traits & (OPTION_RESHAPES | OPTION_RESHAPED)))
        return STATUS_OK;
    bool is_said = options_is_set(options, key);
    if (OPTION_IS(entry, replicas)) {
        training->recorded_replicas = strtol(recorded, NULL, 10);
        if (!is_said && !fits_ranks(training, training->recorded_replicas))
            return STATUS_OK;
    }
    if (!is_said)
        return options_set(options, key, recorded, training->resume_path);
    const char *said = options_value(options, key);
    if (is_compared_later(training, entry, said, recorded, valid_is_known) ||
        !(entry->traits & OPTION_FIXED) || strcmp(said, recorded) == 0)
        return STATUS_OK;
    if (strcmp(said, "auto") == 0)
        return options_set(options, key, recorded, training->resume_path);
    return status_set(
        STATUS_USAGE,
        "--%s is %s, but %s was trained with %s; leave the option out to continue, or "
        "start a new run in another directory",
        entry->name, said, training->resume_path, *recorded ? recorded : "none");
}

/* The folder that the run of a checkpoint was begun in, if its config.yaml tells. */
static void find_begin(const char *checkpoint, char *folder, size_t size)
{
    char run[PATH_MAX], config[PATH_MAX + 16];
    folder[0] = '\0';
    if (!realpath(checkpoint, run))
        return;
    for (int i = 0; i < 2; i++) { /* RUN/checkpoints/step-000000003.h5 */
        char *slash = strrchr(run, '/');
        if (slash)
            *slash = '\0';
    }
    snprintf(config, sizeof config, "%s/config.yaml", run);
    begun_in_read(config, folder, size);
}

/* Looks for `path` from all folders above the checkpoint: a project may have been moved whole. */
static bool find_above(const char *checkpoint, const char *path, char *found, size_t size)
{
    char folder[PATH_MAX];
    if (!realpath(checkpoint, folder))
        return false;
    for (char *slash; (slash = strrchr(folder, '/')) != NULL;) {
        *slash = '\0';
        if (snprintf(found, size, "%s/%s", folder, path) < (int)size && access(found, F_OK) == 0)
            return true;
    }
    return false;
}

/*
 * A recorded file whose path is relative to the folder that the run was begun in: that one comes
 * first, then the present one, then those above the checkpoint. Whether the samples are the right
 * ones is checked later.
 */
static status find_file_again(struct training *training, const char *key)
{
    const char *path = options_value(training->options, key);
    const char *checkpoint = training->resume_path;
    char folder[PATH_MAX], found[2 * PATH_MAX];
    if (!begun_in_matters(path))
        return STATUS_OK;
    find_begin(checkpoint, folder, sizeof folder);
    bool is_found = begun_in_find(folder, path, found, sizeof found);
    if (!is_found && access(path, F_OK) == 0)
        return STATUS_OK;
    if (is_found || find_above(checkpoint, path, found, sizeof found)) {
        log_info("%-8s %s of the checkpoint is %s", key, path, found);
        return options_set(training->options, key, found, checkpoint);
    }
    return status_set(STATUS_USAGE,
                      "there is no %s: %s was begun with --%s %s in %s; start from there, or give "
                      "--%s with the file's place",
                      path, checkpoint, key, path, folder[0] ? folder : "another folder", key);
}

status resume_merge_record(struct training *training, const struct run_record *record)
{
    status outcome = reshape_check_resumed(training, record);
    for (size_t i = 0; i < record->config_keys.n && outcome == STATUS_OK; i++)
        outcome = merge_option(training, record->config_keys.item[i], record->config_values.item[i],
                               record->valid_fingerprint != 0);
    return outcome;
}

status resume_merge_options(struct training *training)
{
    enum { MOST_FILES = 8 };
    const struct option_entry *unsaid[MOST_FILES];
    size_t n_unsaid = 0;
    struct hdf5_file *file;
    struct run_record record;
    for (size_t i = 0; i < options_count(); i++)
        if (option_is_of(&option_table[i], training->options->command) &&
            (option_table[i].traits & OPTION_FILE) && !training->options->is_set[i]) {
            COTERIE_ASSERT(n_unsaid < MOST_FILES);
            unsaid[n_unsaid++] = &option_table[i];
        }
    status outcome = checkpoint_open(training->resume_path, &file);
    if (outcome != STATUS_OK)
        return outcome;
    outcome = checkpoint_read_record(file, &record);
    if (outcome == STATUS_OK)
        outcome = resume_merge_record(training, &record);
    for (size_t i = 0; i < n_unsaid && outcome == STATUS_OK; i++)
        outcome = find_file_again(training, unsaid[i]->name);
    run_record_release(&record);
    return hdf5_close_after(&file, outcome);
}

status resume_check_data(const struct training *training, const struct run_record *earlier)
{
    const struct run_record *now = &training->record;
    uint64_t valid = earlier->valid_fingerprint; /* 0: a checkpoint that does not tell */
    if (earlier->data_fingerprint == now->data_fingerprint) {
        if (valid == 0 || valid == now->valid_fingerprint)
            return STATUS_OK;
        return status_set(
            STATUS_USAGE,
            "the samples of --valid (%s) are not those that %s was validated on, so "
            "that its errors and those to come cannot be compared; continue with those, "
            "or start a new run in another directory",
            source_info(training->valid_source)->path, training->resume_path);
    }
    return status_set(STATUS_USAGE,
                      "%s (%llu samples) are not the data that %s was trained on (%s, %llu "
                      "samples); continue with those, or start a new run in another directory",
                      now->data_path, (unsigned long long)now->data_n, training->resume_path,
                      earlier->data_path, (unsigned long long)earlier->data_n);
}

bool resume_begins_rollback(const struct run_record *earlier)
{
    const char *on_nan = run_record_config(earlier, "on_nan");
    return on_nan && strcmp(on_nan, "rollback") != 0;
}

void resume_show_finished(const struct trainer *trainer)
{
    const struct trainer_config *config = trainer->config;
    const struct progress *progress = &trainer->progress;
    enum stop_reason reason = trainer_finished_before(trainer);
    if (reason != STOP_NOT && trainer->is_reshaped) {
        log_info("nothing is left to train: the new model is written as it is; to train it give "
                 "more --epochs than the %lld it has had",
                 (long long)progress->epoch);
        return;
    }
    switch (reason) {
    case STOP_EPOCHS:
        log_info("nothing to do: the run has had %lld epochs, and --epochs is %lld; to continue "
                 "give more, for example --epochs %lld",
                 (long long)progress->epoch, (long long)config->epochs,
                 2 * (long long)progress->epoch);
        break;
    case STOP_PATIENCE:
        log_info("nothing to do: the validation error has not fallen for %lld epochs, and "
                 "--patience is %lld; to continue give a larger one, or --patience 0 for none",
                 (long long)progress->stale_epochs, (long long)config->patience);
        break;
    case STOP_ERROR:
        log_info("nothing to do: the expected square has fallen to --stop-error %g; to continue "
                 "give a smaller one, or --stop-error 0 for none",
                 config->stop_error);
        break;
    default:
        break;
    }
}
