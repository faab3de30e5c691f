/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/train/train_internal.h"

#include "app/problem/columns.h"
#include "base/memory.h"
#include "data/formats/formats.h"
#include "data/samples/epoch_order.h"
#include "model/gate/committee.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A number that is not the name of a file: the share of the samples to hold out. */
static bool is_share(const char *valid, double *share)
{
    char *end;
    *share = strtod(valid, &end);
    return end != valid && *end == '\0' && access(valid, F_OK) != 0;
}

static status open_validation(struct training *training, const char *path)
{
    const struct source_info *info = source_info(training->source);
    bool refuses = training->options->missing == MISSING_REFUSE;
    status outcome =
        columns_open(training->options, path, &info->input_names, &info->target_names,
                     &info->classes, !info->has_labels, false,
                     refuses ? SOURCE_GAPS_REFUSED : SOURCE_GAPS_KEPT, &training->valid_source);
    return outcome == STATUS_OK ? outcome : status_prefix(outcome, "--valid");
}

/* Which rows of a validation file; all if none of them lacks a value. */
static status choose_valid_rows(struct training *training)
{
    const struct source_info *info = source_info(training->valid_source);
    size_t kept = 0;
    if (!info->incomplete)
        return STATUS_OK;
    status outcome = memory_alloc(&training->valid_rows, info->n - info->n_incomplete,
                                  sizeof *training->valid_rows, "sample numbers");
    for (size_t i = 0; i < info->n && outcome == STATUS_OK; i++)
        if (!info->incomplete[i])
            training->valid_rows[kept++] = i;
    return outcome;
}

/* After the inputs are known that training makes of gaps. */
static status take_validation(struct training *training)
{
    const struct options *options = training->options;
    if (!training->has_valid || training->split.n_valid > 0)
        return STATUS_OK;
    status outcome = open_validation(training, options->valid ? options->valid
                                                              : source_validation(options->data));
    if (outcome == STATUS_OK)
        outcome = columns_check_offset(training->valid_source, options->offset);
    return outcome == STATUS_OK ? choose_valid_rows(training) : outcome;
}

/* Leaves out rows that lack a value which is needed. */
static status leave_out(struct training *training)
{
    const struct source_info *info = source_info(training->source);
    struct split *split = &training->split;
    bool had_valid = split->n_valid > 0;
    if (!info->incomplete)
        return STATUS_OK;
    split_leave_out(split->train, &split->n_train, info->incomplete);
    split_leave_out(split->valid, &split->n_valid, info->incomplete);
    if (split->n_train > 0 && (split->n_valid > 0 || !had_valid))
        return STATUS_OK;
    return status_set(STATUS_USAGE, "%s: of the samples for %s none has all values that are needed",
                      info->path, split->n_train == 0 ? "training" : "validation");
}

/* Which samples are for training, and where those for validation come from. */
static status split_samples(struct training *training)
{
    const struct options *options = training->options;
    const struct source_info *info = source_info(training->source);
    const char *valid = options->valid ? options->valid : source_validation(options->data);
    double share = 0;
    char text[4300] = "all samples";
    bool by_share = valid && is_share(valid, &share);
    if (by_share && !(share > 0 && share < 1))
        return status_set(STATUS_USAGE,
                          "--valid %s: a share lies between 0 and 1, as in --valid 0.2", valid);
    status outcome = split_init(&training->split, info->n, info->group, info->group_names.n,
                                by_share ? share : 0, options->seed);
    if (by_share)
        snprintf(text, sizeof text, "%s of the samples held out, by %s and seed %llu", valid,
                 info->group ? "group" : "sample", (unsigned long long)options->seed);
    else if (valid)
        snprintf(text, sizeof text, "all samples, validation on %s", valid);
    training->has_valid = valid != NULL;
    training->record.data_split = memory_strdup(text);
    return outcome;
}

