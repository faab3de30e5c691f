/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_HDF5_FILE_H
#define COTERIE_DATA_HDF5_FILE_H

#include "base/status.h"
#include "base/string_list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * HDF5 files through the serial interface; works with both builds of the library. All functions are
 * Local. Threads may be in here at the same time, each with files of its own: they wait for each
 * other, but where the numbers lie once known, hdf5_read_stored waits for nobody.
 *
 * What we write: format bounds V110, every data set chunked with Fletcher-32, strings of fixed
 * length. What we read: any numeric type (converted by the library), strings of fixed or variable
 * length. HDF5's own error printing is off; the innermost line of its error stack becomes part of
 * our message, which always names the file and the object.
 */
struct hdf5_file;

/* HDF5_TABLE: rows of named columns (a compound type), which is not read. */
enum hdf5_kind {
    HDF5_FLOAT,
    HDF5_INTEGER,
    HDF5_STRING,
    HDF5_GROUP,
    HDF5_TABLE,
    HDF5_COMPLEX,
    HDF5_OTHER
};
enum { HDF5_MAX_RANK = 8 };

struct hdf5_shape {
    enum hdf5_kind kind;
    int rank;                     /* number of dimensions; 0 for a scalar or a group */
    uint64_t dims[HDF5_MAX_RANK]; /* outermost first */
    size_t bytes;                 /* of an element in the file; 0 for a group */
};

/* The type of the caller's memory. */
enum hdf5_type { HDF5_AS_REAL, HDF5_AS_DOUBLE, HDF5_AS_INT32, HDF5_AS_INT64, HDF5_AS_UINT64 };

/* Fails with STATUS_USAGE if `path` exists, STATUS_FAILED if it cannot be made. */
status hdf5_create(const char *path, struct hdf5_file **out);

/*
 * Opens for reading. STATUS_USAGE with a message that tells apart: no such file, no permission, a
 * folder, an empty file, not an HDF5 file, a damaged or truncated one.
 */
status hdf5_open(const char *path, struct hdf5_file **out);

/* True if the file at `path` has the HDF5 signature, at its beginning or behind a user block. */
bool hdf5_is_hdf5(const char *path);

/* Flushes the library's buffers, then fsync. */
status hdf5_sync(struct hdf5_file *file);

/* Sets *file to NULL. After a failed write closing may fail too: that failure is returned. */
status hdf5_close(struct hdf5_file **file);
/* The same after other work, whose failure stays the one that is told. */
status hdf5_close_after(struct hdf5_file **file, status outcome);

const char *hdf5_path(const struct hdf5_file *file);

bool hdf5_exists(struct hdf5_file *file, const char *name);
status hdf5_shape(struct hdf5_file *file, const char *name, struct hdf5_shape *shape);

/* Calls visit for every object below `group`, in the order of names, with its full name. */
status hdf5_visit(struct hdf5_file *file, const char *group,
                  status (*visit)(const char *name, const struct hdf5_shape *shape, void *context),
                  void *context);

/* Makes missing groups on the way. */
status hdf5_create_group(struct hdf5_file *file, const char *name);

/*
 * A data set of `rank` dimensions; `rows_per_chunk` of the outermost dimension go into one chunk.
 * Type of the elements on disk: the caller's type. dims[0] may be 0.
 */
status hdf5_create_dataset(struct hdf5_file *file, const char *name, enum hdf5_type type, int rank,
                           const uint64_t *dims, uint64_t rows_per_chunk);

/* Rows first .. first+n-1 of the outermost dimension, all of the others. */
status hdf5_write_rows(struct hdf5_file *file, const char *name, uint64_t first, uint64_t n,
                       enum hdf5_type type, const void *data);
status hdf5_read_rows(struct hdf5_file *file, const char *name, uint64_t first, uint64_t n,
                      enum hdf5_type type, void *data);

/* Columns first .. first+n-1 of a matrix that lies on its side, as n rows. */
status hdf5_read_columns(struct hdf5_file *file, const char *name, uint64_t first, uint64_t n,
                         double *data);

