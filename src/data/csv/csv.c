/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/csv/csv.h"

#include "base/memory.h"
#include "base/stop_request.h"
#include "data/csv/csv_cell.h"
#include "data/csv/dictionary.h"

#include <csv.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { BLOCK_SIZE = 1 << 20 };

/* What is known about a column while the file is read. */
struct column_state {
    struct dictionary texts;
    bool is_text;
    bool late; /* its first cells look like numbers: their spelling is lost */
};

struct csv_reading {
    struct csv_table *table;
    struct column_state *state; /* (n_columns) */
    size_t n_columns;           /* 0 until the header was read for the first time */
    struct csv_parser parser;
    char separator; /* of cells: a comma; else a semicolon, or a tab */
    bool in_header, at_row_start;
    size_t line;       /* of the character being parsed */
    size_t row_line;   /* where the present row began */
    size_t blank_line; /* a blank line after the header; 0: none */
    size_t cells;      /* of the present row so far */
    size_t capacity;   /* rows that the arrays hold */
    status outcome;    /* the first failure; the rest of the file is skipped after it */
};

static void set_outcome(struct csv_reading *reading, status outcome)
{
    if (reading->outcome == STATUS_OK)
        reading->outcome = outcome;
}

static status not_utf8(const struct csv_reading *reading, size_t column, const char *name)
{
    return status_set(STATUS_USAGE,
                      "%s, line %zu, column %zu%s%s%s: is not UTF-8 text; save the file as UTF-8, "
                      "for example with iconv -f latin1 -t utf-8",
                      reading->table->path, reading->row_line, column, name ? " '" : "",
                      name ? name : "", name ? "'" : "");
}

static status header_cell(struct csv_reading *reading, const char *cell)
{
    struct csv_table *table = reading->table;
    if (!*cell)
        return status_set(STATUS_USAGE, "%s, line %zu: column %zu has no name; give it one",
                          table->path, reading->row_line, table->names.n + 1);
    if (!csv_is_utf8(cell))
        return not_utf8(reading, reading->cells + 1, NULL);
    return reading->n_columns ? STATUS_OK : string_list_add(&table->names, cell);
}

static status become_text(struct csv_reading *reading, size_t c, size_t row)
{
    struct csv_column *column = &reading->table->column[c];
    struct column_state *state = &reading->state[c];
    state->is_text = true;
    state->late = row > column->n_missing;
    column->first_text_row = row;
    memory_free(&column->number);
    if (state->late)
        return STATUS_OK;
    status outcome =
        memory_alloc(&column->code, reading->capacity, sizeof *column->code, "a CSV column");
    for (size_t i = 0; i < row && outcome == STATUS_OK; i++)
        column->code[i] = -1;
    return outcome;
}

static void missing_cell(struct csv_column *column, size_t row)
{
    if (column->n_missing++ == 0)
        column->first_missing = row;
    if (column->number)
        column->number[row] = NAN;
    else if (column->code)
        column->code[row] = -1;
}

static status not_finite_cell(struct csv_column *column, size_t row, const char *cell)
{
    char shown[CSV_SHOWN];
    column->number[row] = INFINITY;
    if (column->n_not_finite++ > 0)
        return STATUS_OK;
    column->first_not_finite = row;
    column->not_finite = memory_strdup(csv_printable(cell, shown));
    return column->not_finite ? STATUS_OK
                              : status_set(STATUS_FAILED, "not enough memory for a CSV column");
}

static status data_cell(struct csv_reading *reading, const char *cell)
{
    struct csv_table *table = reading->table;
    size_t c = reading->cells, row = table->n_rows;
    if (c >= table->names.n)
        return STATUS_OK; /* reported with the number of cells at the end of the row */
    struct csv_column *column = &table->column[c];
    struct column_state *state = &reading->state[c];
    if (!*cell) {
        missing_cell(column, row);
        return STATUS_OK;
    }
    status outcome = STATUS_OK;
    double number = 0;
    enum csv_cell kind =
        state->is_text ? CSV_TEXT : csv_parse_cell(cell, table->decimal_comma, &number);
    if (kind == CSV_TEXT && !csv_is_utf8(cell))
        return not_utf8(reading, c + 1, table->names.item[c]);
    if (kind == CSV_TEXT && !state->is_text)
        outcome = become_text(reading, c, row);
    if (state->is_text)
        return outcome == STATUS_OK && !state->late
                   ? dictionary_code(&state->texts, cell, &column->code[row])
                   : outcome;
    if (kind == CSV_NOT_FINITE)
        return not_finite_cell(column, row, cell);
    column->number[row] = number;
    return STATUS_OK;
}

