/* SPDX-License-Identifier: BSD-3-Clause */
/* Which columns of a table become inputs. */
#include "table_reader.h"

#include "base/memory.h"
#include "base/message.h"
#include "data/csv/csv_cell.h"
#include "data/csv/csv_odd.h"
#include "data/csv/dictionary.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What a column is good for if nobody names it. */
enum verdict { IS_INPUT, IS_COUNTER, IS_NAMES, IS_LONG, IS_ODD, IS_EMPTY, IS_UNCLEAR };

/* In fewer rows 1, 2, 3 may be chance. */
enum { LEAST_COUNTED = 10 };

bool table_is_called_counter(const char *name)
{
    static const char *const names[] = {
        "id",     "index", "idx",    "row",    "rows", "rownum", "row_num", "row_number", "rowid",
        "row_id", "no",    "no.",    "nr",     "nr.",  "num",    "number",  "obs",        "case",
        "sample", "seq",   "record", "serial", "#",    "uid",    "pk",      "key"};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return (length > 3 && strchr("_ .-", name[length - 3]) &&
            strcasecmp(name + length - 2, "id") == 0) ||
           (length > 2 && strcmp(name + length - 2, "Id") == 0) ||
           (length > 2 && strcmp(name + length - 2, "ID") == 0);
}

bool table_counts_rows(const struct csv_table *table, size_t c)
{
    const double *number = table->column[c].number;
    if (!number || table->n_rows < LEAST_COUNTED)
        return false;
    double step = number[1] - number[0];
    bool plain = step == 1 && (number[0] == 0 || number[0] == 1);
    bool called = step != 0 && number[0] == rint(number[0]) && step == rint(step) &&
                  table_is_called_counter(table->names.item[c]);
    for (size_t row = 1; row < table->n_rows && (plain || called); row++)
        if (number[row] != number[0] + step * (double)row)
            return false;
    return plain || called;
}

/* Beyond 2^53 doubles do not tell whole numbers apart: numbers of that length are names. */
static bool has_long_numbers(const struct csv_table *table, size_t c)
{
    const struct csv_column *column = &table->column[c];
    for (size_t row = 0; row < table->n_rows && column->has_spelling; row++)
        if (fabs(column->number[row]) > 0x1p53 && isfinite(column->number[row]))
            return true;
    return false;
}

/* Few texts, each of which comes again: no names or numbers of samples. */
static bool is_short(const struct csv_table *table, size_t c)
{
    size_t n = table->column[c].values.n;
    return n <= CSV_MOST_CATEGORIES && n <= table->n_rows / 2;
}

bool table_has_slips(const struct csv_table *table, size_t c)
{
    const struct csv_column *column = &table->column[c];
    size_t n_cells = table->n_rows - column->n_missing;
    return table->line && !column->number && (column->unsure || 10 * column->n_words < n_cells);
}

/* Of f, 4, r all are names of kinds; of numbers that hardly come again and some words, hardly. */
static bool is_unclear(const struct csv_table *table, size_t c)
{
    const struct csv_column *column = &table->column[c];
    size_t n_cells = table->n_rows - column->n_missing;
    return table_has_slips(table, c) ||
           (table->line && !column->number && !is_short(table, c) && 2 * column->n_words < n_cells);
}

/* Numbers that are all dates such as 20240531. */
static bool has_date_numbers(const struct csv_table *table, size_t c)
{
    const double *number = table->column[c].number;
    size_t n_dates = 0, n_changes = 0;
    for (size_t row = 0; row < table->n_rows; row++) {
        if (isnan(number[row]))
            continue;
        if (!csv_is_date_number(number[row]))
            return false;
        n_dates++;
        n_changes += row > 0 && number[row] != number[row - 1];
    }
    return n_dates >= LEAST_COUNTED && n_changes > 0;
}

