/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_SCALER_H
#define COTERIE_DATA_SCALER_H

#include "base/status.h"
#include "data/samples/data_survey.h"
#include "data/source/source.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The scaling of inputs and regression targets, stored with the model and undone in predictions:
 *     scaled = (value - mean) / scale.
 * With it goes the range of each input, for who wants to know whether a sample is like those that
 * were trained on. Always double. All functions are Local.
 */
struct scaler {
    size_t n_inputs, n_targets;
    double *x_mean, *x_scale; /* (n_inputs) */
    double *x_least, *x_most; /* (n_inputs) of the samples trained on, not scaled; NAN: not known */
    double *y_mean, *y_scale; /* (n_targets); 0 and 1 where targets are not scaled */
    bool *is_constant; /* (n_inputs + n_targets), inputs first: standardised columns that are;
                          not stored with the model */
};

enum scaling { SCALING_NONE, SCALING_STANDARD, SCALING_NUMBER };

/* Means 0 and scales 1, ranges not known. */
status scaler_init(struct scaler *scaler, size_t n_inputs, size_t n_targets);
void scaler_release(struct scaler *scaler);

/*
 * SCALING_STANDARD: mean and standard deviation (divisor n) of the samples that the survey has the
 * moments of; a constant column gets scale 1. Targets only if scale_targets. SCALING_NUMBER: inputs
 * are divided by `number` (not 0), targets left.
 */
status scaler_fit(struct scaler *scaler, const struct source_info *info,
                  const struct data_survey *survey, enum scaling scaling, double number,
                  bool scale_targets);

#endif
