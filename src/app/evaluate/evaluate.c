/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/evaluate/evaluate.h"

#include "app/judge/class_recall.h"
#include "app/judge/dealt_predictions.h"
#include "app/judge/exact_targets.h"
#include "app/judge/trust.h"

#include "app/judge/expert_use.h"
#include "app/judge/loaded_model.h"
#include "app/problem/baseline.h"
#include "base/json_number.h"
#include "base/log.h"
#include "base/memory.h"
#include "data/source/source_blocks.h"
#include "train/feed/stream.h"
#include "train/step/evaluate.h"
#include "train/step/metrics.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Root: what is added up over the samples. */
struct evaluation {
    struct metrics_config config;
    struct metrics all;
    struct metrics *groups; /* (n_groups) */
    size_t n_groups;
    const int32_t *group; /* of the samples of the source, or NULL */
    const int32_t *label; /* likewise */
    const uint64_t *rows; /* which of them */
    struct baseline baseline;
    struct class_recall recall;
    struct expert_use use;
    struct trust trust;
    struct expert_outputs *outputs;  /* where trust needs them, else NULL; not owned */
    struct exact_targets targets;    /* with config.has_rmse */
    struct dealt_predictions *exact; /* of `predict`, where targets are numbers; not owned */
    status outcome;                  /* of reading them */
};

static status evaluation_init(struct evaluation *evaluation, const struct loaded_model *loaded)
{
    const struct source_info *info = source_info(loaded->source);
    size_t n_experts = loaded->problem.model.n_experts;
    memset(evaluation, 0, sizeof *evaluation);
    evaluation->config = problem_metrics(&loaded->problem, loaded->record.scaler.y_scale);
    evaluation->group = info->group;
    evaluation->label = info->label;
    evaluation->rows = loaded->rows;
    status outcome = metrics_init(&evaluation->all, n_experts);
    if (outcome == STATUS_OK && evaluation->config.has_rmse)
        outcome = exact_targets_init(&evaluation->targets, loaded);
    if (outcome == STATUS_OK)
        outcome = trust_init(&evaluation->trust, loaded);
    if (outcome == STATUS_OK && info->has_labels && evaluation->config.has_accuracy)
        outcome = class_recall_init(&evaluation->recall, info->classes.n);
    if (outcome == STATUS_OK && info->group)
        outcome = memory_alloc(&evaluation->groups, info->group_names.n, sizeof *evaluation->groups,
                               "groups");
    if (info->group && outcome == STATUS_OK)
        evaluation->n_groups = info->group_names.n;
    for (size_t i = 0; i < evaluation->n_groups && outcome == STATUS_OK; i++)
        outcome = metrics_init(&evaluation->groups[i], 1);
    return outcome;
}

static void evaluation_release(struct evaluation *evaluation)
{
    metrics_release(&evaluation->all);
    expert_use_release(&evaluation->use);
    trust_release(&evaluation->trust);
    exact_targets_release(&evaluation->targets);
    class_recall_release(&evaluation->recall);
    for (size_t i = 0; i < evaluation->n_groups; i++)
        metrics_release(&evaluation->groups[i]);
    memory_free(&evaluation->groups);
}

/*
 * The squared errors of the micro-batch once more, from targets with all digits and the predictions
 * that `predict` writes.
 * `before`: the sum without it. Groups are added here, too.
 */
static void add_exact_squares(struct evaluation *evaluation, const struct step *step, size_t first,
                              double before)
{
    evaluation->all.squared = before;
    for (size_t i = 0; i < step->batch.n && evaluation->outcome == STATUS_OK; i++) {
        size_t row = evaluation->rows[first + i];
        double squared = 0, weight = (double)step->batch.weight[i];
        const double *y = evaluation->exact->values + i * evaluation->exact->width;
        evaluation->outcome = exact_targets_squared(&evaluation->targets, y, row, &squared);
        evaluation->all.squared += weight * squared;
        if (!evaluation->group)
            continue;
        struct metrics *group = &evaluation->groups[evaluation->group[row]];
        double group_before = group->squared;
        metrics_add_sample(group, &evaluation->config, step, i);
        group->squared = group_before + weight * squared;
    }
}