/* Which samples each member of a committee leaves out; without --valid, they are for validation. */
static status deal_folds(struct training *training)
{
    const struct options *options = training->options;
    const struct source_info *info = source_info(training->source);
    const struct split *split = &training->split;
    if (options->committee == 1)
        return STATUS_OK;
    if (options->replicas > 1)
        return status_set(STATUS_USAGE, "--committee and --replicas cannot be combined; use "
                                        "--committee 1");
    status outcome = memory_alloc(&training->fold, split->n_train, sizeof *training->fold,
                                  "the folds of a committee");
    if (outcome == STATUS_OK)
        outcome =
            split_folds(split, info->group, info->group_names.n, info->label, info->classes.n,
                        committee_folds((size_t)options->committee), options->seed, training->fold);
    training->judges_unseen = true;
    return outcome;
}

static void set_shapes(struct training *training)
{
    const struct source_info *info = source_info(training->source);
    struct dataset_shape shape = {.n = training->split.n_train,
                                  .n_inputs = info->n_inputs,
                                  .n_targets = info->n_targets,
                                  .has_labels = info->has_labels,
                                  .has_weights = info->weight != NULL};
    training->train_shape = shape;
    shape.n = training->split.n_valid;
    if (training->valid_source) {
        const struct source_info *valid = source_info(training->valid_source);
        shape.n = valid->n - valid->n_incomplete;
        shape.has_weights = source_info(training->valid_source)->weight != NULL;
    }
    training->valid_shape = shape;
}

static status check_replicas(const struct training *training)
{
    const struct options *options = training->options;
    size_t samples = training->train_shape.n;
    if (options->batch_size > 0 && (size_t)options->batch_size < samples)
        samples = (size_t)options->batch_size;
    return replicas_check(options->replicas, training->comm->size, samples);
}

/* Puts what `auto` has become into the options, so that it is recorded. */
static status record_choices(struct training *training)
{
    const struct problem *problem = &training->problem;
    struct options *options = training->options;
    char micro_batch[32], stream_block[32], variance[64];
    options->variance_is_learned = problem->model.variance_is_learned;
    snprintf(variance, sizeof variance, "%s", options_value(options, "variance"));
    size_t n = training->train_shape.n;
    size_t batch = options->batch_size > 0 && (size_t)options->batch_size < n
                       ? (size_t)options->batch_size
                       : n;
    /* A replica computes its share of the batch. */
    size_t share = (batch + (size_t)options->replicas - 1) / (size_t)options->replicas;
    size_t size = options->micro_batch > 0 ? (size_t)options->micro_batch
                                           : model_micro_batch(&problem->model, share);
    size_t most = options->micro_batch > 0 ? batch : share;
    size = size < most ? size : most;
    if (training->recorded_micro_batch > 0 && (size_t)training->recorded_micro_batch != size)
        return status_set(STATUS_USAGE,
                          "--micro-batch is %zu, but %s was trained with %ld; leave the option out "
                          "to continue, or start a new run in another directory",
                          size, training->resume_path, training->recorded_micro_batch);
    snprintf(micro_batch, sizeof micro_batch, "%zu", size);
    size_t width = training->train_shape.n_inputs + training->train_shape.n_targets;
    snprintf(stream_block, sizeof stream_block, "%zu",
             options->stream_block > 0 ? (size_t)options->stream_block
                                       : epoch_order_auto_block(n, width));
    struct {
        const char *key, *value;
    } choices[] = {{"task", problem->task == TASK_REGRESSION ? "regression" : "classification"},
                   {"expert_output", output_names[problem->model.output]},
                   {"likelihood", likelihood_names[problem->model.likelihood]},
                   {"variance", variance},
                   {"micro_batch", micro_batch},
                   {"stream_block", stream_block}};
    status outcome = STATUS_OK;
    for (size_t i = 0; i < sizeof choices / sizeof choices[0] && outcome == STATUS_OK; i++)
        outcome = options_set(options, choices[i].key, choices[i].value, "automatic choice");
    return outcome;
}

