/* SPDX-License-Identifier: BSD-3-Clause */
/* What each column of a table is: numbers, numbers in another notation, or text. */
#include "csv_reading.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What the texts of a column say when all of them are looked at. */
struct survey {
    size_t n_numbers, n_words, n_marks; /* texts */
    size_t n_in_brackets;               /* numbers */
    bool all_plain;                     /* numbers as csv_parse_cell reads them */
    bool all_whole;
    struct csv_signs signs;
    size_t n_unsure;
    bool one_unit;         /* of all numbers */
    bool has_sign_of_unit; /* a currency, or % and the like: not letters */
    long first, other;     /* texts: the first number, and one of another unit; or -1 */
};

static bool is_mark(const char *text)
{
    return csv_is_missing_mark(text);
}

static bool is_plain(const char *text)
{
    double number;
    return csv_parse_cell(text, false, &number) != CSV_TEXT;
}

static bool same_unit(const struct csv_spelling *a, const struct csv_spelling *b)
{
    return a->before_length == b->before_length && a->after_length == b->after_length &&
           strncmp(a->before, b->before, a->before_length) == 0 &&
           strncmp(a->after, b->after, a->after_length) == 0;
}

static bool is_letters(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z')))
            return false;
    return true;
}

static void add_spelling(struct survey *survey, const struct string_list *texts, size_t i)
{
    struct csv_spelling spelling = csv_spelling_of(texts->item[i]), first;
    if (!spelling.is_number) /* not finite */
        return;
    csv_signs_add(&survey->signs, &spelling);
    survey->n_unsure += spelling.unsure != 0;
    survey->n_in_brackets += spelling.in_brackets;
    survey->all_whole = survey->all_whole && spelling.is_whole;
    survey->has_sign_of_unit = survey->has_sign_of_unit || spelling.before_length > 0 ||
                               !is_letters(spelling.after, spelling.after_length);
    if (survey->first < 0)
        survey->first = (long)i;
    first = csv_spelling_of(texts->item[survey->first]);
    if (survey->other < 0 && !same_unit(&first, &spelling)) {
        survey->one_unit = false;
        survey->other = (long)i;
    }
}

static struct survey survey_of(const struct string_list *texts)
{
    struct survey survey = {
        .all_plain = true, .all_whole = true, .one_unit = true, .first = -1, .other = -1};
    for (size_t i = 0; i < texts->n; i++) {
        const char *text = texts->item[i];
        bool plain = is_plain(text);
        if (!plain && is_mark(text)) {
            survey.n_marks++;
        } else if (!plain && !csv_spelling_of(text).is_number) {
            survey.n_words++;
        } else {
            survey.n_numbers++;
            survey.all_plain = survey.all_plain && plain;
            add_spelling(&survey, texts, i);
        }
    }
    /* 2, 4 and "5more" are words; and brackets mean less than 0 beside numbers without them. */
    if ((!survey.one_unit && !survey.has_sign_of_unit) ||
        (survey.n_in_brackets > 0 && survey.n_in_brackets == survey.n_numbers))
        survey.n_words++;
    return survey;
}

/* Signs of all columns that are numbers throughout. */
static struct csv_signs signs_of_file(const struct csv_reading *reading)
{
    struct csv_signs signs = {0};
    for (size_t c = 0; c < reading->table->names.n; c++) {
        const struct csv_column_state *state = &reading->state[c];
        if (!state->is_text) {
            csv_signs_add_all(&signs, &state->signs);
        } else {
            struct survey survey = survey_of(&state->texts.texts);
            if (survey.n_words == 0)
                csv_signs_add_all(&signs, &survey.signs);
        }
    }
    return signs;
}

static bool is_only_unsure(const struct csv_column_state *state)
{
    return state->signs.comma_unsure == state->n_quoted + state->n_plain;
}

void csv_choose_late(struct csv_reading *reading)
{
    bool any_plain = false;
    reading->signs = signs_of_file(reading);
    for (size_t c = 0; c < reading->table->names.n; c++)
        any_plain = any_plain || reading->state[c].n_plain > 0;
    for (size_t c = 0; c < reading->table->names.n; c++) {
        struct csv_column_state *state = &reading->state[c];
        bool unsure = false;
        if (state->is_text)
            continue;
        char group =
            csv_signs_group(&state->signs, &reading->signs, false, is_only_unsure(state), &unsure);
        state->is_codes =
            any_plain && state->n_quoted > 0 && state->n_plain == 0 && !state->has_fraction;
        state->is_text = state->late = group || unsure || state->is_codes;
    }
}

