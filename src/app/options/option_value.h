/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_OPTION_VALUE_H
#define COTERIE_APP_OPTION_VALUE_H

#include "app/options/option_entry.h"

/* Text to value, and back. All functions are Local. */

/* What one kind of value is: text to value, and back. */
struct value_kind {
    status (*parse)(struct options *options, const struct option_entry *entry, const char *text,
                    const char *subject);
    const char *(*format)(const struct options *options, const struct option_entry *entry,
                          char *buffer);
};

extern const struct value_kind duration_kind, widths_kind, schedule_kind, anneal_kind, gate_kind,
    variance_kind, freedom_kind, scale_kind, interval_kind, grid_kind;

/* The field of this entry; format functions only read it. */
static inline void *option_field(const struct options *options, const struct option_entry *entry)
{
    return (char *)options + entry->offset;
}

/*
 * Stores the value that `text` stands for. STATUS_USAGE says that `subject` ("--experts", or
 * "run.yaml:3: experts") must be what it is not.
 */
status option_store(struct options *options, const struct option_entry *entry, const char *text,
                    const char *subject);

/* The value as text that option_store reads back to the same bits. */
enum { OPTION_TEXT_SIZE = 256 };
const char *option_format(const struct options *options, const struct option_entry *entry,
                          char buffer[static OPTION_TEXT_SIZE]);

#endif
