/* SPDX-License-Identifier: BSD-3-Clause */
/* What a training is about to learn from, as the log says it. */
#include "app/train/train_internal.h"

#include "app/problem/columns.h"

#include "base/log.h"
#include "base/memory.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* " (7 of 25 groups)": how many groups are held out, or "" if samples are. Root. */
static void held_out_groups_text(const struct training *training, char *text, size_t size)
{
    const struct source_info *info = source_info(training->source);
    const struct split *split = &training->split;
    bool *is_held_out;
    size_t n = 0;
    text[0] = '\0';
    if (!info->group || split->n_valid == 0 ||
        memory_alloc(&is_held_out, info->group_names.n, sizeof *is_held_out, "groups") != STATUS_OK)
        return;
    for (size_t i = 0; i < split->n_valid; i++) {
        size_t group = (size_t)info->group[split->valid[i]];
        n += !is_held_out[group];
        is_held_out[group] = true;
    }
    snprintf(text, size, " (%zu of %zu groups, held out whole)", n, info->group_names.n);
    memory_free(&is_held_out);
}

static void mark_classes(const struct source_info *info, const uint64_t *rows, size_t n, bool *has)
{
    for (size_t i = 0; i < n; i++)
        has[info->label[rows ? rows[i] : i]] = true;
}

/* Classes of samples held out of which no sample is left to learn from. */
static status warn_of_unlearned(const struct training *training)
{
    const struct source_info *info = source_info(training->source), *other = info;
    const struct split *split = &training->split;
    size_t n = info->classes.n, n_valid = split->n_valid;
    struct string_list names = {0};
    bool *trained = NULL, *held_out = NULL;
    char text[200];
    bool of_one_class = training->baseline.accuracy == 1; /* which is said below */
    if (!info->has_labels || !training->has_valid || of_one_class)
        return STATUS_OK;
    if (training->valid_source) {
        other = source_info(training->valid_source);
        n_valid = other->n;
    }
    status outcome = memory_alloc(&trained, n, sizeof *trained, "classes");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&held_out, n, sizeof *held_out, "classes");
    if (outcome == STATUS_OK) {
        mark_classes(info, split->train, split->n_train, trained);
        mark_classes(other, training->valid_source ? NULL : split->valid, n_valid, held_out);
    }
    for (size_t c = 0; c < n && outcome == STATUS_OK; c++)
        if (held_out[c] && !trained[c])
            outcome = string_list_add(&names, info->classes.item[c]);
    string_list_join(&names, text, sizeof text);
    if (names.n > 0)
        log_warning(
            "%zu of %zu classes %s only among the samples held out and cannot be learned: %s "
            "(another --seed holds out others)",
            names.n, n, names.n == 1 ? "is" : "are", text);
    string_list_release(&names);
    memory_free(&trained);
    memory_free(&held_out);
    return outcome;
}

/* What is the same for all samples can neither teach a model nor be learned. */
static status warn_of_constants(const struct training *training)
{
    const struct run_record *record = &training->record;
    const struct scaler *scaler = &record->scaler;
    struct string_list inputs = {0}, targets = {0};
    char text[200];
    status outcome = STATUS_OK;
    for (size_t c = 0; c < scaler->n_inputs && outcome == STATUS_OK; c++)
        if (scaler->is_constant[c])
            outcome = string_list_add(&inputs, record->input_names.item[c]);
    for (size_t c = 0; c < scaler->n_targets && outcome == STATUS_OK; c++)
        if (scaler->is_constant[scaler->n_inputs + c])
            outcome = string_list_add(&targets, record->target_names.item[c]);
    string_list_join(&inputs, text, sizeof text);
    if (inputs.n > 0)
        log_warning("%zu of %zu inputs %s the same value in all training samples and %s nothing to "
                    "tell: %s (--exclude leaves inputs out)",
                    inputs.n, scaler->n_inputs, inputs.n == 1 ? "has" : "have",
                    inputs.n == 1 ? "has" : "have", text);
    string_list_join(&targets, text, sizeof text);
    if (targets.n > 0)
        log_warning("%zu of %zu targets %s the same value in all training samples, so there is "
                    "nothing to learn: %s",
                    targets.n, scaler->n_targets, targets.n == 1 ? "has" : "have", text);
    if (record->classes.n > 0 && training->baseline.accuracy == 1)
        log_warning("all training samples are of one class; hold out others (--seed, --group)");
    string_list_release(&inputs);
    string_list_release(&targets);
    return outcome;
}