/* What a column holds that is not read as the quantity that it is; NULL: no such thing. */
static const char *odd_kind(const struct csv_table *table, size_t c, const char **example)
{
    *example = "20240531";
    if (table->column[c].number)
        return has_date_numbers(table, c) ? "dates" : NULL;
    return csv_odd_kind_of_all(&table->column[c].values, example);
}

static enum verdict judge(const struct table_reader *reader, size_t c)
{
    const char *example;
    const struct csv_table *table = &reader->table;
    const struct csv_column *column = &table->column[c];
    if (string_list_find(&reader->categories, table->names.item[c]) >= 0)
        return IS_INPUT;
    if (column->n_missing == table->n_rows)
        return IS_EMPTY;
    if (is_unclear(table, c))
        return IS_UNCLEAR;
    if (odd_kind(table, c, &example))
        return IS_ODD;
    if (!column->number)
        return is_short(table, c) ? IS_INPUT : IS_NAMES;
    return has_long_numbers(table, c)    ? IS_LONG
           : table_counts_rows(table, c) ? IS_COUNTER
                                         : IS_INPUT;
}

/* The columns that are left out, for one line. */
struct left_out {
    char text[700];
    size_t n;
};

enum { MOST_TOLD = 8 };

static void tell(struct left_out *left, const struct csv_table *table, size_t c, enum verdict why)
{
    char name[CSV_SHOWN], shown[CSV_SHOWN], reason[160];
    const char *example;
    const char *odd = why == IS_ODD ? odd_kind(table, c, &example) : NULL;
    size_t used = strlen(left->text);
    if (left->n++ >= MOST_TOLD)
        return;
    if (why == IS_NAMES)
        snprintf(reason, sizeof reason, "%zu distinct values in %zu rows",
                 table->column[c].values.n, table->n_rows);
    else if (odd)
        snprintf(reason, sizeof reason, "%s such as %s", odd, csv_printable(example, shown));
    else
        snprintf(reason, sizeof reason, "%s",
                 why == IS_COUNTER ? "counts the rows"
                 : why == IS_LONG  ? "numbers of more than 15 digits"
                                   : "no value");
    snprintf(left->text + used, sizeof left->text - used, "%s'%s' (%s)", used ? ", " : "",
             csv_printable(table->names.item[c], name), reason);
}

static status finish(struct source *source, const struct table_reader *reader,
                     const struct left_out *left)
{
    char text[1200], more[32] = "";
    if (left->n == 0)
        return STATUS_OK;
    if (left->n > MOST_TOLD)
        snprintf(more, sizeof more, " and %zu more", left->n - MOST_TOLD);
    if (reader->inputs.n == 0)
        return status_set(STATUS_USAGE,
                          "%s: no column is left for the inputs, which by default are not %s%s"
                          "{; @inputs takes what it names}",
                          source->path, left->text, more);
    message_print(text, sizeof text,
                  "%s: not among the inputs: %s%s{; @inputs takes what it names}", source->path,
                  left->text, more);
    return string_list_add(&source->info.notes, text);
}

/* The message about the first column that is unclear, with all that are (names) to be left out. */
static status refuse(const struct source *source, const struct table_reader *reader, size_t first,
                     size_t n, const struct string_list *names)
{
    char shell[SOURCE_SHELL_TEXT], others[96] = "";
    status outcome = source_shell_names(names, shell);
    if (outcome != STATUS_OK)
        return outcome;
    if (n > 1)
        snprintf(others, sizeof others, " (%zu more input column%s no numbers either)", n - 1,
                 n == 2 ? " holds" : "s hold");
    outcome = csv_need_numbers(&reader->table, first);
    if (source->asked.inputs)
        return status_set(outcome, "%s; correct the cell%s{, or choose other columns with @inputs}",
                          status_text(), others);
    return status_set(outcome,
                      "%s; correct the cell%s{, or leave the column%s out with @exclude %s}",
                      status_text(), others, n == 1 ? "" : "s", shell);
}

