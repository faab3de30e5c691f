/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_CSV_READING_H
#define COTERIE_DATA_CSV_READING_H

#include "csv_layout.h"
#include "csv_notation.h"
#include "data/csv/csv.h"
#include "data/csv/csv_cell.h"
#include "data/csv/dictionary.h"

/* A table while it is read: csv_read.c reads the cells, csv_kinds.c decides what columns are.
 * Private.
 */
struct csv_column_state {
    struct dictionary texts;
    bool is_text;
    bool late;                /* a column of text of which the texts are still to be read */
    bool is_codes;            /* text: whole numbers in quotes, where others have none */
    size_t n_quoted, n_plain; /* numbers with and without quotes */
    bool has_fraction;        /* a number that is not written as digits only */
    struct csv_signs signs;   /* of its numbers, if a comma may be decimal */
};

struct csv_reading {
    struct csv_table *table;
    struct csv_column_state *state; /* (names.n) */
    size_t capacity;                /* rows that the arrays hold */
    size_t header_line;
    struct csv_layout layout;
    struct csv_signs signs; /* of the commas and points in the whole file */
};

/*
 * When the texts of all columns of text are there: which columns of numbers are to be read again as
 * texts, since these say more (groups of digits, codes in quotes). Sets is_text and late.
 */
void csv_choose_late(struct csv_reading *reading);

/* After all texts are there: numbers in another notation become numbers, and so on. */
status csv_decide_kinds(struct csv_reading *reading);

/*
 * Takes the columns without a name away; STATUS_USAGE for one that holds more than row names. If
 * the header has no cell for the first, and no quotes show that it is one of names, numbers in it
 * may be the first halves of numbers with a decimal comma: then they must count the rows.
 */
status csv_drop_nameless(struct csv_table *table, size_t header_line, bool must_count);

#endif
