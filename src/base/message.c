/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/message.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { FORMAT_SIZE = 2048, TEXT_SIZE = 4096 };

static _Atomic bool names_options;

void message_name_options(bool wanted)
{
    names_options = wanted;
}

/* How one is written; NULL: it is none. The C1 ones (U+0080 to U+009F) have two bytes in UTF-8. */
static const char *control_text(const unsigned char *at, char text[8], size_t *length)
{
    bool is_c1 = at[0] == 0xC2 && at[1] >= 0x80 && at[1] <= 0x9F;
    *length = is_c1 ? 2 : 1;
    if (at[0] >= 0x20 && at[0] != 0x7F && !is_c1)
        return NULL;
    if (at[0] == '\n' || at[0] == '\t' || at[0] == '\r')
        return at[0] == '\n' ? "\\n" : at[0] == '\t' ? "\\t" : "\\r";
    snprintf(text, 8, is_c1 ? "\\u00%02x" : "\\x%02x", at[*length - 1]);
    return text;
}

static void escape_controls(char *to, size_t size, const char *from)
{
    const unsigned char *at = (const unsigned char *)from;
    size_t used = 0, length;
    char room[8];
    while (*at) {
        const char *text = control_text(at, room, &length);
        size_t need = text ? strlen(text) : 1;
        if (used + need >= size)
            break;
        memcpy(to + used, text ? text : (const char *)at, need);
        used += need;
        at += length;
    }
    to[used] = '\0';
}

/* The format with settings and advice as the program, or the library, writes them. */
static void resolve_format(char *to, size_t size, const char *from, bool has_options)
{
    size_t used = 0;
    for (; *from && used + 2 < size; from++) {
        if (*from == '{' && !has_options)
            from += strcspn(from, "}") - 1;
        else if (*from == '@' && has_options)
            to[used++] = '-', to[used++] = '-';
        else if (!strchr("@{}", *from))
            to[used++] = *from;
    }
    to[used] = '\0';
}

void message_advice(char *to, size_t size, const char *advice)
{
    resolve_format(to, size, advice, names_options);
}

void message_print_list(char *to, size_t size, const char *format, va_list arguments)
{
    char resolved[FORMAT_SIZE], text[TEXT_SIZE];
    resolve_format(resolved, sizeof resolved, format, names_options);
    vsnprintf(text, sizeof text, resolved, arguments);
    escape_controls(to, size, text);
}

void message_print(char *to, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    message_print_list(to, size, format, arguments);
    va_end(arguments);
}