static status add_config(const struct option_entry *entry, const char *value, void *context)
{
    struct run_record *record = context;
    char key[OPTION_KEY_SIZE];
    if (entry->traits & OPTION_UNRECORDED)
        return STATUS_OK;
    option_key(entry, key);
    status outcome = string_list_add(&record->config_keys, key);
    if (outcome == STATUS_OK)
        outcome = string_list_add(&record->config_values, value);
    return outcome;
}

status record_options(const struct options *options, struct run_record *record)
{
    return options_visit(options, add_config, record);
}

/* Of each of the names; none at all if the data tell no unit of any. */
static status copy_units(const struct source_info *info, const struct string_list *names,
                         struct string_list *units)
{
    bool any = false;
    status outcome = STATUS_OK;
    for (size_t i = 0; i < names->n; i++)
        any = any || *source_unit(info, names->item[i]);
    for (size_t i = 0; i < names->n && any && outcome == STATUS_OK; i++)
        outcome = string_list_add(units, source_unit(info, names->item[i]));
    return outcome;
}

static status fill_record(struct training *training)
{
    const struct source_info *info = source_info(training->source);
    struct run_record *record = &training->record;
    record->data_path = memory_strdup(training->options->data);
    record->data_n = info->n;
    status outcome = string_list_copy(&record->input_names, &info->input_names);
    if (outcome == STATUS_OK)
        outcome = string_list_copy(&record->target_names, &info->target_names);
    if (outcome == STATUS_OK)
        outcome = copy_units(info, &record->input_names, &record->input_units);
    if (outcome == STATUS_OK)
        outcome = copy_units(info, &record->target_names, &record->target_units);
    if (outcome == STATUS_OK && info->has_labels)
        outcome = string_list_copy(&record->classes, &info->classes);
    if (outcome == STATUS_OK)
        outcome = record_options(training->options, record);
    return outcome;
}

/* An offset is taken as it is, and experts begin where their mean with it is that of the targets.
 */
static void leave_offset(struct training *training, const struct data_survey *survey)
{
    struct model_config *model = &training->problem.model;
    size_t at = model->expert_inputs.offset;
    if (at == 0)
        return;
    training->record.scaler.x_mean[at - 1] = 0;
    training->record.scaler.x_scale[at - 1] = 1;
    model->output_start -= survey->moments.mean[at - 1];
}

static status scale(struct training *training, const struct data_survey *survey)
{
    const struct options *options = training->options;
    struct problem *problem = &training->problem;
    struct run_record *record = &training->record;
    record->data_fingerprint = survey->fingerprint;
    status outcome =
        scaler_fit(&record->scaler, source_info(training->source), survey, options->scaling,
                   options->scale_number, problem_scales_targets(problem));
    if (outcome == STATUS_OK)
        outcome = problem_measure(problem, training->source, &record->scaler, training->split.train,
                                  training->split.n_train, &record->target_variance);
    if (outcome == STATUS_OK)
        leave_offset(training, survey);
    return outcome;
}

/* What the metrics are to be compared with, for the end of the run. */
static status measure_baselines(struct training *training)
{
    const struct problem *problem = &training->problem;
    const struct split *split = &training->split;
    const struct metrics_config config = problem_metrics(problem, NULL);
    status outcome = baseline_measure(training->source, split->train, split->n_train, problem,
                                      &config, &training->baseline);
    training->baseline_valid = (struct baseline){NAN, NAN};
    if (outcome != STATUS_OK || !training->has_valid)
        return outcome;
    if (!training->valid_source)
        return baseline_measure(training->source, split->valid, split->n_valid, problem, &config,
                                &training->baseline_valid);
    return baseline_measure(training->valid_source, training->valid_rows, training->valid_shape.n,
                            problem, &config, &training->baseline_valid);
}

