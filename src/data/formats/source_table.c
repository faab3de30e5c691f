/* SPDX-License-Identifier: BSD-3-Clause */
#include "table_reader.h"

#include "base/memory.h"
#include "data/csv/dictionary.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { COLUMN_TEXT = 160 };

static const char *column_text(const struct table_reader *reader, size_t c, char text[COLUMN_TEXT])
{
    snprintf(text, COLUMN_TEXT, "column '%s'", reader->table.names.item[c]);
    return text;
}

/* *columns is allocated. Names that do not exist: *n = 0 if they are optional, else an error. */
static status find_columns(const struct source *source, const struct table_reader *reader,
                           const char *option, const char *text, bool optional, size_t **columns,
                           size_t *n)
{
    struct string_list names = {0};
    status outcome = source_split_names(source, option, text, &names);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(columns, names.n, sizeof **columns, "column numbers");
    *n = names.n;
    for (size_t i = 0; i < names.n && outcome == STATUS_OK; i++) {
        long column = string_list_find(&reader->table.names, names.item[i]);
        if (column >= 0) {
            (*columns)[i] = (size_t)column;
            continue;
        }
        *n = 0;
        if (!optional)
            outcome =
                source_unknown_name(source, "column", option, names.item[i], &reader->table.names);
        break;
    }
    string_list_release(&names);
    return outcome;
}

static bool is_excluded(const struct table_reader *reader, size_t c)
{
    return string_list_find(&reader->excluded, reader->table.names.item[c]) >= 0;
}

/* The column of which a name such as colour=red tells a text, or -1. */
static long column_before_text(const struct dictionary *columns, const char *name, char *copy)
{
    long found = -1;
    strcpy(copy, name);
    for (char *equals = strchr(copy, '='); equals && found < 0; equals = strchr(equals + 1, '=')) {
        *equals = '\0';
        found = dictionary_find(columns, copy);
        *equals = '=';
    }
    return found;
}

/* A column; or a text of one, as colour=red, also if the texts look like numbers in this file. */
static status find_input(const struct source *source, struct table_reader *reader,
                         const struct dictionary *columns, const char *name)
{
    struct csv_table *table = &reader->table;
    char *copy = NULL;
    long column = dictionary_find(columns, name);
    if (column >= 0)
        return is_excluded(reader, (size_t)column)
                   ? STATUS_OK
                   : text_inputs_add_column(&reader->inputs, table, (size_t)column);
    status outcome = memory_alloc(&copy, strlen(name) + 1, 1, "a name");
    if (outcome == STATUS_OK)
        column = column_before_text(columns, name, copy);
    memory_free(&copy);
    if (outcome != STATUS_OK)
        return outcome;
    bool numbers = column >= 0 && table->column[column].number;
    const struct string_list *model = source->asked.model_inputs;
    bool known =
        numbers && table->line && model && text_input_known(model, table->names.item[column]);
    if (column < 0 || (numbers && !known))
        return source_unknown_name(source, "column", "inputs", name, &table->names);
    if (numbers)
        outcome = table_make_text(table, (size_t)column);
    return outcome == STATUS_OK ? text_inputs_add_text(&reader->inputs, table, (size_t)column, name)
                                : outcome;
}

/* The built-in data may have some excluded, too. */
static status find_inputs(const struct source *source, struct table_reader *reader,
                          const char *text)
{
    struct string_list names = {0};
    struct dictionary columns = {0};
    status outcome = source_split_names(source, "inputs", text, &names);
    for (size_t c = 0; c < reader->table.names.n && outcome == STATUS_OK; c++) {
        int32_t code;
        outcome = dictionary_code(&columns, reader->table.names.item[c], &code);
    }
    for (size_t i = 0; i < names.n && outcome == STATUS_OK; i++)
        outcome = find_input(source, reader, &columns, names.item[i]);
    string_list_release(&names);
    dictionary_release(&columns);
    return outcome;
}