static size_t first_row_of(const struct csv_table *table, size_t c, long code)
{
    size_t row = 0;
    while (row < table->n_rows && table->column[c].code[row] != code)
        row++;
    return row;
}

static status set_unsure(const struct csv_reading *reading, size_t c, const struct survey *survey)
{
    struct csv_table *table = reading->table;
    struct csv_column *column = &table->column[c];
    const struct string_list *texts = &reading->state[c].texts.texts;
    char text[4 * CSV_SHOWN + 160], first[CSV_SHOWN], other[CSV_SHOWN];
    long unsure = 0;
    while ((size_t)unsure + 1 < texts->n && !csv_spelling_of(texts->item[unsure]).unsure)
        unsure++;
    if (!survey->one_unit)
        snprintf(
            text, sizeof text,
            "numbers in different notations: '%s' (line %zu) and '%s' (line %zu); write all of "
            "them in one",
            csv_printable(texts->item[survey->first], first),
            table->line[first_row_of(table, c, survey->first)],
            csv_printable(texts->item[survey->other], other),
            table->line[first_row_of(table, c, survey->other)]);
    else
        snprintf(text, sizeof text,
                 "'%s' (line %zu) may have a sign for thousands or for decimals; write the numbers "
                 "of the file with decimal points and nothing between thousands",
                 csv_printable(texts->item[unsure], first),
                 table->line[first_row_of(table, c, unsure)]);
    column->unsure = memory_strdup(text);
    return column->unsure ? STATUS_OK
                          : status_set(STATUS_FAILED, "not enough memory for a CSV column");
}

/* Which texts are missing, not finite, or what number. */
static double value_of(const char *text, char group, bool *missing)
{
    double number = NAN;
    *missing = csv_is_missing_mark(text);
    if (*missing)
        return NAN;
    if (csv_spelling_of(text).is_number)
        return csv_spelling_value(text, group);
    return csv_parse_cell(text, false, &number) == CSV_NOT_FINITE ? INFINITY : NAN;
}

static status keep_text(char **to, const char *text)
{
    char shown[CSV_SHOWN];
    if (!*to)
        *to = memory_strdup(csv_printable(text, shown));
    return *to ? STATUS_OK : status_set(STATUS_FAILED, "not enough memory for a CSV column");
}

static status convert_cells(const struct csv_table *table, struct csv_column *column,
                            const struct string_list *texts, char group)
{
    double *value = NULL;
    bool *missing = NULL;
    status outcome = memory_alloc(&value, texts->n, sizeof *value, "a CSV column");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&missing, texts->n, sizeof *missing, "a CSV column");
    if (outcome == STATUS_OK)
        outcome =
            memory_alloc(&column->number, table->n_rows, sizeof *column->number, "a CSV column");
    for (size_t i = 0; i < texts->n && outcome == STATUS_OK; i++)
        value[i] = value_of(texts->item[i], group, &missing[i]);
    for (size_t row = 0; row < table->n_rows && outcome == STATUS_OK; row++) {
        int32_t code = column->code[row];
        column->number[row] = code < 0 ? NAN : value[code];
        if (code >= 0 && missing[code]) {
            column->first_missing =
                column->n_missing && column->first_missing < row ? column->first_missing : row;
            column->n_missing++;
            if (!column->mark || row < column->mark_row) {
                memory_free(&column->mark);
                column->mark_row = row;
                outcome = keep_text(&column->mark, texts->item[code]);
            }
        } else if (code >= 0 && isinf(value[code])) {
            column->first_not_finite = column->n_not_finite ? column->first_not_finite : row;
            column->n_not_finite++;
            outcome = keep_text(&column->not_finite, texts->item[code]);
        }
    }
    memory_free(&value);
    memory_free(&missing);
    return outcome;
}

/* Column by column what is read otherwise than it is written, as far as one line has room. */
struct note {
    char text[400];
    size_t n;
};

