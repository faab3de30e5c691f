/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_PREDICT_RECORDED_MODEL_H
#define COTERIE_PREDICT_RECORDED_MODEL_H

#include "base/status.h"
#include "checkpoint/checkpoint.h"
#include "model/model_config.h"

/*
 * Local. The model that a checkpoint's record describes. STATUS_USAGE, naming key and value, for
 * what this version does not know: a number is not computed by a model that is guessed at.
 */
status recorded_model(const struct run_record *record, struct model_config *config);

#endif
