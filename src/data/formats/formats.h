/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_FORMATS_H
#define COTERIE_DATA_FORMATS_H

#include "data/source/source.h"

/*
 * Opens samples of any format. STATUS_USAGE for what is wrong with request or file; the message
 * names the file, the column or data set, the line of a CSV file, what was expected and what to do.
 * A column name that does not exist gets a suggestion. Local.
 */
status source_open(const struct source_request *request, struct source **out);

/* The format that a path would be opened as; never NULL. */
const struct source_format *source_format_of(const char *path);

/* The samples that belong to those of `path` for validation, or NULL. */
const char *source_validation(const char *path);

#endif
