/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_BEGUN_IN_H
#define COTERIE_APP_BEGUN_IN_H

#include "app/options/options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * Relative paths among recorded options (config.yaml, sweep.yaml) start from the folder that the
 * program was called in. A comment in the first line of such a file keeps that folder.
 */

/*
 * Root. Writes the line for the present folder, if its name is text for a YAML file, and the
 * options.
 */
status begun_in_write(const struct options *options, FILE *file);

/* Root. The folder in the first line of a file; "" if there is none. */
void begun_in_read(const char *yaml_path, char *folder, size_t size);

/* Local. Whether the value of --data or --valid is a path, and starts from the present folder. */
bool begun_in_matters(const char *value);

/*
 * Root. Where `path` lies that was recorded in `folder`: false if that is "", the present folder,
 * or does not have it (any longer).
 */
bool begun_in_find(const char *folder, const char *path, char *found, size_t size);

/* Root. Whether two paths lead to one file. */
bool begun_in_same_file(const char *path, const char *other);

#endif