static void add_micro_batch(struct step *step, size_t first, void *context)
{
    struct evaluation *evaluation = context;
    expert_use_add(&evaluation->use, step, first);
    if (evaluation->outputs)
        expert_outputs_gather(evaluation->outputs, step);
    if (evaluation->exact)
        dealt_predictions_compute(evaluation->exact, step->comm, &step->batch);
    if (!step->model->has_gate)
        return;
    double squared_before = evaluation->all.squared;
    metrics_add(&evaluation->all, &evaluation->config, step);
    trust_add(&evaluation->trust, step, evaluation->outputs, evaluation->use.posterior,
              evaluation->use.log_sum, evaluation->rows, first);
    for (size_t i = 0; evaluation->recall.n_classes > 0 && i < step->batch.n; i++)
        class_recall_add(&evaluation->recall, &evaluation->config, step, i,
                         evaluation->label[evaluation->rows[first + i]]);
    if (evaluation->config.has_rmse)
        add_exact_squares(evaluation, step, first, squared_before);
    for (size_t i = 0; evaluation->group && !evaluation->config.has_rmse && i < step->batch.n; i++)
        metrics_add_sample(&evaluation->groups[evaluation->group[evaluation->rows[first + i]]],
                           &evaluation->config, step, i);
}

static void summarise(const struct evaluation *evaluation, const struct metrics *metrics,
                      struct metrics_record *record)
{
    memset(record, 0, sizeof *record);
    metrics_summarise(metrics, &evaluation->config, false, record);
}

static void print_errors(const char *name, const struct metrics_record *record)
{
    char text[256];
    int used = snprintf(text, sizeof text, "%-12s error %.6g  nll %.6g  expected square %.6g", name,
                        record->error, record->nll, record->expected_square);
    if (isfinite(record->rmse))
        used += snprintf(text + used, sizeof text - (size_t)used, "  rmse %.6g", record->rmse);
    if (isfinite(record->accuracy))
        snprintf(text + used, sizeof text - (size_t)used, "  accuracy %.2f %%",
                 100 * record->accuracy);
    log_info("%s", text);
}

static void print_baseline(const struct baseline *baseline)
{
    if (isfinite(baseline->rmse))
        log_info("to compare   rmse %.6g if the answer is always the mean of these targets",
                 baseline->rmse);
    if (isfinite(baseline->accuracy))
        log_info("to compare   accuracy %.2f %% if the answer is always the most frequent class",
                 100 * baseline->accuracy);
}

enum { GROUPS_SHOWN = 10 };

static int by_mean_error_descending(const void *a, const void *b)
{
    const struct metrics *one = *(const struct metrics *const *)a;
    const struct metrics *other = *(const struct metrics *const *)b;
    double difference = other->error / other->weight - one->error / one->weight;
    return difference > 0 ? 1 : difference < 0 ? -1 : one < other ? -1 : 1;
}

/* Those with the largest errors: the ones that are worth a look. */
static status print_groups(const struct evaluation *evaluation, const struct string_list *names)
{
    const struct metrics **order;
    size_t n = 0;
    status outcome = memory_alloc(&order, evaluation->n_groups, sizeof(void *), "groups");
    if (outcome != STATUS_OK)
        return outcome;
    for (size_t i = 0; i < evaluation->n_groups; i++)
        if (evaluation->groups[i].weight > 0)
            order[n++] = &evaluation->groups[i];
    qsort(order, n, sizeof(void *), by_mean_error_descending);
    if (n > GROUPS_SHOWN)
        log_info("the %d of %zu groups with the largest error (--json lists all)", GROUPS_SHOWN, n);
    for (size_t i = 0; i < n && i < GROUPS_SHOWN; i++) {
        struct metrics_record record;
        char name[64];
        summarise(evaluation, order[i], &record);
        snprintf(name, sizeof name, "group %s", names->item[order[i] - evaluation->groups]);
        print_errors(name, &record);
    }
    memory_free(&order);
    return outcome;
}

static void print_trust(struct evaluation *evaluation, const struct metrics_record *record)
{
    struct trust *trust = &evaluation->trust;
    log_info("gate         entropy %.3f: as %.2f equal experts for a sample", record->gate_entropy,
             exp(record->gate_entropy));
    if (trust->has_classes)
        log_info("calibration  confidence and accuracy differ by %.1f %% (expected calibration "
                 "error)",
                 100 * trust_calibration_error(trust));
    if (trust->has_density)
        log_info("calibration  intervals of 50 %% hold %.1f %% of the targets, of 90 %% %.1f %%",
                 100 * trust_coverage(trust, 0), 100 * trust_coverage(trust, 1));
    if (trust->n_shown > 0)
        log_info("samples about which gate and posterior disagree most (nats):");
    for (size_t i = 0; i < trust->n_shown; i++)
        log_info("  sample %" PRIu64 ": the gate says expert %zu, its target expert %zu (%.2f)",
                 trust->shown[i].sample, trust->shown[i].gate, trust->shown[i].posterior,
                 trust->shown[i].divergence);
}

