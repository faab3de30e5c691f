/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/problem/columns.h"

#include "app/problem/samples_check.h"

#include "base/log.h"
#include "base/memory.h"
#include "data/formats/formats.h"
#include "data/source/gap_inputs.h"
#include "train/feed/samples.h"

#include <stdio.h>
#include <string.h>

static status check_columns(const struct source_info *info, const char *path,
                            const struct string_list *input_names)
{
    if (info->n_inputs != input_names->n)
        return status_set(
            STATUS_USAGE,
            "%s has %zu inputs, the model was trained on %zu; choose the same columns "
            "with --inputs",
            path, info->n_inputs, input_names->n);
    for (size_t i = 0; info->names_known && i < input_names->n; i++)
        if (strcmp(input_names->item[i], info->input_names.item[i]) != 0)
            return status_set(STATUS_USAGE,
                              "input %zu of %s is '%s', the model was trained with '%s' there; put "
                              "the columns in the same order",
                              i, path, info->input_names.item[i], input_names->item[i]);
    return STATUS_OK;
}

static status check_targets(struct source *source, const char *path,
                            const struct string_list *target_names,
                            const struct string_list *classes, bool numbers)
{
    const struct source_info *info = source_info(source);
    if (info->has_labels)
        return source_map_classes(source, classes);
    if (numbers && info->n_targets > 0 && info->n_targets != target_names->n)
        return status_set(
            STATUS_USAGE,
            "%s has %zu target columns, the model was trained on %zu; choose the same "
            "with --targets",
            path, info->n_targets, target_names->n);
    return STATUS_OK;
}

/* What the model was trained on, by which other data are judged. */
struct trained_on {
    const struct options *options; /* of this run, not of that one */
    const struct string_list *inputs, *targets, *classes;
    bool numbers;
};

static bool has_gap_input(const struct source_info *info, const char *column)
{
    for (size_t i = info->input_names.n; i-- > 0;)
        if (gap_input_is(info->input_names.item[i], column))
            return true;
    return false;
}

/* The mean in the place of a whole column would hardly be meant. */
static status check_gaps(const struct source_info *info)
{
    for (size_t i = 0; i < info->gap_columns.n; i++)
        if (info->gap_cells[i] == info->n && !has_gap_input(info, info->gap_columns.item[i]))
            return status_set(STATUS_USAGE,
                              "%s: column '%s' has no value in any row, and where the model was "
                              "trained it always had one (no row is complete)",
                              info->path, info->gap_columns.item[i]);
    return STATUS_OK;
}

static status open_and_check(struct source_request *request, const struct trained_on *model,
                             struct source **source)
{
    status outcome = source_open(request, source);
    if (outcome != STATUS_OK)
        return outcome;
    const struct source_info *info = source_info(*source);
    bool has_targets = info->has_labels || info->n_targets > 0;
    /* Whole numbers may be names of classes: with optional targets there, say what they are. */
    if (request->target_kind == TARGETS_OPTIONAL && has_targets &&
        info->has_labels == model->numbers) {
        source_close(source);
        request->target_kind = model->numbers ? TARGETS_NUMBERS : TARGETS_LABELS;
        outcome = source_open(request, source);
    }
    if (outcome == STATUS_OK)
        outcome = samples_check_size(model->options, *source);
    if (outcome == STATUS_OK) {
        samples_keep(*source, model->options->stream);
        outcome = source_find_gaps(*source);
    }
    if (outcome == STATUS_OK)
        outcome = check_gaps(source_info(*source));
    if (outcome == STATUS_OK)
        outcome = check_columns(source_info(*source), request->path, model->inputs);
    if (outcome == STATUS_OK)
        outcome =
            check_targets(*source, request->path, model->targets, model->classes, model->numbers);
    return outcome;
}

/*
 * Prediction does not depend on targets: those that the model can make nothing of (another class,
 * text for numbers) are left out. If that does not help it was not for them.
 */
static status open_without_targets(struct source_request *request, const struct trained_on *model,
                                   struct source **source)
{
    char reason[1024];
    snprintf(reason, sizeof reason, "%s", status_text());
    source_close(source);
    request->target_kind = TARGETS_NONE;
    status outcome = open_and_check(request, model, source);
    if (outcome == STATUS_OK)
        log_warning("%s; predicting without targets, so without h_<e>", reason);
    return outcome;
}

