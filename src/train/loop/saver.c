/* SPDX-License-Identifier: BSD-3-Clause */
#include "saver.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/site.h"
#include "base/thread.h"
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

/* The best model as a checkpoint of its own: parameters only, nothing to go on training from. */
static status publish_best(const struct saver *saver, const char *name)
{
    char path[PATH_MAX];
    struct snapshot best = saver->snapshot;
    best.current = saver->snapshot.best;
    best.has_best = false;
    best.n_slots = 0;
    best.progress.epoch = saver->snapshot.progress.best_epoch;
    best.progress.step = saver->snapshot.progress.best_step;
    snprintf(path, sizeof path, "%s/%s", saver->directory, name);
    return checkpoint_publish(path, &best, saver->record);
}

/* Points `best` at the model with the lowest validation error; without validation, at the newest.
 */
static status update_best(struct saver *saver, const char *newest)
{
    const struct progress *progress = &saver->snapshot.progress;
    /* Within an epoch the parameters have moved on from those that were validated. */
    bool is_newest = !saver->has_validation || progress->best_epoch < 0 ||
                     (progress->best_epoch == progress->epoch && progress->batch == 0);
    char name[64];
    snprintf(name, sizeof name, "%s", newest);
    status outcome = STATUS_OK;
    if (!is_newest) {
        if (saver->linked_best == progress->best_epoch)
            return STATUS_OK;
        snprintf(name, sizeof name, "best-%09lld.h5", (long long)progress->best_epoch);
        outcome = publish_best(saver, name);
    }
    if (outcome == STATUS_OK)
        outcome = run_directory_link(saver->directory, "best", name);
    if (outcome == STATUS_OK) {
        saver->linked_best = progress->best_epoch;
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
        saver->outcome = checkpoint_publish(saver->path, &saver->snapshot, saver->record);
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

static void start(struct saver *saver, int64_t generation, bool writes)
{
    COTERIE_ASSERT(!saver->running);
    snprintf(saver->path, sizeof saver->path, "%s/step-%09lld.h5", saver->directory,
             (long long)generation);
    saver->writes = writes;
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

void saver_start(struct saver *saver, int64_t generation)
{
    start(saver, generation, true);
}

void saver_start_links(struct saver *saver, int64_t generation)
{
    start(saver, generation, false);
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