static void end_of_cell(void *bytes, size_t length, void *context)
{
    struct csv_reading *reading = context;
    const char *cell = bytes ? bytes : "";
    if (reading->outcome != STATUS_OK)
        return;
    if (strlen(cell) != length)
        set_outcome(reading, status_set(STATUS_USAGE,
                                        "%s, line %zu: holds a NUL character; is this a CSV file?",
                                        reading->table->path, reading->line));
    else
        set_outcome(reading,
                    reading->in_header ? header_cell(reading, cell) : data_cell(reading, cell));
    reading->cells++;
}

/* True for a row of numbers of which not all are whole: "0,1,2" may well be names, 0.13 is none. */
static bool is_row_of_samples(const struct string_list *names)
{
    bool all_whole = true;
    for (size_t c = 0; c < names->n; c++) {
        double number;
        if (csv_parse_cell(names->item[c], false, &number) == CSV_TEXT)
            return false;
        if (strpbrk(names->item[c], ".eE"))
            all_whole = false;
    }
    return !all_whole;
}

static status check_header(struct csv_reading *reading)
{
    struct csv_table *table = reading->table;
    struct dictionary seen = {0};
    status outcome = STATUS_OK;
    for (size_t c = 0; c < table->names.n && outcome == STATUS_OK; c++) {
        int32_t code;
        outcome = dictionary_code(&seen, table->names.item[c], &code);
        if (outcome == STATUS_OK && (size_t)code != c)
            outcome =
                status_set(STATUS_USAGE,
                           "%s, line %zu: columns %d and %zu have the same name '%s'; rename "
                           "one",
                           table->path, reading->row_line, code + 1, c + 1, table->names.item[c]);
    }
    dictionary_release(&seen);
    if (outcome == STATUS_OK && is_row_of_samples(&table->names))
        outcome =
            status_set(STATUS_USAGE,
                       "%s, line %zu: the first row holds numbers, not names of columns; add a "
                       "header row such as x0,x1,y",
                       table->path, reading->row_line);
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

static status end_of_header(struct csv_reading *reading)
{
    struct csv_table *table = reading->table;
    size_t n = table->names.n;
    if (reading->n_columns)
        return STATUS_OK;
    status outcome = check_header(reading);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&table->column, n, sizeof *table->column, "CSV columns");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&reading->state, n, sizeof *reading->state, "CSV columns");
    if (outcome != STATUS_OK)
        return outcome;
    reading->n_columns = n;
    return enlarge(reading);
}

static status end_of_data_row(struct csv_reading *reading)
{
    struct csv_table *table = reading->table;
    if (reading->cells != table->names.n)
        return status_set(STATUS_USAGE,
                          "%s, line %zu: has %zu cells, but the header has %zu; check %s and "
                          "quotes",
                          table->path, reading->row_line, reading->cells, table->names.n,
                          reading->separator == ','   ? "commas"
                          : reading->separator == ';' ? "semicolons"
                                                      : "tabs");
    /* In a file of one column a blank line between rows is a row without its value. */
    if (reading->blank_line && table->names.n == 1)
        return status_set(STATUS_USAGE,
                          "%s, line %zu, column '%s': the value is missing; fill it in or remove "
                          "the line",
                          table->path, reading->blank_line, table->names.item[0]);
    table->line[table->n_rows++] = reading->row_line;
    return table->n_rows == reading->capacity ? enlarge(reading) : STATUS_OK;
}

static void end_of_row(int terminator, void *context)
{
    struct csv_reading *reading = context;
    (void)terminator;
    if (reading->outcome == STATUS_OK)
        set_outcome(reading,
                    reading->in_header ? end_of_header(reading) : end_of_data_row(reading));
    reading->in_header = false;
    reading->cells = 0;
    reading->at_row_start = true;
}

