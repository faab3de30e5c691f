/* SPDX-License-Identifier: BSD-3-Clause */
/* --on-nan rollback: what is gone back to when something is not finite. */
#include "trainer_internal.h"

#include "base/pointer.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MAX_ROLLBACKS = 10 };

/*
 * Root: opens the checkpoint to go back to, which the link `rollback` shows: the last one that an
 * undisturbed run would have written, too, and not one that a request to stop or the end of a run
 * has made. *file stays NULL if there is none of this start. A saving that has failed meanwhile is
 * no hindrance: the generation before it is gone back to.
 */
static status open_for_rollback(struct trainer *trainer, struct hdf5_file **file)
{
    const char *folder = trainer->directory->checkpoints;
    char path[2 * PATH_MAX], name[PATH_MAX];
    struct progress progress = {0};
    if (saver_wait(&trainer->saver) != STATUS_OK)
        log_warning("%s; earlier checkpoints are kept", status_text());
    *file = NULL;
    pointer_get(folder, "rollback", name);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (!*name || access(path, F_OK) != 0)
        return STATUS_OK;
    status outcome = checkpoint_open(path, file);
    if (outcome == STATUS_OK)
        outcome = checkpoint_read_progress(*file, &progress);
    bool fits = outcome == STATUS_OK && progress.start == trainer->progress.start &&
                progress.total_steps <= trainer->progress.total_steps;
    return *file && !fits ? hdf5_close_after(file, outcome) : outcome;
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
