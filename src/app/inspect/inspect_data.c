/* SPDX-License-Identifier: BSD-3-Clause */

#include "app/problem/columns.h"
#include "app/problem/data_request.h"
#include "data/source/source_blocks.h"
#include "inspect_internal.h"

#include "base/log.h"
#include "base/memory.h"
#include "data/formats/formats.h"
#include "data/hdf5/hdf5_file.h"

#include <math.h>
#include <stdio.h>

enum { MOST_SHOWN = 20 };

struct column {
    size_t n_missing;
    double least, sum, largest;
};

static void begin_columns(struct column *columns, size_t n)
{
    for (size_t c = 0; c < n; c++)
        columns[c] = (struct column){.least = INFINITY, .largest = -INFINITY};
}

/* Numbers that are missing are counted. */
static void add_rows(struct column *columns, size_t n_columns, const double *rows, size_t n_rows)
{
    for (size_t i = 0; i < n_rows * n_columns; i++) {
        struct column *column = &columns[i % n_columns];
        if (isnan(rows[i])) {
            column->n_missing++;
            continue;
        }
        column->least = fmin(column->least, rows[i]);
        column->largest = fmax(column->largest, rows[i]);
        column->sum += rows[i];
    }
}

static void print_title(const char *title)
{
    log_info("%-28s %12s %12s %12s", title, "least", "mean", "largest");
}

static void print_column(const char *name, const struct column *column, size_t n)
{
    char missing[48] = "";
    if (column->n_missing > 0)
        snprintf(missing, sizeof missing, "  %zu missing", column->n_missing);
    log_info("  %-26s %12.6g %12.6g %12.6g%s", name, column->least,
             column->sum / (double)(n - column->n_missing), column->largest, missing);
}

static void print_columns(const char *what, const struct string_list *names,
                          const struct column *columns, size_t n)
{
    char title[64];
    snprintf(title, sizeof title, "%zu %s%s", names->n, what, names->n == 1 ? "" : "s");
    print_title(title);
    for (size_t c = 0; c < names->n && c < MOST_SHOWN; c++)
        print_column(names->item[c], &columns[c], n);
    if (names->n > MOST_SHOWN)
        log_info("  and %zu more", names->n - MOST_SHOWN);
}

/* Samples of each code; *counts is allocated. */
static status count_codes(const struct source_info *info, const int32_t *code, size_t n_codes,
                          size_t **counts)
{
    status outcome = memory_alloc(counts, n_codes, sizeof **counts, "counts of labels");
    for (size_t i = 0; i < info->n && outcome == STATUS_OK; i++)
        (*counts)[code[i]] += !info->incomplete || !info->incomplete[i];
    return outcome;
}

static status print_classes(const struct source_info *info)
{
    size_t *counts, n_classes = info->classes.n;
    char title[64];
    status outcome = count_codes(info, info->label, n_classes, &counts);
    if (outcome != STATUS_OK)
        return outcome;
    snprintf(title, sizeof title, "%zu classes of %.40s", n_classes, info->target_names.item[0]);
    log_info("%-28s %12s %12s", title, "samples", "share");
    for (size_t c = 0; c < n_classes && c < MOST_SHOWN; c++)
        log_info("  %-26s %12zu %10.1f %%", info->classes.item[c], counts[c],
                 100.0 * (double)counts[c] / (double)(info->n - info->n_incomplete));
    if (n_classes > MOST_SHOWN)
        log_info("  and %zu more", n_classes - MOST_SHOWN);
    memory_free(&counts);
    return STATUS_OK;
}

static status print_groups(const struct source_info *info)
{
    size_t *counts, n_groups = info->group_names.n;
    status outcome = count_codes(info, info->group, n_groups, &counts);
    if (outcome != STATUS_OK)
        return outcome;
    size_t least = info->n, most = 0;
    for (size_t g = 0; g < n_groups; g++) {
        least = counts[g] < least ? counts[g] : least;
        most = counts[g] > most ? counts[g] : most;
    }
    if (least == most)
        log_info("%zu groups of %zu samples", n_groups, most);
    else
        log_info("%zu groups of %zu to %zu samples", n_groups, least, most);
    memory_free(&counts);
    return STATUS_OK;
}

