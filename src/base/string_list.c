/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/string_list.h"

#include "base/memory.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static status add_part(struct string_list *list, const char *text, size_t length)
{
    /* Grown in powers of two: the capacity is the first power of two that holds n. */
    if ((list->n & (list->n - 1)) == 0) {
        size_t capacity = list->n == 0 ? 1 : 2 * list->n;
        status outcome =
            memory_grow(&list->item, list->n, capacity, sizeof *list->item, "a list of names");
        if (outcome != STATUS_OK)
            return outcome;
    }
    char *copy = strndup(text, length);
    if (!copy)
        return status_set(STATUS_FAILED, "not enough memory for a list of names");
    list->item[list->n++] = copy;
    return STATUS_OK;
}

status string_list_add(struct string_list *list, const char *text)
{
    return add_part(list, text, strlen(text));
}

/* A quoted part, whose opening quote *text points at; moves *text behind it. */
static status add_quoted(struct string_list *list, const char **text)
{
    char *part;
    size_t used = 0;
    const char *at = *text + 1;
    status outcome = memory_alloc(&part, strlen(at) + 1, 1, "a list of names");
    if (outcome != STATUS_OK)
        return outcome;
    for (; *at && (*at != '"' || at[1] == '"'); at++) {
        at += *at == '"';
        part[used++] = *at;
    }
    *text = at + (*at == '"');
    *text += strcspn(*text, ",");
    outcome = add_part(list, part, used);
    memory_free(&part);
    return outcome;
}

static status add_plain(struct string_list *list, const char **text)
{
    size_t length = strcspn(*text, ",");
    const char *begin = *text, *end = begin + length;
    while (end > begin && isspace((unsigned char)end[-1]))
        end--;
    *text += length;
    return add_part(list, begin, (size_t)(end - begin));
}

status string_list_add_split(struct string_list *list, const char *text)
{
    status outcome = STATUS_OK;
    while (*text && outcome == STATUS_OK) {
        while (isspace((unsigned char)*text))
            text++;
        outcome = *text == '"' ? add_quoted(list, &text) : add_plain(list, &text);
        text += *text == ',';
    }
    return outcome;
}

status string_list_copy(struct string_list *to, const struct string_list *from)
{
    status outcome = STATUS_OK;
    for (size_t i = 0; i < from->n && outcome == STATUS_OK; i++)
        outcome = string_list_add(to, from->item[i]);
    return outcome;
}

void string_list_release(struct string_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->item[i]);
    memory_free(&list->item);
    list->n = 0;
}

long string_list_find(const struct string_list *list, const char *text)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->item[i], text) == 0)
            return (long)i;
    return -1;
}

bool string_list_equal(const struct string_list *a, const struct string_list *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->item[i], b->item[i]) != 0)
            return false;
    return true;
}

void string_list_join(const struct string_list *list, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < list->n; i++) {
        size_t need = strlen(list->item[i]) + 2;
        if (used + need + 4 > size) {
            snprintf(text + used, size - used, "...");
            return;
        }
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", list->item[i]);
    }
}

/* Writes `item` in quotes if a list could not be split there; returns the place behind it. */
static char *put_quoted(char *to, const char *item)
{
    size_t length = strlen(item);
    bool plain = length > 0 && !strpbrk(item, ",\"") && !isspace((unsigned char)item[0]) &&
                 !isspace((unsigned char)item[length - 1]);
    if (plain)
        return stpcpy(to, item);
    *to++ = '"';
    for (; *item; item++) {
        if (*item == '"')
            *to++ = '"';
        *to++ = *item;
    }
    *to++ = '"';
    return to;
}

status string_list_joined(const struct string_list *list, char **text)
{
    size_t size = 1;
    for (size_t i = 0; i < list->n; i++)
        size += 2 * strlen(list->item[i]) + 3;
    status outcome = memory_alloc(text, size, 1, "a list of names");
    char *at = *text;
    for (size_t i = 0; i < list->n && outcome == STATUS_OK; i++) {
        if (i > 0)
            *at++ = ',';
        at = put_quoted(at, list->item[i]);
    }
    return outcome;
}

enum { LONGEST_COMPARED = 63 };

/* Levenshtein's distance, one row of the table at a time. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[LONGEST_COMPARED + 1], n = strlen(b);
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            size_t best = diagonal + (a[i] != b[j]);
            if (row[j + 1] + 1 < best)
                best = row[j + 1] + 1;
            if (row[j] + 1 < best)
                best = row[j] + 1;
            diagonal = row[j + 1];
            row[j + 1] = best;
        }
    }
    return row[n];
}

/* How many letters one is longer than the other, if it is only longer; else more than any. */
static size_t letters_beyond(const char *text, const char *item)
{
    enum { LEAST_BEGINNING = 2, LEAST_NAME = 4 };
    size_t n = strlen(text), m = strlen(item);
    if (m > LONGEST_COMPARED)
        return SIZE_MAX;
    if (n >= LEAST_BEGINNING && n <= m && strncmp(text, item, n) == 0)
        return m - n;
    return m >= LEAST_NAME && n > m && strncmp(text, item, m) == 0 ? n - m : SIZE_MAX;
}

const char *string_list_nearest(const struct string_list *list, const char *text)
{
    const char *nearest = NULL;
    size_t fewest = SIZE_MAX;
    for (size_t i = 0; i < list->n; i++) {
        size_t beyond = letters_beyond(text, list->item[i]);
        if (beyond < fewest) {
            fewest = beyond;
            nearest = list->item[i];
        }
    }
    if (nearest)
        return nearest;
    size_t least = strlen(text) / 3 + 1;
    for (size_t i = 0; i < list->n; i++) {
        if (strlen(list->item[i]) > LONGEST_COMPARED)
            continue;
        size_t distance = edit_distance(text, list->item[i]);
        if (distance <= least && (!nearest || distance < least)) {
            least = distance;
            nearest = list->item[i];
        }
    }
    return nearest;
}
