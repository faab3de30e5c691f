/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_OPTIONS_OPTION_SET_H
#define COTERIE_APP_OPTIONS_OPTION_SET_H

#include "app/options/option_entry.h"

/* Options as values that were said or not. All functions are Local. */

/*
 * STATUS_USAGE for a name that is no option of this command: with the nearest one, or the commands
 * that have it. `origin` is the file (and line) that names it, or NULL for the command line.
 */
status option_unknown(enum command command, const char *name, const char *origin);

/* Stores and remembers that it was said. */
status option_say(struct options *options, const struct option_entry *entry, const char *text,
                  const char *subject);

#endif
