/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_BASELINE_H
#define COTERIE_APP_BASELINE_H

#include "app/problem/problem.h"

/*
 * How well the best answer does that does not look at the inputs: always the most frequent class of
 * these samples, or always the mean of their targets. What a model is worth shows beside it.
 */
struct baseline {
    double accuracy, rmse; /* NAN where the metrics have none */
};

/*
 * Root. Of the samples `rows` (n, ascending; NULL: the first n) of a source, weighted as the
 * metrics are. Accuracy and rmse as `config` has them, of targets as `problem` reads them.
 */
status baseline_measure(struct source *source, const uint64_t *rows, size_t n,
                        const struct problem *problem, const struct metrics_config *config,
                        struct baseline *baseline);

#endif