static status find_one(const struct source *source, const struct table_reader *reader,
                       const char *option, const char *name, long *column)
{
    *column = -1;
    if (!name)
        return STATUS_OK;
    *column = string_list_find(&reader->table.names, name);
    return *column >= 0 ? STATUS_OK
                        : source_unknown_name(source, "column", option, name, &reader->table.names);
}

static status default_target(const struct source *source, struct table_reader *reader,
                             bool optional)
{
    size_t c = reader->table.names.n;
    while (c > 0 && ((long)c - 1 == reader->group || (long)c - 1 == reader->weight ||
                     is_excluded(reader, c - 1)))
        c--;
    bool free_column = c > 0 && !text_inputs_contain(&reader->inputs, c - 1);
    if (!free_column && optional)
        return STATUS_OK;
    if (!free_column)
        return status_set(STATUS_USAGE,
                          "%s: no column is left for the target, which by default is the last one"
                          "{; name it with @targets}",
                          source->path);
    const char *name = reader->table.names.item[c - 1];
    if (!optional && table_counts_rows(&reader->table, c - 1) && table_is_called_counter(name))
        return status_set(STATUS_USAGE,
                          "%s: the last column, which by default is the target, is '%s', which "
                          "numbers the rows{; name the target with @targets}",
                          source->path, name);
    status outcome = memory_alloc(&reader->target, 1, sizeof *reader->target, "column numbers");
    if (outcome == STATUS_OK) {
        reader->target[0] = c - 1;
        reader->n_targets = 1;
    }
    return outcome;
}

static status no_input_left(const struct source *source, const struct table_reader *reader)
{
    return status_set(STATUS_USAGE,
                      "%s: no column is left for the inputs besides targets, group%s weight%s"
                      "{; name them with @inputs}",
                      source->path, reader->excluded.n ? "," : " and",
                      reader->excluded.n ? " and excluded ones" : "");
}

/* What is to be learned cannot be known. A model that was trained so is still applied. */
static status check_targets_apart(const struct source_request *request, const struct source *source,
                                  const struct table_reader *reader)
{
    for (size_t i = 0; i < reader->n_targets && !request->model_inputs; i++)
        if (text_inputs_contain(&reader->inputs, reader->target[i]))
            return status_set(STATUS_USAGE,
                              "%s: column '%s' is named as input and as target; leave it out of "
                              "@inputs or of @targets",
                              source->path, reader->table.names.item[reader->target[i]]);
    return STATUS_OK;
}

static status find_roles(const struct source_request *request, struct source *source,
                         struct table_reader *reader)
{
    bool optional =
        request->target_kind == TARGETS_OPTIONAL || request->target_kind == TARGETS_NONE;
    status outcome = source_excluded(source, &reader->table.names, &reader->excluded);
    if (outcome == STATUS_OK)
        outcome = table_make_categories(source, reader);
    if (outcome == STATUS_OK)
        outcome = find_one(source, reader, "group", request->group, &reader->group);
    if (outcome == STATUS_OK)
        outcome = find_one(source, reader, "weight", request->weight, &reader->weight);
    if (outcome == STATUS_OK && request->inputs)
        outcome = find_inputs(source, reader, request->inputs);
    if (outcome != STATUS_OK)
        return outcome;
    outcome = request->targets ? find_columns(source, reader, "targets", request->targets, optional,
                                              &reader->target, &reader->n_targets)
                               : default_target(source, reader, optional);
    if (outcome == STATUS_OK && request->inputs)
        outcome = check_targets_apart(request, source, reader);
    else if (outcome == STATUS_OK)
        outcome = table_default_inputs(source, reader);
    return outcome == STATUS_OK && reader->inputs.n == 0 ? no_input_left(source, reader) : outcome;
}