/* A line or a piece of one, its line end included. */
static void parse_piece(struct csv_reading *reading, const char *piece, size_t length)
{
    if (length == 0 || reading->outcome != STATUS_OK)
        return;
    if (reading->at_row_start) {
        size_t blanks = 0;
        while (blanks < length && piece[blanks] != reading->separator &&
               memchr(" \t\r\n", piece[blanks], 4))
            blanks++;
        if (blanks < length) {
            reading->row_line = reading->line;
            reading->at_row_start = false;
        } else if (!reading->in_header && !reading->blank_line && piece[length - 1] == '\n') {
            reading->blank_line = reading->line;
        }
    }
    if (csv_parse(&reading->parser, piece, length, end_of_cell, end_of_row, reading) != length &&
        reading->outcome == STATUS_OK) {
        bool memory = csv_error(&reading->parser) == CSV_ENOMEM;
        reading->outcome = status_set(memory ? STATUS_FAILED : STATUS_USAGE, "%s, line %zu: %s",
                                      reading->table->path, reading->line,
                                      memory ? "not enough memory"
                                             : "a quote stands inside a cell; put the whole cell "
                                               "into quotes and double the quotes in it");
    }
}

/*
 * The library does not count lines, and reports cells from inside a call: so it gets the block in
 * pieces that end where lines end. A lone carriage return ends a line too (old Macintosh files).
 */
static void parse_block(struct csv_reading *reading, const char *block, size_t length,
                        bool *after_return)
{
    size_t begin = 0;
    for (size_t i = 0; i < length && reading->outcome == STATUS_OK; i++) {
        if (*after_return && block[i] != '\n') {
            parse_piece(reading, block + begin, i - begin);
            reading->line++;
            begin = i;
        }
        /* The second half of a line end that two blocks share is no blank line. */
        bool half = *after_return && begin == i && reading->at_row_start;
        *after_return = block[i] == '\r';
        if (block[i] == '\n') {
            parse_piece(reading, block + begin, half ? 0 : i + 1 - begin);
            reading->line++;
            begin = i + 1;
        }
    }
    if (begin < length && reading->outcome == STATUS_OK)
        parse_piece(reading, block + begin, length - begin);
}

/*
 * A header without a comma is one of semicolons, as spreadsheets write them where numbers have a
 * decimal comma; or of tabs. What stands in quotes does not count.
 */
static void find_separator(struct csv_reading *reading, const char *block, size_t length)
{
    bool quoted = false, semicolon = false, tab = false, comma = false;
    size_t i = 0;
    while (i < length && (block[i] == '\n' || block[i] == '\r'))
        i++;
    for (; i < length && (quoted || (block[i] != '\n' && block[i] != '\r')); i++) {
        if (block[i] == '"')
            quoted = !quoted;
        semicolon |= !quoted && block[i] == ';';
        tab |= !quoted && block[i] == '\t';
        comma |= !quoted && block[i] == ',';
    }
    reading->separator = comma || !(semicolon || tab) ? ',' : semicolon ? ';' : '\t';
    reading->table->decimal_comma = reading->separator == ';';
    csv_set_delim(&reading->parser, (unsigned char)reading->separator);
}

