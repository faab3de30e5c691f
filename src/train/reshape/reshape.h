/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_RESHAPE_H
#define COTERIE_TRAIN_RESHAPE_H

#include "base/status.h"
#include "checkpoint/snapshot.h"
#include "reshape_plan.h"

#include <stdbool.h>

/*
 * Experts split, pruned and merged where training begins from a model: from the parameters (and the
 * state of the optimiser) of a model with E experts to those of one with E' experts. All functions
 * are Root. a_e is the gate's logit of expert e, linear in its last layer: a_e = w_e z + b_e. For a
 * Gaussian gate a split halves alpha_e, and a merged pair gets the mean and covariance of both.
 *
 * Split. Expert e becomes two with its parameters, whose logits are a_e - ln 2: each has half of
 * g_e, so that y = sum g o and sum g p(d) stay what they are. Twins that are equal in everything
 * get equal gradients and never part. So one begins at theta + s xi and the other at theta - s xi,
 * the gate's weights likewise; xi is drawn as initial weights are (mlp_draw). What is of first
 * order in s cancels between the two: predictions change by O(s^2). The s that is taken unless the
 * user says otherwise is the root of the working precision (1.5e-8, or 3.5e-4 in single), and s^2
 * is lost in rounding: a split changes no prediction.
 *
 * Prune. Expert e and its row of the gate are left out, and the other proportions are divided by
 * 1 - g_e. No probability that the mixture gives can change by more than g_e(x).
 *
 * Merge. Experts e and f become one. A sum of exponentials has no linear logit; the best lower
 * bound of its logarithm of the form u a_e + (1 - u) a_f + c is
 *
 *     ln(exp a_e + exp a_f) >= u a_e + (1 - u) a_f + H(u),   H(u) = -u ln u - (1 - u) ln(1 - u)
 *
 * exact where e's share of the pair is u; u is e's share of the pair's mean use. Linear experts are
 * averaged with weights u and 1 - u, variances too. Hidden units of two networks do not correspond:
 * with hidden layers, the one that is used more is taken. Twins that have not parted become again
 * what was split.
 *
 * The optimiser's averages become what they would be had there always been these experts: twins get
 * half of their parent's gradient, and a merged expert the sum of two (a network that is taken as
 * it is: its own over its share). So do the running sums of on-line EM.
 */

/* Whether models with this gate can be changed so. */
bool reshape_is_possible(enum gate_choice gate);

/* Parameters only; `before` and `after` have shapes that differ in the number of experts alone. */
status reshape_networks(const struct reshape *reshape, const struct model_shape *before,
                        const struct networks *from, const struct model_shape *after,
                        struct networks *to);

/*
 * The state of a whole run: parameters, optimiser, and progress, in which the model before is the
 * best no more. Errors that were recorded up to the present epoch stay in the history; the epoch
 * itself is to be measured anew, unless it is under way.
 */
status reshape_snapshot(const struct reshape *reshape, const struct snapshot *from,
                        struct snapshot *to);

#endif