/* The columns in which a cell without a value matters; *needed is allocated. */
static status needed_columns(const struct table_reader *reader, bool inputs, bool targets,
                             size_t **needed, size_t *n)
{
    status outcome = memory_alloc(needed, reader->inputs.n + reader->n_targets + 2, sizeof **needed,
                                  "column numbers");
    *n = 0;
    for (size_t i = 0; i < reader->inputs.n && inputs && outcome == STATUS_OK; i++)
        if (i == 0 || reader->inputs.item[i].column != (*needed)[*n - 1])
            (*needed)[(*n)++] = reader->inputs.item[i].column;
    if (outcome == STATUS_OK && reader->weight >= 0)
        (*needed)[(*n)++] = (size_t)reader->weight;
    for (size_t i = 0; i < reader->n_targets && targets && outcome == STATUS_OK; i++)
        (*needed)[(*n)++] = reader->target[i];
    if (outcome == STATUS_OK && reader->group >= 0)
        (*needed)[(*n)++] = (size_t)reader->group;
    return outcome;
}

/* Marks the rows with gaps, and puts something into these for which nobody asks. */
static void fill_gaps(struct csv_table *table, size_t c, bool *incomplete)
{
    struct csv_column *column = &table->column[c];
    size_t some = 0; /* a value that is one, so that there is no class of gaps */
    while (some < table->n_rows && csv_is_gap(table, c, some))
        some++;
    double value = column->number && some < table->n_rows ? column->number[some] : 0;
    for (size_t row = 0; row < table->n_rows; row++)
        if (csv_is_gap(table, c, row)) {
            incomplete[row] = true;
            if (column->number)
                column->number[row] = value;
        }
}

/* Gaps in inputs stay what they are, and are counted. */
static status count_gaps(struct source *source, const struct table_reader *reader)
{
    const struct csv_table *table = &reader->table;
    status outcome = STATUS_OK;
    for (size_t i = 0; i < reader->inputs.n && outcome == STATUS_OK; i++) {
        size_t c = reader->inputs.item[i].column, cells = 0;
        if (string_list_find(&source->info.gap_columns, table->names.item[c]) >= 0)
            continue;
        outcome = csv_need_finite(table, c);
        for (size_t row = 0; row < table->n_rows && outcome == STATUS_OK; row++)
            cells += csv_is_gap(table, c, row);
        if (outcome == STATUS_OK)
            outcome = source_add_gaps(source, table->names.item[c], cells);
    }
    return outcome;
}

static status keep_incomplete(struct source *source, struct table_reader *reader,
                              const size_t *columns, size_t n)
{
    struct source_info *info = &source->info;
    char text[1024];
    status outcome = csv_need_values(&reader->table, columns, n);
    if (outcome == STATUS_OK)
        return outcome;
    snprintf(text, sizeof text, "%s", status_text());
    outcome = memory_alloc(&info->incomplete, info->n, sizeof *info->incomplete, "rows with gaps");
    if (outcome != STATUS_OK)
        return outcome;
    for (size_t i = 0; i < n; i++)
        fill_gaps(&reader->table, columns[i], info->incomplete);
    for (size_t row = 0; row < info->n; row++)
        info->n_incomplete += info->incomplete[row];
    if (info->n_incomplete == info->n)
        return status_set(STATUS_USAGE, "%s (no row is complete)", text);
    char *advice = strrchr(text, ';');
    if (advice)
        *advice = '\0';
    return string_list_add(&info->warnings, text);
}

/* Empty cells matter only in columns that play a part. */
static status check_values(const struct source_request *request, struct source *source,
                           struct table_reader *reader)
{
    size_t *needed = NULL, n = 0;
    bool targets = request->target_kind != TARGETS_NONE;
    bool of_inputs = request->gaps == SOURCE_GAPS_IN_INPUTS;
    status outcome =
        needed_columns(reader, !request->codes_gaps, targets && !of_inputs, &needed, &n);
    if (outcome == STATUS_OK && request->codes_gaps)
        outcome = count_gaps(source, reader);
    if (outcome == STATUS_OK)
        outcome = request->gaps == SOURCE_GAPS_REFUSED ? csv_need_values(&reader->table, needed, n)
                                                       : keep_incomplete(source, reader, needed, n);
    if (outcome == STATUS_OK && of_inputs && targets)
        outcome = csv_need_values(&reader->table, reader->target, reader->n_targets);
    memory_free(&needed);
    return outcome;
}

