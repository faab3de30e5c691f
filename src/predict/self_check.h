/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_PREDICT_SELF_CHECK_H
#define COTERIE_PREDICT_SELF_CHECK_H

#include "base/status.h"
#include "checkpoint/snapshot.h"
#include "data/samples/scaler.h"
#include "predict/predictor.h"

/*
 * A checkpoint holds some inputs and what the model says of them, computed when it was written. Who
 * opens it computes them again: a program that was built wrongly, or misreads the parameters, is
 * noticed before its numbers are believed. All functions are Local.
 */

/*
 * The check of `snapshot->current` with inputs in the range of `scaler`, which depend on nothing
 * else, so that no sample is told. `check` is empty (self_check_release) for a model of more than
 * 2^24 parameters, which would be copied for it.
 */
status self_check_make(const struct snapshot *snapshot, const struct scaler *scaler,
                       struct self_check *check);

/*
 * Whether a predictor says the same but for rounding: 1e-4 (1 + |value|) in single precision, 1e-9
 * of it in double. STATUS_USAGE, naming the checkpoint at `path`, the sample and both numbers. An
 * empty check, of an older checkpoint, is passed.
 */
status self_check_verify(const struct predictor *predictor, const struct self_check *check,
                         const char *path);

#endif