static bool is_standardised(const struct training *training)
{
    return strcmp(options_value(training->options, "scale"), "standard") == 0;
}

/* Whether neighbours among doubles of size `most` are far apart beside the spread of a column. */
static bool loses_digits(double most, double scale, bool is_constant)
{
    const double coarse = 1e-3;
    return is_constant ? most > 0x1p53 : most * DBL_EPSILON > coarse * scale;
}

/* Whole numbers beyond 2^53, and small differences of large numbers, are rounded to doubles. */
static status warn_of_lost_digits(const struct training *training)
{
    const struct run_record *record = &training->record;
    const struct scaler *scaler = &record->scaler;
    struct string_list names = {0};
    char text[200];
    status outcome = STATUS_OK;
    if (!is_standardised(training))
        return STATUS_OK;
    for (size_t c = 0; c < scaler->n_inputs && outcome == STATUS_OK; c++)
        if (loses_digits(fmax(fabs(scaler->x_least[c]), fabs(scaler->x_most[c])),
                         scaler->x_scale[c], scaler->is_constant[c]))
            outcome = string_list_add(&names, record->input_names.item[c]);
    for (size_t c = 0; c < scaler->n_targets && outcome == STATUS_OK; c++)
        if (loses_digits(fabs(scaler->y_mean[c]), scaler->y_scale[c],
                         scaler->is_constant[scaler->n_inputs + c]))
            outcome = string_list_add(&names, record->target_names.item[c]);
    string_list_join(&names, text, sizeof text);
    if (names.n > 0)
        log_warning("numbers so large that double precision rounds off what they differ by: %s; "
                    "subtract a constant from them first",
                    text);
    string_list_release(&names);
    return outcome;
}

/* An error of samples that were trained on chooses the epoch that learned them by heart. */
static void warn_of_same_samples(const struct training *training)
{
    const struct run_record *record = &training->record;
    if (training->valid_source && record->valid_fingerprint == record->data_fingerprint)
        log_warning("--valid holds the samples of --data: its errors say nothing about new ones; "
                    "hold a part out (--valid 0.2)");
}

static void tell_gaps(const struct source *source)
{
    const struct source_info *info = source_info(source);
    columns_tell_gaps(source);
    if (info->n_incomplete > 0)
        log_warning("%s: %zu of %zu rows lack a value that is needed, and are left out", info->path,
                    info->n_incomplete, info->n);
}

/* "400 training samples, 200 for validation, 2 inputs (F1, F2), 4 classes (aa, ah, ih, iy)" */
status plan_show_data(const struct training *training)
{
    const struct run_record *record = &training->record;
    char inputs[200], targets[200], groups[64], valid[128] = "";
    string_list_join(&record->input_names, inputs, sizeof inputs);
    string_list_join(record->classes.n ? &record->classes : &record->target_names, targets,
                     sizeof targets);
    held_out_groups_text(training, groups, sizeof groups);
    if (training->has_valid)
        snprintf(valid, sizeof valid, ", %zu for validation%s", training->valid_shape.n, groups);
    size_t n_targets = record->classes.n ? record->classes.n : training->problem.model.n_outputs;
    log_info("data     %s: %zu training sample%s%s, %zu input%s (%s), %zu %s%s (%s)",
             record->data_path, training->train_shape.n, training->train_shape.n == 1 ? "" : "s",
             valid, training->train_shape.n_inputs, training->train_shape.n_inputs == 1 ? "" : "s",
             inputs, n_targets, record->classes.n ? "class" : "target",
             n_targets == 1      ? ""
             : record->classes.n ? "es"
                                 : "s",
             targets);
    tell_gaps(training->source);
    if (training->valid_source)
        tell_gaps(training->valid_source);
    if (training->problem.looks_like_classes)
        log_info("hint: the targets are a few whole numbers, taken as numbers; if they name "
                 "classes, use --task classification");
    if (training->problem.has_odd_class)
        log_warning("the targets are taken as names of classes because of '%s': all others are "
                    "numbers; --task regression says where it is",
                    problem_odd_class(&record->classes));
    log_info("scaling  %s", is_standardised(training) ? "standard (mean 0, standard deviation 1)"
                                                      : options_value(training->options, "scale"));
    if (training->resume_path[0])
        return STATUS_OK;
    warn_of_same_samples(training);
    status outcome = warn_of_unlearned(training);
    if (outcome == STATUS_OK)
        outcome = warn_of_lost_digits(training);
    return outcome == STATUS_OK ? warn_of_constants(training) : outcome;
}
