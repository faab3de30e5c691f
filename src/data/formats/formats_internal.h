/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_FORMATS_INTERNAL_H
#define COTERIE_DATA_FORMATS_INTERNAL_H

#include "data/csv/csv.h"
#include "data/source/source_internal.h"

/* The formats of this room; each file says what is special about it. */
extern const struct source_format source_format_builtin, source_format_csv, source_format_npy;

/* A table in memory as a source; takes the table over and leaves an empty one. */
status table_open(const struct source_request *request, struct source *source,
                  struct csv_table *table);

#endif
