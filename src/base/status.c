/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/status.h"

#include "base/escape.h"

#include <stdarg.h>
#include <stdio.h>

enum { TEXT_SIZE = 2048 };

static _Thread_local char last_text[TEXT_SIZE];

status(status_set)(status code, const char *format, ...)
{
    /* The arguments may point into last_text itself, hence the copy. */
    char text[TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    escape_controls(last_text, sizeof last_text, text);
    return code;
}

status status_prefix(status code, const char *prefix)
{
    return status_set(code, "%s: %s", prefix, last_text);
}

const char *status_text(void)
{
    return last_text;
}

void status_keep(status code, struct status_kept *kept)
{
    kept->code = code;
    snprintf(kept->text, sizeof kept->text, "%s", code == STATUS_OK ? "" : last_text);
}

status status_restore(const struct status_kept *kept, status later)
{
    return kept->code == STATUS_OK ? later : status_set(kept->code, "%s", kept->text);
}
