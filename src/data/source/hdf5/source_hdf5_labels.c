/* SPDX-License-Identifier: BSD-3-Clause */
#include "source_hdf5_internal.h"

#include "base/memory.h"
#include "base/message.h"
#include "base/stop_request.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whole numbers that nobody called labels are some if they are few, or each comes often. */
enum { MANY_CLASSES = 20, SAMPLES_PER_CLASS = 20, SOME_CLASSES = 10, FEW_PER_CLASS = 2 };

/* A column read at once, by its data set and what is known of that. */
struct column {
    struct source *source;
    struct hdf5_reader *reader;
    const char *name, *what;
    const struct hdf5_shape *shape;
    const struct hdf5_part *part;
    bool may_lack;
};

/* Refused; or the row is left out, and anything may stand for its value. */
static status has_no_value(const struct column *column, size_t row, const char *reason)
{
    status outcome =
        status_set(STATUS_USAGE,
                   "%s, '%s', row %zu (from 0): has no value (%s), but each sample needs one "
                   "here; remove that sample",
                   column->source->path, column->name, row, reason);
    return column->may_lack ? source_mark_gap(column->source, row) : outcome;
}

static bool is_gap(const struct column *column, size_t row)
{
    const bool *incomplete = column->source->info.incomplete;
    return incomplete && incomplete[row];
}

/* A row whose value may stand for those that are missing; or, if there is none, the first. */
static size_t some_row(const struct column *column)
{
    size_t row = 0, n = column->source->info.n;
    while (row < n && is_gap(column, row))
        row++;
    return row < n ? row : 0;
}

static status check_some_left(const struct column *column)
{
    const struct source_info *info = &column->source->info;
    return info->n_incomplete < info->n ? STATUS_OK
                                        : status_set(STATUS_USAGE, "%s (no row is complete)",
                                                     info->warnings.item[info->warnings.n - 1]);
}

/* rhdf5 says by an attribute that its text NA is R's. */
static bool means_na(const struct column *column)
{
    struct hdf5_file *file = column->reader->file;
    int64_t is_na = 0;
    return hdf5_has_attribute(file, column->name, "as.na") &&
           hdf5_read_int64(file, column->name, "as.na", &is_na) == STATUS_OK && is_na != 0;
}

/* The texts as codes; a copy of the list, where texts that are missing are another's. */
static status code_rest(const struct column *column, const struct string_list *texts,
                        struct string_list *names, int32_t **code)
{
    struct string_list known = {.n = texts->n};
    size_t other = some_row(column);
    status outcome = memory_alloc(&known.item, texts->n, sizeof *known.item, column->what);
    for (size_t i = 0; i < texts->n && outcome == STATUS_OK; i++)
        known.item[i] = texts->item[is_gap(column, i) ? other : i];
    if (outcome == STATUS_OK)
        outcome = source_code_texts(column->source, &known, names, code);
    memory_free(&known.item);
    return outcome;
}

static status code_strings(const struct column *column, struct string_list *names, int32_t **code)
{
    struct string_list texts = {0};
    status outcome = hdf5_read_strings(column->reader->file, column->name, &texts);
    bool na = outcome == STATUS_OK && means_na(column);
    for (size_t i = 0; i < texts.n && outcome == STATUS_OK; i++)
        if (!texts.item[i][0] || (na && strcmp(texts.item[i], "NA") == 0))
            outcome = has_no_value(column, i, na ? "NA of R" : "an empty text");
    if (outcome == STATUS_OK)
        outcome = check_some_left(column);
    if (outcome == STATUS_OK)
        outcome = code_rest(column, &texts, names, code);
    string_list_release(&texts);
    return outcome;
}

/* In blocks, so that a request to stop is heard. One column on its side is one row of numbers. */
static status read_whole(const struct column *column, int64_t *number)
{
    enum { ROWS = 1 << 15 };
    struct hdf5_file *file = column->reader->file;
    size_t n = column->source->info.n;
    if (column->part->on_side)
        return hdf5_read_rows(file, column->name, 0, 1, HDF5_AS_INT64, number);
    status outcome = STATUS_OK;
    for (size_t i = 0; i < n && outcome == STATUS_OK; i += ROWS) {
        outcome = stop_request_check(column->source->path);
        if (outcome == STATUS_OK)
            outcome = hdf5_read_rows(file, column->name, i, n - i < ROWS ? n - i : ROWS,
                                     HDF5_AS_INT64, number + i);
    }
    return outcome;
}

