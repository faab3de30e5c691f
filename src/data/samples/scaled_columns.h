/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_SCALED_COLUMNS_H
#define COTERIE_DATA_SCALED_COLUMNS_H

#include "base/real.h"
#include "base/status.h"
#include "data/hdf5/hdf5_file.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Scales numbers as they lie in a file,
 *     scaled = (number - mean) (1 / scale),
 * in one pass: read, made double, scaled, rounded to `real`, checked and written. Mean and scale of
 * the columns stand here as often as makes a row long enough for whole vectors. Private to the data
 * layer; Local.
 */
struct scaled_columns {
    size_t length;          /* a multiple of the number of columns */
    double *mean, *inverse; /* (length); inverse = 1 / scale */
};

status scaled_columns_init(struct scaled_columns *columns, size_t n_columns, const double *mean,
                           const double *scale);
void scaled_columns_release(struct scaled_columns *columns);

/* n numbers (whole rows). False if a result is not finite. */
bool scaled_columns_apply(const struct scaled_columns *columns, enum hdf5_number number,
                          const void *from, size_t n, real *to);
/* The same for doubles of which some are missing (NAN): these become 0, the mean of the others. */
bool scaled_columns_fill(const struct scaled_columns *columns, const double *from, size_t n,
                         real *to);

#endif
