/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/train/train_internal.h"

#include "app/judge/expert_use.h"
#include "base/log.h"
#include "train/feed/stream.h"
#include "train/step/evaluate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What is measured of the model that the run has ended with. At the roots of groups but for `use`.
 */
struct result {
    const struct metrics_config *config;
    struct expert_use use; /* of the training samples */
    struct metrics train, valid;
};

static void add_train(struct step *step, size_t first, void *context)
{
    struct result *result = context;
    expert_use_add(&result->use, step, first);
    if (step->model->has_gate)
        metrics_add(&result->train, result->config, step);
}

static void add_valid(struct step *step, size_t first, void *context)
{
    struct result *result = context;
    (void)first;
    if (step->model->has_gate)
        metrics_add(&result->valid, result->config, step);
}

static const char *reason_text(enum stop_reason reason)
{
    switch (reason) {
    case STOP_ERROR:
        return "--stop-error was reached";
    case STOP_LIKELIHOOD:
        return "the likelihood rises by less than --stop-likelihood";
    case STOP_FELL:
        return "the likelihood fell";
    case STOP_PATIENCE:
        return "the validation error has not fallen for --patience epochs";
    default:
        return "all epochs are done";
    }
}

static void show_errors(const char *name, double error, double nll, double square, double accuracy,
                        double rmse)
{
    char text[200];
    int used = snprintf(text, sizeof text, "%-10s error %.6g  nll %.6g  expected square %.6g", name,
                        error, nll, square);
    if (isfinite(rmse))
        used += snprintf(text + used, sizeof text - (size_t)used, "  rmse %.6g", rmse);
    if (isfinite(accuracy))
        snprintf(text + used, sizeof text - (size_t)used, "  accuracy %.1f %%", 100 * accuracy);
    log_info("%s", text);
}

static void show_baseline(const struct training *training)
{
    double accuracy = training->baseline.accuracy,
           accuracy_valid = training->baseline_valid.accuracy;
    double rmse = training->baseline.rmse, rmse_valid = training->baseline_valid.rmse;
    char valid[64] = "";
    if (isfinite(rmse_valid))
        snprintf(valid, sizeof valid, ", of validation %.6g,", rmse_valid);
    if (isfinite(rmse))
        log_info("to compare rmse %.6g%s if the answer is always the mean", rmse, valid);
    if (isfinite(accuracy_valid))
        snprintf(valid, sizeof valid, ", of validation %.1f %%,", 100 * accuracy_valid);
    if (isfinite(accuracy))
        log_info("to compare accuracy %.1f %%%s if the answer is always the most frequent class",
                 100 * accuracy, valid);
}

/* What the user may want to know about this very result. */
static void show_hints(const struct training *training, const struct trainer *trainer)
{
    const struct progress *progress = &trainer->progress;
    const struct model_config *model = &training->problem.model;
    const struct metrics_record *first = &trainer->history.record[0];
    const struct metrics_record *last = &trainer->history.record[trainer->history.n - 1];
    if (first->epoch == 0 && last->error > first->error)
        log_info("hint: the error is larger than it was before training, %.6g; a smaller "
                 "--learning-rate may do better",
                 first->error);
    int64_t batch = (int64_t)training->config.batch_size;
    bool is_small = batch > 0 && batch <= 64;
    if (trainer->reason == STOP_EPOCHS && training->has_valid &&
        progress_best(progress).epoch == progress->epoch)
        log_info("hint: the validation error was still falling; more --epochs%s may do better",
                 is_small ? "" : ", or smaller steps more often (--batch-size 64),");
    if (training->problem.task == TASK_REGRESSION && output_functions[model->output].is_unit_free &&
        model->error == ERROR_MIXTURE && !model->variance_is_learned &&
        !training->config.variance_is_unseen &&
        last->expected_square < 0.5 * model->variance * (double)model->n_outputs)
        log_info("hint: --variance fixed:%g is wider than the errors are; --variance learned lets "
                 "experts specialise more and gives predictions a variance that fits",
                 model->variance);
}

/* No answer of the model was better than one that does not look at the inputs. */
static void warn_if_useless(const struct training *training, const struct trainer *trainer)
{
    double accuracy = training->baseline_valid.accuracy, rmse = training->baseline_valid.rmse;
    bool is_known = isfinite(accuracy) || isfinite(rmse), beats = false;
    for (size_t i = 0; i < trainer->history.n; i++) {
        const struct metrics_record *record = &trainer->history.record[i];
        if (record->epoch > 0)
            beats = beats || record->accuracy_valid > accuracy || record->rmse_valid < rmse;
    }
    if (training->has_valid && is_known && trainer->progress.epoch > 0 && !beats)
        log_warning("no epoch beats the best constant answer on the validation samples: the model "
                    "has learned nothing that holds for them; try more --epochs, another "
                    "--learning-rate, or other inputs");
}

