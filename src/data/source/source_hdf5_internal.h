/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_SOURCE_HDF5_INTERNAL_H
#define COTERIE_DATA_SOURCE_HDF5_INTERNAL_H

#include "data/hdf5/hdf5_file.h"
#include "data/source/source_internal.h"

enum { SHAPE_TEXT = 200, NAME_SIZE = 512 };

/* The columns of one array, x or y: possibly from several data sets, possibly not all of them. */
struct hdf5_columns {
    const char *option, *default_dataset;
    struct string_list datasets;
    size_t *width;  /* (datasets.n), columns in the file */
    size_t *offset; /* (datasets.n), where its part of `column` begins */
    size_t *column; /* (n), within their data set, in the order of the array's columns */
    size_t n;
    struct string_list names; /* (n) */
    bool names_known;
    struct hdf5_shape shape; /* of the first data set */
    unsigned char *piece;    /* numbers as they are stored, on their way; NULL until needed */
};

struct hdf5_reader {
    struct hdf5_file *file;
    struct hdf5_columns x, y;
};

/* The numbers of a shape with commas between. */
const char *hdf5_shape_text(const struct hdf5_shape *shape, char text[SHAPE_TEXT]);

/* STATUS_USAGE for a data set that does not exist, with a suggestion and what there is. */
status hdf5_unknown_dataset(const struct source *source, struct hdf5_reader *reader,
                            const char *option, const char *name);

/* The same for a default that the file does not have, with what to write instead. */
status hdf5_no_default(const struct source *source, struct hdf5_reader *reader,
                       const struct hdf5_columns *columns);

/* A data set of one row per sample, and how many columns it has. */
status hdf5_check_dataset(const struct source *source, struct hdf5_reader *reader, const char *name,
                          struct hdf5_shape *shape, size_t *width);

/*
 * Finds the columns that `request` (an option's value, or NULL) names. Without any columns (n = 0)
 * if they are optional and not there.
 */
status hdf5_columns_find(const struct source *source, struct hdf5_reader *reader,
                         struct hdf5_columns *columns, const char *request, bool optional);

/* Leaves out the columns of the default data set that --exclude names. */
status hdf5_columns_exclude(const struct source *source, struct hdf5_columns *columns);
void hdf5_columns_release(struct hdf5_columns *columns);

/* Rows first .. first+n-1; STATUS_USAGE if a number is not finite. `names` are for messages. */
status hdf5_columns_read(const struct source *source, struct hdf5_columns *columns,
                         const struct string_list *names, size_t first, size_t n, double *out);

/*
 * The type in which hdf5_columns_view gives the numbers: as they lie in the file; or
 * HDF5_NO_NUMBER: double, and then all are finite.
 */
status hdf5_columns_stored(const struct source *source, const struct hdf5_columns *columns,
                           enum hdf5_number *number);

/* *numbers: the rows, in `room` or elsewhere until the columns are read again. */
status hdf5_columns_view(const struct source *source, struct hdf5_columns *columns,
                         const struct string_list *names, size_t first, size_t n, void *room,
                         const void **numbers);

#endif
