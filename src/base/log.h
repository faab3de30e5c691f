/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_BASE_LOG_H
#define COTERIE_BASE_LOG_H

#include "base/status.h"

#include <stdbool.h>

/*
 * What the program says. Only rank 0 speaks; on other ranks all functions here do nothing, but for
 * log_from_any_rank. All functions are Local.
 *
 * Information goes to standard output, warnings and errors to standard error, each as one line, and
 * a copy of all of them to the log file of the run directory once there is one.
 */

enum log_progress { LOG_PROGRESS_AUTO, LOG_PROGRESS_ALWAYS, LOG_PROGRESS_NEVER };

/* Before the first call every process speaks; `rank` is also shown by failed assertions. */
void log_set_rank(int rank);
int log_rank(void);

/* quiet: no information lines and no progress; warnings and errors remain. */
void log_set_quiet(bool quiet);
/* mute: not even warnings, of what is done more than once; errors remain. */
void log_set_mute(bool mute);

/* What warnings and errors begin with, where several runs speak; NULL: nothing. Not copied. */
void log_set_subject(const char *subject);

/* Keeps a copy of every line in `path` (appended); NULL ends it. False if it cannot be opened. */
bool log_set_file(const char *path);

void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_from_any_rank(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Progress of a long loop: a bar that redraws itself on a terminal, otherwise one plain line every
 * few seconds (at most 1 per 10 s after the first), so that a batch log stays readable. `done` of
 * `total` units; `text` is shown behind it. Under mpirun, whether there is a terminal is asked of
 * mpirun's own output. log_progress_start: `done` units were finished by earlier processes.
 */
void log_progress_start(enum log_progress mode, double done);
/* True if the next update would be shown: ask before making its text. */
bool log_progress_is_due(void);
void log_progress_update(double done, double total, const char *unit, const char *text);
void log_progress_finish(void);

/*
 * STATUS_FAILED, saying why, if something that was to be on standard output is lost. Flushes it.
 * Local.
 */
status log_check_output(void);

#endif
