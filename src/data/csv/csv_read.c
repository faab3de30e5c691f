/* SPDX-License-Identifier: BSD-3-Clause */
#include "csv_reading.h"
#include "csv_scanner.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static status no_memory(void)
{
    return status_set(STATUS_FAILED, "not enough memory for a CSV column");
}

static status not_utf8(const char *path, size_t line, size_t column, const char *name)
{
    return status_set(STATUS_USAGE,
                      "%s, line %zu, column %zu%s%s%s: is not UTF-8 text; save the file as UTF-8, "
                      "for example with iconv -f latin1 -t utf-8",
                      path, line, column, name ? " '" : "", name ? name : "", name ? "'" : "");
}

static status take_name(struct csv_table *table, size_t line, const char *name,
                        struct dictionary *seen)
{
    size_t before = seen->texts.n;
    int32_t code;
    if (!csv_is_utf8(name))
        return not_utf8(table->path, line, table->names.n + 1, NULL);
    /* An empty name is judged when it is known what the column holds. */
    status outcome = *name ? dictionary_code(seen, name, &code) : STATUS_OK;
    if (outcome == STATUS_OK && *name && seen->texts.n == before)
        return status_set(
            STATUS_USAGE, "%s, line %zu: columns %ld and %zu have the same name '%s'; rename one",
            table->path, line, string_list_find(&table->names, name) + 1, table->names.n + 1, name);
    return outcome == STATUS_OK ? string_list_add(&table->names, name) : outcome;
}

static status take_header(struct csv_table *table, const struct csv_scanner *scanner)
{
    struct dictionary seen = {0};
    const struct csv_row *row = &scanner->row;
    status outcome = STATUS_OK;
    if (scanner->layout.lacks_name)
        outcome = string_list_add(&table->names, "");
    for (size_t c = 0; c < row->n && outcome == STATUS_OK; c++)
        outcome = take_name(table, scanner->row_line, row->cell[c].text, &seen);
    if (outcome == STATUS_OK && scanner->layout.ends_in_separator)
        outcome = string_list_add(&table->names, "");
    dictionary_release(&seen);
    return outcome;
}

static status enlarge(struct csv_reading *reading)
{
    struct csv_table *table = reading->table;
    size_t old = reading->capacity, new = old ? 2 * old : 1024;
    status outcome = memory_grow(&table->line, old, new, sizeof *table->line, "line numbers");
    for (size_t c = 0; c < table->names.n && outcome == STATUS_OK; c++) {
        struct csv_column *column = &table->column[c];
        if (!reading->state[c].is_text)
            outcome = memory_grow(&column->number, old, new, sizeof(double), "a CSV column");
        else if (!reading->state[c].late)
            outcome = memory_grow(&column->code, old, new, sizeof(int32_t), "a CSV column");
    }
    reading->capacity = new;
    return outcome;
}

static status begin_table(struct csv_reading *reading, const struct csv_scanner *scanner)
{
    struct csv_table *table = reading->table;
    status outcome = take_header(table, scanner);
    size_t n = table->names.n;
    reading->header_line = scanner->row_line;
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&table->column, n, sizeof *table->column, "CSV columns");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&reading->state, n, sizeof *reading->state, "CSV columns");
    for (size_t c = 0; c < n && outcome == STATUS_OK; c++)
        table->column[c].place = c;
    return outcome == STATUS_OK ? enlarge(reading) : outcome;
}

static status become_text(struct csv_reading *reading, size_t c, size_t row)
{
    struct csv_column *column = &reading->table->column[c];
    struct csv_column_state *state = &reading->state[c];
    state->is_text = true;
    state->late = row > column->n_missing;
    memory_free(&column->number);
    if (state->late)
        return STATUS_OK;
    status outcome =
        memory_alloc(&column->code, reading->capacity, sizeof *column->code, "a CSV column");
    for (size_t i = 0; i < row && outcome == STATUS_OK; i++)
        column->code[i] = -1;
    return outcome;
}

static status missing_cell(struct csv_column *column, size_t row, const char *text)
{
    if (column->n_missing++ == 0)
        column->first_missing = row;
    if (column->number)
        column->number[row] = NAN;
    else if (column->code)
        column->code[row] = -1;
    if (!*text || column->mark)
        return STATUS_OK;
    column->mark_row = row;
    column->mark = memory_strdup(text);
    return column->mark ? STATUS_OK : no_memory();
}

