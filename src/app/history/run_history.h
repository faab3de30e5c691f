/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_HISTORY_RUN_HISTORY_H
#define COTERIE_APP_HISTORY_RUN_HISTORY_H

#include "base/status.h"
#include "checkpoint/progress.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The metrics of a run, from its directory alone, for whoever draws them: a run may be under way,
 * or on another host. All functions are Local.
 */

/*
 * The file of metrics in the run directory `run`: metrics.jsonl, or with --starts, while they go
 * on, that of the start that was written last. False if there is none.
 */
bool run_history_path(const char *run, char *path, size_t size);

/*
 * Reads the lines of the file at `path` into `history` (zero-initialised; history_release). Of a
 * longer file only about `most` lines are read, at equal distances in the file, the first and the
 * last whole line among them: the time does not grow with the file. `*is_whole`: all
 * lines were read. Lines that are no metrics, such as one that is just being written, are passed
 * over. STATUS_USAGE if the file cannot be read.
 */
status run_history_read(const char *path, size_t most, struct history *history, bool *is_whole);

#endif
