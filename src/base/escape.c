/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/escape.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

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

void escape_controls(char *to, size_t size, const char *from)
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