void columns_tell(const struct options *options, const struct source *source)
{
    const struct source_info *info = source_info(source);
    for (size_t i = 0; i < info->notes.n && !options->json; i++)
        log_info("note     %s", info->notes.item[i]);
    for (size_t i = 0; i < info->warnings.n; i++)
        log_warning("%s", info->warnings.item[i]);
}

enum { COLUMNS_TOLD = 8 };

/* "'age' 12, 'bmi' 7"; how many values that are. */
static size_t list_gaps(const struct source_info *info, bool in_model, char *text, size_t size)
{
    size_t n_told = 0, used = 0, cells = 0;
    *text = '\0';
    for (size_t i = 0; i < info->gap_columns.n; i++) {
        if (has_gap_input(info, info->gap_columns.item[i]) != in_model)
            continue;
        cells += info->gap_cells[i];
        if (n_told++ < COLUMNS_TOLD && used < size)
            used += (size_t)snprintf(text + used, size - used, "%s'%.60s' %zu", used ? ", " : "",
                                     info->gap_columns.item[i], info->gap_cells[i]);
    }
    if (n_told > COLUMNS_TOLD && used < size)
        snprintf(text + used, size - used, ", %zu more columns", n_told - COLUMNS_TOLD);
    return cells;
}

status columns_check_offset(const struct source *source, const char *offset)
{
    const struct source_info *info = source_info(source);
    long at = offset ? string_list_find(&info->gap_columns, offset) : -1;
    return at < 0 ? STATUS_OK
                  : status_set(STATUS_USAGE,
                               "%s: the offset '%s' has no value in %zu of %zu rows; fill them in, "
                               "or leave these rows out of the file",
                               info->path, offset, info->gap_cells[at], info->n);
}

void columns_tell_gaps(const struct source *source)
{
    const struct source_info *info = source_info(source);
    char text[1000];
    size_t cells = list_gaps(info, true, text, sizeof text);
    if (cells > 0)
        log_warning("%s: %zu values of inputs are missing in %zu rows (%s): each of these columns "
                    "has a learned value for empty cells, NaN and fill values",
                    info->path, cells, info->n, text);
    cells = list_gaps(info, false, text, sizeof text);
    if (cells > 0)
        log_warning("%s: %zu values of inputs are missing in %zu rows (%s) where none was missing "
                    "in training: the mean of the training samples stands for them",
                    info->path, cells, info->n, text);
}

status columns_open(const struct options *options, const char *path,
                    const struct string_list *input_names, const struct string_list *target_names,
                    const struct string_list *classes, bool numbers, bool targets_optional,
                    enum source_gaps gaps, struct source **source)
{
    const struct trained_on model = {options, input_names, target_names, classes, numbers};
    struct string_list own = {0}, gap_columns = {0};
    char *inputs = NULL, *targets = NULL;
    bool by_name = source_format_of(path)->columns_by_name;
    bool codes_gaps = options->missing == MISSING_AUTO;
    status outcome = codes_gaps ? gap_inputs_split(input_names, &own, &gap_columns)
                                : string_list_copy(&own, input_names);
    if (outcome == STATUS_OK)
        outcome = string_list_joined(&own, &inputs);
    if (outcome == STATUS_OK)
        outcome = string_list_joined(target_names, &targets);
    struct source_request request = {.path = path,
                                     .inputs = options->inputs ? options->inputs
                                               : by_name       ? inputs
                                                               : NULL,
                                     .model_inputs = &own,
                                     .gap_columns = &gap_columns,
                                     .codes_gaps = codes_gaps,
                                     .exclude = by_name ? NULL : options->exclude,
                                     .categories = by_name ? NULL : options->categories,
                                     .exclude_if_there = true,
                                     .gaps = gaps,
                                     .targets = options->targets ? options->targets
                                                : by_name        ? targets
                                                                 : NULL,
                                     .group = options->group,
                                     .weight = options->weight,
                                     .target_kind = targets_optional ? TARGETS_OPTIONAL
                                                    : numbers        ? TARGETS_NUMBERS
                                                                     : TARGETS_LABELS};
    if (outcome == STATUS_OK)
        outcome = open_and_check(&request, &model, source);
    if (outcome == STATUS_USAGE && targets_optional)
        outcome = open_without_targets(&request, &model, source);
    if (outcome == STATUS_OK)
        columns_tell(options, *source);
    memory_free(&inputs);
    memory_free(&targets);
    string_list_release(&own);
    string_list_release(&gap_columns);
    return outcome;
}
