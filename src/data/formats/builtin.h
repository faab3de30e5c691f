/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_BUILTIN_H
#define COTERIE_DATA_BUILTIN_H

#include "base/status.h"
#include "base/string_list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The built-in table: Peterson & Barney 1952, vowels spoken by 76 men, women and children.
 *
 * builtin:vowels     the four vowels of Jacobs et al. 1991 (iy, ih, aa, ah)
 * builtin:vowels10   all ten
 * Speaker 33 is left out, as in the measurements the project compares with; without a suffix or
 * with /train the speakers 1-51 (50 of them), with /test the last 25. Order of rows: the file's.
 *
 * Columns: F0 F1 F2 F3 (Hz), speaker, man, woman, child (0 or 1), vowel (text) and, for the four
 * vowels, ia (1 for iy and aa) and iA (1 for iy and ah). Default inputs: F1, F2; default target:
 * vowel; default group: speaker.
 */
struct builtin_table {
    size_t n;
    struct string_list names;  /* columns of numbers */
    double *number;            /* (n, names.n) */
    struct string_list vowels; /* the classes, iy ih aa ah or in the order of the table */
    int32_t *vowel;            /* (n) */
};

bool builtin_is_name(const char *path); /* begins with "builtin:" */

/* STATUS_USAGE for an unknown name, listing the known ones. */
status builtin_load(const char *path, struct builtin_table *table);
void builtin_release(struct builtin_table *table);

/* The held-out part that belongs to `path`: "builtin:vowels/test" for "builtin:vowels"; else NULL.
 */
const char *builtin_validation(const char *path);

#endif