/* Names all unclear columns at once: who leaves out one does not want to be told of the next. */
static status check_all(const struct source *source, const struct table_reader *reader,
                        const size_t *columns, size_t n_columns)
{
    struct string_list names = {0};
    size_t first = 0, n = 0;
    status outcome = string_list_copy(&names, &reader->excluded);
    for (size_t i = 0; i < n_columns && outcome == STATUS_OK; i++) {
        if (!is_unclear(&reader->table, columns[i]))
            continue;
        if (n++ == 0)
            first = columns[i];
        outcome = string_list_add(&names, reader->table.names.item[columns[i]]);
    }
    if (outcome == STATUS_OK && n > 0)
        outcome = refuse(source, reader, first, n, &names);
    string_list_release(&names);
    return outcome;
}

status table_check_inputs(const struct source *source, const struct table_reader *reader)
{
    size_t *columns = NULL, n = 0;
    status outcome = memory_alloc(&columns, reader->inputs.n, sizeof *columns, "columns of inputs");
    for (size_t i = 0; i < reader->inputs.n && outcome == STATUS_OK; i++)
        if (reader->inputs.item[i].code == TEXT_INPUT_ALL)
            columns[n++] = reader->inputs.item[i].column;
    if (outcome == STATUS_OK)
        outcome = check_all(source, reader, columns, n);
    memory_free(&columns);
    return outcome;
}

static status follow_model(struct table_reader *reader, struct text_input *input,
                           const struct dictionary *known, const struct string_list *model)
{
    struct csv_table *table = &reader->table;
    const char *name = table->names.item[input->column];
    bool as_numbers = dictionary_find(known, name) >= 0;
    bool is_text = !table->column[input->column].number;
    bool as_texts = !as_numbers && text_input_known(model, name);
    if (is_text && !as_texts && input->code == TEXT_INPUT_ALL) {
        status outcome = csv_need_numbers(table, input->column);
        return status_set(
            outcome,
            "%s: the model was not trained on text in this column; correct the cell{, or choose "
            "other columns with @inputs}",
            status_text());
    }
    if (is_text || !as_texts || !table->line)
        return STATUS_OK;
    input->code = TEXT_INPUT_ALL;
    return table_make_text(table, input->column);
}

status table_follow_model(struct table_reader *reader, const struct string_list *model)
{
    struct dictionary known = {0};
    status outcome = STATUS_OK;
    for (size_t i = 0; i < model->n && outcome == STATUS_OK; i++) {
        int32_t code;
        outcome = dictionary_code(&known, model->item[i], &code);
    }
    for (size_t i = 0; i < reader->inputs.n && outcome == STATUS_OK; i++)
        outcome = follow_model(reader, &reader->inputs.item[i], &known, model);
    dictionary_release(&known);
    return outcome;
}

/* Columns that have no other part: *n of them, *columns allocated. */
static status free_columns(const struct table_reader *reader, size_t **columns, size_t *n)
{
    const struct csv_table *table = &reader->table;
    bool *taken = NULL;
    status outcome = memory_alloc(columns, table->names.n, sizeof **columns, "columns");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&taken, table->names.n, sizeof *taken, "columns");
    *n = 0;
    for (size_t i = 0; i < reader->n_targets && outcome == STATUS_OK; i++)
        taken[reader->target[i]] = true;
    for (size_t i = 0; i < reader->excluded.n && outcome == STATUS_OK; i++) {
        long c = string_list_find(&table->names, reader->excluded.item[i]);
        if (c >= 0)
            taken[c] = true;
    }
    for (size_t c = 0; c < table->names.n && outcome == STATUS_OK; c++)
        if (!taken[c] && (long)c != reader->group && (long)c != reader->weight)
            (*columns)[(*n)++] = c;
    memory_free(&taken);
    return outcome;
}

