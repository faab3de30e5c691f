/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/problem/problem.h"
#include "app/problem/samples_check.h"

#include "app/problem/columns.h"
#include "app/problem/data_request.h"

#include "base/log.h"
#include "base/memory.h"
#include "data/csv/csv_cell.h"
#include "data/csv/csv_odd.h"
#include "data/formats/formats.h"
#include "data/source/source_blocks.h"
#include "train/feed/samples.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool has_likelihood(const struct options *options, enum likelihood_kind kind)
{
    return options->likelihood == (int)kind;
}

/* Whether the likelihood that the options name, if they do, is one of classes. */
static bool has_likelihood_of_classes(const struct options *options)
{
    return options->likelihood != LIKELIHOOD_CHOICE_AUTO &&
           likelihood_family((enum likelihood_kind)options->likelihood)->is_classifier;
}

/* Task and likelihood as far as the options alone tell. */
static bool wants_classes(const struct options *options)
{
    return options->task == TASK_CLASSIFICATION || has_likelihood_of_classes(options);
}

static status check_task(const struct options *options)
{
    if (options->task == TASK_REGRESSION && has_likelihood_of_classes(options))
        return status_set(STATUS_USAGE,
                          "--likelihood %s is for classes and cannot be combined with --task "
                          "regression; leave one out",
                          options_value(options, "likelihood"));
    return STATUS_OK;
}

status problem_open_source(const struct options *options, const char *path, struct source **source)
{
    struct source_request request = data_request(options, path);
    status outcome = check_task(options);
    if (outcome != STATUS_OK)
        return outcome;
    request.target_kind = options->task == TASK_REGRESSION ? TARGETS_NUMBERS : TARGETS_AUTO;
    request.wants_classes = wants_classes(options);
    request.gaps = options->missing == MISSING_REFUSE ? SOURCE_GAPS_REFUSED : SOURCE_GAPS_KEPT;
    request.codes_gaps = options->missing == MISSING_AUTO;
    outcome = source_open(&request, source);
    if (outcome == STATUS_OK)
        outcome = samples_check_size(options, *source);
    if (outcome == STATUS_OK)
        outcome = samples_check_stream(options, *source);
    if (outcome != STATUS_OK)
        return outcome;
    /* One column of numbers may name classes; several are probabilities of classes. */
    const struct source_info *info = source_info(*source);
    bool may_be_binary = has_likelihood(options, LIKELIHOOD_BERNOULLI);
    if (wants_classes(options) && !info->has_labels && info->n_targets <= 1 && !may_be_binary) {
        source_close(source);
        request.target_kind = TARGETS_LABELS;
        outcome = source_open(&request, source);
    }
    if (outcome == STATUS_OK)
        columns_tell(options, *source);
    return outcome;
}

const char *problem_odd_class(const struct string_list *classes)
{
    const char *odd = NULL;
    for (size_t i = 0; i < classes->n; i++) {
        char *end;
        strtod(classes->item[i], &end);
        if (end != classes->item[i] && *end == '\0')
            continue;
        if (odd)
            return NULL;
        odd = classes->item[i];
    }
    return classes->n > 2 ? odd : NULL;
}

/* One cell that is no number makes classes of a column of numbers. */
static status check_odd_class(const struct options *options, const struct source_info *info,
                              const char *path, struct problem *problem)
{
    const char *odd = problem_odd_class(&info->classes);
    if (!odd || options->task != TASK_AUTO || wants_classes(options))
        return STATUS_OK;
    if (csv_is_missing_mark(odd))
        return status_set(
            STATUS_USAGE,
            "%s: all targets but '%s' are numbers; if that is a missing value, remove it (--task "
            "regression says where it is); if all are names of classes, use --task classification",
            path, odd);
    problem->has_odd_class = true;
    return STATUS_OK;
}

/*
 * Names of samples, and quantities as whole numbers, are no classes: hardly any value has a second
 * sample. Who means it can say so.
 */
