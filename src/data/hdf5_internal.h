#ifndef COTERIE_DATA_HDF5_INTERNAL_H
#define COTERIE_DATA_HDF5_INTERNAL_H

#include "coterie/data/hdf5_file.h"

#include <hdf5.h>

/* Shared by the hdf5_*.c files only: nobody else sees the library's own types. */

enum { HDF5_OPEN_DATASETS = 8, HDF5_LONGEST_STRING = 1 << 20 };

struct hdf5_open_dataset {
    hid_t id; /* <= 0: unused */
    char *name;
};

struct hdf5_file {
    hid_t id;
    char *path;
    bool writable;
    /* Data sets stay open between calls: their chunk cache would be lost with them. */
    struct hdf5_open_dataset open[HDF5_OPEN_DATASETS];
    int next_to_replace;
};

/*
 * Sets the failure text: file, object, attribute (object and attribute may be NULL), `what` and the
 * innermost line of the library's error stack, if the last call into the library failed. So it is
 * called before anything is closed. STATUS_FAILED for files being written, else STATUS_USAGE.
 */
status hdf5_failure(const struct hdf5_file *file, const char *object, const char *attribute,
                    const char *what);

enum hdf5_kind hdf5_kind_of(hid_t type);
hid_t hdf5_memory_type(enum hdf5_type type);
hid_t hdf5_file_type(enum hdf5_type type);

/* A string type of `length` bytes, padded with zeros, UTF-8. The caller closes it. */
hid_t hdf5_string_type(size_t length);

/* Makes the groups above `name` that are missing. */
status hdf5_create_parents(struct hdf5_file *file, const char *name);

/* *id stays the file's. */
status hdf5_open_dataset(struct hdf5_file *file, const char *name, hid_t *id);

/* Closing writes what is still cached, so it can fail. */
status hdf5_close_datasets(struct hdf5_file *file);

/* Makes a chunked data set with checksums. */
status hdf5_make_dataset(struct hdf5_file *file, const char *name, hid_t type, int rank,
                         const uint64_t *dims, uint64_t rows_per_chunk);

/* Appends all strings of `id`, a data set or an attribute. The names are for messages. */
status hdf5_append_strings(const struct hdf5_file *file, const char *object, const char *attribute,
                           hid_t id, struct string_list *list);

/* The longest item's length, at least 1; and the items one behind the other, each `length` long. */
size_t hdf5_longest(const struct string_list *list);
status hdf5_pack_strings(const struct string_list *list, size_t length, char **packed);

#endif
