/* SPDX-License-Identifier: BSD-3-Clause */
#include "text_inputs.h"

#include "base/memory.h"
#include "data/csv/csv_cell.h"
#include "data/csv/dictionary.h"
#include "data/source/source_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

status text_inputs_add(struct text_inputs *inputs, size_t column, long code, const char *name)
{
    status outcome = STATUS_OK;
    size_t n = inputs->n;
    if ((n & (n - 1)) == 0) /* full: the capacity is a power of two */
        outcome = memory_grow(&inputs->item, n, n ? 2 * n : 1, sizeof *inputs->item, "inputs");
    if (outcome == STATUS_OK)
        outcome = string_list_add(&inputs->names, name);
    if (outcome == STATUS_OK)
        inputs->item[inputs->n++] = (struct text_input){column, code};
    return outcome;
}

void text_inputs_release(struct text_inputs *inputs)
{
    memory_free(&inputs->item);
    string_list_release(&inputs->names);
    inputs->n = 0;
}

bool text_inputs_contain(const struct text_inputs *inputs, size_t column)
{
    for (size_t i = 0; i < inputs->n; i++)
        if (inputs->item[i].column == column)
            return true;
    return false;
}

status text_inputs_add_column(struct text_inputs *inputs, const struct csv_table *table,
                              size_t column)
{
    bool is_text = !table->column[column].number;
    return text_inputs_add(inputs, column, is_text ? TEXT_INPUT_ALL : TEXT_INPUT_NUMBERS,
                           table->names.item[column]);
}

/* What follows "column=" in a name, or NULL if it does not begin so. */
static const char *text_behind(const char *name, const char *column)
{
    size_t length = strlen(column);
    return strncmp(name, column, length) == 0 && name[length] == '=' ? name + length + 1 : NULL;
}

static long code_of(const struct csv_column *column, const char *text)
{
    long code = string_list_find(&column->values, text);
    return code >= 0 ? code : TEXT_INPUT_NOWHERE;
}

status text_inputs_add_text(struct text_inputs *inputs, const struct csv_table *table,
                            size_t column, const char *name)
{
    const char *text = text_behind(name, table->names.item[column]);
    return text_inputs_add(inputs, column, code_of(&table->column[column], text), name);
}

bool text_input_known(const struct string_list *model, const char *column)
{
    for (size_t i = 0; i < model->n; i++)
        if (text_behind(model->item[i], column))
            return true;
    return false;
}

/* The texts that the model knows of a column. */
static status known_texts(const struct string_list *model, const char *column,
                          struct string_list *texts)
{
    status outcome = STATUS_OK;
    for (size_t i = 0; i < model->n && outcome == STATUS_OK; i++) {
        const char *text = text_behind(model->item[i], column);
        if (text)
            outcome = string_list_add(texts, text);
    }
    return outcome;
}

static status add_all_texts(const struct csv_table *table, size_t c,
                            const struct string_list *model, struct text_inputs *inputs)
{
    const char *column = table->names.item[c];
    struct string_list texts = {0};
    status outcome = model ? known_texts(model, column, &texts)
                           : string_list_copy(&texts, &table->column[c].values);
    if (outcome == STATUS_OK && !model)
        outcome = source_sort_names(&texts, NULL, 0);
    for (size_t i = 0; i < texts.n && outcome == STATUS_OK; i++) {
        char *name = NULL;
        size_t size = strlen(column) + 1 + strlen(texts.item[i]) + 1;
        outcome = memory_alloc(&name, size, 1, "names of inputs");
        if (outcome == STATUS_OK) {
            snprintf(name, size, "%s=%s", column, texts.item[i]);
            outcome = text_inputs_add(inputs, c, code_of(&table->column[c], texts.item[i]), name);
        }
        memory_free(&name);
    }
    string_list_release(&texts);
    return outcome;
}

static status unknown_text(const struct csv_table *table, size_t column, size_t row,
                           const struct string_list *names)
{
    char shown[CSV_SHOWN], joined[512];
    struct string_list texts = {0};
    status outcome = known_texts(names, table->names.item[column], &texts);
    string_list_join(&texts, joined, sizeof joined);
    string_list_release(&texts);
    if (outcome != STATUS_OK)
        return outcome;
    return status_set(
        STATUS_USAGE,
        "%s, %s %zu, column '%s': '%s' is not a value known to the model; it knows: %s; correct it "
        "or remove the line",
        table->path, table->line ? "line" : "row", table->line ? table->line[row] : row,
        table->names.item[column],
        csv_printable(table->column[column].values.item[table->column[column].code[row]], shown),
        joined);
}

