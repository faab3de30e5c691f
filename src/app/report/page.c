/* SPDX-License-Identifier: BSD-3-Clause */
#include "page.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

void page_raw(FILE *page, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(page, format, arguments);
    va_end(arguments);
}

/* The length of the UTF-8 character at `text`, and its number; 0: it is none. */
static size_t read_character(const unsigned char *text, unsigned *number)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = text[0] < 0x80             ? 1
                    : (text[0] & 0xe0) == 0xc0 ? 2
                    : (text[0] & 0xf0) == 0xe0 ? 3
                    : (text[0] & 0xf8) == 0xf0 ? 4
                                               : 0;
    if (length < 2) {
        *number = text[0];
        return length;
    }
    *number = text[0] & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        *number = *number << 6 | (text[i] & 0x3fu);
    }
    bool is_character = *number >= least[length] && *number <= 0x10ffff &&
                        (*number < 0xd800 || *number > 0xdfff) && (*number & 0xfffe) != 0xfffe;
    return is_character ? length : 0;
}

/* What stands for an ASCII character, NULL: itself. */
static const char *entity_of(unsigned number)
{
    switch (number) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void page_text(FILE *page, const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        unsigned number;
        size_t length = read_character(at, &number);
        const char *entity = length == 1 ? entity_of(number) : NULL;
        if (length == 0)
            fputs("&#xFFFD;", page);
        else if (number < ' ' || (number >= 0x7f && number < 0xa0))
            fprintf(page, number == '\n' ? "\\n" : "\\x%02x", number);
        else if (entity)
            fputs(entity, page);
        else
            fwrite(at, 1, length, page);
        at += length > 0 ? length : 1;
    }
}

void page_element(FILE *page, const char *element, const char *text)
{
    fprintf(page, "<%s>", element);
    page_text(page, text);
    fprintf(page, "</%s>\n", element);
}

void page_number(FILE *page, double value)
{
    if (isfinite(value))
        fprintf(page, "<data value=\"%.17g\">%.5g</data>", value, value);
    else
        fputs("&#8211;", page);
}

void page_number_cell(FILE *page, double value)
{
    fputs("<td>", page);
    page_number(page, value);
    fputs("</td>", page);
}

void page_percent(FILE *page, double share)
{
    if (isfinite(share))
        fprintf(page, "<data value=\"%.17g\">%.1f&#160;%%</data>", share, 100 * share);
    else
        fputs("&#8211;", page);
}

void page_table_begin(FILE *page, const char *caption, size_t n_columns, const char *const *columns)
{
    fputs("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"", page);
    page_text(page, caption);
    fputs("\"><table><caption>", page);
    page_text(page, caption);
    fputs("</caption>\n<thead><tr>", page);
    for (size_t i = 0; i < n_columns; i++) {
        fputs("<th scope=\"col\">", page);
        page_text(page, columns[i]);
        fputs("</th>", page);
    }
    fputs("</tr></thead><tbody>\n", page);
}

void page_table_end(FILE *page)
{
    fputs("</tbody></table></div>\n", page);
}

void page_details_begin(FILE *page, const char *summary)
{
    fputs("<details><summary>", page);
    page_text(page, summary);
    fputs("</summary>\n", page);
}

void page_details_end(FILE *page)
{
    fputs("</details>\n", page);
}
