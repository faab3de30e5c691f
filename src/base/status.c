/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/status.h"

#include "base/message.h"

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
    message_print_list(text, sizeof text, format, arguments);
    va_end(arguments);
    snprintf(last_text, sizeof last_text, "%s", text);
    return code;
}

status status_prefix(status code, const char *prefix)
{
    return status_set(code, "%s: %s", prefix, last_text);
}

status status_advise(status code, const char *advice)
{
    char text[TEXT_SIZE];
    message_advice(text, sizeof text, advice);
    return code == STATUS_OK || !*text ? code : status_set(code, "%s; %s", last_text, text);
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
