#ifndef COTERIE_TRAIN_TRAINER_INTERNAL_H
#define COTERIE_TRAIN_TRAINER_INTERNAL_H

#include "coterie/train/trainer.h"

/* The parts of the trainer that have files of their own. */

/*
 * Collective. Copies the state to the root and starts saving it; a failed earlier saving is said.
 * Parameters that are not finite are not saved: trainer->reason becomes STOP_NOT_FINITE.
 */
void trainer_save(struct trainer *trainer);

/* Collective. Draws or reads the parameters of start progress.start, and clears everything else. */
status trainer_begin_start(struct trainer *trainer);

/* Collective. The state in the saver's snapshot to the ranks, progress included. */
void trainer_restore(struct trainer *trainer);

/* Collective. The state of the ranks into the saver's snapshot. */
void trainer_collect(struct trainer *trainer);

/* Collective. One start from where progress stands; sets trainer->reason. */
status trainer_run_start(struct trainer *trainer);

/* Root: the error by which starts and epochs are compared. */
double trainer_selection_error(const struct trainer *trainer);

/* True if any signal has asked this process to stop. Local. */
bool trainer_stop_was_requested(void);

/* Root. Opens the metrics file of the current start. */
status trainer_open_metrics(struct trainer *trainer);

static inline bool trainer_is_root(const struct trainer *trainer)
{
    return trainer->comm->rank == 0;
}

#endif