/* The table's own message, and what to do about it in this place. */
static status need_numbers(const struct table_reader *reader, size_t column, const char *advice)
{
    status outcome = csv_need_numbers(&reader->table, column);
    return status_advise(outcome, advice);
}

/* Text, or whole numbers, as codes. What stands in rows with gaps is not asked for. */
static status code_column(const struct source *source, struct table_reader *reader, size_t c,
                          const char *what, struct string_list *names, int32_t **code)
{
    struct csv_column *column = &reader->table.column[c];
    size_t n = source->info.n;
    char text[COLUMN_TEXT];
    status outcome = STATUS_OK;
    if (column->number && column->has_spelling && reader->table.line)
        outcome = table_make_text(&reader->table, c);
    if (outcome == STATUS_OK && column->number)
        return source_code_doubles(source, column->number, column_text(reader, c, text), what,
                                   names, code);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(code, n, sizeof **code, what);
    if (outcome == STATUS_OK)
        outcome = string_list_copy(names, &column->values);
    if (outcome != STATUS_OK)
        return outcome;
    for (size_t i = 0; i < n; i++)
        (*code)[i] = column->code[i] < 0 ? 0 : column->code[i];
    return source_sort_names(names, *code, n);
}

static status take_targets(enum target_kind kind, struct source *source,
                           struct table_reader *reader)
{
    struct source_info *info = &source->info;
    status outcome = STATUS_OK;
    if (kind == TARGETS_NONE)
        reader->n_targets = 0;
    for (size_t i = 0; i < reader->n_targets && outcome == STATUS_OK; i++)
        outcome = string_list_add(&info->target_names, reader->table.names.item[reader->target[i]]);
    if (outcome != STATUS_OK || reader->n_targets == 0)
        return outcome;
    bool one = reader->n_targets == 1;
    if (kind == TARGETS_LABELS && !one)
        return status_set(STATUS_USAGE,
                          "%s: classification needs one column of labels, but @targets names %zu",
                          source->path, reader->n_targets);
    bool text = !reader->table.column[reader->target[0]].number;
    bool doubtful = kind == TARGETS_AUTO && !source->asked.wants_classes;
    if (doubtful && one && text && table_has_slips(&reader->table, reader->target[0]))
        return need_numbers(reader, reader->target[0],
                            "correct the cell{, or say @task classification if all are names of "
                            "classes}");
    if (kind == TARGETS_LABELS || (kind != TARGETS_NUMBERS && one && text)) {
        info->has_labels = true;
        return code_column(source, reader, reader->target[0], "labels", &info->classes,
                           &info->label);
    }
    info->n_targets = reader->n_targets;
    for (size_t i = 0; i < reader->n_targets && outcome == STATUS_OK; i++)
        outcome = need_numbers(reader, reader->target[i],
                               one ? "correct the cell{, choose another column with @targets, or "
                                     "use @task classification}"
                                   : "correct the cell{, or choose other columns with @targets}");
    return outcome;
}

static status take_inputs(struct source *source, struct table_reader *reader,
                          const struct string_list *model)
{
    struct source_info *info = &source->info;
    status outcome =
        text_inputs_expand(&reader->inputs, &reader->table, model, model ? &info->warnings : NULL);
    if (outcome == STATUS_OK && !model)
        outcome = table_note_zeros(source, reader);
    if (outcome == STATUS_OK && !model)
        outcome = table_note_marks(source, reader);
    info->n_inputs = reader->inputs.n;
    info->names_known = true;
    return outcome == STATUS_OK ? string_list_copy(&info->input_names, &reader->inputs.names)
                                : outcome;
}

