/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/judge/evaluation.h"

#include "base/memory.h"
#include "data/source/source_blocks.h"
#include "train/feed/stream.h"
#include "train/step/evaluate.h"

#include <stdlib.h>
#include <string.h>

static status init_at_root(struct evaluation *evaluation, const struct loaded_model *loaded)
{
    const struct source_info *info = source_info(loaded->source);
    size_t n_experts = loaded->problem.model.n_experts;
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

void evaluation_release(struct evaluation *evaluation)
{
    metrics_release(&evaluation->all);
    expert_use_release(&evaluation->use);
    trust_release(&evaluation->trust);
    exact_targets_release(&evaluation->targets);
    class_recall_release(&evaluation->recall);
    for (size_t i = 0; i < evaluation->n_groups; i++)
        metrics_release(&evaluation->groups[i]);
    memory_free(&evaluation->groups);
    expert_outputs_release(&evaluation->outputs);
    dealt_predictions_release(&evaluation->exact);
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
        const double *y = evaluation->exact.values + i * evaluation->exact.width;
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
    if (evaluation->has_numbers) {
        expert_outputs_gather(&evaluation->outputs, step);
        dealt_predictions_compute(&evaluation->exact, step->comm, &step->batch);
    }
    if (!step->model->has_gate)
        return;
    double squared_before = evaluation->all.squared;
    metrics_add(&evaluation->all, &evaluation->config, step);
    trust_add(&evaluation->trust, step, &evaluation->outputs, evaluation->use.posterior,
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

void evaluation_summarise(const struct evaluation *evaluation, const struct metrics *metrics,
                          struct metrics_record *record)
{
    memset(record, 0, sizeof *record);
    metrics_summarise(metrics, &evaluation->config, false, record);
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

/* Root. */
static status begin(struct evaluation *evaluation, struct loaded_model *loaded)
{
    struct metrics_config *config = &evaluation->config;
    status outcome = init_at_root(evaluation, loaded);
    if (outcome == STATUS_OK && evaluation->has_numbers && config->has_accuracy)
        outcome = targets_are_binary(loaded->source, &config->has_accuracy);
    return outcome == STATUS_OK
               ? baseline_measure(loaded->source, loaded->rows, loaded->samples.dataset.shape.n,
                                  &loaded->problem, config, &evaluation->baseline)
               : outcome;
}

status evaluation_measure(struct evaluation *evaluation, const struct communicator *comm,
                          struct loaded_model *loaded)
{
    bool is_root = comm->rank == 0;
    memset(evaluation, 0, sizeof *evaluation);
    evaluation->has_numbers = loaded->problem.task == TASK_REGRESSION;
    status outcome = communicator_agree(comm, is_root ? begin(evaluation, loaded) : STATUS_OK);
    if (outcome == STATUS_OK)
        outcome = expert_use_init(&evaluation->use, &loaded->step, loaded->samples.dataset.shape.n,
                                  is_root ? loaded->record.classes.n : 0);
    if (outcome == STATUS_OK && evaluation->has_numbers)
        outcome = expert_outputs_init(&evaluation->outputs, comm, loaded);
    if (outcome == STATUS_OK && evaluation->has_numbers)
        outcome = dealt_predictions_init(&evaluation->exact, comm, loaded, false, false, false);
    if (outcome != STATUS_OK)
        return outcome;
    evaluate_dataset(&loaded->step, &loaded->samples.dataset, loaded->micro_batch, add_micro_batch,
                     evaluation);
    expert_use_finish(&evaluation->use, &loaded->step);
    outcome = stream_status(loaded->samples.dataset.stream);
    return communicator_agree(comm, outcome == STATUS_OK ? evaluation->outcome : outcome);
}

static int by_mean_error_descending(const void *a, const void *b)
{
    const struct metrics *one = *(const struct metrics *const *)a;
    const struct metrics *other = *(const struct metrics *const *)b;
    double difference = other->error / other->weight - one->error / one->weight;
    return difference > 0 ? 1 : difference < 0 ? -1 : one < other ? -1 : 1;
}

status evaluation_order_groups(const struct evaluation *evaluation, const struct metrics ***order,
                               size_t *n)
{
    status outcome = memory_alloc(order, evaluation->n_groups, sizeof(void *), "groups");
    *n = 0;
    if (outcome != STATUS_OK)
        return outcome;
    for (size_t i = 0; i < evaluation->n_groups; i++)
        if (evaluation->groups[i].weight > 0)
            (*order)[(*n)++] = &evaluation->groups[i];
    qsort(*order, *n, sizeof(void *), by_mean_error_descending);
    return STATUS_OK;
}