static status print_text(struct evaluation *evaluation, const struct loaded_model *loaded)
{
    const struct source_info *info = source_info(loaded->source);
    struct metrics_record record;
    char name[64];
    summarise(evaluation, &evaluation->all, &record);
    snprintf(name, sizeof name, "%zu samples", loaded->samples.dataset.shape.n);
    print_errors(name, &record);
    print_baseline(&evaluation->baseline);
    status outcome = class_recall_print(&evaluation->recall, &info->classes);
    expert_use_print(&evaluation->use, &loaded->record.classes);
    print_trust(evaluation, &record);
    return outcome == STATUS_OK ? print_groups(evaluation, &info->group_names) : outcome;
}

static void set_errors(json_t *object, const struct metrics_record *record)
{
    json_object_set_new(object, "error", json_number(record->error));
    json_object_set_new(object, "nll", json_number(record->nll));
    json_object_set_new(object, "expected_square", json_number(record->expected_square));
    json_object_set_new(object, "accuracy", json_number(record->accuracy));
    json_object_set_new(object, "rmse", json_number(record->rmse));
}

static json_t *experts_json(const struct expert_use *use)
{
    json_t *experts = json_array();
    for (size_t e = 0; e < use->n_experts; e++) {
        json_t *expert = json_object();
        json_object_set_new(expert, "expert", json_integer((json_int_t)e));
        json_object_set_new(expert, "mean_g", json_number(use->g[e] / use->weight));
        json_object_set_new(expert, "mean_h", json_number(use->h[e] / use->weight));
        json_object_set_new(expert, "first_for", json_integer((json_int_t)use->first[e]));
        json_object_set_new(expert, "unused", json_boolean(use->is_unused[e]));
        bool is_like_another = use->likeness.same_as[e] != e;
        json_object_set_new(expert, "same_as",
                            is_like_another ? json_integer((json_int_t)use->likeness.same_as[e])
                                            : json_null());
        json_array_append_new(experts, expert);
    }
    return experts;
}

static void set_trust(json_t *object, struct trust *trust)
{
    json_t *disagreements = json_array();
    json_object_set_new(object, "calibration_error",
                        json_number(trust->has_classes ? trust_calibration_error(trust) : NAN));
    json_object_set_new(object, "coverage_50",
                        json_number(trust->has_density ? trust_coverage(trust, 0) : NAN));
    json_object_set_new(object, "coverage_90",
                        json_number(trust->has_density ? trust_coverage(trust, 1) : NAN));
    for (size_t i = 0; i < trust->n_shown; i++)
        json_array_append_new(disagreements,
                              json_pack("{s:I, s:I, s:I, s:f}", "sample",
                                        (json_int_t)trust->shown[i].sample, "gate",
                                        (json_int_t)trust->shown[i].gate, "posterior",
                                        (json_int_t)trust->shown[i].posterior, "divergence",
                                        trust->shown[i].divergence));
    json_object_set_new(object, "disagreements", disagreements);
}

static void print_json(struct evaluation *evaluation, const struct loaded_model *loaded)
{
    const struct source_info *info = source_info(loaded->source);
    struct metrics_record record;
    json_t *result = json_object(), *groups = json_array();
    summarise(evaluation, &evaluation->all, &record);
    json_object_set_new(result, "n", json_integer((json_int_t)loaded->samples.dataset.shape.n));
    set_errors(result, &record);
    json_object_set_new(result, "baseline_accuracy", json_number(evaluation->baseline.accuracy));
    json_object_set_new(result, "baseline_rmse", json_number(evaluation->baseline.rmse));
    json_object_set_new(result, "classes", class_recall_json(&evaluation->recall, &info->classes));
    json_object_set_new(result, "gate_entropy", json_number(record.gate_entropy));
    json_object_set_new(result, "experts", experts_json(&evaluation->use));
    set_trust(result, &evaluation->trust);
    for (size_t i = 0; i < evaluation->n_groups; i++) {
        if (evaluation->groups[i].weight == 0) /* none of its samples is in --part */
            continue;
        json_t *group = json_object();
        summarise(evaluation, &evaluation->groups[i], &record);
        json_object_set_new(group, "group", json_string(info->group_names.item[i]));
        json_object_set_new(group, "weight", json_number(evaluation->groups[i].weight));
        set_errors(group, &record);
        json_array_append_new(groups, group);
    }
    json_object_set_new(result, "groups", groups);
    json_dumpf(result, stdout, JSON_REAL_PRECISION(17) | JSON_INDENT(1));
    fputc('\n', stdout);
    json_decref(result);
}

