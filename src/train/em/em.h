/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_EM_H
#define COTERIE_TRAIN_EM_H

#include "base/status.h"
#include "comm/communicator.h"
#include "comm/shared_memory.h"
#include "data/samples/dataset.h"
#include "train/step/model.h"
#include "train/step/step.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Expectation maximisation (Jordan & Jacobs 1994) for the mixture error (1.3), in the place of a
 * gradient step. One iteration is one pass over all samples and one update:
 *
 *   E-step   the exchange of a training step: h_e = g_e exp(l_e) / sum_j g_j exp(l_j)
 *   M-step   expert e:  raises  sum_n w_n h_e l_e       each expert alone, on its own rank
 *            the gate:  raises  sum_n w_n sum_e h_e log g_e, led by rank 0
 *
 * where w_n is the sample's share of the data. Linear experts with the Gaussian likelihood have
 * their maximum in closed form: weighted least squares by normal equations, and the variance if it
 * is learned. All other linear networks, the gate too, make one Newton step (Gauss-Newton for
 * squared errors of logistic and softmax outputs) with backtracking: by a factorised curvature
 * where that is small, else by conjugate gradients. Networks with hidden layers make a few steps of
 * L-BFGS with backtracking. No part of the M-step lowers what it is to raise, and so the likelihood
 * never falls.
 *
 * A Gaussian gate (--gate gaussian; Xu, Jordan & Hinton 1994) is a model of x as well, and EM
 * raises the likelihood of x and d together, whose maximum is in closed form for the gate, too:
 *
 *   alpha_e = sum_n w_n h_e,  m_e = sum_n w_n h_e x / alpha_e,
 *   S_e     = sum_n w_n h_e (x - m_e)(x - m_e)^T / alpha_e
 *
 * The error is then -ln p(x, d) without constants, in scaled inputs; nll is -ln p(d|x) as ever,
 * and may rise while the error falls. S_e is a full covariance; its eigenvalues, in units of the
 * inputs' variances, are raised to 1e-4 where they are lower. At the start the experts' means are
 * samples, drawn, and S_e is the covariance of all.
 *
 * Statistics are double in both programs and are added in fixed chunks, the micro-batches: no
 * number of ranks changes a bit. For the gate, chunks form at most 16 groups; a rank works on some
 * groups, and the root adds the groups in their order.
 */
struct em;

/*
 * On-line EM (Cappe & Moulines 2009) is for streams and for data that do not fit into memory. Where
 * a batch is not all samples, the sums s that the M-step needs are running ones: of batch number
 * t = 0, 1, ..., with sums s_t per sample,
 *
 *   s = (1 - r) s + r s_t,   r = (t + 1)^-forgetting,
 *
 * and each batch is followed by an M-step, from when 10 (D + 1) samples per expert have been seen.
 * An expert whose share of the samples that still count is less than 2 (D + 1) samples stays as it
 * is for that time. It is possible where sums are all that is needed: linear experts with the
 * Gaussian likelihood and a Gaussian gate. The likelihood may fall between batches.
 */
struct em_config {
    size_t micro_batch, batch_size; /* batch_size 0, or not below the samples: all of them */
    double forgetting;              /* in [1/2, 1]; 1: all batches count alike */
};

/* Local. Whether EM on n samples goes batch by batch. */
bool em_is_online(const struct em_config *config, size_t n);

/* Local. STATUS_USAGE where EM on n samples is not defined for this model. */
status em_check(const struct model_config *config, const struct em_config *em, size_t n);

/* Local. Bytes that EM on n samples needs on rank `rank` of this shard, and once per host. */
double em_bytes(const struct model_config *config, const struct em_config *em,
                const struct shard *shard, int rank, size_t n);
double em_host_bytes(const struct model_config *config, const struct em_config *em, size_t n);

/* Collective. For the samples of `dataset`; the arguments must outlive it. *em stays NULL on
 * failure. */
status em_create(struct em **em, struct model *model, const struct communicator *comm,
                 const struct dataset *dataset, const struct em_config *config);
void em_destroy(struct em **em);

/*
 * Local, in step on all ranks. What depends on the data: em_begin after model_draw makes the start
 * of a Gaussian gate and clears running sums, em_resume what a run that goes on needs. Both may
 * pass over all samples in their order.
 */
void em_begin(struct em *em, uint64_t seed);
void em_resume(struct em *em);

/*
 * Local. On-line: the running sums of this rank's experts, (n_local, em_state_width) doubles, which
 * are a part of the training state. Else the width is 0.
 */
double *em_state(struct em *em);
size_t em_state_width(const struct em *em);

/*
 * Collective. After step_forward: takes what the M-step needs of micro-batch number `chunk` of a
 * batch, before which there were n_updates.
 */
void em_collect(struct em *em, const struct step *step, size_t chunk, uint64_t n_updates);

/* Collective. The M-step, when all micro-batches have been collected. */
void em_update(struct em *em);

/* Local. The parameters from before the last em_update again. */
void em_reject(struct em *em);

/*
 * Collective. By how much rounding of parameters and outputs to the working precision may have
 * moved the mean error, roughly; 0 where nothing is found in double and then rounded (networks with
 * hidden layers), and where the likelihood may fall anyway (streams).
 */
double em_rounding(const struct em *em);

#endif