static const char *name_of(const struct column *column, const struct string_list *categories,
                           int64_t number)
{
    if (!column->part->foreign.categories)
        return hdf5_meaning_name(&column->part->meaning, number);
    return number >= 0 && (uint64_t)number < categories->n ? categories->item[number] : NULL;
}

/* By the names of an enumeration or of categories. */
static status code_names(const struct column *column, const int64_t *number,
                         struct string_list *names, int32_t **code)
{
    const struct source *source = column->source;
    const char *list = column->part->foreign.categories;
    struct string_list categories = {0}, texts = {.n = source->info.n};
    status outcome = memory_alloc(&texts.item, texts.n, sizeof *texts.item, column->what);
    if (outcome == STATUS_OK && list)
        outcome = hdf5_read_categories(source, column->reader, list, &categories);
    for (size_t i = 0; i < texts.n && outcome == STATUS_OK; i++) {
        char reason[64];
        const char *name = name_of(column, &categories, number[i]);
        snprintf(reason, sizeof reason, "the code %lld %s", (long long)number[i],
                 list && number[i] < 0 ? "is that of none" : "has no name or is NA");
        if (!name)
            outcome = has_no_value(column, i, reason);
        texts.item[i] = (char *)name; /* is not ours */
    }
    if (outcome == STATUS_OK)
        outcome = check_some_left(column);
    if (outcome == STATUS_OK)
        outcome = code_rest(column, &texts, names, code);
    memory_free(&texts.item);
    string_list_release(&categories);
    return outcome;
}

static status check_marks(const struct column *column, int64_t *number)
{
    char reason[HDF5_REASON];
    const struct hdf5_meaning *meaning = &column->part->meaning;
    size_t n = column->source->info.n;
    status outcome = STATUS_OK;
    for (size_t i = 0; i < n && !meaning->plain && outcome == STATUS_OK; i++)
        if (*hdf5_meaning_reason(meaning, (double)number[i], reason))
            outcome = has_no_value(column, i, reason);
    if (outcome == STATUS_OK)
        outcome = check_some_left(column);
    int64_t other = number[some_row(column)];
    for (size_t i = 0; i < n; i++)
        if (is_gap(column, i))
            number[i] = other;
    return outcome;
}

static status code_whole(const struct column *column, struct string_list *names, int32_t **code)
{
    int64_t *number = NULL;
    const struct hdf5_meaning *meaning = &column->part->meaning;
    bool named = column->part->foreign.categories || (meaning->names.n && !meaning->is_boolean);
    status outcome = memory_alloc(&number, column->source->info.n, sizeof *number, column->what);
    if (outcome == STATUS_OK)
        outcome = read_whole(column, number);
    if (outcome == STATUS_OK && named)
        outcome = code_names(column, number, names, code);
    else if (outcome == STATUS_OK)
        outcome = check_marks(column, number);
    if (outcome == STATUS_OK && !named)
        outcome = source_code_integers(column->source, number, names, code);
    memory_free(&number);
    return outcome;
}

static status code_numbers(const struct column *column, struct string_list *names, int32_t **code)
{
    const struct source *source = column->source;
    struct hdf5_file *file = column->reader->file;
    char text[NAME_SIZE + 16], reason[HDF5_REASON];
    double *number = NULL;
    snprintf(text, sizeof text, "data set '%s'", column->name);
    status outcome = memory_alloc(&number, source->info.n, sizeof *number, column->what);
    if (outcome == STATUS_OK)
        outcome = hdf5_part_read(file, column->name, column->part, 0, source->info.n, number);
    for (size_t i = 0; i < source->info.n && outcome == STATUS_OK; i++) {
        if (!isnan(number[i]))
            continue;
        outcome = hdf5_part_reason(file, column->name, column->part, i, 0, reason);
        if (outcome == STATUS_OK)
            outcome = has_no_value(column, i, *reason ? reason : "it is NaN");
    }
    if (outcome == STATUS_OK)
        outcome = check_some_left(column);
    size_t other = some_row(column);
    for (size_t i = 0; i < source->info.n && outcome == STATUS_OK; i++)
        if (is_gap(column, i))
            number[i] = number[other];
    if (outcome == STATUS_OK)
        outcome = source_code_doubles(source, number, text, column->what, names, code);
    memory_free(&number);
    return outcome;
}

status hdf5_code_dataset(struct source *source, struct hdf5_reader *reader, const char *name,
                         const struct hdf5_shape *shape, const struct hdf5_part *part,
                         const char *what, bool may_lack, struct string_list *names, int32_t **code)
{
    const struct column column = {source, reader, name, what, shape, part, may_lack};
    if (shape->kind == HDF5_STRING)
        return code_strings(&column, names, code);
    bool whole = shape->kind == HDF5_INTEGER && !part->meaning.is_packed &&
                 part->meaning.wrap == 0 && !part->foreign.mask;
    return whole ? code_whole(&column, names, code) : code_numbers(&column, names, code);
}

