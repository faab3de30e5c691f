/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_PREDICT_NOVELTY_H
#define COTERIE_PREDICT_NOVELTY_H

#include "checkpoint/known_samples.h"
#include "data/samples/dataset.h"

/*
 * How unlike the inputs trained on a sample is: the Mahalanobis distance of its scaled inputs x,
 * over the root of their number,
 *
 *   novelty = sqrt((x - m)^T S^-1 (x - m) / D),
 *
 * with mean m and covariance S of training samples: its root mean square over these is 1. Unlike
 * the range of each input it sees combinations that were not there. Inputs that never varied count
 * as nearly constant, and S gets a ridge of 1e-6 of its diagonal, so that rounding does not count
 * where inputs determine each other. All functions are Local.
 */
struct novelty {
    size_t n_inputs;
    const double *mean; /* (D), of the spread */
    double *whitener;   /* (D, D), lower */
    double *deviation;  /* (D), work space */
};

/* Rows that the spread of n_inputs inputs is measured by; 0: so many have none. */
size_t novelty_most_rows(size_t n_inputs);

/* Mean and covariance of `samples`, in their order; their weights do not count. */
status novelty_measure(const struct dataset *samples, struct input_spread *spread);

/* `spread` must outlive it. */
status novelty_init(struct novelty *novelty, const struct input_spread *spread);
void novelty_release(struct novelty *novelty);

/* Of one sample, x (D) scaled. */
double novelty_of(const struct novelty *novelty, const real *x);

#endif