void training_set_config(struct training *training)
{
    const struct options *options = training->options;
    struct trainer_config *config = &training->config;
    *config = (struct trainer_config){
        .optimizer = {options->optimizer, options->momentum, options->weight_decay},
        .schedule = options->schedule,
        .anneal = options->anneal,
        .learning_rate = options->learning_rate,
        .clip = options->clip,
        .stop_error = options->stop_error,
        .forgetting = options->forgetting,
        .stop_likelihood = options->stop_likelihood,
        .time_limit = options->time_limit,
        .batch_size = (size_t)options->batch_size,
        .micro_batch = (size_t)options->micro_batch,
        .stream_block = (size_t)options->stream_block,
        .replicas = (int)options->replicas,
        .epochs = options->epochs,
        .patience = options->patience,
        .starts = options->starts,
        .metrics_every = options->metrics_every,
        .seed = options->seed,
        .keep = (int)options->keep,
        .on_nan = options->on_nan,
        .progress_mode = options->progress,
        .variance_is_unseen = options->variance_is_unseen,
        .profile = options->profile};
    if (options->checkpoint_unit == INTERVAL_EPOCHS)
        config->save_every_epochs = options->checkpoint_every;
    else if (options->checkpoint_unit == INTERVAL_STEPS)
        config->save_every_steps = options->checkpoint_every;
    else if (options->checkpoint_unit == INTERVAL_MINUTES)
        config->save_every_seconds = 60.0 * (double)options->checkpoint_every;
}

/* What EM cannot do, and what would mean nothing to it. */
static status check_em(const struct training *training)
{
    const struct options *options = training->options;
    size_t n = training->train_shape.n;
    const struct gate_kind *gate = gate_kind_of(options->gate);
    bool has_steps = optimizer_method_of(options->optimizer)->has_steps;
    if (has_steps && !gate->is_network)
        return status_set(STATUS_USAGE,
                          "--gate %s has its maximum in closed form and no gradient: give "
                          "--optimizer em, or use --gate softmax",
                          gate->name);
    if (has_steps)
        return STATUS_OK;
    if (options->committee > 1)
        return status_set(
            STATUS_USAGE,
            "--committee needs gradient steps, not --optimizer em; leave it out, or use adam");
    const struct em_config config = {.batch_size = (size_t)options->batch_size};
    if (options->forgetting < 0.5 || options->forgetting > 1)
        return status_set(STATUS_USAGE, "--forgetting must be from 0.5 to 1, not %g",
                          options->forgetting);
    if (options->clip > 0 || options->weight_decay > 0)
        return status_set(STATUS_USAGE,
                          "--%s changes a gradient step, which --optimizer em does not make; leave "
                          "it out",
                          options->clip > 0 ? "clip" : "weight-decay");
    if (options->schedule.kind != SCHEDULE_CONSTANT)
        return status_set(STATUS_USAGE, "--schedule changes a learning rate, which --optimizer em "
                                        "does not have; leave it out");
    if (options->precision == PRECISION_BF16)
        return status_set(STATUS_USAGE,
                          "--precision bf16 rounds the products of a gradient step, which "
                          "--optimizer em does not make; leave it out, or use adam");
    if (options->top_k > 0 && options->top_k < options->experts)
        return status_set(STATUS_USAGE,
                          "--top-k: --optimizer em needs the posterior of every expert; leave it "
                          "out, or use adam");
    if (options->balance_weight != 0 || options->entropy_weight != 0)
        return status_set(STATUS_USAGE,
                          "--%s-weight adds to the gate's gradient, which --optimizer em does not "
                          "follow; leave it out, or use adam",
                          options->balance_weight != 0 ? "balance" : "entropy");
    if (options->replicas > 1)
        return status_set(STATUS_USAGE,
                          "--replicas share the batches of a gradient step, which --optimizer em "
                          "does not make; leave it out");
    if (options->stream == STREAM_ALWAYS && !em_is_online(&config, n))
        return status_set(STATUS_USAGE,
                          "--stream always: --optimizer em goes over all samples more than once in "
                          "an iteration and keeps them in memory; leave it out, give --batch-size "
                          "and --gate gaussian (on-line EM), or use adam");
    return em_check(&training->problem.model, &config, n);
}

