/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_SOURCE_HDF5_INTERNAL_H
#define COTERIE_DATA_SOURCE_HDF5_INTERNAL_H

#include "data/hdf5/hdf5_file.h"
#include "data/hdf5/hdf5_meaning.h"
#include "data/source/source_internal.h"

enum { SHAPE_TEXT = 200, NAME_SIZE = 512 };

/* What belongs to an array in another program's layout: names of full data sets, owned, or NULL. */
struct hdf5_foreign {
    char *categories; /* which its numbers are codes of, -1 for none (AnnData) */
    char *mask;       /* true where it has no value (AnnData) */
};

/* One of the data sets that samples come from. */
struct hdf5_part {
    struct hdf5_meaning meaning;
    struct hdf5_foreign foreign;
    bool on_side;  /* (columns, N) in the file */
    size_t width;  /* columns */
    size_t offset; /* where its part of the columns begins */
};

/* The columns of one array, x or y: possibly from several data sets, possibly not all of them. */
struct hdf5_columns {
    const char *option, *default_dataset;
    struct string_list datasets;
    struct hdf5_part *part; /* (datasets.n) */
    size_t *column;         /* (n), within their data set, in the order of the array's columns */
    size_t n;
    struct string_list names; /* (n) */
    bool names_known;
    struct hdf5_shape shape; /* of the first data set, samples as rows */
    unsigned char *piece;    /* numbers as they are stored, on their way; NULL until needed */
    bool may_lack;           /* a number that is missing is NAN, and no error */
};

/* Adds what the data sets' attributes `units` say of their columns. */
status hdf5_columns_units(struct hdf5_file *file, const struct hdf5_columns *columns,
                          struct source_info *info);

struct hdf5_reader {
    struct hdf5_file *file;
    struct hdf5_columns x, y;
    uint64_t samples_on_side;       /* arrays of that many columns lie on their side; or 0 */
    struct source_gaps_found *gaps; /* where those of may_lack are marked; or NULL; not owned */
};

/* The numbers of a shape with commas between. */
const char *hdf5_shape_text(const struct hdf5_shape *shape, char text[SHAPE_TEXT]);

/* STATUS_USAGE for a data set that does not exist, with a suggestion and what there is. */
status hdf5_unknown_dataset(const struct source *source, struct hdf5_reader *reader,
                            const char *option, const char *name);

/* The same for a default that the file does not have, with what to write instead. */
status hdf5_no_default(const struct source *source, struct hdf5_reader *reader,
                       const struct hdf5_columns *columns);

/* A data set of one row per sample, as part->on_side has it. Release the part also after a failure.
 */
status hdf5_check_dataset(const struct source *source, struct hdf5_reader *reader, const char *name,
                          struct hdf5_shape *shape, struct hdf5_part *part);
void hdf5_part_release(struct hdf5_part *part);

/* The data set that is meant by a name, which may be that of a group of another program. */
status hdf5_resolve(const struct source *source, struct hdf5_reader *reader, const char *name,
                    char dataset[NAME_SIZE]);
status hdf5_foreign_find(const struct source *source, struct hdf5_reader *reader, const char *name,
                         struct hdf5_foreign *foreign);
void hdf5_foreign_release(struct hdf5_foreign *foreign);
status hdf5_read_categories(const struct source *source, struct hdf5_reader *reader,
                            const char *name, struct string_list *categories);

/*
 * What a data set may be proposed for; HDF5_NO_ROLE for coordinates, indices of stores, parts of
 * sparse matrices. Name and shape become those by which it is asked for.
 */
enum hdf5_role { HDF5_NO_ROLE, HDF5_LABELS_ONLY, HDF5_ANY_ROLE };
enum hdf5_role hdf5_role_of(struct hdf5_file *file, char name[NAME_SIZE], struct hdf5_shape *shape);
/* What to do about such a data set, for status_advise, or NULL. */
const char *hdf5_store_hint(struct hdf5_file *file, const char *name);

/* Whether the arrays that are asked for lie on their side: reader->samples_on_side, and a note. */
status hdf5_find_side(const struct source_request *request, struct source *source,
                      struct hdf5_reader *reader);

/*
 * Strings, whole numbers or codes of one data set of a column as codes, and their names. One that
 * is missing is refused, or if it may be, marked by source_mark_gap.
 */
status hdf5_code_dataset(struct source *source, struct hdf5_reader *reader, const char *name,
                         const struct hdf5_shape *shape, const struct hdf5_part *part,
                         const char *what, bool may_lack, struct string_list *names,
                         int32_t **code);
/* The labels, reader->y; or, if whole numbers are too many to be classes, *are_amounts. */
status hdf5_take_labels(enum target_kind kind, struct source *source, struct hdf5_reader *reader,
                        bool *are_amounts);

/* Rows first .. first+n-1 as doubles that mean what they are, NaN where there is no value. */
status hdf5_part_read(struct hdf5_file *file, const char *name, const struct hdf5_part *part,
                      size_t first, size_t n, double *out);
/* Why row number `row` of `column` has no value; "" if it is not by its meaning. */
status hdf5_part_reason(struct hdf5_file *file, const char *name, const struct hdf5_part *part,
                        size_t row, size_t column, char text[HDF5_REASON]);

/*
 * Finds the columns that `request` (an option's value, or NULL) names. Without any columns (n = 0)
 * if they are optional and not there.
 */
status hdf5_columns_find(const struct source *source, struct hdf5_reader *reader,
                         struct hdf5_columns *columns, const char *request, bool optional);

/* Leaves out the columns of the default data set that --exclude names. */
status hdf5_columns_exclude(const struct source *source, struct hdf5_columns *columns);
void hdf5_columns_release(struct hdf5_columns *columns);

/*
 * Rows first .. first+n-1; STATUS_USAGE if a number is not finite, unless it is missing and may be.
 * `names` are for messages.
 */
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