static status check_many_classes(const struct options *options, const struct source_info *info,
                                 const char *path)
{
    enum { FEW_TEXTS = 10, FEW_NUMBERS = 20 };
    size_t n = info->classes.n;
    bool numbers = true, asked = options->task != TASK_AUTO || wants_classes(options);
    for (size_t i = 0; i < n; i++)
        numbers = numbers && csv_is_number_like(info->classes.item[i]);
    bool many = numbers ? n > FEW_NUMBERS && 5 * n > info->n : n > FEW_TEXTS && 2 * n > info->n;
    const char *example = NULL;
    const char *odd = asked ? NULL : csv_odd_kind_of_all(&info->classes, &example);
    if (odd)
        return status_set(
            STATUS_USAGE,
            "%s: the targets '%s' are %s ('%s'), which are not read as quantities; write them as "
            "numbers, or say --task classification if they are names of classes",
            path, info->target_names.item[0], odd, example);
    if (asked || !many)
        return STATUS_OK;
    return status_set(
        STATUS_USAGE,
        "%s: '%s' would be %zu classes ('%s', ...) in %zu samples, too many to learn; "
        "%schoose another column with --targets, or say --task classification if "
        "these are classes",
        path, info->target_names.item[0], n, info->classes.item[0], info->n,
        numbers ? "say --task regression if these are quantities, " : "");
}

/* By enum target_domain. */
static const char *const domain_words[] = {[TARGETS_ANY_NUMBER] = "numbers",
                                           [TARGETS_COUNTS] =
                                               "counts, whole numbers from 0 to 16777216",
                                           [TARGETS_POSITIVE] = "numbers above 0"};

static status resolve_labels(const struct options *options, const struct source_info *info,
                             const char *path, struct problem *problem)
{
    size_t n_classes = info->classes.n;
    if (options->likelihood != LIKELIHOOD_CHOICE_AUTO &&
        likelihood_family((enum likelihood_kind)options->likelihood)->targets != TARGETS_ANY_NUMBER)
        return status_set(
            STATUS_USAGE,
            "%s: --likelihood %s is for %s, but the targets are names of classes; use --likelihood "
            "categorical",
            path, options_value(options, "likelihood"),
            domain_words[likelihood_family((enum likelihood_kind)options->likelihood)->targets]);
    bool one_output = has_likelihood(options, LIKELIHOOD_BERNOULLI) ||
                      (options->expert_output == OUTPUT_LOGISTIC && n_classes == 2);
    if (n_classes < 2)
        return status_set(STATUS_USAGE,
                          "all %zu targets of %s are of one class ('%s'); a classifier needs two "
                          "or more",
                          info->n, path, n_classes ? info->classes.item[0] : "");
    if (one_output && n_classes != 2)
        return status_set(STATUS_USAGE,
                          "--likelihood bernoulli needs two classes, %s has %zu; use categorical",
                          path, n_classes);
    status outcome = check_odd_class(options, info, path, problem);
    if (outcome == STATUS_OK)
        outcome = check_many_classes(options, info, path);
    if (outcome != STATUS_OK)
        return outcome;
    problem->task = TASK_CLASSIFICATION;
    problem->model.n_outputs = one_output ? 1 : n_classes;
    if (options->likelihood == LIKELIHOOD_CHOICE_AUTO && options->error == ERROR_MIXTURE)
        problem->model.likelihood = one_output ? LIKELIHOOD_BERNOULLI : LIKELIHOOD_CATEGORICAL;
    if (options->expert_output == OUTPUT_CHOICE_AUTO)
        problem->model.output = one_output ? OUTPUT_LOGISTIC : OUTPUT_SOFTMAX;
    problem->has_accuracy = true;
    return STATUS_OK;
}

/* Whole numbers in a range below this may well be meant as classes. */
enum { FEW_CLASSES = 10 };

static status check_domain(const struct options *options, enum target_domain domain,
                           const struct target_facts *facts, const char *path)
{
    const struct target_exceptions none = {0};
    const struct target_exceptions *found = domain == TARGETS_COUNTS     ? &facts->no_counts
                                            : domain == TARGETS_POSITIVE ? &facts->no_positive
                                                                         : &none;
    if (found->n == 0)
        return STATUS_OK;
    return status_set(
        STATUS_USAGE,
        "%s: --likelihood %s is for %s, but sample %zu has the target %g (%zu samples "
        "have such targets); use --likelihood gaussian, or leave these samples out",
        path, options_value(options, "likelihood"), domain_words[domain], found->first,
        found->target, found->n);
}