/* The length of the byte-order mark of UTF-8 that is to be skipped. */
static size_t check_beginning(struct csv_reading *reading, const char *block, size_t length)
{
    const unsigned char *byte = (const unsigned char *)block;
    if (length >= 2 &&
        ((byte[0] == 0xFF && byte[1] == 0xFE) || (byte[0] == 0xFE && byte[1] == 0xFF)))
        reading->outcome =
            status_set(STATUS_USAGE, "%s: is UTF-16 text; save it as UTF-8", reading->table->path);
    size_t skipped = length >= 3 && memcmp(block, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    find_separator(reading, block + skipped, length - skipped);
    return skipped;
}

static status parse_stream(struct csv_reading *reading, FILE *file, char *block)
{
    bool first = true, after_return = false;
    size_t length;
    while (reading->outcome == STATUS_OK && (length = fread(block, 1, BLOCK_SIZE, file)) > 0) {
        size_t skip = first ? check_beginning(reading, block, length) : 0;
        if (reading->outcome == STATUS_OK)
            reading->outcome = stop_request_check(reading->table->path);
        if (reading->outcome == STATUS_OK)
            parse_block(reading, block + skip, length - skip, &after_return);
        first = false;
    }
    if (reading->outcome == STATUS_OK && ferror(file))
        return status_set(STATUS_FAILED, "%s: cannot be read: %s", reading->table->path,
                          strerror(errno));
    if (reading->outcome == STATUS_OK &&
        csv_fini(&reading->parser, end_of_cell, end_of_row, reading) != 0 &&
        reading->outcome == STATUS_OK)
        return status_set(STATUS_USAGE, "%s, line %zu: a quote is opened here and never closed",
                          reading->table->path, reading->row_line);
    return reading->outcome;
}

/* Of an earlier pass over the file. */
static void forget_counts(struct csv_reading *reading)
{
    for (size_t c = 0; c < reading->n_columns; c++) {
        struct csv_column *column = &reading->table->column[c];
        memory_free(&column->not_finite);
        column->n_missing = column->n_not_finite = 0;
    }
}

static status parse_file(struct csv_reading *reading)
{
    struct csv_table *table = reading->table;
    FILE *file = fopen(table->path, "rb");
    if (!file)
        return status_set(STATUS_USAGE, "%s: %s", table->path,
                          errno == ENOENT   ? "no such file; check the path"
                          : errno == EACCES ? "no permission to read it; ask its owner or chmod"
                                            : strerror(errno));
    char *block = NULL;
    status outcome = memory_alloc(&block, BLOCK_SIZE, 1, "a block of a CSV file");
    if (outcome == STATUS_OK &&
        csv_init(&reading->parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL) != 0)
        outcome = status_set(STATUS_FAILED, "%s: not enough memory to read it", table->path);
    if (outcome == STATUS_OK) {
        reading->in_header = reading->at_row_start = true;
        reading->line = 1;
        reading->row_line = reading->blank_line = reading->cells = 0;
        table->n_rows = 0;
        forget_counts(reading);
        outcome = parse_stream(reading, file, block);
        csv_free(&reading->parser);
    }
    memory_free(&block);
    fclose(file);
    return outcome;
}

/* For the columns that turned out to be text only after some rows. */
static status read_late_columns(struct csv_reading *reading)
{
    bool needed = false;
    status outcome = STATUS_OK;
    for (size_t c = 0; c < reading->n_columns; c++)
        needed = needed || reading->state[c].late;
    for (size_t c = 0; needed && c < reading->n_columns && outcome == STATUS_OK; c++) {
        struct csv_column *column = &reading->table->column[c];
        /* The other texts are met again in the same order. */
        if (reading->state[c].late)
            outcome = memory_alloc(&column->code, reading->capacity, sizeof *column->code,
                                   "a CSV column");
        reading->state[c].late = false;
    }
    return needed && outcome == STATUS_OK ? parse_file(reading) : outcome;
}

static status finish_columns(struct csv_reading *reading)
{
    struct csv_table *table = reading->table;
    if (table->n_rows == 0)
        return status_set(STATUS_USAGE, "%s: holds no samples, %s", table->path,
                          table->names.n ? "only a header row" : "not even a header row");
    for (size_t c = 0; c < table->names.n; c++) {
        struct csv_column *column = &table->column[c];
        struct column_state *state = &reading->state[c];
        if (state->is_text) {
            memory_free(&column->number);
            memory_free(&column->not_finite);
            column->n_not_finite = 0;
            column->values = state->texts.texts;
            state->texts.texts = (struct string_list){0};
        } else {
            memory_free(&column->code);
        }
    }
    return STATUS_OK;
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
        outcome = parse_file(&reading);
    if (outcome == STATUS_OK)
        outcome = read_late_columns(&reading);
    if (outcome == STATUS_OK)
        outcome = finish_columns(&reading);
    for (size_t c = 0; c < reading.n_columns; c++)
        dictionary_release(&reading.state[c].texts);
    memory_free(&reading.state);
    if (outcome != STATUS_OK)
        csv_release(table);
    return outcome;
}

void csv_release(struct csv_table *table)
{
    for (size_t c = 0; table->column && c < table->names.n; c++) {
        memory_free(&table->column[c].number);
        memory_free(&table->column[c].code);
        memory_free(&table->column[c].not_finite);
        string_list_release(&table->column[c].values);
    }
    memory_free(&table->column);
    memory_free(&table->line);
    memory_free(&table->path);
    string_list_release(&table->names);
    table->n_rows = 0;
}