static status not_finite_cell(struct csv_column *column, size_t row, const char *cell)
{
    char shown[CSV_SHOWN];
    column->number[row] = INFINITY;
    if (column->n_not_finite++ > 0)
        return STATUS_OK;
    column->first_not_finite = row;
    column->not_finite = memory_strdup(csv_printable(cell, shown));
    return column->not_finite ? STATUS_OK : no_memory();
}

/* What the spelling of a number tells about its column. */
static void note_spelling(struct csv_column *column, struct csv_column_state *state,
                          const struct csv_cell_text *cell, bool decimal_comma)
{
    if (cell->text[0] == '0' || cell->text[0] == '-' || cell->length > 15) {
        bool is_code = csv_is_code(cell->text, cell->length);
        column->has_spelling = column->has_spelling || is_code;
        column->has_zeros = column->has_zeros || (is_code && cell->text[0] == '0');
    }
    state->n_quoted += cell->quoted;
    state->n_plain += !cell->quoted;
    if (!cell->quoted && !decimal_comma)
        return;
    bool has_fraction = strpbrk(cell->text, ".,eE") != NULL;
    state->has_fraction = state->has_fraction || has_fraction;
    if (has_fraction && decimal_comma) {
        struct csv_spelling spelling = csv_spelling_of(cell->text);
        csv_signs_add(&state->signs, &spelling);
    }
}

static status data_cell(struct csv_reading *reading, const struct csv_scanner *scanner, size_t c)
{
    struct csv_table *table = reading->table;
    const struct csv_cell_text *cell = &scanner->row.cell[c];
    struct csv_column *column = &table->column[c];
    struct csv_column_state *state = &reading->state[c];
    bool decimal_comma = scanner->layout.separator != ',';
    size_t row = table->n_rows;
    if (cell->length == 0 || (!cell->quoted && csv_is_missing_word(cell->text)))
        return missing_cell(column, row, cell->text);
    status outcome = STATUS_OK;
    double number = 0;
    enum csv_cell kind =
        state->is_text ? CSV_TEXT : csv_parse_cell(cell->text, decimal_comma, &number);
    if (kind == CSV_TEXT && !csv_is_utf8(cell->text))
        return not_utf8(table->path, scanner->row_line, c + 1, table->names.item[c]);
    if (kind == CSV_TEXT && !state->is_text)
        outcome = become_text(reading, c, row);
    if (state->is_text)
        return outcome == STATUS_OK && !state->late
                   ? dictionary_code(&state->texts, cell->text, &column->code[row])
                   : outcome;
    if (kind == CSV_NOT_FINITE)
        return not_finite_cell(column, row, cell->text);
    note_spelling(column, state, cell, decimal_comma);
    column->number[row] = number;
    return STATUS_OK;
}

static status wrong_width(const struct csv_table *table, const struct csv_scanner *scanner)
{
    char separator = scanner->layout.separator;
    size_t n = scanner->row.n, names = table->names.n;
    const char *in_row = n > 0 ? csv_comment_mark(scanner->row.cell[0].text) : NULL;
    const char *in_header = csv_comment_mark(table->names.item[0]);
    if (in_row || in_header)
        return status_set(STATUS_USAGE,
                          "%s, line %zu: has %zu cells, but the header has %zu; %s begins with "
                          "'%s': if it is a comment, remove it, or let it begin with #",
                          table->path, scanner->row_line, n, names,
                          in_row ? "the line" : "the header", in_row ? in_row : in_header);
    return status_set(STATUS_USAGE, "%s, line %zu: has %zu cells, but the header has %zu; %s%s",
                      table->path, scanner->row_line, n, names,
                      n == names + 1 ? "if rows begin with their names, give the header a name for "
                                       "them; else check "
                                     : "check ",
                      separator == ','    ? "commas and quotes (a decimal comma needs quotes, or "
                                            "semicolons between the cells)"
                      : separator == ';'  ? "semicolons and quotes"
                      : separator == '\t' ? "tabs and quotes"
                      : separator == '|'  ? "bars and quotes"
                                          : "blanks and quotes");
}

