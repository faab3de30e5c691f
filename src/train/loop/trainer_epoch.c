/* SPDX-License-Identifier: BSD-3-Clause */
#include "trainer_internal.h"
#include "trainer_unseen.h"

#include "base/clock.h"
#include "base/profile.h"
#include "base/site.h"
#include "base/stop_request.h"
#include "train/feed/stream.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * Root: remembers which part was not finite first, for the message; `where` is empty, or says that
 * it was no pass of training.
 */
static void find_nonfinite(struct trainer *trainer, const char *where)
{
    const struct step *step = &trainer->step;
    const struct gate *gate = &trainer->model->gate;
    size_t stride = step->batch.stride, size = sizeof trainer->nonfinite;
    if (trainer->nonfinite[0])
        return;
    snprintf(trainer->nonfinite, size, "the error%s is not a finite number", where);
    for (size_t e = 0; e < gate->n_experts; e++)
        for (size_t i = 0; i < step->batch.n; i++)
            if (!isfinite(step->loglik[e * stride + i])) {
                snprintf(trainer->nonfinite, size, "the output of expert %zu%s is not finite", e,
                         where);
                return;
            }
    for (size_t i = 0; i < gate->n_experts * stride; i++)
        if (!isfinite(gate->g[i])) {
            snprintf(trainer->nonfinite, size, "the output of the gating network%s is not finite",
                     where);
            return;
        }
}

/* Samples of this rank's host could not be read: training must end. */
static bool samples_have_failed(const struct trainer *trainer)
{
    return stream_status(trainer->train->stream) != STATUS_OK ||
           (trainer->valid && stream_status(trainer->valid->stream) != STATUS_OK) ||
           (trainer->shown && stream_status(trainer->shown->stream) != STATUS_OK);
}

/* Of the annealed error, in the present epoch. */
static double beta_now(const struct trainer *trainer)
{
    return anneal_beta(&trainer->config->anneal, (uint64_t)trainer->progress.epoch);
}

/*
 * Forward and, if asked, backward over samples rows[0 .. n-1] (or first .. first+n-1), micro-batch
 * by micro-batch; gradients are added in their order. The root adds up the metrics. Each replica
 * computes its share, and gradients and metrics become the sums over the replicas.
 */
static void pass(struct trainer *trainer, const struct dataset *dataset, const uint64_t *rows,
                 size_t first, size_t n, bool backward, struct metrics *metrics)
{
    struct step *step = &trainer->step;
    const struct replicas *replicas = trainer->replicas;
    bool updates = backward && trainer_updates_early(trainer);
    struct metrics *own = replicas->n > 1 ? &trainer->share : metrics;
    double total = batch_total(dataset, rows, first, n);
    size_t size = trainer->config->micro_batch, begin, share;
    replicas_share(replicas, n, &begin, &share);
    step->beta = backward ? beta_now(trainer) : 1;
    step->exchange.raise = stop_request_is_raised() || samples_have_failed(trainer);
    step->exchange.raised = step->exchange.raise;
    if (replicas->n > 1 && trainer->model->has_gate)
        metrics_clear(own);
    const struct sample_run samples = {dataset, rows, first, begin + share, total};
    if (replicas->n > 1)
        stream_begin_batch(dataset->stream, rows != NULL, first);
    for (size_t at = begin; at < begin + share; at += size) {
        step_load(step, &samples, at, size);
        site_enter(SITE_step_forward, 0);
        step_forward(step);
        profile_enter(PHASE_METRICS);
        trainer_add_unseen(trainer);
        if (trainer->model->has_gate) {
            metrics_add(own, trainer->metrics_config, step);
            if (!isfinite(own->error))
                find_nonfinite(trainer, dataset == trainer->valid ? " in validation" : "");
        }
        site_enter(SITE_step_backward, 0);
        if (backward && trainer->em)
            em_collect(trainer->em, step, at / size, (uint64_t)trainer->progress.step);
        else if (backward) {
            early_update_prepare(&trainer->early, updates && at + size >= samples.n,
                                 trainer_learning_rate(trainer),
                                 (uint64_t)trainer->progress.step + 1);
            step_backward(step, at > begin);
        }
        site_leave();
    }
    if (replicas->n > 1) {
        stream_end_batch(dataset->stream, first, n);
        profile_enter(PHASE_REPLICAS);
        if (backward && share == 0)
            replicas_clear_gradients(trainer->model);
        if (backward)
            replicas_sum_gradients(replicas, trainer->model);
        trainer_add_shares(trainer, step->exchange.raised, metrics);
    } else {
        trainer->raised = step->exchange.raised;
    }
    profile_enter(PHASE_OTHER);
}

