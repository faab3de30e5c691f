/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_INPUT_CHOICE_H
#define COTERIE_MODEL_INPUT_CHOICE_H

#include "base/real.h"
#include "base/status.h"
#include "base/string_list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which of a model's D inputs a network sees: all, or those of some runs of neighbours. Zero is
 * all. The weights of the others are there, so that rows of D numbers stay what they are in files
 * and predictions, but they are exactly 0 and no parameters: they are drawn as 0 and their gradient
 * is 0. An offset is not seen either, but its weights are exactly 1: it is added to what comes out.
 * A plain value that is copied and sent like a width. All functions are Local.
 */
enum { INPUT_CHOICE_RUNS = 256 };

struct input_choice {
    bool is_made;    /* false: all inputs */
    uint32_t offset; /* 1 + the number of an input that is an offset; 0: none */
    uint32_t n_runs;
    struct {
        uint32_t first, end;
    } run[INPUT_CHOICE_RUNS]; /* rising, with a gap between any two */
};

/*
 * From what --`option` says: NULL or "" is all, "none" is none, else names with commas between. A
 * name stands for the input of that name, or for all inputs that were made of a column of
 * categories (name=value) or of the columns of a data set (name0, name1, ...). STATUS_USAGE for a
 * name that is none of these, or for more runs than there is room for.
 */
status input_choice_read(const char *option, const char *text, const struct string_list *names,
                         struct input_choice *choice);

/* How many of n_inputs inputs are seen. */
size_t input_choice_count(const struct input_choice *choice, size_t n_inputs);
bool input_choice_has(const struct input_choice *choice, size_t input);

/* The input that is the offset --`option` NAME. STATUS_USAGE if there is none, or more than one. */
status input_choice_find(const char *option, const char *name, const struct string_list *names,
                         size_t *input);
/* `input` is seen no more. STATUS_USAGE as input_choice_read. */
status input_choice_leave_out(const char *option, size_t n_inputs, size_t input,
                              struct input_choice *choice);

/* The weight that an input which is not seen has. */
static inline real input_choice_unseen_weight(const struct input_choice *choice, size_t input)
{
    return choice->offset == input + 1 ? 1 : 0;
}

/* That of the offset, if there is one, in each row of weights (n_rows, n_inputs). */
void input_choice_place_offset(const struct input_choice *choice, size_t n_inputs, size_t n_rows,
                               real *rows);

/* 0 for the inputs that are not seen, in each row of weights (n_rows, n_inputs). */
void input_choice_clear(const struct input_choice *choice, size_t n_inputs, size_t n_rows,
                        real *rows);

#endif
