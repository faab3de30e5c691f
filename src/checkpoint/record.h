/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_CHECKPOINT_RECORD_H
#define COTERIE_CHECKPOINT_RECORD_H

#include <stdint.h>

/* The running sums of train/step/metrics.h. */
enum { METRICS_N_SUMS = 7 };

/* What one line of metrics.jsonl says. NAN: not known, written as null. */
struct metrics_record {
    int64_t epoch, step;
    double error, nll, expected_square, accuracy, rmse, gate_entropy;
    double
        experts_used; /* experts whose mean mixing proportion is at least 1 % of an equal share */
    double error_valid, nll_valid, expected_square_valid, accuracy_valid, rmse_valid;
    double learning_rate;
    double seconds; /* of training since the start of the run, over restarts */
};
enum { RECORD_N_VALUES = 13 }; /* the doubles of a record from `error` to `learning_rate` */

/* The name of value i, as in metrics.jsonl and below /history; value i of a record. */
const char *metrics_record_name(int i);
double *metrics_record_value(struct metrics_record *record, int i);

#endif
