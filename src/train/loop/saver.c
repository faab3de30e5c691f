/* SPDX-License-Identifier: BSD-3-Clause */
#include "saver.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/site.h"
#include "base/thread.h"
#include "predict/conformal.h"
#include "predict/self_check.h"
#include "train/loop/run_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Removes the files of best models that are the best no longer. */
static void remove_old_best(const char *directory, const char *current)
{
    DIR *folder = opendir(directory);
    struct dirent *entry;
    while (folder && (entry = readdir(folder)) != NULL) {
        if (fnmatch("best-*.h5", entry->d_name, 0) != 0 || strcmp(entry->d_name, current) == 0)
            continue;
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        unlink(path);
    }
    if (folder)
        closedir(folder);
}

/*
 * A checkpoint with a check of its model and scores of samples held out, which take a copy of it
 * for a while.
 */
static status publish(const struct saver *saver, const char *path, struct snapshot *snapshot)
{
    const struct run_record *record = saver->record;
    status outcome = self_check_make(snapshot, &record->scaler, &snapshot->check);
    if (outcome == STATUS_OK)
        outcome = conformal_calibrate(snapshot, saver->held_out, &snapshot->scores);
    if (outcome == STATUS_OK)
        outcome = checkpoint_publish(path, snapshot, record);
    self_check_release(&snapshot->check);
    conformal_scores_release(&snapshot->scores);
    return outcome;
}

/*
 * The best model of a state as a checkpoint of its own: parameters only, nothing to go on training
 * from.
 */
static status publish_best(const struct saver *saver, const struct snapshot *state, char *name,
                           size_t size)
{
    char path[PATH_MAX];
    struct snapshot best = *state;
    const struct milestone which = progress_best(&state->progress);
    if (which.epoch == state->progress.due_best.epoch)
        best.current = state->best;
    best.has_best = false;
    best.n_slots = 0;
    best.n_sums = 0;
    best.progress.epoch = which.epoch;
    best.progress.step = which.step;
    snprintf(name, size, "best-%09lld.h5", (long long)which.epoch);
    snprintf(path, sizeof path, "%s/%s", saver->directory, name);
    return publish(saver, path, &best);
}

/* The best model of a start that has ended, from the state that was kept of it. */
static status publish_best_of_start(const struct saver *saver, int64_t start, char *name,
                                    size_t size)
{
    const struct snapshot *now = &saver->snapshot;
    char path[PATH_MAX];
    struct hdf5_file *file = NULL;
    struct snapshot state = {0};
    snprintf(path, sizeof path, "%s/../starts/%lld.h5", saver->directory, (long long)start);
    status outcome = snapshot_init_at_root(&state, &now->shape, now->optimizer, true);
    if (outcome == STATUS_OK)
        outcome = snapshot_add_sums_at_root(&state, now->n_sums);
    if (outcome == STATUS_OK)
        outcome = checkpoint_open(path, &file);
    if (outcome == STATUS_OK)
        outcome = checkpoint_read_state(file, &state);
    if (file) {
        outcome = hdf5_close_after(&file, outcome);
    }
    if (outcome == STATUS_OK)
        outcome = publish_best(saver, &state, name, size);
    snapshot_release(&state);
    return outcome;
}

/* Within an epoch the parameters have moved on from those that were validated. */
static bool newest_is_best(const struct saver *saver)
{
    const struct progress *progress = &saver->snapshot.progress;
    int64_t epoch = progress_best(progress).epoch;
    return !saver->has_validation || epoch < 0 ||
           (epoch == progress->epoch && progress->batch == 0);
}

static bool is_shown(const struct saver *saver, int64_t start, const struct milestone *best)
{
    /* Of a start that has ended only the error is known. */
    bool same = saver->shown_start == start && saver->shown.error == best->error;
    return same && (best->epoch < 0 ||
                    (saver->shown.epoch == best->epoch && saver->shown.step == best->step));
}

/* Points `best` at the model with the lowest validation error; without validation, at the newest.
 */
static status update_best(struct saver *saver, const char *newest)
{
    const struct progress *progress = &saver->snapshot.progress;
    struct milestone best = progress_best(progress);
    int64_t start = progress->start;
    char name[64];
    status outcome = STATUS_OK;
    bool is_older = saver->has_validation && progress->best_start >= 0 &&
                    progress->best_start != start && !(best.error < progress->best_start_error);
    if (is_older) {
        start = progress->best_start;
        best = (struct milestone){-1, 0, progress->best_start_error};
    }
    if (saver->has_validation && is_shown(saver, start, &best))
        return STATUS_OK;
    if (is_older)
        outcome = publish_best_of_start(saver, start, name, sizeof name);
    else if (newest_is_best(saver))
        snprintf(name, sizeof name, "%s", newest);
    else
        outcome = publish_best(saver, &saver->snapshot, name, sizeof name);
    if (outcome == STATUS_OK)
        outcome = run_directory_link(saver->directory, "best", name);
    if (outcome == STATUS_OK) {
        saver->shown_start = start;
        saver->shown = best;
        remove_old_best(saver->directory, name);
    }
    return outcome;
}

static void *save(void *context)
{
    struct saver *saver = context;
    double started = clock_seconds();
    site_set_step_of_thread(saver->snapshot.progress.step);
    const char *name = strrchr(saver->path, '/') + 1;
    saver->outcome = STATUS_OK;
    if (saver->writes)
        saver->outcome = publish(saver, saver->path, &saver->snapshot);
    if (saver->outcome == STATUS_OK && saver->is_rollback)
        saver->outcome = run_directory_link(saver->directory, "rollback", name);
    if (saver->outcome == STATUS_OK)
        saver->outcome = run_directory_link(saver->directory, "latest", name);
    if (saver->outcome == STATUS_OK)
        saver->outcome = update_best(saver, name);
    if (saver->outcome == STATUS_OK && saver->writes)
        run_directory_prune(saver->directory, saver->keep);
    snprintf(saver->text, sizeof saver->text, "%s", status_text());
    double seconds = clock_seconds() - started;
    if (saver->writes && seconds > saver->seconds)
        saver->seconds = seconds;
    site_set_step_of_thread(-1);
    return NULL;
}

static void start(struct saver *saver, int64_t generation, bool writes, bool is_rollback)
{
    COTERIE_ASSERT(!saver->running);
    run_directory_generation_path(saver->directory, generation, saver->path, sizeof saver->path);
    saver->writes = writes;
    saver->is_rollback = is_rollback;
    /* After a resume: the checkpoint that was read may be of another folder. */
    if (!writes && access(saver->path, F_OK) != 0)
        return;
    saver->running = true;
    /* Without a thread the saving is done here and now: slower, but as good. */
    if (!thread_start(&saver->thread, save, saver)) {
        save(saver);
        saver->running = false;
    }
}

void saver_start(struct saver *saver, int64_t generation, bool is_rollback)
{
    start(saver, generation, true, is_rollback);
}

void saver_start_links(struct saver *saver, int64_t generation, bool is_rollback)
{
    start(saver, generation, false, is_rollback);
}

status saver_wait(struct saver *saver)
{
    if (saver->running)
        pthread_join(saver->thread, NULL);
    saver->running = false;
    status outcome = saver->outcome;
    saver->outcome = STATUS_OK;
    return outcome == STATUS_OK ? STATUS_OK : status_set(outcome, "%s", saver->text);
}
