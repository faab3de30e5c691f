/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_SOURCE_FORMAT_H
#define COTERIE_DATA_SOURCE_FORMAT_H

#include "base/status.h"

#include <stdbool.h>

struct source;
struct source_request;

/*
 * A format that samples are read from, and what can be done with it. What depends on the format
 * asks for one of these, never for its name. The list of all is in data/formats/formats.c.
 */
struct source_format {
    const char *name; /* in messages */
    /* Whether `path` is of this format; asked in the order of the list. */
    bool (*recognises)(const char *path);
    bool is_built_in;     /* a path is a name, not that of a file */
    bool can_stream;      /* samples can stay in the file, and several processes read parts */
    bool columns_by_name; /* a model's inputs and targets are found by the names of columns */
    bool holds_objects;   /* there may be other things beside samples, which `inspect` lists */
    bool is_text;         /* `inspect` lists the columns of what cannot be trained on */
    /*
     * Fills `source` as far as it gets, also when it fails: source_close then frees it. What is
     * read into memory as a table only makes the table, and calls table_open (data/formats).
     */
    status (*open)(const struct source_request *request, struct source *source);
    /* The samples that belong to those of `path` for validation, NULL: none. Itself NULL: never. */
    const char *(*validation)(const char *path);
};

#endif
