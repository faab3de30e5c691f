/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_EXPERT_LIKENESS_H
#define COTERIE_APP_EXPERT_LIKENESS_H

#include "base/status.h"
#include "comm/communicator.h"
#include "train/step/step.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Which experts do the same. Their outputs on at most 64 samples, spread evenly over the data, are
 * brought to rank 0 and compared there, pair by pair. Two experts are alike if for every output k
 *
 *     root mean square over samples of (o_e - o_f)  <=  LIKENESS_TOLERANCE * spread_k
 *
 * (the spread is the standard deviation over samples and experts) and their variances differ by no
 * more than that share. The result does not depend on the number of ranks.
 */
#define LIKENESS_TOLERANCE 0.01

struct expert_likeness {
    size_t n_experts, n_local, n_outputs;
    size_t n_samples, interval;    /* every interval-th sample is taken, n_samples of them */
    size_t row;                    /* reals of an expert: n_samples * n_outputs, padded */
    real *own;                     /* (n_local, row) outputs, sample by sample */
    real *all;                     /* root: (E, row) */
    struct dispersion *dispersion; /* root: (E) */
    double *limit;                 /* root: (O) work space */
    size_t *same_as; /* root: (E) the first expert that is like this one; itself if none */
};

/* Collective. For n samples of the model of `step`. */
status expert_likeness_init(struct expert_likeness *likeness, const struct step *step, size_t n);
void expert_likeness_release(struct expert_likeness *likeness);

/* Local. Takes what it needs of the micro-batch that begins with sample `first`. */
void expert_likeness_add(struct expert_likeness *likeness, const struct step *step, size_t first);

/* Collective. Fills same_as; experts with left_out[e] (root, (E)) are like no other. */
void expert_likeness_compare(struct expert_likeness *likeness, const struct step *step,
                             const bool *left_out);

/*
 * Root. After the comparison: how far two experts differ, as a share of the outputs' spread. The
 * root of the sum of the mean over outputs of (o_e - o_f)^2 / spread_k^2 and of the relative
 * difference of their variances, squared.
 */
double expert_likeness_distance(const struct expert_likeness *likeness, size_t e, size_t f);

#endif
