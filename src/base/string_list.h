/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_BASE_STRING_LIST_H
#define COTERIE_BASE_STRING_LIST_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

/* A list of strings that it owns. Zero-initialised is empty and valid. All functions are Local. */
struct string_list {
    size_t n;
    char **item; /* (n) */
};

status string_list_add(struct string_list *list, const char *text);
/*
 * Adds the parts of `text` between commas, without surrounding blanks. "" adds nothing. A part in
 * double quotes may hold commas, and a quote written twice: a,"b, in mm",c.
 */
status string_list_add_split(struct string_list *list, const char *text);
status string_list_copy(struct string_list *to, const struct string_list *from);
void string_list_release(struct string_list *list);

/* The index of `text`, or -1. */
long string_list_find(const struct string_list *list, const char *text);
bool string_list_equal(const struct string_list *a, const struct string_list *b);

/* Writes the items with commas between into `text`, ending in "..." where there is no room. */
void string_list_join(const struct string_list *list, char *text, size_t size);

/* The items with commas between, as string_list_add_split reads them; memory_free frees *text. */
status string_list_joined(const struct string_list *list, char **text);

/*
 * The item that `text` was probably meant to be, or NULL: one that begins with `text` ("out",
 * output) or that `text` begins with ("hidden-size", hidden), else the nearest by edit distance, if
 * not more than a third of its letters are wrong. For "did you mean" in messages.
 */
const char *string_list_nearest(const struct string_list *list, const char *text);

#endif