/* What options and samples say together, before anything is measured of the samples. */
static status check_together(const struct training *training)
{
    const struct options *options = training->options;
    status outcome = check_em(training);
    if (outcome == STATUS_OK && options->variance_is_unseen &&
        !likelihood_is_of_squares(training->problem.model.likelihood))
        outcome = status_set(STATUS_USAGE, "--variance unseen is that of squared errors and needs "
                                           "--likelihood gaussian; use --variance learned");
    if (outcome == STATUS_OK && options->variance_is_unseen && options->committee == 1)
        outcome = status_set(STATUS_USAGE, "--variance unseen is measured on samples that members "
                                           "of a committee leave out: give --committee 5, or use "
                                           "--variance learned");
    if (outcome == STATUS_OK && options->anneal.from < 1 && options->error != ERROR_MIXTURE)
        outcome = status_set(STATUS_USAGE, "--anneal needs --error mixture: the other "
                                           "errors have no posterior");
    return outcome == STATUS_OK ? check_replicas(training) : outcome;
}

static status take_survey(struct training *training, struct data_survey *survey)
{
    status outcome = leave_out(training);
    if (outcome != STATUS_OK)
        return outcome;
    samples_keep(training->source, training->options->stream);
    return data_survey_take(survey, training->source, training->split.train,
                            training->split.n_train);
}

/*
 * The source with everything that is asked of its numbers, in one pass over them; if that finds
 * some missing, in a second one.
 */
static status look_at_data(struct training *training, struct data_survey *survey)
{
    bool has_changed = false;
    status outcome =
        problem_open_source(training->options, training->options->data, &training->source);
    if (outcome == STATUS_OK)
        outcome = split_samples(training);
    if (outcome == STATUS_OK)
        outcome = source_watch_gaps(training->source);
    if (outcome == STATUS_OK)
        outcome = take_survey(training, survey);
    if (outcome == STATUS_OK)
        outcome = source_take_gaps(training->source, &has_changed);
    if (outcome == STATUS_OK && has_changed) {
        data_survey_release(survey);
        outcome = take_survey(training, survey);
    }
    if (outcome == STATUS_OK)
        outcome = columns_check_offset(training->source, training->options->offset);
    return outcome == STATUS_OK ? take_validation(training) : outcome;
}

static status prepare(struct training *training, struct data_survey *survey)
{
    struct options *options = training->options;
    status outcome = look_at_data(training, survey);
    if (outcome == STATUS_OK)
        outcome = problem_resolve(options, source_info(training->source), &survey->targets,
                                  &training->problem);
    if (outcome == STATUS_OK)
        outcome = deal_folds(training);
    if (outcome != STATUS_OK)
        return outcome;
    set_shapes(training);
    outcome = check_together(training);
    if (outcome == STATUS_OK)
        outcome = scale(training, survey);
    if (outcome == STATUS_OK && training->valid_source) {
        samples_keep(training->valid_source, options->stream);
        outcome = source_fingerprint(training->valid_source, &training->record.valid_fingerprint);
    }
    if (outcome == STATUS_OK)
        outcome = measure_baselines(training);
    if (outcome == STATUS_OK)
        outcome = record_choices(training);
    if (outcome == STATUS_OK)
        outcome = fill_record(training);
    training_set_config(training);
    if (outcome == STATUS_OK && options->patience > 0 && !training->has_valid &&
        !training->judges_unseen)
        outcome = status_set(STATUS_USAGE, "--patience watches the validation error: give --valid, "
                                           "for example --valid 0.2");
    return outcome;
}

status training_prepare(struct training *training)
{
    struct data_survey survey = {0};
    status outcome = prepare(training, &survey);
    data_survey_release(&survey);
    return outcome;
}
