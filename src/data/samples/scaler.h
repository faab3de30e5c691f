/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_SCALER_H
#define COTERIE_DATA_SCALER_H

#include "base/status.h"
#include "data/source/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The scaling of inputs and regression targets, stored with the model and undone in predictions:
 *     scaled = (value - mean) / scale.
 * Always double. All functions are Local.
 */
struct scaler {
    size_t n_inputs, n_targets;
    double *x_mean, *x_scale; /* (n_inputs) */
    double *y_mean, *y_scale; /* (n_targets); 0 and 1 where targets are not scaled */
    bool *is_constant; /* (n_inputs + n_targets), inputs first: standardised columns that are;
                          not stored with the model */
};

enum scaling { SCALING_NONE, SCALING_STANDARD, SCALING_NUMBER };

/* Means 0 and scales 1. */
status scaler_init(struct scaler *scaler, size_t n_inputs, size_t n_targets);
void scaler_release(struct scaler *scaler);

/*
 * SCALING_STANDARD: mean and standard deviation (divisor n) over the samples `rows` (ascending);
 * a constant column gets scale 1. Targets only if scale_targets. SCALING_NUMBER: inputs are divided
 * by `number` (not 0), targets left. One pass over the source, in double and in the order of rows,
 * which also gives its *fingerprint, see source_fingerprint.
 */
status scaler_fit(struct scaler *scaler, struct source *source, const uint64_t *rows, size_t n_rows,
                  enum scaling scaling, double number, bool scale_targets, uint64_t *fingerprint);

#endif