/* The attribute `classes` names the integer labels 0 .. C-1. */
static status apply_class_names(struct source *source, struct hdf5_reader *reader, const char *name)
{
    struct source_info *info = &source->info;
    struct string_list classes = {0};
    status outcome = hdf5_read_text_list(reader->file, name, "classes", &classes);
    for (size_t i = 0; i < classes.n && outcome == STATUS_OK; i++)
        if (string_list_find(&classes, classes.item[i]) != (long)i)
            outcome = status_set(STATUS_USAGE, "%s: attribute 'classes' of '%s' names '%s' twice",
                                 source->path, name, classes.item[i]);
    for (size_t i = 0; i < info->n && outcome == STATUS_OK; i++) {
        long long number = strtoll(info->classes.item[info->label[i]], NULL, 10);
        if (number < 0 || (uint64_t)number >= classes.n)
            outcome =
                status_set(STATUS_USAGE,
                           "%s, '%s', row %zu (from 0): the label %lld has no name: attribute "
                           "'classes' names %zu classes, the first is label 0",
                           source->path, name, i, number, classes.n);
        else
            info->label[i] = (int32_t)number;
    }
    if (outcome == STATUS_OK) {
        string_list_release(&info->classes);
        info->classes = classes;
        return source_sort_names(&info->classes, info->label, info->n);
    }
    string_list_release(&classes);
    return outcome;
}

/* Ages, counts, prices: too many different ones to be names of classes. */
static bool are_too_many(size_t n_classes, size_t n)
{
    return (n_classes > MANY_CLASSES && n_classes > n / SAMPLES_PER_CLASS) ||
           (n_classes > SOME_CLASSES && n_classes > n / FEW_PER_CLASS);
}

/* Gives the labels back. */
static status take_for_amounts(struct source *source, const char *name)
{
    struct source_info *info = &source->info;
    char text[NAME_SIZE + 200];
    message_print(
        text, sizeof text,
        "%s: '%s' holds %zu different whole numbers in %zu samples and is taken for amounts "
        "(regression){; if they are classes, use @task classification}",
        source->path, name, info->classes.n, info->n);
    string_list_release(&info->classes);
    memory_free(&info->label);
    return source->asked.model_inputs ? STATUS_OK : string_list_add(&info->notes, text);
}

/* hdf5r writes R's NA as a text, which may be meant as such. */
static status note_na(struct source *source, const char *name)
{
    char text[NAME_SIZE + 160];
    if (string_list_find(&source->info.classes, "NA") < 0)
        return STATUS_OK;
    snprintf(text, sizeof text,
             "%s: '%s' has a class NA; if that is a missing value of R remove those samples",
             source->path, name);
    return string_list_add(&source->info.notes, text);
}

status hdf5_take_labels(enum target_kind kind, struct source *source, struct hdf5_reader *reader,
                        bool *are_amounts)
{
    struct source_info *info = &source->info;
    struct hdf5_columns *y = &reader->y;
    char text[SHAPE_TEXT];
    const struct hdf5_shape *shape = &y->shape;
    const char *name = y->datasets.item[0];
    const struct hdf5_part *part = &y->part[0];
    bool fits = shape->kind == HDF5_STRING ? shape->rank == 1 : part->width == 1;
    if (y->n != 1 || !fits)
        return status_set(STATUS_USAGE,
                          "%s: labels must be one data set of shape (N), but @%s names %zu columns "
                          "and '%s' has shape (%s)",
                          source->path, y->option, y->n, name, hdf5_shape_text(shape, text));
    status outcome = hdf5_code_dataset(source, reader, name, shape, part, "labels", y->may_lack,
                                       &info->classes, &info->label);
    bool told = part->meaning.names.n || part->foreign.categories ||
                hdf5_has_attribute(reader->file, name, "classes");
    *are_amounts = outcome == STATUS_OK && shape->kind == HDF5_INTEGER && !told &&
                   kind != TARGETS_LABELS && are_too_many(info->classes.n, info->n);
    if (*are_amounts)
        return take_for_amounts(source, name);
    info->has_labels = true;
    if (outcome == STATUS_OK && shape->kind == HDF5_STRING)
        outcome = note_na(source, name);
    if (outcome == STATUS_OK && shape->kind == HDF5_INTEGER &&
        hdf5_has_attribute(reader->file, name, "classes"))
        outcome = apply_class_names(source, reader, name);
    return outcome;
}