/* Files that were joined have their header again in the middle. */
static bool is_header_again(const struct csv_table *table, const struct csv_row *row)
{
    bool has_words = false;
    double number;
    for (size_t c = 0; c < row->n; c++) {
        if (strcmp(row->cell[c].text, table->names.item[c]) != 0)
            return false;
        has_words = has_words || csv_parse_cell(row->cell[c].text, true, &number) == CSV_TEXT;
    }
    return has_words;
}

static status data_row(struct csv_reading *reading, const struct csv_scanner *scanner)
{
    struct csv_table *table = reading->table;
    status outcome = STATUS_OK;
    if (scanner->row.n != table->names.n)
        return wrong_width(table, scanner);
    /* In a file of one column a blank line between rows is a row without its value. */
    if (scanner->blank_line && table->names.n == 1)
        return status_set(STATUS_USAGE,
                          "%s, line %zu, column '%s': the value is missing; fill it in or remove "
                          "the line",
                          table->path, scanner->blank_line, table->names.item[0]);
    if (table->names.n > 1 && is_header_again(table, &scanner->row))
        return status_set(STATUS_USAGE, "%s, line %zu: is the header once more; remove the line",
                          table->path, scanner->row_line);
    for (size_t c = 0; c < table->names.n && outcome == STATUS_OK; c++)
        outcome = data_cell(reading, scanner, c);
    table->line[table->n_rows++] = scanner->row_line;
    if (outcome == STATUS_OK && table->n_rows == reading->capacity)
        outcome = enlarge(reading);
    return outcome;
}

static status add_note(struct csv_table *table, const char *text)
{
    return string_list_add(&table->notes, text);
}

static status note_remarks(struct csv_table *table, const struct csv_scanner *scanner)
{
    char text[256];
    if (scanner->n_remarks == 0)
        return STATUS_OK;
    snprintf(text, sizeof text,
             "%s: %zu line%s that begin%s with # %s skipped, the first is line %zu", table->path,
             scanner->n_remarks, scanner->n_remarks == 1 ? "" : "s",
             scanner->n_remarks == 1 ? "s" : "", scanner->n_remarks == 1 ? "was" : "were",
             scanner->first_remark);
    return add_note(table, text);
}

/* All cells once; of columns that turn out to be text late the texts are not kept yet. */
static status read_cells(struct csv_reading *reading)
{
    struct csv_table *table = reading->table;
    struct csv_scanner scanner;
    bool more = false;
    status outcome = csv_scanner_open(&scanner, table->path, NULL);
    if (outcome == STATUS_OK)
        outcome = csv_scanner_next(&scanner, &more);
    if (outcome == STATUS_OK && more)
        outcome = begin_table(reading, &scanner);
    while (outcome == STATUS_OK && more) {
        outcome = csv_scanner_next(&scanner, &more);
        if (outcome == STATUS_OK && more)
            outcome = data_row(reading, &scanner);
    }
    if (outcome == STATUS_OK && table->n_rows == 0)
        outcome = status_set(STATUS_USAGE, "%s: holds no samples, %s", table->path,
                             table->names.n ? "only a header row" : "not even a header row");
    if (outcome == STATUS_OK)
        outcome = note_remarks(table, &scanner);
    reading->layout = scanner.layout;
    csv_scanner_close(&scanner);
    return outcome;
}

/* A column whose texts are read: each row's code of its text, which `texts` numbers. */
struct text_reader {
    size_t place; /* in the file */
    int32_t *code;
    struct dictionary *texts;
};

static status read_text(const struct csv_scanner *scanner, size_t row, struct text_reader *reader,
                        const char *path)
{
    if (reader->place >= scanner->row.n)
        return status_set(STATUS_USAGE, "%s: changed while it was read; start again", path);
    const struct csv_cell_text *cell = &scanner->row.cell[reader->place];
    reader->code[row] = -1;
    if (cell->length == 0 || (!cell->quoted && csv_is_missing_word(cell->text)))
        return STATUS_OK;
    if (!csv_is_utf8(cell->text))
        return not_utf8(path, scanner->row_line, reader->place + 1, NULL);
    return dictionary_code(reader->texts, cell->text, &reader->code[row]);
}