static status resolve_numbers(const struct options *options, const struct source_info *info,
                              const struct target_facts *facts, const char *path,
                              struct problem *problem)
{
    problem->task = wants_classes(options) ? TASK_CLASSIFICATION : TASK_REGRESSION;
    problem->model.n_outputs = info->n_targets;
    if (problem->task == TASK_CLASSIFICATION) {
        bool bernoulli = has_likelihood(options, LIKELIHOOD_BERNOULLI);
        if (facts->least < 0 || facts->most > 1 || (!bernoulli && !facts->rows_sum_to_1))
            return status_set(STATUS_USAGE,
                              "the targets of %s are numbers from %g to %g, but %s; give labels "
                              "with --targets, or leave out --likelihood and --task",
                              path, facts->least, facts->most,
                              bernoulli ? "Bernoulli targets lie in [0, 1]"
                                        : "probabilities of classes lie in [0, 1] and sum to 1");
        if (options->likelihood == LIKELIHOOD_CHOICE_AUTO && options->error == ERROR_MIXTURE)
            problem->model.likelihood = LIKELIHOOD_CATEGORICAL;
        if (options->expert_output == OUTPUT_CHOICE_AUTO)
            problem->model.output = bernoulli ? OUTPUT_LOGISTIC : OUTPUT_SOFTMAX;
        problem->has_accuracy = true;
        return STATUS_OK;
    }
    status outcome =
        check_domain(options, likelihood_family(problem->model.likelihood)->targets, facts, path);
    if (outcome != STATUS_OK)
        return outcome;
    bool bounded = output_functions[problem->model.output].bound > 0;
    if (bounded && (facts->least < 0 || facts->most > 1))
        return status_set(STATUS_USAGE,
                          "the targets of %s range from %g to %g, but --expert-output %s gives "
                          "only 0 to 1; use identity",
                          path, facts->least, facts->most, options_value(options, "expert_output"));
    problem->has_accuracy =
        output_functions[problem->model.output].decides_each && facts->are_binary;
    problem->has_rmse = true;
    problem->looks_like_classes = options->task == TASK_AUTO && info->n_targets == 1 &&
                                  output_functions[problem->model.output].is_unit_free &&
                                  facts->are_whole && facts->most > facts->least &&
                                  facts->most - facts->least < FEW_CLASSES;
    return STATUS_OK;
}

/* The output function that a likelihood needs, else o = z. */
static enum output_kind default_output(enum likelihood_kind likelihood)
{
    int needed = likelihood_family(likelihood)->output;
    bool needs_it = needed != OUTPUT_ANY && !likelihood_family(likelihood)->is_classifier;
    return needs_it ? (enum output_kind)needed : OUTPUT_IDENTITY;
}

static void copy_model_options(const struct options *options, struct model_config *model)
{
    model->n_members = (size_t)options->committee;
    model->n_experts = model->n_members * (size_t)options->experts;
    model->n_expert_hidden = options->expert_hidden.n;
    memcpy(model->expert_hidden, options->expert_hidden.width, sizeof model->expert_hidden);
    model->n_gate_hidden = options->gate_hidden.n;
    memcpy(model->gate_hidden, options->gate_hidden.width, sizeof model->gate_hidden);
    model->gate = options->gate;
    model->gate_levels = options->gate_levels;
    model->activation = options->activation;
    model->is_bf16 = options->precision == PRECISION_BF16;
    model->error = options->error;
    model->top_k = (size_t)options->top_k;
    model->balance_weight = options->balance_weight;
    model->entropy_weight = options->entropy_weight;
    model->variance = options->variance;
    model->freedom = options->freedom;
    model->likelihood = options->likelihood == LIKELIHOOD_CHOICE_AUTO
                            ? LIKELIHOOD_GAUSSIAN
                            : (enum likelihood_kind)options->likelihood;
    model->output = options->expert_output == OUTPUT_CHOICE_AUTO
                        ? default_output(model->likelihood)
                        : (enum output_kind)options->expert_output;
    const struct likelihood_family *family = likelihood_family(model->likelihood);
    model->variance_is_learned =
        options->variance_is_learned || (family->learns && !options_is_set(options, "variance"));
    model->freedom_is_learned = family->has_freedom && options->freedom_is_learned;
}

