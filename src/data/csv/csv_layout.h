/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_CSV_LAYOUT_H
#define COTERIE_DATA_CSV_LAYOUT_H

#include "csv_rows.h"

/*
 * Finds out from the first `length` bytes of a file how its rows are written. is_whole: that is all
 * of it. STATUS_USAGE, naming the file, for what is no text, for a first row that is none of names,
 * and for lines that begin with sep= and no separator. Private to data/csv; Local.
 */
status csv_layout_find(const char *path, const char *block, size_t length, bool is_whole,
                       struct csv_layout *layout);

#endif
