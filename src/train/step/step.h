/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_STEP_H
#define COTERIE_TRAIN_STEP_H

#include "base/status.h"
#include "comm/communicator.h"
#include "step_state.h"
#include "train/step/model.h"

#include <stdbool.h>

/* clang-format off: the diagram stays as it is drawn */
/*
 * One training step, micro-batch by micro-batch:
 *
 *             rank 0                                   every rank (rank 0 too)
 *  x (B,D) -> gate -> log g (E,B)        x -> own experts -> o (e,B,O), log-likelihood l (e,B)
 *                   |        <---- gather l (E,B) --------------'
 *  posterior h = softmax_e(log g + l)
 *  error = -mean logsumexp  ----- scatter g, h (e,B) ---->  backward through own experts, weight h
 *  backward through the gate (g - h)                        combine y = sum g_e o_e (allreduce)
 */
/* clang-format on */

/* Collective. For micro-batches of up to max_stride samples. */
status step_init(struct step *step, struct model *model, const struct communicator *comm,
                 size_t max_stride);
void step_release(struct step *step);

/*
 * Local. Whether looking ahead pays: batches of n samples are several micro-batches, rank 0 has
 * time to spare for the posterior (fewer experts than others), and forming it takes a hundredth or
 * more of what the others' experts take. Not with --top-k, whose experts wait for the gate.
 */
bool step_looks_ahead(const struct model_config *config, const struct shard *shard, size_t n,
                      size_t micro_batch);
/*
 * Local. What of that hangs on the shards: rank 0 has `on_root` experts, others at most `most`, and
 * forming the posterior costs as much as `posterior_in_experts` experts.
 */
bool step_ahead_pays(double posterior_in_experts, size_t on_root, size_t most);
/* Collective. From now on micro-batches are computed ahead. For the softmax gate. */
status step_look_ahead(struct step *step);
/* Local. Bytes that it takes on a rank. */
double step_ahead_bytes(const struct model_config *config, const struct shard *shard, int rank,
                        size_t max_stride);

/*
 * Local. Loads samples at .. at+size-1 (or up to the last) as the present micro-batch. What follows
 * them is loaded next: `samples` and the parameters stay until the last has been loaded.
 */
void step_load(struct step *step, const struct sample_run *samples, size_t at, size_t size);

/*
 * Collective. Forward for the micro-batch in step->batch: g, y and, with targets, loglik, log_sum,
 * error, expected and the weights of the gradients.
 */
void step_forward(struct step *step);

/*
 * Collective. After step_forward: gradients become keep * gradient + this micro-batch's. The update
 * follows when the batch is done (train/trainer_update.c), or expert by expert in here, where
 * early_update.h says so.
 */
void step_backward(struct step *step, real keep);

#endif
