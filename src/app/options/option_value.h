#ifndef COTERIE_APP_OPTION_VALUE_H
#define COTERIE_APP_OPTION_VALUE_H

#include "options_internal.h"

#include <stdint.h>

/* What option_value.c and option_forms.c share. All functions are Local. */

/* What one kind of value is: text to value, and back. */
struct value_kind {
    status (*parse)(struct options *options, const struct option_entry *entry, const char *text,
                    const char *subject);
    const char *(*format)(const struct options *options, const struct option_entry *entry,
                          char *buffer);
};

extern const struct value_kind duration_kind, widths_kind, schedule_kind, anneal_kind,
    variance_kind, scale_kind, interval_kind, grid_kind;

/* The field of this entry; format functions only read it. */
static inline void *option_field(const struct options *options, const struct option_entry *entry)
{
    return (char *)options + entry->offset;
}

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
