/* SPDX-License-Identifier: BSD-3-Clause */
/* Inputs that tell where others have no value, of any source. */
#include "data/source/gap_inputs.h"
#include "data/source/source_internal.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

enum { ROWS = 4096 };

struct told {
    struct source *inner; /* as it was opened; owned, but for what `source` holds as well */
    struct gap_inputs gaps;
    double *row; /* (ROWS, inner inputs) */
};

static void release_told(struct source *source)
{
    struct told *told = source->reader;
    source_inner_release(&told->inner);
    gap_inputs_release(&told->gaps);
    memory_free(&told->row);
    memory_free(&source->reader);
}

static void tell(const struct told *told, const double *row, double *x)
{
    memcpy(x, row, told->gaps.n_own * sizeof *x);
    for (size_t i = 0; i < told->gaps.n; i++)
        x[told->gaps.n_own + i] = isnan(row[told->gaps.of[i]]);
}

static status read_told(struct source *source, size_t first, size_t n, double *x, double *y)
{
    const struct told *told = source->reader;
    size_t n_inputs = source->info.n_inputs, n_targets = source->info.n_targets;
    status outcome = STATUS_OK;
    if (!x)
        return told->inner->read(told->inner, first, n, NULL, y);
    for (size_t done = 0; done < n && outcome == STATUS_OK; done += ROWS) {
        size_t count = n - done < ROWS ? n - done : ROWS;
        outcome = told->inner->read(told->inner, first + done, count, told->row,
                                    y ? y + done * n_targets : NULL);
        for (size_t i = 0; i < count && outcome == STATUS_OK; i++)
            tell(told, told->row + i * told->gaps.n_own, x + (done + i) * n_inputs);
    }
    return outcome;
}

/* The name of an input that is made here must not be that of a column. */
static status check_names(const struct source *source)
{
    const struct string_list *names = &source->info.input_names;
    struct gap_inputs gaps;
    status outcome = gap_inputs_find(&gaps, names);
    if (outcome == STATUS_OK && gaps.n > 0)
        outcome = status_set(STATUS_USAGE,
                             "%s: '%s' is the name of an input that says where '%s' has no value, "
                             "and cannot be that of a column; rename it",
                             source->path, names->item[gaps.n_own], names->item[gaps.of[0]]);
    gap_inputs_release(&gaps);
    return outcome;
}

static status add_names(struct source *source, const struct string_list *own,
                        const struct string_list *columns)
{
    struct string_list *names = &source->info.input_names;
    status outcome = string_list_copy(names, own);
    for (size_t i = 0; i < columns->n && outcome == STATUS_OK; i++) {
        char *name = NULL;
        outcome = gap_input_name(columns->item[i], &name);
        if (outcome == STATUS_OK)
            outcome = string_list_add(names, name);
        memory_free(&name);
    }
    return outcome;
}

static status make_inputs(struct source *source, struct told *told,
                          const struct string_list *columns)
{
    size_t n_own = told->inner->info.n_inputs;
    status outcome = add_names(source, &told->inner->info.input_names, columns);
    if (outcome == STATUS_OK)
        outcome = gap_inputs_find(&told->gaps, &source->info.input_names);
    if (outcome == STATUS_OK && told->gaps.n_own != n_own)
        outcome = status_set(STATUS_USAGE,
                             "%s: the model has inputs that tell where '%s' has no value, but no "
                             "such column",
                             source->path, columns->item[0]);
    if (outcome == STATUS_OK)
        source->info.n_inputs = source->info.input_names.n;
    return outcome;
}

status source_code_gaps(struct source *source)
{
    struct told *told = NULL;
    status outcome = check_names(source);
    if (outcome == STATUS_OK && !source->asked.gap_columns) {
        outcome = string_list_copy(&source->asked_gaps, &source->info.gap_columns);
        source->asked.gap_columns = &source->asked_gaps;
    }
    if (outcome != STATUS_OK || source->asked.gap_columns->n == 0)
        return outcome;
    source_forget(source); /* what is kept has fewer inputs */
    outcome = memory_alloc(&told, 1, sizeof *told, "inputs with gaps");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&told->row, ROWS * source->info.n_inputs, sizeof(double),
                               "inputs with gaps");
    if (outcome == STATUS_OK)
        outcome = source_wrap(source, &told->inner);
    if (outcome != STATUS_OK) {
        if (told)
            memory_free(&told->row);
        memory_free(&told);
        return outcome;
    }
    source->reader = told;
    source->read = read_told;
    source->release = release_told;
    return make_inputs(source, told, source->asked.gap_columns);
}
