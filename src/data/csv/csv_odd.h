/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_CSV_ODD_H
#define COTERIE_DATA_CSV_ODD_H

#include "base/string_list.h"

#include <stdbool.h>

/*
 * Texts that stand for quantities, which are not read as numbers, and are hardly meant as names of
 * kinds: 2024-05-31, 12:30, 0x1F, 1_234, 1.50(2), 1.5 +/- 0.2, 1+2i, <0.5. All functions are Local.
 */

/* What a text is, in the plural: "dates". NULL: nothing of this kind. */
const char *csv_odd_kind(const char *text);

/*
 * The same for texts that are all of one such kind, but for numbers. *example is the first of them.
 */
const char *csv_odd_kind_of_all(const struct string_list *texts, const char **example);

/* Whether a number is a date written as 20240531. */
bool csv_is_date_number(double number);

#endif
