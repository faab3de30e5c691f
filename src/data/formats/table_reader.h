/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_TABLE_READER_H
#define COTERIE_DATA_TABLE_READER_H

#include "formats_internal.h"
#include "text_inputs.h"

/* Which columns of a table play which part. Private to data/source. */
struct table_reader {
    struct csv_table table;
    struct text_inputs inputs;
    size_t *target; /* (n_targets), columns */
    size_t n_targets;
    long group, weight; /* columns, or -1 */
    struct string_list excluded, categories;
};

/*
 * The inputs if nobody names them: all columns but targets, group, weight and those excluded, and
 * but those that are hardly meant: that count the rows, that hold names or no value at all. A note
 * names them. STATUS_USAGE for a column of numbers in which something else stands.
 */
status table_default_inputs(struct source *source, struct table_reader *reader);

/* Whether the numbers of a column only count the rows: 0, 1, 2 or 1, 2, 3; or, where its name says
 * so, whole numbers by one step.
 */
bool table_counts_rows(const struct csv_table *table, size_t column);
/* Whether a name is one of columns that tell samples apart: id, row, ... */
bool table_is_called_counter(const char *name);

/* Whether a column of text is rather one of numbers, in which a few words or unsure ones stand. */
bool table_has_slips(const struct csv_table *table, size_t column);

/* A note of inputs whose numbers begin with 0, as codes do. */
status table_note_zeros(struct source *source, const struct table_reader *reader);

/* A note of inputs and targets with numbers such as -999, far from all others. */
status table_note_marks(struct source *source, const struct table_reader *reader);

/* STATUS_USAGE if an input that is named holds numbers and a few words, or unsure numbers. */
status table_check_inputs(const struct source *source, const struct table_reader *reader);

/*
 * Columns are numbers or text as a trained model knows them by its inputs' names. STATUS_USAGE if
 * one that it knows as numbers is text.
 */
status table_follow_model(struct table_reader *reader, const struct string_list *model);

/* Makes a column of numbers one of text, as the file has it: 007 and 7 differ, 1.0 and 1 do not. */
status table_make_text(struct csv_table *table, size_t column);

/* Makes columns text that are named as categories. */
status table_make_categories(struct source *source, struct table_reader *reader);

#endif