status problem_read_offset(struct options *options)
{
    struct string_list names = {0};
    char *all = NULL;
    if (!options->offset || !*options->offset || !options->inputs || !*options->inputs)
        return STATUS_OK;
    status outcome = string_list_add_split(&names, options->inputs);
    if (outcome == STATUS_OK && string_list_find(&names, options->offset) < 0)
        outcome = string_list_add(&names, options->offset);
    if (outcome == STATUS_OK)
        outcome = string_list_joined(&names, &all);
    if (outcome == STATUS_OK)
        outcome = options_set(options, "inputs", all, "--offset");
    string_list_release(&names);
    memory_free(&all);
    return outcome;
}

/* What gate and experts see, by the names of the inputs. */
static status choose_inputs(const struct options *options, const struct string_list *names,
                            struct model_config *model)
{
    status outcome =
        input_choice_read("gate-inputs", options->gate_inputs, names, &model->gate_inputs);
    if (outcome == STATUS_OK)
        outcome = input_choice_read("expert-inputs", options->expert_inputs, names,
                                    &model->expert_inputs);
    bool gate_is_told = options->gate_inputs && *options->gate_inputs;
    return outcome == STATUS_OK ? model_set_offset(model, options->offset, gate_is_told, names)
                                : outcome;
}

static bool reads_nll_from_mixture(const struct problem *problem)
{
    const struct model_config *model = &problem->model;
    return problem->task == TASK_REGRESSION ||
           (model->error == ERROR_MIXTURE && likelihood_family(model->likelihood)->is_classifier);
}

status problem_resolve(const struct options *options, const struct source_info *info,
                       const struct target_facts *targets, struct problem *problem)
{
    const char *path = options->data;
    memset(problem, 0, sizeof *problem);
    copy_model_options(options, &problem->model);
    problem->model.n_inputs = info->n_inputs;
    problem->has_labels = info->has_labels;
    status outcome = info->has_labels ? resolve_labels(options, info, path, problem)
                                      : resolve_numbers(options, info, targets, path, problem);
    if (outcome == STATUS_OK)
        outcome = choose_inputs(options, &info->input_names, &problem->model);
    if (outcome == STATUS_OK)
        outcome = model_config_check(&problem->model);
    problem->nll_from_mixture = reads_nll_from_mixture(problem);
    return outcome;
}

bool problem_scales_targets(const struct problem *problem)
{
    return problem->task == TASK_REGRESSION && output_functions[problem->model.output].is_unit_free;
}

/* (O/2) ln 2 pi, and what standardised targets hide: sum_k ln scale_k */
static double density_offset(const struct problem *problem, const struct scaler *scaler)
{
    double offset = 0;
    if (problem->task != TASK_REGRESSION)
        return offset;
    offset = (double)problem->model.n_outputs *
             likelihood_family(problem->model.likelihood)->minus_constant;
    for (size_t k = 0; k < scaler->n_targets; k++)
        offset += log(scaler->y_scale[k]);
    return offset;
}

/* A share of the targets' variance; with a log link what a family has is of no unit. */
static double variance_floor(const struct problem *problem, double target_variance)
{
    const double share = 1e-6;
    return output_functions[problem->model.output].is_log_link ? share : share * target_variance;
}

/* Sums over the scaled targets of the samples `rows`. */
struct scaled_targets {
    const struct scaler *scaler;
    const uint64_t *rows; /* (n_rows), ascending */
    size_t n_rows, next, width;
    double *sum, *square; /* (T) */
};

