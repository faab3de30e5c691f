/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_PREDICTION_WRITER_H
#define COTERIE_APP_PREDICTION_WRITER_H

#include "app/judge/dealt_predictions.h"
#include "app/judge/loaded_model.h"
#include "base/status.h"
#include "predict/novelty.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Writes predictions to a CSV or HDF5 file (by the ending .h5 or .hdf5), one row or entry per
 * sample in input order. Columns: regression y_<target>, variance_<target>; classification class
 * (the original label) and p_<class>; g_<e>; h_<e> where targets are given. On request
 * lower_<target> and upper_<target>, novelty, and what each expert says: o_<e>_<target> and
 * sigma_<e>_<target>, or p_<e>_<class>. In HDF5 each column is a data set of that name (of which a
 * slash, as in a unit, makes a group). Scaling is undone. Everything here is Root.
 *
 * The file appears under its name only when it is whole; an existing one is never overwritten.
 */
struct prediction_writer;

/* One micro-batch. */
struct prediction_block {
    size_t first, n;
    const bool *incomplete; /* (samples of the source) rows without all values; NULL: none */
    const struct dealt_predictions *dealt; /* its numbers */
    const real *x;                         /* (n, D) scaled inputs */
};

/* Columns that are not always written. */
struct prediction_extras {
    bool rows; /* which sample of the data it is, from 0: with --part */
    bool density;
    double interval;      /* probability of the interval between lower_ and upper_; 0: none */
    const double *factor; /* (O) of conformal intervals; NULL: those of the mixture. Not owned */
    const struct novelty *novelty; /* NULL: no such column. Not owned */
};

/* STATUS_USAGE if nothing can be written to `path`: to be asked before the work is done. */
status prediction_writer_check(const char *path);

status prediction_writer_create(const char *path, const struct loaded_model *loaded,
                                struct prediction_extras extras, struct prediction_writer **out);
status prediction_writer_add(struct prediction_writer *writer,
                             const struct prediction_block *block);

/* Closes; the file gets its name if `so_far` and everything here went well, else it is removed. */
status prediction_writer_finish(struct prediction_writer **writer, status so_far);

#endif
