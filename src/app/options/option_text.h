/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_OPTIONS_OPTION_TEXT_H
#define COTERIE_APP_OPTIONS_OPTION_TEXT_H

#include "app/options/option_entry.h"

#include <stdint.h>

/* Words and numbers in the text of a value. All functions are Local. */

/* STATUS_USAGE: `subject` must be `expected`, not `text`. */
status option_refuse(const char *subject, const char *expected, const char *text);

status option_check_range(enum option_range range, double number, const char *text,
                          const char *subject);

/* A finite number, or a whole one of digits only, that begins at `text`; *end is behind it. */
bool option_read_number(const char *text, double *number, const char **end);
bool option_read_count(const char *text, uint64_t *count, const char **end);

const struct option_word *option_word(const struct option_word *words, const char *text);
const struct option_word *option_word_of(const struct option_word *words, double value);

#endif