/* Metrics of all samples of a data set with the present parameters. */
static void evaluate_all(struct trainer *trainer, const struct dataset *dataset,
                         struct metrics *metrics)
{
    if (trainer_is_root(trainer))
        metrics_clear(metrics);
    pass(trainer, dataset, NULL, 0, dataset->shape.n, false, metrics);
}

static bool is_full_batch(const struct trainer *trainer)
{
    return trainer->sampler.n_batches == 1;
}

static void update(struct trainer *trainer)
{
    struct progress *progress = &trainer->progress;
    profile_enter(PHASE_UPDATE);
    site_enter(SITE_update, 0);
    if (trainer->em) {
        /* The annealed error falls, but the error itself need not. */
        if (trainer_is_root(trainer) && is_full_batch(trainer))
            progress->error_before =
                beta_now(trainer) < 1 ? INFINITY : trainer_mean_error(&trainer->running);
        em_update(trainer->em);
    } else {
        trainer_follow_gradient(trainer);
    }
    site_leave();
    profile_enter(PHASE_OTHER);
    site_set_step(++progress->step);
    progress->total_steps++;
    progress->batch++;
    if ((size_t)progress->batch == trainer->sampler.n_batches) {
        progress->batch = 0;
        progress->epoch++;
        sampler_start_epoch(&trainer->sampler, (uint64_t)progress->epoch);
    }
}

/*
 * At the begin of an epoch: what the parameters of this moment are worth. A full batch tells with
 * the pass that makes its gradient; with mini-batches the epoch's running sums are taken, and
 * before the first epoch all samples are evaluated.
 */
static void measure(struct trainer *trainer)
{
    const struct progress *progress = &trainer->progress;
    if (is_full_batch(trainer)) {
        if (trainer_is_root(trainer))
            metrics_clear(&trainer->running);
        pass(trainer, trainer->train, NULL, 0, trainer->train->shape.n,
             progress->epoch < trainer->config->epochs, &trainer->running);
    } else if (progress->recorded < 0) {
        evaluate_all(trainer, trainer->train, &trainer->running);
    }
}

static void gradient_of_batch(struct trainer *trainer)
{
    const uint64_t *rows;
    size_t first;
    size_t n = sampler_batch(&trainer->sampler, (size_t)trainer->progress.batch, &rows, &first);
    pass(trainer, trainer->train, rows, first, n, true, &trainer->running);
}

static void keep_as_best(struct trainer *trainer)
{
    struct model *model = trainer->model;
    const struct parameters *experts = &model->experts.parameters;
    memcpy(trainer->best.experts, experts->value,
           experts->n_networks * experts->stride * sizeof(real));
    memcpy(trainer->best.dispersion, model->experts.dispersion,
           experts->n_networks * sizeof(struct dispersion));
    if (model->has_gate)
        memcpy(trainer->best.gate, model->gate.parameters.value,
               model->gate.parameters.stride * sizeof(real));
}

void trainer_use_best(struct trainer *trainer)
{
    struct model *model = trainer->model;
    struct parameters *experts = &model->experts.parameters;
    /* If the last row is the best, the model has its parameters. */
    int64_t kept = trainer->progress.due_best.epoch;
    if (!trainer->valid || kept < 0 || progress_best(&trainer->progress).epoch != kept)
        return;
    memcpy(experts->value, trainer->best.experts,
           experts->n_networks * experts->stride * sizeof(real));
    memcpy(model->experts.dispersion, trainer->best.dispersion,
           experts->n_networks * sizeof(struct dispersion));
    if (model->has_gate)
        memcpy(model->gate.parameters.value, trainer->best.gate,
               model->gate.parameters.stride * sizeof(real));
}

/* Collective. */
static void show_validation(struct trainer *trainer, struct metrics_record *record)
{
    profile_enter_alone(PHASE_VALIDATION);
    evaluate_all(trainer, trainer->shown, &trainer->validation);
    profile_leave_alone();
    if (trainer_is_root(trainer))
        metrics_summarise(&trainer->validation, trainer->metrics_config, true, record);
}