/* The accuracy of numeric targets has a meaning only if they are 0 and 1. */
struct binary_targets {
    size_t width;
    bool are_binary;
};

static void note_target(void *context, size_t sample, const double *x, const double *y)
{
    (void)sample, (void)x;
    struct binary_targets *targets = context;
    for (size_t k = 0; k < targets->width; k++)
        if (y[k] != 0 && y[k] != 1)
            targets->are_binary = false;
}

static status targets_are_binary(struct source *source, bool *are_binary)
{
    struct binary_targets targets = {source_info(source)->n_targets, true};
    status outcome = source_visit(source, true, note_target, &targets);
    *are_binary = targets.are_binary;
    return outcome;
}

static status evaluate(const struct communicator *comm, const struct options *options,
                       struct loaded_model *loaded)
{
    struct evaluation evaluation = {0};
    struct expert_outputs outputs = {0};
    struct dealt_predictions exact = {0};
    bool needs_outputs = loaded->problem.task == TASK_REGRESSION;
    bool is_root = comm->rank == 0;
    status outcome = STATUS_OK;
    if (is_root) {
        outcome = evaluation_init(&evaluation, loaded);
        if (outcome == STATUS_OK && loaded->problem.task == TASK_REGRESSION &&
            evaluation.config.has_accuracy)
            outcome = targets_are_binary(loaded->source, &evaluation.config.has_accuracy);
        if (outcome == STATUS_OK)
            outcome =
                baseline_measure(loaded->source, loaded->rows, loaded->samples.dataset.shape.n,
                                 &loaded->problem, &evaluation.config, &evaluation.baseline);
    }
    outcome = communicator_agree(comm, outcome);
    if (outcome == STATUS_OK)
        outcome = expert_use_init(&evaluation.use, &loaded->step, loaded->samples.dataset.shape.n,
                                  is_root ? loaded->record.classes.n : 0);
    if (outcome == STATUS_OK && needs_outputs)
        outcome = expert_outputs_init(&outputs, comm, loaded);
    evaluation.outputs = needs_outputs ? &outputs : NULL;
    if (outcome == STATUS_OK && needs_outputs)
        outcome = dealt_predictions_init(&exact, comm, loaded, false, false, false);
    evaluation.exact = needs_outputs ? &exact : NULL;
    if (outcome == STATUS_OK) {
        evaluate_dataset(&loaded->step, &loaded->samples.dataset, loaded->micro_batch,
                         add_micro_batch, &evaluation);
        expert_use_finish(&evaluation.use, &loaded->step);
        outcome = stream_status(loaded->samples.dataset.stream);
        outcome = communicator_agree(comm, outcome == STATUS_OK ? evaluation.outcome : outcome);
    }
    if (outcome == STATUS_OK) {
        if (is_root && options->json)
            print_json(&evaluation, loaded);
        else if (is_root)
            outcome = print_text(&evaluation, loaded);
        outcome = communicator_agree(comm, outcome);
    }
    evaluation_release(&evaluation);
    expert_outputs_release(&outputs);
    dealt_predictions_release(&exact);
    return outcome;
}

status evaluate_command(const struct communicator *comm, struct options *options)
{
    struct loaded_model loaded = {0};
    const char *path = options->positional.item[0];
    status outcome = loaded_model_take_held_out(comm, path, options);
    if (outcome != STATUS_OK)
        return outcome;
    outcome = loaded_model_open(comm, options, path, false, &loaded);
    if (outcome == STATUS_OK)
        outcome = loaded_model_spread(comm, &loaded);
    if (outcome == STATUS_OK)
        outcome = evaluate(comm, options, &loaded);
    loaded_model_release(comm, &loaded);
    return outcome;
}
