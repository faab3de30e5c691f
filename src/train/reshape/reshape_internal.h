#ifndef COTERIE_TRAIN_RESHAPE_INTERNAL_H
#define COTERIE_TRAIN_RESHAPE_INTERNAL_H

#include "train/reshape/reshape.h"

/*
 * Local. The parameters of a Gaussian gate. Twins have half of their parent's alpha; a pair that is
 * merged becomes the Gaussian with the mean and the covariance that both had together; what is
 * pruned leaves its alpha to the others.
 */
void reshape_gaussian_gate(const struct reshape *reshape, size_t n_inputs, const real *from,
                           real *to);

/*
 * Local. The running sums of on-line EM, after the parameters. A merged pair has the sums of both,
 * and what is pruned takes its own along. Twins have half of their parent's, as if its samples had
 * moved with the twin's mean and weights by what these differ from the parent's: of unmoved sums
 * the next M-step would make the parent twice.
 */
status reshape_sums(const struct reshape *reshape, const struct snapshot *from,
                    struct snapshot *to);

#endif