/* How many rows have a text that a model does not know, for which all inputs of the column are 0.
 */
static status warn_of_unknown(const struct csv_table *table, size_t column, size_t row, size_t n,
                              struct string_list *warnings)
{
    const struct csv_column *cells = &table->column[column];
    char shown[CSV_SHOWN], name[CSV_SHOWN], text[512];
    snprintf(text, sizeof text,
             "%s, line %zu, column '%s': '%s' is no text that the model was trained with%s; in "
             "%zu of %zu rows all inputs of this column are 0",
             table->path, table->line ? table->line[row] : row,
             csv_printable(table->names.item[column], name),
             csv_printable(cells->values.item[cells->code[row]], shown),
             n > 1 ? ", nor are others below" : "", n, table->n_rows);
    return string_list_add(warnings, text);
}

/*
 * Every cell of the column has one of the texts that are inputs; empty ones are said elsewhere. Of
 * those unknown to a model a warning is added.
 */
static status check_cells(const struct csv_table *table, size_t column,
                          const struct text_inputs *inputs, struct string_list *warnings)
{
    const struct csv_column *cells = &table->column[column];
    bool *known = NULL;
    status outcome = memory_alloc(&known, cells->values.n, sizeof *known, "texts of a column");
    if (outcome != STATUS_OK)
        return outcome;
    for (size_t i = 0; i < inputs->n; i++)
        if (inputs->item[i].column == column && inputs->item[i].code >= 0)
            known[inputs->item[i].code] = true;
    size_t n_unknown = 0, first = 0;
    for (size_t row = table->n_rows; row-- > 0;)
        if (cells->code[row] >= 0 && !known[cells->code[row]]) {
            n_unknown++;
            first = row;
        }
    memory_free(&known);
    if (n_unknown == 0)
        return STATUS_OK;
    return warnings ? warn_of_unknown(table, column, first, n_unknown, warnings)
                    : unknown_text(table, column, first, &inputs->names);
}

/* A text that is asked for twice, or a column that has the name already. */
static status check_names(const struct csv_table *table, const struct string_list *names)
{
    struct dictionary seen = {0};
    status outcome = STATUS_OK;
    for (size_t i = 0; i < names->n && outcome == STATUS_OK; i++) {
        int32_t first;
        outcome = dictionary_code(&seen, names->item[i], &first);
        if (outcome == STATUS_OK && (size_t)first != i)
            outcome = status_set(STATUS_USAGE,
                                 "%s: inputs %d and %zu (from 0) have the same name '%s'; leave "
                                 "one out, or rename the column",
                                 table->path, first, i, names->item[i]);
    }
    dictionary_release(&seen);
    return outcome;
}

status text_inputs_expand(struct text_inputs *inputs, const struct csv_table *table,
                          const struct string_list *model, struct string_list *warnings)
{
    struct text_inputs all = {0};
    status outcome = STATUS_OK;
    for (size_t i = 0; i < inputs->n && outcome == STATUS_OK; i++) {
        const struct text_input *input = &inputs->item[i];
        outcome = input->code == TEXT_INPUT_ALL
                      ? add_all_texts(table, input->column, model, &all)
                      : text_inputs_add(&all, input->column, input->code, inputs->names.item[i]);
    }
    if (outcome == STATUS_OK)
        outcome = check_names(table, &all.names);
    for (size_t i = 0; i < all.n && outcome == STATUS_OK; i++) {
        size_t column = all.item[i].column;
        bool first = i == 0 || all.item[i - 1].column != column;
        if (first && !table->column[column].number)
            outcome = check_cells(table, column, &all, warnings);
    }
    text_inputs_release(inputs);
    *inputs = all;
    return outcome;
}

void text_input_read(const struct csv_table *table, const struct text_input *input, size_t first,
                     size_t n, size_t stride, double *to)
{
    const struct csv_column *column = &table->column[input->column];
    if (input->code == TEXT_INPUT_NUMBERS)
        for (size_t i = 0; i < n; i++)
            to[i * stride] = isnan(column->number[first + i]) ? NAN : column->number[first + i];
    else
        for (size_t i = 0; i < n; i++)
            to[i * stride] =
                column->code[first + i] < 0 ? NAN : column->code[first + i] == input->code;
}