static status take_group_and_weight(struct source *source, struct table_reader *reader)
{
    struct source_info *info = &source->info;
    status outcome = STATUS_OK;
    char text[COLUMN_TEXT];
    if (reader->group >= 0)
        outcome = code_column(source, reader, (size_t)reader->group, "groups", &info->group_names,
                              &info->group);
    if (outcome != STATUS_OK || reader->weight < 0)
        return outcome;
    size_t column = (size_t)reader->weight;
    outcome =
        need_numbers(reader, column, "correct the cell{, or choose another column with @weight}");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&info->weight, info->n, sizeof *info->weight, "weights");
    if (outcome != STATUS_OK)
        return outcome;
    memcpy(info->weight, reader->table.column[column].number, info->n * sizeof *info->weight);
    return source_check_weights(source, column_text(reader, column, text));
}

static status read_table(struct source *source, size_t first, size_t n, double *x, double *y)
{
    const struct table_reader *reader = source->reader;
    const size_t n_inputs = reader->inputs.n, n_targets = reader->n_targets;
    for (size_t c = 0; x && c < n_inputs; c++)
        text_input_read(&reader->table, &reader->inputs.item[c], first, n, n_inputs, x + c);
    for (size_t c = 0; y && c < n_targets; c++) {
        const double *number = reader->table.column[reader->target[c]].number + first;
        for (size_t i = 0; i < n; i++)
            y[i * n_targets + c] = number[i];
    }
    return STATUS_OK;
}

static void release_table(struct source *source)
{
    struct table_reader *reader = source->reader;
    csv_release(&reader->table);
    text_inputs_release(&reader->inputs);
    memory_free(&reader->target);
    string_list_release(&reader->excluded);
    string_list_release(&reader->categories);
    memory_free(&source->reader);
}

/* Nobody asks for the other columns any more. */
static status drop_unused(struct table_reader *reader)
{
    bool *used = NULL;
    size_t n = reader->table.names.n;
    status outcome = memory_alloc(&used, n, sizeof *used, "columns");
    for (size_t i = 0; i < reader->inputs.n && outcome == STATUS_OK; i++)
        used[reader->inputs.item[i].column] = true;
    for (size_t i = 0; i < reader->n_targets && outcome == STATUS_OK; i++)
        used[reader->target[i]] = true;
    for (size_t c = 0; c < n && outcome == STATUS_OK; c++) {
        struct csv_column *column = &reader->table.column[c];
        if (used[c])
            continue;
        memory_free(&column->number);
        memory_free(&column->code);
        string_list_release(&column->values);
    }
    memory_free(&used);
    return outcome;
}

status table_open(const struct source_request *request, struct source *source,
                  struct csv_table *table)
{
    struct table_reader *reader = NULL;
    status outcome = memory_alloc(&reader, 1, sizeof *reader, "a table");
    if (outcome != STATUS_OK)
        return outcome;
    reader->table = *table;
    *table = (struct csv_table){0};
    source->reader = reader;
    source->read = read_table;
    source->release = release_table;
    source->line = reader->table.line;
    source->info.separator = reader->table.separator;
    source->info.n = reader->table.n_rows;
    outcome = string_list_copy(&source->info.notes, &reader->table.notes);
    if (outcome == STATUS_OK)
        outcome = find_roles(request, source, reader);
    if (outcome == STATUS_OK && request->inputs && !request->model_inputs)
        outcome = table_check_inputs(source, reader);
    if (outcome == STATUS_OK && request->model_inputs)
        outcome = table_follow_model(reader, request->model_inputs);
    if (outcome == STATUS_OK)
        outcome = check_values(request, source, reader);
    if (outcome == STATUS_OK)
        outcome = take_inputs(source, reader, request->model_inputs);
    if (outcome == STATUS_OK)
        outcome = take_targets(request->target_kind, source, reader);
    if (outcome == STATUS_OK)
        outcome = take_group_and_weight(source, reader);
    return outcome == STATUS_OK ? drop_unused(reader) : outcome;
}
