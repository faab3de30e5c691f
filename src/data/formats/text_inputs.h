/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_TEXT_INPUTS_H
#define COTERIE_DATA_TEXT_INPUTS_H

#include "data/csv/csv.h"

/*
 * Columns of text as inputs, coded 1-of-C: a column `colour` with the texts blue and red becomes
 * two inputs of 0 and 1 with the names colour=blue and colour=red. By these a model that was
 * trained so finds them again. Private to the data layer; Local.
 */
enum {
    TEXT_INPUT_NUMBERS = -1, /* the column's own numbers */
    TEXT_INPUT_NOWHERE = -2, /* 0: no cell of this file has the text */
    TEXT_INPUT_ALL = -3      /* not coded yet: all texts of the column */
};

/* One input: where `code` is that of a text, 1 for the cells that have it and 0 for others. */
struct text_input {
    size_t column;
    long code;
};

struct text_inputs {
    size_t n;
    struct text_input *item;  /* (n), owned */
    struct string_list names; /* (n) */
};

status text_inputs_add(struct text_inputs *inputs, size_t column, long code, const char *name);
void text_inputs_release(struct text_inputs *inputs);
bool text_inputs_contain(const struct text_inputs *inputs, size_t column);

/* A column as an input: its numbers, or all of its texts. */
status text_inputs_add_column(struct text_inputs *inputs, const struct csv_table *table,
                              size_t column);

/* Adds the input that a name such as colour=red tells of a column of text. */
status text_inputs_add_text(struct text_inputs *inputs, const struct csv_table *table,
                            size_t column, const char *name);

/* Whether a model, by the names of its inputs, knows texts of the column of that name. */
bool text_input_known(const struct string_list *model, const char *column);

/*
 * Puts in place of each column of which all texts are wanted one input for each. `model`, the names
 * of a model's inputs, tells the texts that it knows; NULL: those of the file, sorted as classes
 * are. A cell whose text is no input: a line in `warnings`, if that is not NULL; else STATUS_USAGE
 * with line and column. STATUS_USAGE for a name that two inputs would have.
 */
status text_inputs_expand(struct text_inputs *inputs, const struct csv_table *table,
                          const struct string_list *model, struct string_list *warnings);

/* Samples first .. first+n-1 of input `input`, into every `stride`-th place; NAN: no value. */
void text_input_read(const struct csv_table *table, const struct text_input *input, size_t first,
                     size_t n, size_t stride, double *to);

#endif
