/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_BASE_POINTER_H
#define COTERIE_BASE_POINTER_H

#include "base/status.h"

#include <limits.h>
#include <stdbool.h>

/*
 * A pointer is a name in a folder that stands for another file there, as `latest` for
 * step-000001200.h5: a relative symbolic link, or where the file system has none (SMB, vfat, some
 * of FUSE) a text file that holds the other name and a newline. All functions are Local.
 */

/*
 * Lets `pointer` in `folder` stand for `name` there, replacing the old one at once. `*as_text` is
 * set if it became a text file. STATUS_FAILED, naming the pointer, if it can be neither.
 */
status pointer_set(const char *folder, const char *pointer, const char *name, bool *as_text);

/* The name that `pointer` stands for, "" if there is none. */
void pointer_get(const char *folder, const char *pointer, char name[static PATH_MAX]);

/*
 * The path of what a path is to be read as: itself, but for a text file called `latest` or `best`
 * the file beside it that it names.
 */
void pointer_follow(const char *path, char found[static PATH_MAX]);

#endif