status table_default_inputs(struct source *source, struct table_reader *reader)
{
    struct csv_table *table = &reader->table;
    struct left_out left = {0};
    size_t *columns = NULL, n = 0;
    bool any = false;
    status outcome = free_columns(reader, &columns, &n);
    for (size_t i = 0; i < n && outcome == STATUS_OK; i++) {
        enum verdict verdict = judge(reader, columns[i]);
        any = any || verdict == IS_INPUT || verdict == IS_UNCLEAR;
    }
    for (size_t i = 0; i < n && outcome == STATUS_OK; i++) {
        enum verdict verdict = judge(reader, columns[i]);
        bool takes = verdict == IS_INPUT || verdict == IS_UNCLEAR ||
                     (verdict == IS_COUNTER && !any); /* the only one may be a time */
        if (takes)
            outcome = text_inputs_add_column(&reader->inputs, table, columns[i]);
        else
            tell(&left, table, columns[i], verdict);
    }
    if (outcome == STATUS_OK)
        outcome = finish(source, reader, &left);
    if (outcome == STATUS_OK)
        outcome = check_all(source, reader, columns, n);
    memory_free(&columns);
    return outcome;
}

status table_note_zeros(struct source *source, const struct table_reader *reader)
{
    struct string_list names = {0};
    char joined[200], text[512];
    status outcome = STATUS_OK;
    for (size_t i = 0; i < reader->inputs.n && outcome == STATUS_OK; i++)
        if (reader->inputs.item[i].code == TEXT_INPUT_NUMBERS &&
            reader->table.column[reader->inputs.item[i].column].has_zeros)
            outcome = string_list_add(&names, reader->inputs.names.item[i]);
    string_list_join(&names, joined, sizeof joined);
    message_print(
        text, sizeof text,
        "%s: numbers that begin with 0 (007) are read as numbers: %s{; if they are codes, use "
        "@categories}",
        source->path, joined);
    if (outcome == STATUS_OK && names.n > 0)
        outcome = string_list_add(&source->info.notes, text);
    string_list_release(&names);
    return outcome;
}

/* A number with a point that is whole is the class that it would be without it. */
static void cut_fraction(char *text)
{
    char *point = text + strspn(text, "0123456789-");
    if (*point == '.' && point > text && !point[1 + strspn(point + 1, "0")])
        *point = '\0';
}

status table_make_text(struct csv_table *table, size_t c)
{
    struct csv_column *column = &table->column[c];
    struct string_list texts = {0};
    struct dictionary names = {0};
    int32_t *map = NULL;
    status outcome = csv_read_texts(table, c, &column->code, &texts);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&map, texts.n, sizeof *map, "the texts of a CSV column");
    for (size_t i = 0; i < texts.n && outcome == STATUS_OK; i++) {
        cut_fraction(texts.item[i]);
        map[i] = -1;
        if (!csv_is_missing_mark(texts.item[i]))
            outcome = dictionary_code(&names, texts.item[i], &map[i]);
    }
    for (size_t row = 0; row < table->n_rows && outcome == STATUS_OK; row++)
        column->code[row] = column->code[row] < 0 ? -1 : map[column->code[row]];
    if (outcome == STATUS_OK) {
        memory_free(&column->number);
        column->values = names.texts;
        names.texts = (struct string_list){0};
        column->n_words = table->n_rows - column->n_missing;
        column->n_not_finite = 0;
    } else {
        memory_free(&column->code);
    }
    memory_free(&map);
    string_list_release(&texts);
    dictionary_release(&names);
    return outcome;
}

status table_make_categories(struct source *source, struct table_reader *reader)
{
    struct csv_table *table = &reader->table;
    struct string_list *names = &reader->categories;
    status outcome = STATUS_OK;
    if (source->asked.categories)
        outcome = source_split_names(source, "categories", source->asked.categories, names);
    for (size_t i = 0; i < names->n && outcome == STATUS_OK; i++) {
        long c = string_list_find(&table->names, names->item[i]);
        if (c >= 0 && table->column[c].number && table->line)
            outcome = table_make_text(table, (size_t)c);
        else if (c < 0 && !source->asked.exclude_if_there)
            outcome =
                source_unknown_name(source, "column", "categories", names->item[i], &table->names);
    }
    return outcome;
}
