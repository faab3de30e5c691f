/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_CSV_NOTATION_H
#define COTERIE_DATA_CSV_NOTATION_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Numbers as people and older programs write them: 4,175 and 1 234 and 1'234 with groups of three
 * digits, 8 %, $3.50, 60 km/h, 8.0D-01 and 3.14-114 (Fortran), 8.0×10^-1, (3.5) and 3.5- for -3.5.
 * What one text says is looked at alone (csv_spelling_of); what its comma or point is, and whether
 * a column is one of numbers, by all texts of the column together. Private to data/csv; Local.
 */
struct csv_spelling {
    bool is_number;
    bool is_whole; /* without a fraction or an exponent */
    char group;    /* between groups of three digits, for sure: , . ' or a blank; 0: nothing */
    char decimal;  /* before the fraction, for sure: , or .; 0: nothing */
    char unsure;   /* , or . before exactly three digits: may be either */
    const char *before, *after; /* units: a currency before the digits, what stands behind */
    size_t before_length, after_length;
    bool is_negative, in_brackets;
    const char *digits, *exponent; /* where they begin, the latter with its sign; or NULL */
};

struct csv_spelling csv_spelling_of(const char *text);

/*
 * The number, where this stands between groups (0: nothing); all other , and . are decimal ones.
 * NaN if it is none.
 */
double csv_spelling_value(const char *text, char group);

/* What is known of the commas and points of a column or a file. */
struct csv_signs {
    size_t comma_decimal, comma_group, comma_unsure;
    size_t point_decimal, point_group, point_unsure;
};

void csv_signs_add(struct csv_signs *signs, const struct csv_spelling *spelling);
void csv_signs_add_all(struct csv_signs *signs, const struct csv_signs *more);

/*
 * What divides groups in a column, by its own signs and by those of the whole file: ',' or '.', or
 * 0. *unsure: the column does not tell. commas_separate: cells are divided by commas, so that one
 * inside a cell is hardly a decimal one. all_unsure: every cell has a doubtful sign, so that they
 * are of one scale either way.
 */
char csv_signs_group(const struct csv_signs *column, const struct csv_signs *file,
                     bool commas_separate, bool all_unsure, bool *unsure);

#endif