/* The file once more, for n of its columns. */
static status read_texts(const struct csv_table *table, const struct csv_layout *layout,
                         struct text_reader *reader, size_t n)
{
    struct csv_scanner scanner;
    bool more = false;
    size_t row = 0;
    status outcome = csv_scanner_open(&scanner, table->path, layout);
    if (outcome == STATUS_OK)
        outcome = csv_scanner_next(&scanner, &more);
    while (outcome == STATUS_OK && more) {
        outcome = csv_scanner_next(&scanner, &more);
        for (size_t i = 0; i < n && more && outcome == STATUS_OK && row < table->n_rows; i++)
            outcome = read_text(&scanner, row, &reader[i], table->path);
        row += more;
    }
    if (outcome == STATUS_OK && row != table->n_rows)
        outcome =
            status_set(STATUS_USAGE, "%s: changed while it was read; start again", table->path);
    csv_scanner_close(&scanner);
    return outcome;
}

static status read_late_columns(struct csv_reading *reading)
{
    struct csv_table *table = reading->table;
    struct text_reader *reader = NULL;
    size_t n = 0;
    status outcome = memory_alloc(&reader, table->names.n, sizeof *reader, "CSV columns");
    for (size_t c = 0; c < table->names.n && outcome == STATUS_OK; c++) {
        struct csv_column *column = &table->column[c];
        struct csv_column_state *state = &reading->state[c];
        if (!reading->state || !state->late)
            continue;
        memory_free(&column->number);
        outcome = memory_alloc(&column->code, table->n_rows, sizeof *column->code, "a CSV column");
        reader[n++] = (struct text_reader){c, column->code, &state->texts};
        state->late = false;
    }
    if (outcome == STATUS_OK && n > 0)
        outcome = read_texts(table, &reading->layout, reader, n);
    memory_free(&reader);
    return outcome;
}

status csv_read_texts(const struct csv_table *table, size_t c, int32_t **codes,
                      struct string_list *texts)
{
    struct dictionary dictionary = {0};
    status outcome =
        memory_alloc(codes, table->n_rows, sizeof **codes, "the texts of a CSV column");
    struct text_reader reader = {table->column[c].place, *codes, &dictionary};
    if (outcome == STATUS_OK)
        outcome = read_texts(table, NULL, &reader, 1);
    *texts = dictionary.texts;
    dictionary.texts = (struct string_list){0};
    dictionary_release(&dictionary);
    return outcome;
}

static status check_path(const char *path)
{
    struct stat about;
    if (stat(path, &about) != 0 || S_ISREG(about.st_mode))
        return STATUS_OK; /* what else is wrong, fopen will say */
    return status_set(STATUS_USAGE, "%s: %s, but a CSV file was expected", path,
                      S_ISDIR(about.st_mode) ? "is a folder" : "is not a regular file");
}

status csv_read(const char *path, struct csv_table *table)
{
    struct csv_reading reading = {.table = table};
    memset(table, 0, sizeof *table);
    status outcome = check_path(path);
    if (outcome == STATUS_OK && !(table->path = memory_strdup(path)))
        outcome = status_set(STATUS_FAILED, "%s: not enough memory to read it", path);
    if (outcome == STATUS_OK)
        outcome = read_cells(&reading);
    if (outcome == STATUS_OK)
        outcome = read_late_columns(&reading);
    if (outcome == STATUS_OK) {
        csv_choose_late(&reading);
        outcome = read_late_columns(&reading);
    }
    if (outcome == STATUS_OK)
        outcome = csv_decide_kinds(&reading);
    table->separator = reading.layout.separator;
    bool must_count = reading.layout.lacks_name && table->separator == ',' && reading.state &&
                      reading.state[0].n_plain > 0;
    for (size_t c = 0; reading.state && c < table->names.n; c++)
        dictionary_release(&reading.state[c].texts);
    memory_free(&reading.state);
    if (outcome == STATUS_OK)
        outcome = csv_drop_nameless(table, reading.header_line, must_count);
    if (outcome != STATUS_OK)
        csv_release(table);
    return outcome;
}
