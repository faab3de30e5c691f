/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_PREDICT_RECORDED_MODEL_H
#define COTERIE_PREDICT_RECORDED_MODEL_H

#include "base/status.h"
#include "checkpoint/checkpoint.h"
#include "data/source/gap_inputs.h"
#include "model/model_config.h"

/*
 * Local. The model that a checkpoint's record describes. STATUS_USAGE, naming key and value, for
 * what this version does not know: a number is not computed by a model that is guessed at.
 */
status recorded_model(const struct run_record *record, struct model_config *config);

/*
 * Local. Which of the model's n_inputs tell of missing values of which others: *told_by
 * (gaps->n_own) is as gap_inputs_spread has it, allocated. None where training refused missing
 * values, or left them out.
 */
status recorded_gaps(const struct run_record *record, size_t n_inputs, struct gap_inputs *gaps,
                     size_t **told_by);

#endif
