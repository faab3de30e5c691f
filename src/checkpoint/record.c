/* SPDX-License-Identifier: BSD-3-Clause */
#include "checkpoint/record.h"

static const char *const record_names[RECORD_N_VALUES] = {
    "error",          "nll",          "expected_square", "accuracy",  "rmse",
    "gate_entropy",   "experts_used", "error_valid",     "nll_valid", "expected_square_valid",
    "accuracy_valid", "rmse_valid",   "learning_rate"};

const char *metrics_record_name(int i)
{
    return record_names[i];
}

double *metrics_record_value(struct metrics_record *record, int i)
{
    double *all[RECORD_N_VALUES] = {&record->error,
                                    &record->nll,
                                    &record->expected_square,
                                    &record->accuracy,
                                    &record->rmse,
                                    &record->gate_entropy,
                                    &record->experts_used,
                                    &record->error_valid,
                                    &record->nll_valid,
                                    &record->expected_square_valid,
                                    &record->accuracy_valid,
                                    &record->rmse_valid,
                                    &record->learning_rate};
    return all[i];
}
