/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_EXACT_TARGETS_H
#define COTERIE_APP_EXACT_TARGETS_H

#include "app/judge/loaded_model.h"

#include <stddef.h>

/*
 * Numeric targets as they stand in the file, in double: the scaled ones of a batch have the digits
 * of `real`. So the errors that are told are those of the predictions that `predict` writes. Root.
 */
struct exact_targets {
    const struct loaded_model *loaded; /* not owned */
    double *block;                     /* of the samples first .. end-1 of the source, owned */
    size_t first, end;
};

status exact_targets_init(struct exact_targets *targets, const struct loaded_model *loaded);
void exact_targets_release(struct exact_targets *targets);

/*
 * *squared becomes the mean over targets of (d - y)^2, in the units of the data, of sample `row` of
 * the source; y (O): its predictions, scaled. Rows must rise.
 */
status exact_targets_squared(struct exact_targets *targets, const double *y, size_t row,
                             double *squared);

#endif
