#include "coterie/app/columns.h"

#include "coterie/app/samples.h"
#include "coterie/base/memory.h"
#include "coterie/data/builtin.h"
#include "coterie/data/hdf5_file.h"

#include <stdio.h>

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
        if (string_list_find(input_names, info->input_names.item[i]) != (long)i)
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

status columns_open(const struct options *options, const char *path,
                    const struct string_list *input_names, const struct string_list *target_names,
                    const struct string_list *classes, bool numbers, bool targets_optional,
                    struct source **source)
{
    char *inputs = NULL, *targets = NULL;
    bool by_name = builtin_is_name(path) || !hdf5_is_hdf5(path);
    status outcome = string_list_joined(input_names, &inputs);
    if (outcome == STATUS_OK)
        outcome = string_list_joined(target_names, &targets);
    struct source_request request = {.path = path,
                                     .inputs = options->inputs ? options->inputs
                                               : by_name       ? inputs
                                                               : NULL,
                                     .targets = options->targets ? options->targets
                                                : by_name        ? targets
                                                                 : NULL,
                                     .group = options->group,
                                     .weight = options->weight,
                                     .target_kind = targets_optional ? TARGETS_OPTIONAL
                                                    : numbers        ? TARGETS_NUMBERS
                                                                     : TARGETS_LABELS};
    if (outcome == STATUS_OK)
        outcome = source_open(&request, source);
    /* Whole numbers may be names of classes: with targets there, say what they are. */
    if (outcome == STATUS_OK && targets_optional &&
        (source_info(*source)->has_labels || source_info(*source)->n_targets > 0) &&
        source_info(*source)->has_labels == numbers) {
        source_close(source);
        request.target_kind = numbers ? TARGETS_NUMBERS : TARGETS_LABELS;
        outcome = source_open(&request, source);
    }
    if (outcome == STATUS_OK)
        outcome = samples_check_size(*source);
    if (outcome == STATUS_OK)
        outcome = check_columns(source_info(*source), path, input_names);
    if (outcome == STATUS_OK)
        outcome = check_targets(*source, path, target_names, classes, numbers);
    memory_free(&inputs);
    memory_free(&targets);
    return outcome;
}