static void add_to_note(struct note *note, const char *name, const char *text, double number)
{
    char shown[CSV_SHOWN], column[CSV_SHOWN];
    size_t used = strlen(note->text);
    if (note->n++ < 4)
        snprintf(note->text + used, sizeof note->text - used, "%s'%s' ('%s' as %.10g)",
                 used ? ", " : "", csv_printable(name, column), csv_printable(text, shown), number);
}

static status finish_note(struct csv_table *table, const struct note *note)
{
    char text[1024], more[48] = "";
    if (note->n == 0)
        return STATUS_OK;
    if (note->n > 4)
        snprintf(more, sizeof more, " and %zu more columns", note->n - 4);
    snprintf(text, sizeof text, "%s: numbers in another notation are read as numbers: %s%s",
             table->path, note->text, more);
    return string_list_add(&table->notes, text);
}

/* The text that shows best how a column is written: with a sign that is not understood everywhere.
 */
static const char *example_of(const struct string_list *texts)
{
    for (size_t i = 0; i < texts->n; i++) {
        struct csv_spelling spelling = csv_spelling_of(texts->item[i]);
        if (spelling.is_number && (spelling.unsure || spelling.group || !is_plain(texts->item[i])))
            return texts->item[i];
    }
    return texts->item[0];
}

static bool is_short(const struct csv_table *table, size_t n)
{
    return n <= CSV_MOST_CATEGORIES && n <= table->n_rows / 2;
}

/* The cells that are words, and the first of them. */
static void count_words(const struct csv_table *table, struct csv_column *column, bool all)
{
    column->n_words = 0;
    for (size_t row = table->n_rows; row-- > 0;)
        if (column->code[row] >= 0) {
            const char *text = column->values.item[column->code[row]];
            bool word = all || (!csv_is_number_like(text) && !is_mark(text));
            column->n_words += word;
            if (word)
                column->first_text_row = row;
        }
}

static bool is_numbers(const struct csv_table *table, const struct csv_column_state *state,
                       const struct survey *survey)
{
    if (state->is_codes || survey->n_words > 0)
        return false;
    /* 4cyl and 6cyl are names of kinds; 3.5kg and 71.2kg are measured. */
    bool letters = survey->first >= 0 && survey->one_unit && !survey->has_sign_of_unit &&
                   csv_spelling_of(state->texts.texts.item[survey->first]).after_length > 0;
    return !letters || !survey->all_whole || !is_short(table, state->texts.texts.n);
}

static status decide(struct csv_reading *reading, size_t c, struct note *note)
{
    struct csv_table *table = reading->table;
    struct csv_column *column = &table->column[c];
    struct csv_column_state *state = &reading->state[c];
    struct string_list *texts = &state->texts.texts;
    struct survey survey = survey_of(texts);
    bool unsure = false, numbers = is_numbers(table, state, &survey);
    char group = 0;
    status outcome = STATUS_OK;
    memory_free(&column->not_finite); /* counted anew; text needs no list */
    column->n_not_finite = 0;
    if (numbers)
        group = csv_signs_group(&survey.signs, &reading->signs, reading->layout.separator == ',',
                                survey.n_unsure == survey.n_numbers, &unsure);
    if (numbers && (unsure || !survey.one_unit))
        outcome = set_unsure(reading, c, &survey);
    if (numbers && !column->unsure && outcome == STATUS_OK) {
        bool ignored;
        outcome = convert_cells(table, column, texts, group);
        memory_free(&column->code);
        for (size_t i = 0; i < texts->n; i++)
            column->has_spelling = column->has_spelling || !survey.all_plain || group ||
                                   csv_is_code(texts->item[i], strlen(texts->item[i]));
        if (!survey.all_plain || group)
            add_to_note(note, table->names.item[c], example_of(texts),
                        value_of(example_of(texts), group, &ignored));
        return outcome;
    }
    column->values = *texts;
    *texts = (struct string_list){0};
    count_words(table, column, state->is_codes || column->unsure || survey.n_numbers == 0);
    if (column->n_words == 0)
        count_words(table, column, true);
    return outcome;
}

status csv_decide_kinds(struct csv_reading *reading)
{
    struct csv_table *table = reading->table;
    struct note note = {0};
    status outcome = STATUS_OK;
    for (size_t c = 0; c < table->names.n && outcome == STATUS_OK; c++)
        if (reading->state[c].is_text)
            outcome = decide(reading, c, &note);
    return outcome == STATUS_OK ? finish_note(table, &note) : outcome;
}