/* What members of a committee say of the samples that they have left out, in the best epoch. */
static void show_unseen(const struct training *training, const struct trainer *trainer)
{
    const int64_t best = progress_best(&trainer->progress).epoch;
    for (size_t i = 0; i < trainer->history.n; i++) {
        const struct metrics_record *record = &trainer->history.record[i];
        if (record->epoch == best && !training->has_valid)
            show_errors("left out", record->error_valid, record->nll_valid,
                        record->expected_square_valid, record->accuracy_valid, record->rmse_valid);
    }
    log_info("stopped by the samples that members of the committee leave out, best in epoch %lld",
             (long long)best);
}

/* The errors of the model that the run directory stands for, which evaluate finds as well. */
static void show_result(const struct training *training, const struct trainer *trainer,
                        const struct result *result)
{
    const struct progress *progress = &trainer->progress;
    const struct milestone best = progress_best(progress);
    struct metrics_record model = {0};
    log_info("finished after %lld epochs (%lld steps) in %.1f s: %s", (long long)progress->epoch,
             (long long)progress->step, progress->seconds, reason_text(trainer->reason));
    if (training->has_valid && best.epoch >= 0)
        log_info("the lowest validation %s, %.6g, was in epoch %lld: checkpoints/best",
                 gate_kind_of(training->problem.model.gate)->is_density ? "nll" : "error",
                 best.error, (long long)best.epoch);
    metrics_summarise(&result->train, result->config, false, &model);
    show_errors("training", model.error, model.nll, model.expected_square, model.accuracy,
                model.rmse);
    if (training->has_valid) {
        metrics_summarise(&result->valid, result->config, true, &model);
        show_errors("validation", model.error_valid, model.nll_valid, model.expected_square_valid,
                    model.accuracy_valid, model.rmse_valid);
    }
    if (training->judges_unseen)
        show_unseen(training, trainer);
    else if (!training->has_valid)
        log_info("nothing was held out to tell how good this is on new samples: --valid 0.2 does");
    show_baseline(training);
    warn_if_useless(training, trainer);
    if (trainer->history.n > 0)
        show_hints(training, trainer);
}

/* Collective. One replica knows all there is to know; the others only read along. */
static void measure(struct training *training, struct trainer *trainer,
                    const struct dataset *samples,
                    void (*add)(struct step *step, size_t first, void *context),
                    struct result *result)
{
    bool has_replicas = training->replicas.n > 1;
    if (has_replicas)
        stream_begin_batch(samples->stream, false, 0);
    if (training->replicas.own == 0)
        evaluate_dataset(&trainer->step, samples, training->config.micro_batch, add, result);
    if (has_replicas)
        stream_end_batch(samples->stream, 0, samples->shape.n);
}

/* Collective. Numbers of samples that could not be read must not be told as a result. */
static status check_reading(const struct training *training)
{
    status outcome = stream_status(training->train.dataset.stream);
    if (outcome == STATUS_OK && training->has_valid)
        outcome = stream_status(training->valid.dataset.stream);
    return communicator_agree(training->comm, outcome);
}

static status result_init(struct result *result, const struct training *training,
                          const struct trainer *trainer, size_t n_classes)
{
    size_t n_experts = trainer->model->config.n_experts;
    result->config = &training->metrics_config;
    status outcome = STATUS_OK;
    if (trainer->model->has_gate)
        outcome = metrics_init(&result->train, n_experts);
    if (outcome == STATUS_OK && trainer->model->has_gate)
        outcome = metrics_init(&result->valid, n_experts);
    outcome = communicator_agree(training->comm, outcome);
    if (outcome == STATUS_OK)
        outcome = expert_use_init(&result->use, &trainer->step, training->train_shape.n, n_classes);
    return communicator_agree(training->comm, outcome);
}

status report_show(struct training *training, struct trainer *trainer)
{
    struct result result = {0};
    bool is_root = training->comm->rank == 0;
    size_t n_classes = is_root ? training->record.classes.n : 0;
    trainer_use_best(trainer);
    status outcome = result_init(&result, training, trainer, n_classes);
    if (outcome == STATUS_OK)
        measure(training, trainer, &training->train.dataset, add_train, &result);
    if (outcome == STATUS_OK && training->has_valid)
        measure(training, trainer, &training->valid.dataset, add_valid, &result);
    if (outcome == STATUS_OK)
        outcome = check_reading(training);
    if (outcome == STATUS_OK && training->replicas.own == 0)
        expert_use_finish(&result.use, &trainer->step);
    if (is_root && outcome == STATUS_OK) {
        show_result(training, trainer, &result);
        expert_use_print(&result.use, &training->record.classes);
    }
    if (is_root)
        log_info("run directory %s (checkpoints/latest, checkpoints/best)", training->output);
    expert_use_release(&result.use);
    metrics_release(&result.train);
    metrics_release(&result.valid);
    return outcome;
}

void report_time(const struct training *training, const struct profile_table *table)
{
    if (training->comm->rank != 0)
        return;
    if (!training->config.profile) {
        profile_table_print_short(table);
        return;
    }
    profile_table_print(table, 1, "s");
    log_info("waiting: in each step, what a rank spent in a collective beyond the rank that spent "
             "least there; very short steps are timed now and then, and scaled");
}
