/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_REPORT_PAGE_H
#define COTERIE_APP_REPORT_PAGE_H

#include <stddef.h>
#include <stdio.h>

/*
 * HTML that is well-formed XML, too. Whatever comes from data, options or files passes through
 * page_text. All functions are Local; failures of writing show
 * when the file is published.
 */

/* Markup, with numbers only. */
void page_raw(FILE *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Text, escaped. Control characters, which HTML has no way to write, are written out (\n, \x1b);
 * bytes that are not UTF-8 become U+FFFD.
 */
void page_text(FILE *page, const char *text);
/* An element of this name that holds nothing but the text. */
void page_element(FILE *page, const char *element, const char *text);

/* A number for people, to 5 digits, in an element that has all its digits for programs; not finite:
 * a dash. */
void page_number(FILE *page, double value);
void page_number_cell(FILE *page, double value); /* in <td> */
void page_percent(FILE *page, double share);     /* likewise, "12.3 %", the share in the element */

/* A table that may be wider than a telephone. `caption` is text; the head's cells are texts. */
void page_table_begin(FILE *page, const char *caption, size_t n_columns,
                      const char *const *columns);
void page_table_end(FILE *page);

/* The numbers of a figure, folded away. Tables come between. */
void page_details_begin(FILE *page, const char *summary);
void page_details_end(FILE *page);

#endif
