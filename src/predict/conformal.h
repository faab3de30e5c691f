/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_PREDICT_CONFORMAL_H
#define COTERIE_PREDICT_CONFORMAL_H

#include "checkpoint/snapshot.h"
#include "data/samples/dataset.h"
#include "model/likelihood/likelihood.h"

/*
 * Split-conformal intervals (Vovk, Gammerman & Shafer 2005): a target that is exchangeable with
 * those held out lies inside with at least the probability asked for, whatever the model is worth.
 * The score of a target d is how far it lies from the median m of the predictive distribution, in
 * parts of the distance of the 5 % or 95 % quantile on its side:
 *
 *   s = max((m - d) / (m - low), (d - m) / (high - m)).
 *
 * That is CQR-m of Kivaranovic, Johnson & Leeb (2020), after Romano, Patterson & Candes (2019), but
 * for a constant: intervals are as wide as the model is uncertain, and one list of scores is enough
 * for all levels. Between n scores and a new one each of the n + 1 places is equally likely: the
 * ceil((n + 1) P)-th smallest is the factor of the interval m - f (m - low) .. m + f (high - m).
 *
 * A count k is taken as k - 1/2 .. k + 1/2, so that distances are above 0. All functions are Local.
 */

/* Rows that scores are kept of: at most CONFORMAL_MOST_ROWS, fewer of models with many numbers. */
size_t conformal_most_rows(const struct model_config *config);

/*
 * The scores of snapshot->current for samples held out: scaled numeric targets; their weights do
 * not count. Without samples, or of classes, there are none.
 */
status conformal_calibrate(const struct snapshot *snapshot, const struct dataset *held_out,
                           struct conformal_scores *scores);

/* The factor of target k for probability p; INFINITY if the scores are too few for it. */
double conformal_factor(const struct conformal_scores *scores, size_t k, double p);

/* How many scores p needs for a finite factor. */
size_t conformal_least_rows(double p);

/* One end of the interval, in scaled units and inside what the family's targets can be. */
double conformal_end(const struct likelihood_family *family, const struct target_mixture *mixture,
                     double factor, bool is_upper);

#endif
