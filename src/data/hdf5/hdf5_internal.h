/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_HDF5_INTERNAL_H
#define COTERIE_DATA_HDF5_INTERNAL_H

#include "data/hdf5/hdf5_file.h"

#include <hdf5.h>
#include <limits.h>

/* Shared by the hdf5_*.c files only: nobody else sees the library's own types. */

enum { HDF5_OPEN_DATASETS = 8, HDF5_LONGEST_STRING = 1 << 20, CHECKSUM_BYTES = 4 };

/*
 * Reading past the page cache (O_DIRECT): the kernel neither copies the bytes nor makes room for
 * them, which takes more time than all the rest where data do not fit into memory.
 */
struct hdf5_direct {
    bool in_use;
    int descriptor;
    unsigned char *room, *bytes; /* `bytes`, in `room`, are begin .. end-1 of the file */
    uint64_t begin, end;
    uint64_t expected_end; /* where what is wanted soon ends; 0: not known */
};

/*
 * Where the numbers of a data set lie in its file, if they can be read without the library: one
 * piece, or chunks of whole rows, without filters or with Fletcher-32 alone.
 */
struct hdf5_stored {
    bool looked, usable;
    enum hdf5_number number;
    int descriptor; /* the library's, which it never seeks behind our back: pread only */
    uint64_t n_rows, offset;
    size_t row_bytes;
    uint64_t chunk_rows; /* 0: one piece, at `offset` */
    uint64_t *chunk;     /* offsets of the chunks */
    bool has_checksums;
    unsigned char *cached; /* the chunk last read, whole */
    uint64_t cached_chunk; /* UINT64_MAX: none */
    struct hdf5_direct direct;
};

struct hdf5_open_dataset {
    hid_t id; /* <= 0: unused */
    char *name;
    struct hdf5_stored stored;
};

struct hdf5_file {
    hid_t id;
    char *path;
    bool writable;
    bool reads_directly;   /* data sets of .. */
    uint64_t direct_from;  /* this number of bytes, or more */
    uint64_t wanted, room; /* of a new file: bytes that it will take, and that are reserved */
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

/* Of a file that the library has not opened: what `cause` means, and what to do. */
status hdf5_open_failure(const char *path, const char *cause);

/*
 * Reserves room on the disk for `bytes` more of a new file, before the library writes them:
 * STATUS_FAILED if the disk is full. Room reserved before is kept for what the library writes when
 * it closes the file: some builds of it end the program when a write fails. Where a file system
 * cannot reserve, this does nothing.
 */
status hdf5_reserve(struct hdf5_file *file, uint64_t bytes);

/* Bytes of the chunks of a data set that begin in these rows: a chunk is stored whole. */
uint64_t hdf5_bytes_of_chunks(hid_t dataset, uint64_t first, uint64_t n);

/* The innermost line of the library's error stack; "" if its last call did not fail. */
void hdf5_innermost_error(char text[256]);

/* Before anything else; harmless when repeated. */
void hdf5_start_library(void);

/* Whether the library's last failure was about a version that it does not know. */
bool hdf5_failure_is_of_newer(void);

enum hdf5_kind hdf5_kind_of(hid_t type);
hid_t hdf5_memory_type(enum hdf5_type type);
hid_t hdf5_file_type(enum hdf5_type type);

/* A string type of `length` bytes, padded with zeros, UTF-8. The caller closes it. */
hid_t hdf5_string_type(size_t length);

/* Makes the groups above `name` that are missing. */
status hdf5_create_parents(struct hdf5_file *file, const char *name);

/* *id stays the file's. */
status hdf5_open_dataset(struct hdf5_file *file, const char *name, hid_t *id);

/* *open stays the file's. */
status hdf5_open_slot(struct hdf5_file *file, const char *name, struct hdf5_open_dataset **open);

/* Where its numbers lie; *out stays the file's. */
status hdf5_find_stored(struct hdf5_file *file, const char *name, struct hdf5_stored **out);

/*
 * n bytes of the file, and the n_after behind them, each to where they are wanted. STATUS_USAGE if
 * the file is too short.
 */
status hdf5_read_bytes(const struct hdf5_file *file, const char *name, struct hdf5_stored *stored,
                       uint64_t offset, size_t n, void *data, size_t n_after, void *after);

/* The same n bytes, read into `room` or seen where they were read to: good until the next reading.
 */
status hdf5_view_bytes(const struct hdf5_file *file, const char *name, struct hdf5_stored *stored,
                       uint64_t offset, size_t n, void *room, const unsigned char **bytes);

/* Not in use where the file system has no direct reading. */
status hdf5_direct_open(const char *path, struct hdf5_direct *direct);
void hdf5_direct_close(struct hdf5_direct *direct);

/*
 * One thread at a time is inside the library, which is not built for more; the thread that saves
 * and the one that reads ahead meet here. At the head of every public function that calls it.
 */
void hdf5_lock(void);
void hdf5_unlock(const int *unused);
#define HDF5_LOCKED                                                                                \
    __attribute__((cleanup(hdf5_unlock), unused)) const int locked = (hdf5_lock(), 0)

/* Closing writes what is still cached, so it can fail. */
status hdf5_close_datasets(struct hdf5_file *file);

/* Makes a chunked data set with checksums. */
status hdf5_make_dataset(struct hdf5_file *file, const char *name, hid_t type, int rank,
                         const uint64_t *dims, uint64_t rows_per_chunk);

/* As hdf5_open, of a file that the library may have open as the source of a virtual data set. */
status hdf5_open_source(const char *path, struct hdf5_file **out);

/*
 * Checks the parts of a virtual data set, which lies within `depth` others: by `check`, as other
 * data sets are, for they may be virtual too.
 */
struct hdf5_level {
    int depth;
    status (*check)(struct hdf5_file *file, const char *name, int depth);
};
status hdf5_check_virtual(struct hdf5_file *file, const char *name, hid_t dataset, hid_t creation,
                          struct hdf5_level level);

/* What an environment variable says, with the file's folder for ${ORIGIN} (then in `folder`); "".
 */
const char *hdf5_prefix(const struct hdf5_file *file, const char *variable, char folder[PATH_MAX]);

/* STATUS_USAGE naming a filter that this library does not have. */
status hdf5_check_filters(const struct hdf5_file *file, const char *name, hid_t creation);

/* Appends all strings of `id`, a data set or an attribute. The names are for messages. */
status hdf5_append_strings(const struct hdf5_file *file, const char *object, const char *attribute,
                           hid_t id, struct string_list *list);

/* The longest item's length, at least 1; and the items one behind the other, each `length` long. */
size_t hdf5_longest(const struct string_list *list);
status hdf5_pack_strings(const struct string_list *list, size_t length, char **packed);

#endif
