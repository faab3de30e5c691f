/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/source/source_internal.h"

#include "base/memory.h"
#include "text_inputs.h"

#include <stdio.h>
#include <string.h>

/* Which columns of the table play which part. */
struct table_reader {
    struct csv_table table;
    struct text_inputs inputs;
    size_t *target; /* (n_targets), columns */
    size_t n_targets;
    long group, weight; /* columns, or -1 */
    struct string_list excluded;
};

enum { COLUMN_TEXT = 160 };

static const char *column_text(const struct table_reader *reader, size_t c, char text[COLUMN_TEXT])
{
    snprintf(text, COLUMN_TEXT, "column '%s'", reader->table.names.item[c]);
    return text;
}

static bool contains(const size_t *columns, size_t n, size_t column)
{
    for (size_t i = 0; i < n; i++)
        if (columns[i] == column)
            return true;
    return false;
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

/* Columns, or texts of columns as colour=red. The built-in data may have some excluded, too. */
static status find_inputs(const struct source *source, struct table_reader *reader,
                          const char *text)
{
    struct string_list names = {0};
    status outcome = source_split_names(source, "--inputs", text, &names);
    for (size_t i = 0; i < names.n && outcome == STATUS_OK; i++) {
        long column = string_list_find(&reader->table.names, names.item[i]);
        bool found = column >= 0;
        if (found && is_excluded(reader, (size_t)column))
            continue;
        outcome =
            found ? text_inputs_add_column(&reader->inputs, &reader->table, (size_t)column)
                  : text_inputs_add_text(&reader->inputs, &reader->table, names.item[i], &found);
        if (outcome == STATUS_OK && !found)
            outcome = source_unknown_name(source, "column", "--inputs", names.item[i],
                                          &reader->table.names);
    }
    string_list_release(&names);
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
                          "%s: no column is left for the target, which by default is the last one; "
                          "name it with --targets",
                          source->path);
    status outcome = memory_alloc(&reader->target, 1, sizeof *reader->target, "column numbers");
    if (outcome == STATUS_OK) {
        reader->target[0] = c - 1;
        reader->n_targets = 1;
    }
    return outcome;
}

static status default_inputs(struct table_reader *reader)
{
    status outcome = STATUS_OK;
    for (size_t c = 0; c < reader->table.names.n && outcome == STATUS_OK; c++)
        if ((long)c != reader->group && (long)c != reader->weight && !is_excluded(reader, c) &&
            !contains(reader->target, reader->n_targets, c))
            outcome = text_inputs_add_column(&reader->inputs, &reader->table, c);
    return outcome;
}

static status no_input_left(const struct source *source, const struct table_reader *reader)
{
    return status_set(STATUS_USAGE,
                      "%s: no column is left for the inputs besides targets, group%s weight%s; "
                      "name them with --inputs",
                      source->path, reader->excluded.n ? "," : " and",
                      reader->excluded.n ? " and those of --exclude" : "");
}

static status find_roles(const struct source_request *request, const struct source *source,
                         struct table_reader *reader)
{
    bool optional =
        request->target_kind == TARGETS_OPTIONAL || request->target_kind == TARGETS_NONE;
    status outcome = source_excluded(source, &reader->table.names, &reader->excluded);
    if (outcome == STATUS_OK)
        outcome = find_one(source, reader, "--group", request->group, &reader->group);
    if (outcome == STATUS_OK)
        outcome = find_one(source, reader, "--weight", request->weight, &reader->weight);
    if (outcome == STATUS_OK && request->inputs)
        outcome = find_inputs(source, reader, request->inputs);
    if (outcome != STATUS_OK)
        return outcome;
    outcome = request->targets ? find_columns(source, reader, "--targets", request->targets,
                                              optional, &reader->target, &reader->n_targets)
                               : default_target(source, reader, optional);
    if (outcome == STATUS_OK && !request->inputs)
        outcome = default_inputs(reader);
    return outcome == STATUS_OK && reader->inputs.n == 0 ? no_input_left(source, reader) : outcome;
}

