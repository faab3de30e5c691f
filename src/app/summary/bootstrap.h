/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_SUMMARY_BOOTSTRAP_H
#define COTERIE_APP_SUMMARY_BOOTSTRAP_H

#include "app/judge/loaded_model.h"
#include "base/status.h"
#include "coefficients.h"
#include "comm/communicator.h"
#include "train/inference/information.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The parametric bootstrap of a model's coefficients (Efron 1979): refits to targets drawn from the
 * model, dealt over the ranks. Refit r takes the stream r of the seed wherever it is made, so that
 * no number of ranks changes a bit. Rows are in the order of struct coefficients; of refits that
 * did not converge nothing is taken.
 */
struct bootstrap {
    size_t n, n_converged, n_rows;
    double *error;         /* (rows) standard deviation of the estimates, owned as the next */
    double *lower, *upper; /* (rows) percentiles of the level's interval */
    /* (rows) share of refits whose own interval holds the model's coefficient: the true level. */
    double *coverage;
};

struct bootstrap_plan {
    size_t n, reference;
    uint64_t seed;
    double level;
};

/*
 * Collective. `coefficients` are those of the model (root). STATUS_USAGE if the samples are
 * streamed.
 */
status bootstrap_run(struct bootstrap *bootstrap, const struct communicator *comm,
                     const struct loaded_model *loaded, struct information *information,
                     const struct bootstrap_plan *plan, const struct coefficients *coefficients);
void bootstrap_release(struct bootstrap *bootstrap);

#endif