/*
 * Local. What a validation error means for the best model. The drawn parameters are never the best:
 * nothing has been learned. A row that only the end of the run asks for is remembered apart, since
 * a run that goes on takes it back.
 */
static void compare_with_best(struct trainer *trainer, double error, bool is_due)
{
    struct progress *progress = &trainer->progress;
    const struct milestone now = {progress->epoch, progress->step, error};
    if (!is_due) {
        progress->last = now;
        return;
    }
    if (progress->epoch > 0 && error < progress->due_best.error) {
        progress->due_best = now;
        keep_as_best(trainer);
    }
    progress->stale_epochs =
        progress->due_best.epoch < 0 ? 0 : progress->epoch - progress->due_best.epoch;
}

/*
 * Collective. Validation of the present parameters; the best ones so far are kept aside. False if
 * the error is not finite, which is to be treated like one in training.
 */
static bool validate(struct trainer *trainer, bool is_due, struct metrics_record *record)
{
    profile_enter_alone(PHASE_VALIDATION);
    trainer_clear_unseen(trainer);
    evaluate_all(trainer, trainer->valid, &trainer->validation);
    profile_leave_alone();
    double error = NAN;
    if (trainer_is_root(trainer)) {
        metrics_summarise(&trainer->validation, trainer->metrics_config, true, record);
        /* The error of a density counts how likely the inputs are, too; predictions do not. */
        bool is_joint = gate_kind_of(trainer->model->config.gate)->is_density;
        error = is_joint ? record->nll_valid : record->error_valid;
    }
    communicator_broadcast(trainer->comm, &error, sizeof error);
    if (!isfinite(error))
        return false;
    compare_with_best(trainer, error, is_due);
    if (trainer->shown)
        show_validation(trainer, record);
    /* What has just been judged was with the variance from before. */
    if (is_due)
        trainer_take_variance(trainer);
    return true;
}

/*
 * Collective. Adds the present epoch to the history and to metrics.jsonl. A disk that takes no more
 * lines does not end the run: it is reported, and checkpoints hold the history too. False, and
 * nothing is recorded, if the validation error is not finite. `is_due`: --metrics-every asks for
 * the row.
 */
static bool record_epoch(struct trainer *trainer, bool is_due)
{
    struct progress *progress = &trainer->progress;
    struct metrics_record record = {.epoch = progress->epoch, .step = progress->step};
    record.error_valid = record.nll_valid = record.expected_square_valid = NAN;
    record.accuracy_valid = record.rmse_valid = NAN;
    progress->last = MILESTONE_NONE;
    if (!is_due)
        progress->last.epoch = progress->epoch;
    if (trainer->valid && !validate(trainer, is_due, &record))
        return false;
    progress->recorded = progress->epoch;
    if (!trainer_is_root(trainer))
        return true;
    metrics_summarise(&trainer->running, trainer->metrics_config, false, &record);
    record.learning_rate = trainer->em ? NAN : trainer_learning_rate(trainer);
    record.seconds = trainer->seconds_before + clock_seconds() - trainer->started;
    status outcome = history_add(&trainer->history, &record);
    if (outcome == STATUS_OK && trainer->directory)
        outcome = run_directory_add_metrics(trainer->directory, &record);
    if (outcome == STATUS_OK && trainer->directory && is_due)
        outcome =
            run_directory_add_use(trainer->directory, record.epoch,
                                  record.epoch / trainer->config->metrics_every, &trainer->running);
    if (outcome != STATUS_OK && !trainer->metrics_failed)
        log_warning("%s; training continues without it", status_text());
    trainer->metrics_failed = outcome != STATUS_OK;
    return true;
}

/* Collective. Records the epoch where that is due, which may be a further reason to stop. */
static void finish_epoch(struct trainer *trainer, enum stop_reason *reason)
{
    const struct progress *progress = &trainer->progress;
    /* Of a run that is interrupted the row is written when it goes on. */
    bool is_last = *reason != STOP_NOT && *reason != STOP_REQUESTED && *reason != STOP_TIME;
    bool is_due = progress->epoch % trainer->config->metrics_every == 0;
    if (progress->recorded < progress->epoch && (is_due || is_last) &&
        !record_epoch(trainer, is_due)) {
        *reason = STOP_NOT_FINITE;
        return;
    }
    if (*reason == STOP_NOT && trainer->config->patience > 0 && trainer->valid &&
        progress->stale_epochs >= trainer->config->patience)
        *reason = STOP_PATIENCE;
    /* The sums of the next epoch of mini-batches begin here; --stop-error is to be seen again. */
    if (trainer_is_root(trainer) && !is_full_batch(trainer) && *reason != STOP_ERROR)
        metrics_clear(&trainer->running);
}