/* Empty cells matter only in columns that play a part. */
static status check_values(enum target_kind kind, const struct table_reader *reader)
{
    size_t n_targets = kind == TARGETS_NONE ? 0 : reader->n_targets, *needed = NULL, n = 0;
    status outcome =
        memory_alloc(&needed, reader->inputs.n + n_targets + 2, sizeof *needed, "column numbers");
    if (outcome != STATUS_OK)
        return outcome;
    for (size_t i = 0; i < reader->inputs.n; i++)
        if (i == 0 || reader->inputs.item[i].column != needed[n - 1])
            needed[n++] = reader->inputs.item[i].column;
    if (reader->weight >= 0)
        needed[n++] = (size_t)reader->weight;
    size_t n_numbers = n;
    for (size_t i = 0; i < n_targets; i++)
        needed[n++] = reader->target[i];
    if (reader->group >= 0)
        needed[n++] = (size_t)reader->group;
    outcome = csv_need_values(&reader->table, needed, n, n_numbers);
    memory_free(&needed);
    return outcome;
}

/* The table's own message, and what to do about it in this place. */
static status need_numbers(const struct table_reader *reader, size_t column, const char *advice)
{
    status outcome = csv_need_numbers(&reader->table, column);
    return outcome == STATUS_OK ? outcome : status_set(outcome, "%s; %s", status_text(), advice);
}

/* Text, or whole numbers, as codes. */
static status code_column(const struct source *source, const struct table_reader *reader, size_t c,
                          const char *what, struct string_list *names, int32_t **code)
{
    const struct csv_column *column = &reader->table.column[c];
    size_t n = source->info.n;
    char text[COLUMN_TEXT];
    if (column->number)
        return source_code_doubles(source, column->number, column_text(reader, c, text), what,
                                   names, code);
    status outcome = memory_alloc(code, n, sizeof **code, what);
    if (outcome == STATUS_OK)
        outcome = string_list_copy(names, &column->values);
    if (outcome != STATUS_OK)
        return outcome;
    memcpy(*code, column->code, n * sizeof **code);
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
                          "%s: classification needs one column of labels, but --targets names %zu",
                          source->path, reader->n_targets);
    bool text = !reader->table.column[reader->target[0]].number;
    if (kind == TARGETS_LABELS || (kind != TARGETS_NUMBERS && one && text)) {
        info->has_labels = true;
        return code_column(source, reader, reader->target[0], "labels", &info->classes,
                           &info->label);
    }
    info->n_targets = reader->n_targets;
    for (size_t i = 0; i < reader->n_targets && outcome == STATUS_OK; i++)
        outcome = need_numbers(reader, reader->target[i],
                               one ? "correct the cell, choose another column with --targets, or "
                                     "use --task classification"
                                   : "correct the cell, or choose other columns with --targets");
    return outcome;
}

/* Few texts, each of which comes again: no names or numbers of samples. */
static bool is_short(const struct csv_table *table, size_t column)
{
    size_t n = table->column[column].values.n;
    return n <= TEXT_INPUT_MOST && n <= table->n_rows / 2;
}

static status not_an_input(const struct csv_table *table, size_t column)
{
    status outcome = csv_need_numbers(table, column);
    if (!text_input_may_be(table, column))
        return status_set(outcome, "%s; correct the cell", status_text());
    return status_set(outcome,
                      "%s, column '%s': holds %zu different texts in %zu samples, too many to "
                      "become inputs by default; name it with --inputs",
                      table->path, table->names.item[column], table->column[column].values.n,
                      table->n_rows);
}

