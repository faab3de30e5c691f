/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_CHECKPOINT_KNOWN_SAMPLES_H
#define COTERIE_CHECKPOINT_KNOWN_SAMPLES_H

#include "base/status.h"
#include "data/hdf5/hdf5_file.h"

#include <stddef.h>

/*
 * What a checkpoint tells of samples beside its model, without telling a sample. In HDF5:
 *   /conformal/scores (O, n)          of the best and the newest model: see predict/conformal.h
 *   /novelty/mean (D), covariance (D, D)    see predict/novelty.h
 * All functions are Local.
 */

/* How far targets of samples held out lie from what the model says of them. */
struct conformal_scores {
    size_t n, n_outputs; /* n = 0: there are none */
    double *score;       /* (O, n), each row ascending */
};

/* What the inputs trained on are like. */
struct input_spread {
    size_t n_inputs;    /* 0: not known */
    double *mean;       /* (D), scaled */
    double *covariance; /* (D, D), divisor n */
};

/* More are neither written nor read. */
enum { CONFORMAL_MOST_ROWS = 10000, SPREAD_MOST_INPUTS = 512 };

/* Everything is zero. */
status conformal_scores_init(struct conformal_scores *scores, size_t n, size_t n_outputs);
void conformal_scores_release(struct conformal_scores *scores);
status input_spread_init(struct input_spread *spread, size_t n_inputs);
void input_spread_release(struct input_spread *spread);

/* Root. Of what there is nothing, nothing is written. */
status conformal_scores_write(struct hdf5_file *file, const struct conformal_scores *scores);
status input_spread_write(struct hdf5_file *file, const struct input_spread *spread);

/* Root. Empty if the file has none, as older ones. */
status conformal_scores_read(struct hdf5_file *file, size_t n_outputs,
                             struct conformal_scores *scores);
status input_spread_read(struct hdf5_file *file, size_t n_inputs, struct input_spread *spread);

#endif