static void show_progress(const struct trainer *trainer)
{
    if (!log_progress_is_due() || trainer->history.n == 0)
        return;
    const struct progress *progress = &trainer->progress;
    const struct metrics_record *last = &trainer->history.record[trainer->history.n - 1];
    char text[160];
    int used = snprintf(text, sizeof text, "error %.6g", last->error);
    if (isfinite(last->error_valid))
        used +=
            snprintf(text + used, sizeof text - (size_t)used, "  valid %.6g", last->error_valid);
    double accuracy = isfinite(last->accuracy_valid) ? last->accuracy_valid : last->accuracy;
    if (isfinite(accuracy))
        snprintf(text + used, sizeof text - (size_t)used, "  accuracy %.1f %%", 100 * accuracy);
    double done =
        (double)progress->epoch + (double)progress->batch / (double)trainer->sampler.n_batches;
    log_progress_update(done, (double)trainer->config->epochs, "epoch", text);
}

/*
 * Collective. EM: back to before the last update, which has made the likelihood fall. If by no more
 * than rounding may, EM has come as far as it can.
 */
static void take_back(struct trainer *trainer)
{
    struct progress *progress = &trainer->progress;
    double error = trainer_is_root(trainer) ? trainer_mean_error(&trainer->running) : 0;
    bool is_rounding = error - progress->error_before <= em_rounding(trainer->em);
    communicator_broadcast(trainer->comm, &is_rounding, sizeof is_rounding);
    if (is_rounding)
        trainer->reason = STOP_LIKELIHOOD;
    snprintf(trainer->nonfinite, sizeof trainer->nonfinite,
             "the error rose from %.12g to %.12g, which EM must not do", progress->error_before,
             error);
    em_reject(trainer->em);
    /* Who goes on from here tries again instead of finding that nothing has changed. */
    progress->error_before = INFINITY;
    progress->epoch--;
    progress->step--;
    progress->total_steps--;
    site_set_step(progress->step);
    evaluate_all(trainer, trainer->train, &trainer->running);
}

/* Collective. One round: measure, decide, record, save, and, if training goes on, one update. */
static void run_round(struct trainer *trainer)
{
    bool is_epoch = trainer->progress.batch == 0;
    double began = clock_seconds();
    profile_round(trainer->round_weight);
    if (is_epoch)
        measure(trainer);
    struct trainer_decision decision = trainer_decide(trainer);
    trainer->reason = (enum stop_reason)decision.reason;
    if (trainer->reason == STOP_FELL)
        take_back(trainer);
    if (is_epoch && trainer->reason != STOP_NOT_FINITE)
        finish_epoch(trainer, &trainer->reason);
    show_progress(trainer);
    bool stops = trainer->reason != STOP_NOT;
    if (trainer->saves && trainer->reason != STOP_NOT_FINITE && (decision.save || stops)) {
        profile_enter_alone(PHASE_SAVING);
        trainer_save(trainer, decision.save_is_due);
        profile_leave_alone();
    }
    if (trainer->reason != STOP_NOT)
        return;
    if (!is_full_batch(trainer))
        gradient_of_batch(trainer);
    update(trainer);
    trainer->longest_round = fmax(trainer->longest_round, clock_seconds() - began);
}

status trainer_run_start(struct trainer *trainer)
{
    status outcome = STATUS_OK;
    trainer->reason = STOP_NOT;
    trainer->nonfinite[0] = '\0';
    if (trainer->saves && trainer_is_root(trainer))
        outcome = trainer_open_metrics(trainer);
    outcome = communicator_agree(trainer->comm, outcome);
    if (outcome == STATUS_OK && trainer->saves && trainer->is_reshaped)
        trainer_save(trainer, true);
    trainer->is_reshaped = false;
    log_progress_start(trainer->config->progress_mode, (double)trainer->progress.epoch);
    while (outcome == STATUS_OK && trainer->reason == STOP_NOT)
        run_round(trainer);
    log_progress_finish();
    return outcome;
}
