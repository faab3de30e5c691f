/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_EVENTS_EVENT_FILE_H
#define COTERIE_TRAIN_EVENTS_EVENT_FILE_H

#include "base/status.h"
#include "checkpoint/progress.h"

#include <stdio.h>

/*
 * The metrics as TensorBoard reads them: files events.out.tfevents.* of TFRecords (the length, its
 * checksum, an Event of protocol buffers, its checksum), one scalar a column, named as in
 * metrics.jsonl, as float. A value that is not finite is left out. All functions are Root.
 */
struct event_file {
    FILE *stream; /* owned; NULL: none is open */
};

/* STATUS_USAGE if this build cannot write them. */
status event_file_check(void);

/*
 * Opens a new file in `folder`, whose name comes behind those that are there. What these have
 * of later steps than `history` has, a run that was killed has left: TensorBoard is told to forget
 * it. Where there are none the file begins with all of the history. STATUS_FAILED names the file.
 */
status event_file_open(struct event_file *file, const char *folder, const struct history *history);

/* One record at its step and the present time. Reaches the disk at event_file_flush. */
status event_file_add(struct event_file *file, const struct metrics_record *record);
status event_file_flush(struct event_file *file);
void event_file_close(struct event_file *file);

/* Removes the event files of a folder, and the folder if it is empty then. */
void event_file_remove_all(const char *folder);

#endif
