/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_BASE_FRESH_FILE_H
#define COTERIE_BASE_FRESH_FILE_H

#include "base/status.h"

#include <stdbool.h>
#include <stdio.h>

/*
 * A file that is written anew as a whole. Until all of the new one is on disk the old one stays: it
 * is written beside it under a name of its own, which ends in .tmp, synced and renamed. So a full
 * disk, or a kill at any moment, leaves either of the two, never a part; and of two processes that
 * write the same file each has its own, of which the one that is renamed last stays. The same way
 * for all files of the program. SIGINT, SIGTERM and SIGHUP, where nobody handles them, remove what
 * was written before they end the process. All functions are Local.
 */
struct fresh_file {
    char *path, *unfinished; /* owned from begin to commit or cancel, else NULL */
    FILE *stream;            /* fresh_file_open: to write to; owned */
};

/* What becomes of an older file of that name. */
enum fresh_file_mode {
    FRESH_FILE_REPLACES,
    FRESH_FILE_IS_NEW /* it stays, and the new one is refused with STATUS_USAGE */
};

/* Chooses the name to write to, file->unfinished; nothing is made. STATUS_FAILED without memory. */
status fresh_file_begin(struct fresh_file *file, const char *path);

/*
 * The caller has written and closed file->unfinished: syncs it, gives it its name, and syncs the
 * folder, for without that the name may be lost with the power. A file system that does not offer
 * the last is warned of once. A failure removes the new file, and says which file could not be
 * written.
 */
status fresh_file_commit(struct fresh_file *file, enum fresh_file_mode mode);

/* Removes what was written. Also after a failed begin. */
void fresh_file_cancel(struct fresh_file *file);

/* commit if `written`, the outcome of the writing, is good; else cancel, and that failure. */
status fresh_file_end(struct fresh_file *file, enum fresh_file_mode mode, status written);

/* The same with a stream: begins, and opens it. */
status fresh_file_open(struct fresh_file *file, const char *path);
/* Closes the stream and ends, replacing an older file. */
status fresh_file_publish(struct fresh_file *file, status written);

/*
 * Local. Renames `from` to `to`, which is replaced. Where the file system renames only to free
 * names (some of FUSE and SMB) the older file is called `to`.old for a moment, with one warning. 0,
 * or the error of errno, and then `to` is as it was.
 */
int fresh_file_replace(const char *from, const char *to);

/* Syncs the folder that holds `path`. Where that is not offered: STATUS_OK, after a warning. */
status fresh_file_sync_folder(const char *path);

#endif
