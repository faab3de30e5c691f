/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_INFERENCE_REFIT_H
#define COTERIE_TRAIN_INFERENCE_REFIT_H

#include "base/status.h"
#include "data/samples/dataset.h"
#include "train/inference/covariance.h"
#include "train/inference/information.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The parametric bootstrap: targets drawn from a model at the inputs of its samples, and the model
 * fitted to them anew, from where it was. Everything here is Local, for samples in memory.
 *
 * The likelihood is climbed by Newton steps V s with the observed information; where that is not
 * positive, with the information of the complete data, which takes the posteriors as known, as EM
 * does. A step is halved until the likelihood rises.
 */
struct refit {
    const struct dataset *dataset;   /* whose inputs and weights are taken; not owned */
    struct information *information; /* its parameters move; not owned */
    size_t reference;
    double variance_floor;
    struct dataset drawn;         /* the same samples with the targets drawn */
    const struct dataset *fitted; /* what is climbed on: these, unless the caller says another */
    struct batch batch;
    struct linear_parameters start, before; /* where every refit begins, and the last step did */
    double *d;                              /* (O, GROUPS_CHUNK) */
    double log_likelihood;
    size_t n_steps;
    bool is_positive; /* the observed information here */
    bool converged;
};

/* floor: the least variance, in scaled units. After information_init. */
status refit_init(struct refit *refit, struct information *information,
                  const struct dataset *dataset, size_t reference, double floor);
/* The information gets the parameters of the start again. */
void refit_release(struct refit *refit);

/* The present parameters become those of the start. */
void refit_start_here(struct refit *refit);

/* Draws targets for all samples from the parameters of the start: the stream `number` of `seed`. */
void refit_draw(struct refit *refit, uint64_t seed, uint32_t number);

/*
 * Climbs from the start. Sets log_likelihood (of scaled targets, as `forward` of the family has
 * it), n_steps, converged; the covariance is that of the end, to be released in any case.
 */
status refit_climb(struct refit *refit, struct covariance *covariance);

#endif
