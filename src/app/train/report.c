/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/train/train_internal.h"

#include "app/judge/expert_use.h"
#include "base/log.h"
#include "train/feed/stream.h"
#include "train/step/evaluate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void add_use(struct step *step, size_t first, void *context)
{
    expert_use_add(context, step, first);
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
        progress->best_epoch == progress->epoch)
        log_info("hint: the validation error was still falling; more --epochs%s may do better",
                 is_small ? "" : ", or smaller steps more often (--batch-size 64),");
    if (training->problem.task == TASK_REGRESSION && model->output == OUTPUT_IDENTITY &&
        model->error == ERROR_MIXTURE && !model->variance_is_learned &&
        last->expected_square < 0.5 * model->variance * (double)model->n_outputs)
        log_info("hint: --variance fixed:%g is wider than the errors are; --variance learned lets "
                 "experts specialise more and gives predictions a variance that fits",
                 model->variance);
}

static void show_result(const struct training *training, const struct trainer *trainer)
{
    const struct progress *progress = &trainer->progress;
    log_info("finished after %lld epochs (%lld steps) in %.1f s: %s", (long long)progress->epoch,
             (long long)progress->step, progress->seconds, reason_text(trainer->reason));
    if (trainer->history.n > 0) {
        const struct metrics_record *last = &trainer->history.record[trainer->history.n - 1];
        show_errors("training", last->error, last->nll, last->expected_square, last->accuracy,
                    last->rmse);
        if (training->has_valid)
            show_errors("validation", last->error_valid, last->nll_valid,
                        last->expected_square_valid, last->accuracy_valid, last->rmse_valid);
        show_baseline(training);
    }
    if (training->has_valid && progress->best_epoch >= 0)
        log_info("the lowest validation %s, %.6g, was in epoch %lld: checkpoints/best",
                 training->problem.model.gate == GATE_GAUSSIAN ? "nll" : "error",
                 progress->best_error, (long long)progress->best_epoch);
    if (trainer->history.n > 0)
        show_hints(training, trainer);
}

void report_show(struct training *training, struct trainer *trainer)
{
    struct expert_use use;
    bool is_root = training->comm->rank == 0;
    size_t n_classes = is_root ? training->record.classes.n : 0;
    if (is_root)
        show_result(training, trainer);
    status outcome = expert_use_init(&use, &trainer->step, training->train_shape.n, n_classes);
    const struct dataset *samples = &training->train.dataset;
    bool has_replicas = training->replicas.n > 1;
    if (has_replicas)
        stream_begin_batch(samples->stream, false, 0);
    /* One replica knows all there is to know; the others are done. */
    if (outcome == STATUS_OK && training->replicas.own == 0) {
        evaluate_dataset(&trainer->step, samples, training->config.micro_batch, add_use, &use);
        expert_use_finish(&use, &trainer->step);
        if (is_root)
            expert_use_print(&use, &training->record.classes);
    }
    if (has_replicas)
        stream_end_batch(samples->stream, 0, samples->shape.n);
    if (is_root)
        log_info("run directory %s (checkpoints/latest, checkpoints/best)", training->output);
    expert_use_release(&use);
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