/*
 * The same as hdf5_read_rows, without the library and its passes over memory: the bytes as they lie
 * in the file, numbers of this machine's byte order. *number is HDF5_NO_NUMBER if they cannot be
 * had so: compressed, another byte order, small (not worth it), or never written. Checksums are
 * verified; a file that is too short is STATUS_USAGE, as one that the library finds damaged.
 */
enum hdf5_number {
    HDF5_NO_NUMBER,
    HDF5_F32,
    HDF5_F64,
    HDF5_I8,
    HDF5_U8,
    HDF5_I16,
    HDF5_U16,
    HDF5_I32,
    HDF5_U32
};
status hdf5_stored(struct hdf5_file *file, const char *name, enum hdf5_number *number);
status hdf5_read_stored(struct hdf5_file *file, const char *name, uint64_t first, uint64_t n,
                        void *data);

/*
 * The same rows without a copy where they can be had so: *numbers is `room`, which they were read
 * into, or a place of the file's own that is good until the data set is read again. So can rows of
 * one chunk: of hdf5_chunk_rows rows, 0 if all are in one piece.
 */
status hdf5_view_stored(struct hdf5_file *file, const char *name, uint64_t first, uint64_t n,
                        void *room, const void **numbers);
status hdf5_chunk_rows(struct hdf5_file *file, const char *name, uint64_t *rows);

/*
 * From now on these two read data sets of at least `least` bytes past the page cache, if
 * the file system can: for what does not fit into memory. hdf5_expect says which rows are wanted
 * next, so that they are read at once though asked for in parts; a hint, no more.
 */
void hdf5_read_directly(struct hdf5_file *file, uint64_t least);
status hdf5_expect(struct hdf5_file *file, const char *name, uint64_t first, uint64_t n);

size_t hdf5_number_size(enum hdf5_number number);
/* Exact: every one of these types is part of double. */
void hdf5_to_double(enum hdf5_number number, const void *from, size_t n, double *to);

/* A one-dimensional data set of strings. Reading appends to `list`. */
status hdf5_write_strings(struct hdf5_file *file, const char *name, const struct string_list *list);
status hdf5_read_strings(struct hdf5_file *file, const char *name, struct string_list *list);

/* Attributes of the object `object` ("/" for the file). Reading a missing one is STATUS_USAGE. */
bool hdf5_has_attribute(struct hdf5_file *file, const char *object, const char *name);
status hdf5_write_text(struct hdf5_file *file, const char *object, const char *name,
                       const char *text);
status hdf5_write_int64(struct hdf5_file *file, const char *object, const char *name,
                        int64_t number);
status hdf5_write_double(struct hdf5_file *file, const char *object, const char *name,
                         double number);
status hdf5_write_text_list(struct hdf5_file *file, const char *object, const char *name,
                            const struct string_list *list);
/* *text is the caller's to free with memory_free. */
status hdf5_read_text(struct hdf5_file *file, const char *object, const char *name, char **text);
status hdf5_read_int64(struct hdf5_file *file, const char *object, const char *name,
                       int64_t *number);
status hdf5_read_double(struct hdf5_file *file, const char *object, const char *name,
                        double *number);
status hdf5_read_text_list(struct hdf5_file *file, const char *object, const char *name,
                           struct string_list *list);
/* All numbers of an attribute, at most `most`; of text those that it spells, so perhaps none. */
status hdf5_read_numbers(struct hdf5_file *file, const char *object, const char *name, size_t most,
                         double *number, size_t *n, bool *is_float);
/* Calls visit for every attribute of `object` in the order of names; value as text, in parentheses
 * if it cannot be had. */
status hdf5_visit_attributes(struct hdf5_file *file, const char *object,
                             status (*visit)(const char *name, const char *value, void *context),
                             void *context);

/* The version of the library, as in "1.10.8"; `size` at least 32. */
void hdf5_version(char *text, size_t size);

#endif