static status print_numbers(struct source *source)
{
    const struct source_info *info = source_info(source);
    struct source_blocks block;
    struct column *columns = NULL;
    status outcome = source_blocks_init(&block, source, false);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&columns, info->n_inputs + info->n_targets, sizeof *columns,
                               "statistics of columns");
    if (outcome == STATUS_OK)
        begin_columns(columns, info->n_inputs + info->n_targets);
    while (outcome == STATUS_OK) {
        outcome = source_blocks_next(&block);
        if (outcome != STATUS_OK || block.n == 0)
            break;
        add_rows(columns, info->n_inputs, block.x, block.n);
        for (size_t i = 0; i < block.n; i++)
            if (!info->incomplete || !info->incomplete[block.first + i])
                add_rows(columns + info->n_inputs, info->n_targets, block.y + i * info->n_targets,
                         1);
    }
    if (outcome == STATUS_OK) {
        print_columns("input", &info->input_names, columns, info->n);
        if (info->n_targets > 0)
            print_columns("target", &info->target_names, columns + info->n_inputs,
                          info->n - info->n_incomplete);
    }
    memory_free(&columns);
    source_blocks_release(&block);
    return outcome;
}

static void print_weights(const struct source_info *info)
{
    struct column column;
    begin_columns(&column, 1);
    add_rows(&column, 1, info->weight, info->n);
    print_title("weights");
    print_column("all samples", &column, info->n);
}

static void say_incomplete(const struct source_info *info)
{
    if (info->n_incomplete > 0)
        log_info("%zu of %zu rows lack a target, group or weight, and training leaves them out",
                 info->n_incomplete, info->n);
}

static status print_source(struct source *source, const char *path)
{
    const struct source_info *info = source_info(source);
    const char *separator = info->separator == ';'    ? "semicolons"
                            : info->separator == '\t' ? "tabs"
                            : info->separator == '|'  ? "bars"
                            : info->separator == ' '  ? "blanks"
                                                      : NULL;
    char separated[64] = "";
    if (separator)
        snprintf(separated, sizeof separated, ", %zu input%s, separated by %s", info->n_inputs,
                 info->n_inputs == 1 ? "" : "s", separator);
    log_info("%s: %s data, %zu sample%s%s", path, info->format->name, info->n,
             info->n == 1 ? "" : "s", separated);
    status outcome = print_numbers(source);
    if (outcome == STATUS_OK && info->has_labels)
        outcome = print_classes(info);
    else if (outcome == STATUS_OK && info->n_targets == 0)
        log_info("no targets");
    if (outcome == STATUS_OK && info->group)
        outcome = print_groups(info);
    if (outcome == STATUS_OK && info->weight)
        print_weights(info);
    if (outcome == STATUS_OK)
        say_incomplete(info);
    return outcome;
}

static bool has_gaps(const struct source *source)
{
    return source_info(source)->gap_columns.n > 0 || source_info(source)->n_incomplete > 0;
}

/* By columns, with what counts as missing. */
static status list_with_gaps(const struct source *source, const char *path)
{
    status outcome = inspect_list_csv(path);
    if (outcome == STATUS_OK)
        say_incomplete(source_info(source));
    return outcome;
}

/* A file of other things than samples, such as predictions, unless the user names the inputs. */
static status has_no_samples(const char *path, const struct options *options, bool *answer)
{
    struct hdf5_file *file = NULL;
    *answer = false;
    if (options->inputs || !source_format_of(path)->holds_objects)
        return STATUS_OK;
    status outcome = hdf5_open(path, &file);
    if (outcome == STATUS_OK)
        *answer = !hdf5_exists(file, "/x");
    return hdf5_close_after(&file, outcome);
}

/* A table that cannot be trained on is described all the same, and then the reason said. */
static status describe_csv(const char *path)
{
    char reason[2048];
    snprintf(reason, sizeof reason, "%s", status_text());
    status outcome = inspect_list_csv(path);
    return outcome == STATUS_OK || outcome == STATUS_USAGE ? status_set(STATUS_USAGE, "%s", reason)
                                                           : outcome;
}

status inspect_data(const char *path, const struct options *options)
{
    const struct string_list none = {0};
    struct source_request request = data_request(options, path);
    struct source *source = NULL;
    request.gaps = SOURCE_GAPS_KEPT;
    request.codes_gaps = true;
    request.gap_columns = &none;
    const struct source_format *format = source_format_of(path);
    bool only_objects;
    status outcome = has_no_samples(path, options, &only_objects);
    if (outcome == STATUS_OK && options->verify && format->holds_objects)
        outcome = inspect_verify_hdf5(path);
    if (outcome != STATUS_OK)
        return outcome;
    if (only_objects)
        return inspect_list_hdf5(path);
    outcome = source_open(&request, &source);
    bool opened = outcome == STATUS_OK;
    if (opened)
        outcome = source_find_gaps(source);
    if (opened && outcome == STATUS_OK)
        outcome = format->is_text && has_gaps(source) ? list_with_gaps(source, path)
                                                      : print_source(source, path);
    if (opened && outcome == STATUS_OK)
        columns_tell(options, source);
    else if (!opened && outcome == STATUS_USAGE && format->is_text)
        outcome = describe_csv(path);
    source_close(&source);
    return outcome;
}
