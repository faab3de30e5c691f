/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_BASE_FRESH_FILE_H
#define COTERIE_BASE_FRESH_FILE_H

#include "base/status.h"

#include <limits.h>
#include <stdio.h>

/*
 * A text file that is written anew as a whole. Until all of the new one is on disk the old one
 * stays: it is written beside it, as <path>.tmp, synced and renamed. So a full disk, or a kill at
 * any moment, leaves either of the two, never a part. All functions are Local.
 */
struct fresh_file {
    FILE *stream; /* to write to; owned */
    char path[PATH_MAX], unfinished[PATH_MAX];
};

/* Begins. STATUS_FAILED, naming the file, if it cannot be made. */
status fresh_file_open(struct fresh_file *file, const char *path);

/*
 * Ends. `written` is the outcome of the writing: if it, or an operation here, failed, the new file
 * is removed and the first failure returned.
 */
status fresh_file_publish(struct fresh_file *file, status written);

#endif