static void add_scaled(void *context, size_t sample, const double *x, const double *y)
{
    struct scaled_targets *targets = context;
    (void)x;
    if (targets->next == targets->n_rows || targets->rows[targets->next] != sample)
        return;
    targets->next++;
    for (size_t k = 0; k < targets->width; k++) {
        double scaled = (y[k] - targets->scaler->y_mean[k]) / targets->scaler->y_scale[k];
        targets->sum[k] += scaled;
        targets->square[k] += scaled * scaled;
    }
}

/* The variance of the targets, each divided by its scale^2: the mean over columns. */
static status find_variance(struct source *source, const struct scaler *scaler,
                            const uint64_t *rows, size_t n_rows, double *variance,
                            double *mean_of_all)
{
    size_t width = source_info(source)->n_targets;
    struct scaled_targets targets = {
        .scaler = scaler, .rows = rows, .n_rows = n_rows, .width = width};
    status outcome = memory_alloc(&targets.sum, width, sizeof(double), "targets");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&targets.square, width, sizeof(double), "targets");
    if (outcome == STATUS_OK)
        outcome = source_visit(source, true, add_scaled, &targets);
    double all = 0;
    for (size_t k = 0; k < width && outcome == STATUS_OK; k++) {
        double mean = targets.sum[k] / (double)n_rows;
        *mean_of_all += mean / (double)width;
        all += (targets.square[k] / (double)n_rows - mean * mean) / (double)width;
    }
    *variance = all > 0 ? all : 1;
    memory_free(&targets.sum);
    memory_free(&targets.square);
    return outcome;
}

status problem_measure(struct problem *problem, struct source *source, const struct scaler *scaler,
                       const uint64_t *rows, size_t n_rows, double *target_variance)
{
    double mean = 0;
    *target_variance = 1;
    status outcome = STATUS_OK;
    if (!problem->has_labels)
        outcome = find_variance(source, scaler, rows, n_rows, target_variance, &mean);
    if (output_functions[problem->model.output].is_log_link && mean > 0)
        problem->model.output_start = log(mean);
    problem->model.variance_floor = variance_floor(problem, *target_variance);
    problem->nll_offset = density_offset(problem, scaler);
    return outcome;
}

struct metrics_config problem_metrics(const struct problem *problem, const double *y_scale)
{
    return (struct metrics_config){.nll_from_mixture = problem->nll_from_mixture,
                                   .nll_offset = problem->nll_offset,
                                   .has_accuracy = problem->has_accuracy,
                                   .has_rmse = problem->has_rmse,
                                   .y_scale = problem->has_rmse ? y_scale : NULL};
}

static status options_of_record(const struct run_record *record, struct options *options)
{
    status outcome = options_init(options, COMMAND_TRAIN);
    for (size_t i = 0; i < record->config_keys.n && outcome == STATUS_OK; i++)
        outcome = options_set(options, record->config_keys.item[i], record->config_values.item[i],
                              "checkpoint");
    return outcome;
}

status problem_from_record(const struct run_record *record, struct problem *problem)
{
    struct options options;
    memset(problem, 0, sizeof *problem);
    status outcome = options_of_record(record, &options);
    if (outcome == STATUS_OK)
        outcome = choose_inputs(&options, &record->input_names, &problem->model);
    if (outcome == STATUS_OK) {
        copy_model_options(&options, &problem->model);
        problem->task = options.task;
        problem->has_labels = record->scaler.n_targets == 0;
        problem->model.n_inputs = record->scaler.n_inputs;
        bool one_output =
            output_functions[problem->model.output].decides_each && record->classes.n == 2;
        problem->model.n_outputs = !problem->has_labels ? record->scaler.n_targets
                                   : one_output         ? 1
                                                        : record->classes.n;
        problem->model.variance_floor = variance_floor(problem, record->target_variance);
        problem->has_rmse = problem->task == TASK_REGRESSION;
        problem->has_accuracy = problem->task == TASK_CLASSIFICATION ||
                                output_functions[problem->model.output].decides_each;
        problem->nll_from_mixture = reads_nll_from_mixture(problem);
        problem->nll_offset = density_offset(problem, &record->scaler);
    }
    options_release(&options);
    return outcome;
}
