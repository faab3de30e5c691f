/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_TRAINER_UNSEEN_H
#define COTERIE_TRAIN_TRAINER_UNSEEN_H

#include "train/loop/trainer.h"

/* --variance unseen; without it these do nothing. */

/* Local. */
status trainer_allocate_unseen(struct trainer *trainer);
void trainer_release_unseen(struct trainer *trainer);

/* Local. Before a pass over the unseen samples, and after each of its micro-batches. */
void trainer_clear_unseen(struct trainer *trainer);
void trainer_add_unseen(struct trainer *trainer);

/*
 * Collective. After the pass: with sums over all samples i, by the member that has not seen them,
 *
 *     sigma_e^2 = (sum_i h_ie q_ie + a s) / (O (sum_i h_ie + a)),   s = sum_ie h_ie q_ie / N
 *
 * in scaled units, but not below the floor of a learned variance; a is 20 samples.
 */
void trainer_take_variance(struct trainer *trainer);

#endif
