/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_SAVER_H
#define COTERIE_TRAIN_SAVER_H

#include "base/status.h"
#include "checkpoint/checkpoint.h"
#include "data/samples/dataset.h"
#include "train/step/snapshot_gather.h"

#include <pthread.h>
#include <stdbool.h>

/*
 * Writes checkpoints in the background on rank 0: training does not wait for the disk, and there
 * are never two savings at once. The HDF5 library belongs to the saving thread until saver_wait.
 * Root.
 */
struct saver {
    struct snapshot snapshot;        /* what is being written; owned */
    const struct run_record *record; /* not owned */
    const struct dataset *held_out;  /* what scores are kept of; not owned */
    const char *directory;           /* of the checkpoints; not owned */
    int keep;                        /* generations that stay, >= 1 */
    bool running, has_validation;
    bool is_rollback; /* the generation under way is one that --on-nan rollback goes back to */
    bool writes;      /* the generation under way, not only its links */
    pthread_t thread;
    char path[4096];
    status outcome;
    char text[2048];
    _Atomic double seconds; /* of the longest saving so far, wall time */
    int64_t shown_start; /* what `best` shows: a model of this start, -1: nothing that is known */
    struct milestone shown; /* and which */
};

/*
 * Starts writing saver->snapshot as step-<step>.h5, then moves `latest` and `best`, then prunes.
 * With `is_rollback` the link `rollback` is moved, too: where --on-nan rollback goes back to.
 * `best` is the model with the lowest validation error of all starts, without validation the
 * newest.
 */
void saver_start(struct saver *saver, int64_t generation, bool is_rollback);

/*
 * After a resume: only moves `latest` and `best`, which a run that was killed or could not write
 * may have left behind. Nothing if the generation is not in saver->directory.
 */
void saver_start_links(struct saver *saver, int64_t generation, bool is_rollback);

/* Waits for the saving under way. Its outcome, and text by status_text. */
status saver_wait(struct saver *saver);

#endif
