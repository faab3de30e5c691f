/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_TRAINER_INTERNAL_H
#define COTERIE_TRAIN_TRAINER_INTERNAL_H

#include "base/site.h"
#include "train/loop/trainer.h"

/* The parts of the trainer that have files of their own. */

/*
 * Collective. Copies the state to the root and starts saving it; a failed earlier saving is
 * reported. Parameters that are not finite are not saved: trainer->reason becomes STOP_NOT_FINITE.
 * `is_due`: an undisturbed run saves here too, so that --on-nan rollback may come back to it.
 */
void trainer_save(struct trainer *trainer, bool is_due);

/* Collective. Draws or reads the parameters of start progress.start, and clears everything else. */
status trainer_begin_start(struct trainer *trainer);

/* Root. The parameters of the file of --init, with its experts split, pruned or merged. */
status trainer_read_reshaped(struct trainer *trainer, struct networks *all);

/* Root. The state in the file, with other experts, into the saver's snapshot. */
status trainer_read_reshaped_state(struct trainer *trainer, struct hdf5_file *file,
                                   const struct reshape *reshape);

/* Collective. After a start has ended: compares it with the best one before. */
status trainer_finish_start(struct trainer *trainer);

/* Collective. All starts have been tried: takes up the best one again, if any ended well. */
status trainer_choose_start(struct trainer *trainer);

/* Collective. The state in the saver's snapshot to the ranks, progress included. */
void trainer_restore(struct trainer *trainer);

/* Collective. The state of the ranks into the saver's snapshot. */
void trainer_collect(struct trainer *trainer);

/* Local, the same on all ranks. Whether something was not finite, and --on-nan rollback goes on. */
bool trainer_rolls_back(const struct trainer *trainer);

/*
 * Collective. Back to the last state that was due to be saved, or to the begin of the start, with
 * half the rate.
 */
status trainer_roll_back(struct trainer *trainer);

/* Collective. One start from where progress stands; sets trainer->reason. */
status trainer_run_start(struct trainer *trainer);

/* What rank 0 decides for all before each update. */
struct trainer_decision {
    int32_t reason; /* enum stop_reason */
    int32_t save;
    int32_t save_is_due; /* by --checkpoint-every */
    double round_weight; /* of the next round in the profile */
    uint64_t site_count; /* replicas may have passed different numbers of sites */
};

/* Collective. */
struct trainer_decision trainer_decide(struct trainer *trainer);

/* Root. The last epoch came down to --stop-error. */
bool trainer_error_is_reached(const struct trainer *trainer);

/* Local. The rate of the next update, by --schedule and after rollbacks. */
double trainer_learning_rate(const struct trainer *trainer);

/* Local. Whether the experts are updated in backward: see early_update.h. */
bool trainer_updates_early(const struct trainer *trainer);

/* Collective. The update by the gradients, as far as backward has not made it. */
void trainer_follow_gradient(struct trainer *trainer);

/* Root. Opens the metrics file of the current start. */
status trainer_open_metrics(struct trainer *trainer);

/* Local. Memory for trainer_add_shares. */
status trainer_allocate_shares(struct trainer *trainer);
void trainer_release_shares(struct trainer *trainer);

/*
 * Collective, with several replicas. The root adds what each replica has summed up in
 * trainer->share, in their order, to `metrics`; requests to stop and what was not finite too.
 */
void trainer_add_shares(struct trainer *trainer, int64_t raised, struct metrics *metrics);

/* Collective. The first replica's part of the networks to the same ranks of the others. */
void trainer_spread_networks(const struct trainer *trainer, const struct local_networks *networks);

/* Local. Only the first replica gathers for checkpoints, and scatters what is read from one. */
bool trainer_is_in_first_replica(const struct trainer *trainer);

/*
 * Local, in the other replicas: passes the n sites of the first replica's collectives by, so that
 * the watchdog finds all ranks equally far.
 */
void trainer_let_first_replica(enum site site, int n);

static inline double trainer_mean_error(const struct metrics *metrics)
{
    return metrics->error / metrics->weight;
}

static inline bool trainer_is_root(const struct trainer *trainer)
{
    return trainer->comm->rank == 0;
}

#endif
