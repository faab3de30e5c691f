/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_CONVERT_INTERNAL_H
#define COTERIE_APP_CONVERT_INTERNAL_H

#include "base/status.h"
#include "data/source/source.h"

#include <stddef.h>

/* Root. All samples of `source` into a new file. */
status convert_to_csv(struct source *source, const char *path);
status convert_to_hdf5(struct source *source, const char *path);

/* The options that name the columns of such a CSV file, or "" where the defaults do. Local. */
void convert_csv_hint(const struct source *source, char *text, size_t size);

#endif
