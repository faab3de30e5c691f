/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_CSV_FORMAT_H
#define COTERIE_DATA_CSV_FORMAT_H

#include "base/status.h"

#include <stddef.h>

/*
 * STATUS_USAGE, with what it is and what to do, if a file that begins so is of a known kind that is
 * no text: gzip, zip, xlsx, parquet, ... ; STATUS_OK for others.
 */
status csv_format_check(const char *path, const char *block, size_t length);

#endif
