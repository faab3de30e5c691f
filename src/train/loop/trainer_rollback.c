/* SPDX-License-Identifier: BSD-3-Clause */
/* --on-nan rollback: what is gone back to when something is not finite. */
#include "trainer_internal.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MAX_ROLLBACKS = 10 };

/*
 * Root: opens a generation if an undisturbed run of this start would have written it, too: one that
 * a request to stop or the end of a run has made is no place to go back to. Else *file stays NULL.
 */
static void open_if_due(const struct trainer *trainer, const char *path, struct hdf5_file **file)
{
    struct progress progress;
    if (access(path, F_OK) != 0)
        return;
    status outcome = checkpoint_open(path, file);
    if (outcome == STATUS_OK)
        outcome = checkpoint_read_progress(*file, &progress);
    if (outcome != STATUS_OK)
        log_warning("skipping a checkpoint: %s", status_text());
    bool fits = outcome == STATUS_OK && progress.start == trainer->progress.start &&
                progress.rollback_steps == progress.total_steps;
    if (*file && !fits)
        hdf5_close(file);
}

/*
 * Root: opens the checkpoint to go back to; *file stays NULL if there is none. A saving that has
 * failed meanwhile is no hindrance: the generation before it is gone back to.
 */
static status open_for_rollback(struct trainer *trainer, struct hdf5_file **file)
{
    const char *folder = trainer->directory->checkpoints;
    char path[PATH_MAX];
    struct string_list names = {0};
    if (saver_wait(&trainer->saver) != STATUS_OK)
        log_warning("%s; earlier checkpoints are kept", status_text());
    *file = NULL;
    if (trainer->progress.rollback_steps < 0)
        return STATUS_OK;
    run_directory_generation_path(folder, trainer->progress.rollback_steps, path, sizeof path);
    open_if_due(trainer, path, file);
    status outcome = *file ? STATUS_OK : run_directory_generations(folder, &names);
    for (size_t i = 0; i < names.n && outcome == STATUS_OK && !*file; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names.item[i]);
        open_if_due(trainer, path, file);
    }
    string_list_release(&names);
    return outcome;
}

status trainer_roll_back(struct trainer *trainer)
{
    double factor = trainer->progress.learning_rate_factor / 2;
    long long step = (long long)trainer->progress.step;
    struct hdf5_file *file = NULL;
    status outcome = STATUS_OK;
    if (trainer_is_root(trainer))
        outcome = open_for_rollback(trainer, &file);
    outcome = communicator_agree(trainer->comm, outcome);
    if (outcome != STATUS_OK)
        return outcome;
    int32_t has_checkpoint = file != NULL;
    communicator_broadcast(trainer->comm, &has_checkpoint, sizeof has_checkpoint);
    trainer->rollbacks++;
    outcome = has_checkpoint ? trainer_resume(trainer, file) : trainer_begin_start(trainer);
    if (file)
        hdf5_close(&file);
    trainer->progress.learning_rate_factor = factor;
    log_warning("step %lld: %s; back to step %lld, learning rate times %g", step,
                trainer->nonfinite, (long long)trainer->progress.step, factor);
    return outcome;
}

bool trainer_rolls_back(const struct trainer *trainer)
{
    return trainer->reason == STOP_NOT_FINITE && trainer->saves &&
           trainer->config->on_nan == ON_NAN_ROLLBACK && trainer->rollbacks < MAX_ROLLBACKS;
}
