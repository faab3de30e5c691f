/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_SUMMARY_FIT_H
#define COTERIE_APP_SUMMARY_FIT_H

#include "app/judge/loaded_model.h"
#include "base/status.h"
#include "checkpoint/snapshot.h"
#include "comm/communicator.h"
#include "train/inference/sample_groups.h"

#include <stddef.h>

/*
 * How well a model of any kind fits some samples, and what its inputs do. With n the sum of the
 * weights, k free parameters and L the likelihood in the units of the data,
 *
 *   AIC = -2 ln L + 2 k   BIC = -2 ln L + k ln n   ICL = BIC + 2 H,  H = -sum_i w_i sum_e h_ie ln
 * h_ie
 *
 * The average marginal effect of input j on prediction y_k is (1/n) sum_i w_i dy_k/dx_j at sample
 * i; y are targets, or probabilities of classes. Root, and the same for any number of ranks.
 */
struct fit {
    size_t n_experts, n_outputs, n_inputs;
    double n, parameters;
    double log_likelihood; /* NAN where the error is not a likelihood, and all that follows of it */
    double aic, bic, icl;
    double entropy; /* H */
    double *sums;   /* (n_sums) owned; g, h and effect lie in it */
    double *g, *h;  /* (E) means over samples */
    double *effect; /* (O, D), in the units of the data */
    size_t *order;  /* (E) experts by falling h; of equal ones the first before the others */
};

/* Collective. With the networks of `snapshot`, which all ranks have. */
status fit_measure(struct fit *fit, const struct communicator *comm,
                   const struct loaded_model *loaded, const struct snapshot *snapshot,
                   struct sample_groups *groups);
void fit_release(struct fit *fit);

#endif
