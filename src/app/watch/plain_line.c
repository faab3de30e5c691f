/* SPDX-License-Identifier: BSD-3-Clause */
#include "plain_line.h"

#include <stdarg.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

void plain_line(const struct screen *screen, FILE *out, const char *format, ...)
{
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    mbstate_t shift = {0};
    int room = screen->columns;
    for (const char *at = text; *at;) {
        wchar_t character;
        size_t length = mbrtowc(&character, at, strlen(at), &shift);
        bool is_bad = length == (size_t)-1 || length == (size_t)-2;
        if (is_bad) {
            memset(&shift, 0, sizeof shift);
            length = 1;
        }
        bool is_shown = !is_bad && iswprint((wint_t)character) && wcwidth(character) >= 0 &&
                        (screen->has_unicode || character < 128);
        int width = is_shown ? wcwidth(character) : 1;
        if (width > room)
            break;
        room -= width;
        if (is_shown)
            fwrite(at, 1, length, out);
        else
            fputc('?', out);
        at += length;
    }
    fputc('\n', out);
}