/* The message about the first input of text, with all that are (names) to be left out. */
static status refuse_text(const struct source *source, const struct table_reader *reader,
                          size_t first, size_t n, const struct string_list *names)
{
    char shell[SOURCE_SHELL_TEXT], others[96] = "";
    status outcome = source_shell_names(names, shell);
    if (outcome != STATUS_OK)
        return outcome;
    if (n > 1)
        snprintf(others, sizeof others, " (%zu more input column%s no numbers either)", n - 1,
                 n == 2 ? " holds" : "s hold");
    bool named = source->asked.inputs != NULL;
    outcome = not_an_input(&reader->table, first);
    return status_set(outcome, "%s%s, or %s%s", status_text(), others,
                      named    ? "choose other columns with --inputs"
                      : n == 1 ? "leave the column out with --exclude "
                               : "leave the columns out with --exclude ",
                      named ? "" : shell);
}

/* Numbers; or text that can be coded: because it is named or known to the model, or is short. */
static bool is_an_input(const struct source *source, const struct table_reader *reader,
                        const struct text_input *input, const struct string_list *model)
{
    const struct csv_table *table = &reader->table;
    if (input->code != TEXT_INPUT_ALL)
        return true;
    if (model)
        return text_input_known(table, input->column, model);
    return text_input_may_be(table, input->column) &&
           (source->asked.inputs || is_short(table, input->column));
}

/*
 * Names all columns that are no inputs at once: who leaves out one does not want to be told of the
 * next. Those that are numbers but for "NA" lack values, which is said elsewhere.
 */
static status check_inputs(const struct source *source, const struct table_reader *reader,
                           const struct string_list *model)
{
    struct string_list names = {0};
    size_t first = 0, n = 0;
    status outcome = string_list_copy(&names, &reader->excluded);
    for (size_t i = 0; i < reader->inputs.n && outcome == STATUS_OK; i++) {
        size_t c = reader->inputs.item[i].column;
        if (is_an_input(source, reader, &reader->inputs.item[i], model) ||
            csv_missing_mark(&reader->table, c) >= 0)
            continue;
        if (n++ == 0)
            first = c;
        outcome = string_list_add(&names, reader->table.names.item[c]);
    }
    if (outcome == STATUS_OK && n > 0)
        outcome = refuse_text(source, reader, first, n, &names);
    string_list_release(&names);
    return outcome;
}

static status take_inputs(struct source *source, struct table_reader *reader,
                          const struct string_list *model)
{
    struct source_info *info = &source->info;
    status outcome = text_inputs_expand(&reader->inputs, &reader->table, model);
    info->n_inputs = reader->inputs.n;
    info->names_known = true;
    return outcome == STATUS_OK ? string_list_copy(&info->input_names, &reader->inputs.names)
                                : outcome;
}

static status take_group_and_weight(struct source *source, const struct table_reader *reader)
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
        need_numbers(reader, column, "correct the cell, or choose another column with --weight");
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
    memory_free(&source->reader);
}

/* Nobody asks for the other columns any more. */
static void drop_unused(struct table_reader *reader)
{
    for (size_t c = 0; c < reader->table.names.n; c++) {
        struct csv_column *column = &reader->table.column[c];
        if (text_inputs_contain(&reader->inputs, c) ||
            contains(reader->target, reader->n_targets, c))
            continue;
        memory_free(&column->number);
        memory_free(&column->code);
        string_list_release(&column->values);
    }
}

status source_open_table(const struct source_request *request, struct source *source,
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
    source->info.n = reader->table.n_rows;
    if (!source->info.format[0])
        snprintf(source->info.format, sizeof source->info.format, "CSV");
    outcome = find_roles(request, source, reader);
    if (outcome == STATUS_OK)
        outcome = check_inputs(source, reader, request->model_inputs);
    if (outcome == STATUS_OK)
        outcome = check_values(request->target_kind, reader);
    if (outcome == STATUS_OK)
        outcome = take_inputs(source, reader, request->model_inputs);
    if (outcome == STATUS_OK)
        outcome = take_targets(request->target_kind, source, reader);
    if (outcome == STATUS_OK)
        outcome = take_group_and_weight(source, reader);
    if (outcome == STATUS_OK)
        drop_unused(reader);
    return outcome;
}
