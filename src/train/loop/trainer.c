/* SPDX-License-Identifier: BSD-3-Clause */
#include "train/loop/trainer.h"

#include "trainer_internal.h"
#include "trainer_unseen.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/profile.h"
#include "base/rng.h"
#include "train/feed/stream.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static status allocate(struct trainer *trainer)
{
    const struct model *model = trainer->model;
    const struct parameters *experts = &model->experts.parameters;
    const struct optimizer_config *optimizer = &trainer->config->optimizer;
    size_t n_local = model->experts.n_local;
    status outcome = optimizer_init(&trainer->expert_optimizer, optimizer, experts);
    if (outcome == STATUS_OK && model->has_gate)
        outcome = optimizer_init(&trainer->gate_optimizer, optimizer, &model->gate.parameters);
    if (outcome == STATUS_OK && model->has_gate)
        outcome = metrics_init(&trainer->running, model->config.n_experts);
    if (outcome == STATUS_OK && model->has_gate)
        outcome = metrics_init(&trainer->validation, model->config.n_experts);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&trainer->norms, n_local, sizeof(double), "gradient norms");
    if (outcome == STATUS_OK && model->has_gate)
        outcome = memory_alloc(&trainer->all_norms, model->config.n_experts, sizeof(double),
                               "gradient norms");
    if (outcome == STATUS_OK)
        outcome = trainer_allocate_unseen(trainer);
    if (!trainer->valid || outcome != STATUS_OK)
        return outcome;
    outcome = memory_alloc(&trainer->best.experts, n_local * experts->stride, sizeof(real),
                           "the best model");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&trainer->best.variance, n_local, sizeof(double), "the best model");
    if (outcome == STATUS_OK && model->has_gate)
        outcome = memory_alloc(&trainer->best.gate, model->gate.parameters.stride, sizeof(real),
                               "the best model");
    return outcome;
}

bool trainer_looks_ahead(const struct trainer_config *config, const struct model_config *model,
                         const struct shard *shard, size_t n)
{
    size_t batch = config->batch_size > 0 && config->batch_size < n ? config->batch_size : n;
    size_t replicas = (size_t)config->replicas, share = (batch + replicas - 1) / replicas;
    return config->optimizer.kind != OPTIMIZER_EM &&
           step_looks_ahead(model, shard, share, config->micro_batch);
}

status trainer_init(struct trainer *trainer, const struct trainer_config *config,
                    const struct replicas *replicas, struct model *model,
                    const struct dataset *train, const struct dataset *valid,
                    const struct metrics_config *metrics_config)
{
    memset(trainer, 0, sizeof *trainer);
    trainer->config = config;
    trainer->comm = replicas->all;
    trainer->replicas = replicas;
    trainer->model = model;
    trainer->train = train;
    trainer->valid = valid;
    trainer->metrics_config = metrics_config;
    trainer->saved_steps = -1;
    trainer->saver.shown_start = -1;
    status outcome = allocate(trainer);
    if (outcome == STATUS_OK)
        outcome = trainer_allocate_shares(trainer);
    outcome = communicator_agree(trainer->comm, outcome);
    if (outcome == STATUS_OK)
        outcome = snapshot_init(&trainer->saver.snapshot, model, trainer->comm,
                                config->optimizer.kind, valid != NULL);
    if (outcome == STATUS_OK)
        outcome =
            step_init(&trainer->step, model, &replicas->group, real_padded(config->micro_batch));
    if (outcome == STATUS_OK &&
        trainer_looks_ahead(config, &model->config, &model->shard, train->shape.n))
        outcome = step_look_ahead(&trainer->step);
    if (outcome != STATUS_OK || config->optimizer.kind != OPTIMIZER_EM)
        return outcome;
    const struct em_config em = {config->micro_batch, config->batch_size, config->forgetting};
    outcome = em_create(&trainer->em, model, trainer->comm, train, &em);
    if (outcome == STATUS_OK)
        outcome =
            snapshot_add_sums(&trainer->saver.snapshot, trainer->comm, em_state_width(trainer->em));
    return outcome;
}

void trainer_show(struct trainer *trainer, const struct dataset *shown)
{
    trainer->shown = shown;
}

void trainer_release(struct trainer *trainer)
{
    saver_wait(&trainer->saver);
    snapshot_release(&trainer->saver.snapshot);
    step_release(&trainer->step);
    em_destroy(&trainer->em);
    optimizer_release(&trainer->gate_optimizer);
    optimizer_release(&trainer->expert_optimizer);
    sampler_release(&trainer->sampler);
    metrics_release(&trainer->running);
    metrics_release(&trainer->validation);
    trainer_release_shares(trainer);
    history_release(&trainer->history);
    memory_free(&trainer->best.gate);
    memory_free(&trainer->best.experts);
    memory_free(&trainer->best.variance);
    trainer_release_unseen(trainer);
    memory_free(&trainer->norms);
    memory_free(&trainer->all_norms);
}

void trainer_use_directory(struct trainer *trainer, struct run_directory *directory,
                           const struct run_record *record)
{
    trainer->saves = true;
    trainer->directory = directory;
    trainer->saver.record = record;
    trainer->saver.directory = directory->checkpoints;
    trainer->saver.keep = trainer->config->keep;
    trainer->saver.has_validation = trainer->valid != NULL;
    if (trainer_is_root(trainer) && trainer->saved_steps >= 0)
        /* A run that has not been prepared for it has its present state to go back to. */
        saver_start_links(&trainer->saver, trainer->saved_steps,
                          trainer->config->on_nan == ON_NAN_ROLLBACK && trainer->begins_rollback);
}

/* The first start has the user's seed, the others seeds that follow from it. */
static uint64_t seed_of_start(const struct trainer *trainer)
{
    if (trainer->progress.start == 0)
        return trainer->config->seed;
    struct rng rng;
    rng_init(&rng, trainer->config->seed, RNG_START, (uint32_t)trainer->progress.start, 0);
    return rng_next_u64(&rng);
}

/* Root reads what --init gives into a copy of all parameters; all ranks take their parts. */
static status read_init(struct trainer *trainer)
{
    struct model *model = trainer->model;
    struct networks *all = &trainer->saver.snapshot.current;
    struct local_networks local = {model->has_gate ? model->gate.parameters.value : NULL,
                                   model->experts.parameters.value, model->experts.variance};
    const struct communicator *group = &trainer->replicas->group;
    bool is_first = trainer_is_in_first_replica(trainer);
    if (is_first)
        snapshot_gather(model, group, &local, all);
    else
        trainer_let_first_replica(SITE_gather_rows, 2);
    const struct model_shape shape = model_shape(model);
    status outcome = STATUS_OK;
    if (trainer_is_root(trainer))
        outcome = trainer->init_reshape ? trainer_read_reshaped(trainer, all)
                                        : checkpoint_read_init(trainer->init_path, &shape, all);
    outcome = communicator_agree(trainer->comm, outcome);
    if (outcome != STATUS_OK)
        return outcome;
    if (is_first)
        snapshot_scatter(model, group, all, &local);
    else
        trainer_let_first_replica(SITE_scatter_rows, 2);
    trainer_spread_networks(trainer, &local);
    return STATUS_OK;
}

static void clear_optimizer(struct optimizer *optimizer, const struct parameters *parameters)
{
    for (int s = 0; s < optimizer->n_slots; s++)
        memset(optimizer->slot[s], 0, parameters->n_networks * parameters->stride * sizeof(real));
}

/* Collective. The batches of a start, which a stream reads ahead. */
static status draw_batches(struct trainer *trainer, uint64_t seed)
{
    const struct trainer_config *config = trainer->config;
    sampler_release(&trainer->sampler);
    status outcome = sampler_init(&trainer->sampler, trainer->train->shape.n, config->batch_size,
                                  config->stream_block, seed);
    if (trainer->train->stream)
        stream_follow(trainer->train->stream, &trainer->sampler);
    early_update_init(&trainer->early, &trainer->expert_optimizer, &trainer->model->experts,
                      trainer_updates_early(trainer) &&
                          trainer->sampler.batch_size <= config->micro_batch);
    return communicator_agree(trainer->comm, outcome);
}

status trainer_begin_start(struct trainer *trainer)
{
    struct model *model = trainer->model;
    struct progress *progress = &trainer->progress;
    uint64_t seed = seed_of_start(trainer);
    progress->epoch = progress->step = progress->batch = progress->stale_epochs = 0;
    progress->recorded = -1;
    progress->due_best = progress->last = MILESTONE_NONE;
    progress->error_before = INFINITY;
    progress->learning_rate_factor = 1;
    model_draw(model, seed);
    if (trainer->em)
        em_begin(trainer->em, seed);
    clear_optimizer(&trainer->expert_optimizer, &model->experts.parameters);
    if (model->has_gate) {
        clear_optimizer(&trainer->gate_optimizer, &model->gate.parameters);
        metrics_clear(&trainer->running);
    }
    history_release(&trainer->history);
    status outcome = draw_batches(trainer, seed);
    if (outcome == STATUS_OK)
        sampler_start_epoch(&trainer->sampler, 0);
    /* Given parameters are the first start; the others are drawn. */
    if (outcome == STATUS_OK && trainer->init_path && progress->start == 0)
        outcome = read_init(trainer);
    return outcome;
}

status trainer_begin(struct trainer *trainer, const char *init_path, const struct reshape *reshape)
{
    trainer->progress = (struct progress){.best_start = -1,
                                          .best_start_error = INFINITY,
                                          .seed = trainer->config->seed,
                                          .starts_finished = trainer->config->starts == 1};
    trainer->init_path = init_path;
    trainer->init_reshape = reshape;
    return trainer_begin_start(trainer);
}

/*
 * The last epoch of a run is recorded even if --metrics-every would have passed it over; where the
 * run goes on, that row goes, and what it meant for the best model.
 */
static void forget_last_row(struct trainer *trainer)
{
    struct progress *progress = &trainer->progress;
    int64_t before = progress->last.epoch - 1;
    if (progress->last.epoch < 0 || progress->epoch >= trainer->config->epochs)
        return;
    progress->last = MILESTONE_NONE;
    progress->recorded = before - before % trainer->config->metrics_every;
    if (trainer_is_root(trainer) && trainer->history.n > 0)
        trainer->history.n--;
}

/* Collective. The state in the saver's snapshot as it is. */
static status take_up(struct trainer *trainer)
{
    trainer_restore(trainer);
    if (trainer->em)
        em_resume(trainer->em);
    status outcome = draw_batches(trainer, seed_of_start(trainer));
    if (outcome == STATUS_OK)
        sampler_start_epoch(&trainer->sampler, (uint64_t)trainer->progress.epoch);
    return outcome;
}

status trainer_take_up(struct trainer *trainer)
{
    status outcome = take_up(trainer);
    forget_last_row(trainer);
    return outcome;
}

/* Collective. The state of a file that the root has open into the saver's snapshot. */
static status read_state(struct trainer *trainer, struct hdf5_file *file)
{
    status outcome = STATUS_OK;
    if (trainer_is_root(trainer))
        outcome = checkpoint_read_state(file, &trainer->saver.snapshot);
    return communicator_agree(trainer->comm, outcome);
}

status trainer_resume(struct trainer *trainer, struct hdf5_file *file)
{
    status outcome = read_state(trainer, file);
    return outcome == STATUS_OK ? trainer_take_up(trainer) : outcome;
}

double trainer_selection_error(const struct trainer *trainer)
{
    const struct history *history = &trainer->history;
    const struct milestone best = progress_best(&trainer->progress);
    if (trainer->reason == STOP_NOT_FINITE || history->n == 0)
        return INFINITY;
    const struct metrics_record *last = &history->record[history->n - 1];
    if (!trainer->valid)
        return last->error;
    return best.epoch >= 0 ? best.error : last->error_valid; /* --epochs 0 */
}

/* Root: keeps the state of a start that is the best so far, in starts/<start>.h5. */
static status keep_start(struct trainer *trainer)
{
    char path[PATH_MAX];
    run_directory_start_path(trainer->directory, trainer->progress.start, path, sizeof path);
    return checkpoint_publish(path, &trainer->saver.snapshot, trainer->saver.record);
}

/* Collective. After a start has ended: compares it with the best one before. */
static status finish_start(struct trainer *trainer)
{
    struct progress *progress = &trainer->progress;
    int32_t is_best = 0;
    status outcome = STATUS_OK;
    if (trainer_is_root(trainer)) {
        double error = trainer_selection_error(trainer);
        is_best = error < progress->best_start_error;
        log_info("start %lld ended with error %.6g%s", (long long)progress->start, error,
                 is_best ? ", the best so far" : "");
        if (is_best)
            progress->best_start_error = error;
        outcome = saver_wait(&trainer->saver);
    }
    communicator_broadcast(trainer->comm, &is_best, sizeof is_best);
    if (is_best) {
        progress->best_start = progress->start;
        trainer_collect(trainer);
        if (trainer_is_root(trainer) && outcome == STATUS_OK)
            outcome = keep_start(trainer);
    }
    return communicator_agree(trainer->comm, outcome);
}

/* Why the start that has been taken up again had ended. */
static enum stop_reason reason_of_start(const struct trainer *trainer)
{
    const struct trainer_config *config = trainer->config;
    if (trainer->progress.epoch >= config->epochs)
        return STOP_EPOCHS;
    if (config->patience > 0 && trainer->progress.stale_epochs >= config->patience)
        return STOP_PATIENCE;
    return trainer->em && !trainer_error_is_reached(trainer) ? STOP_LIKELIHOOD : STOP_ERROR;
}

/* Collective. All starts have been tried: takes up the best one again, if any ended well. */
static status choose_start(struct trainer *trainer)
{
    struct progress ended = trainer->progress;
    if (ended.best_start < 0)
        return STATUS_OK;
    struct hdf5_file *file = NULL;
    status outcome = STATUS_OK;
    if (trainer_is_root(trainer)) {
        char path[PATH_MAX];
        run_directory_start_path(trainer->directory, ended.best_start, path, sizeof path);
        outcome = checkpoint_open(path, &file);
    }
    outcome = communicator_agree(trainer->comm, outcome);
    if (outcome != STATUS_OK)
        return outcome;
    outcome = read_state(trainer, file);
    if (outcome == STATUS_OK)
        outcome = take_up(trainer); /* it has ended: its last row stays */
    if (trainer_is_root(trainer))
        hdf5_close(&file);
    if (outcome != STATUS_OK)
        return outcome;
    trainer->progress.starts_finished = true;
    trainer->progress.total_steps = ended.total_steps + 1;
    trainer->seconds_before = ended.seconds;
    if (trainer_is_root(trainer)) {
        log_info("start %lld is the best of %lld", (long long)ended.best_start,
                 (long long)trainer->config->starts);
        run_directory_forget_start(trainer->directory, ended.best_start);
        outcome = trainer_open_metrics(trainer);
    }
    trainer->reason = reason_of_start(trainer);
    outcome = communicator_agree(trainer->comm, outcome);
    if (outcome == STATUS_OK)
        trainer_save(trainer, true);
    return outcome;
}

static bool was_interrupted(const struct trainer *trainer)
{
    return trainer->reason == STOP_REQUESTED || trainer->reason == STOP_TIME;
}

/* Collective. Samples that could not be read have stopped training, as NaN or by a request. */
static status check_streams(const struct trainer *trainer)
{
    bool valid_streams = trainer->valid && trainer->valid->stream;
    if (!trainer->train->stream && !valid_streams)
        return STATUS_OK;
    status outcome = stream_status(trainer->train->stream);
    if (outcome == STATUS_OK && valid_streams)
        outcome = stream_status(trainer->valid->stream);
    return communicator_agree(trainer->comm, outcome);
}

static status run_all_starts(struct trainer *trainer)
{
    for (;;) {
        status outcome = trainer_run_start(trainer);
        if (outcome == STATUS_OK)
            outcome = check_streams(trainer);
        if (outcome == STATUS_OK && trainer_rolls_back(trainer)) {
            outcome = trainer_roll_back(trainer);
            if (outcome != STATUS_OK)
                return outcome;
            continue;
        }
        if (outcome != STATUS_OK || was_interrupted(trainer) || trainer->progress.starts_finished)
            return outcome;
        outcome = finish_start(trainer);
        if (outcome == STATUS_OK && ++trainer->progress.start == trainer->config->starts)
            return choose_start(trainer);
        if (outcome == STATUS_OK)
            outcome = trainer_begin_start(trainer);
        if (outcome != STATUS_OK)
            return outcome;
    }
}

/* Root: everything is on disk, or `outcome` or what is returned tells why not. */
static status finish_files(struct trainer *trainer, status outcome)
{
    struct status_kept kept;
    status_keep(outcome, &kept);
    outcome = status_restore(&kept, saver_wait(&trainer->saver));
    status_keep(outcome, &kept);
    if (trainer->saves && trainer->directory->metrics)
        outcome = status_restore(&kept, run_directory_flush(trainer->directory));
    /* The best start's own state stays: an older generation that is gone back to needs it. */
    if (outcome == STATUS_OK && trainer->saves && trainer->config->starts > 1 &&
        trainer->progress.starts_finished)
        run_directory_remove_lost_starts(trainer->directory, trainer->progress.best_start);
    return outcome;
}

status trainer_run(struct trainer *trainer)
{
    trainer->started = trainer->last_saved = clock_seconds();
    trainer->seconds_before = trainer->progress.seconds;
    trainer->timer.in_full = trainer->config->profile;
    trainer->round_weight = 1;
    status outcome = run_all_starts(trainer);
    profile_enter_alone(PHASE_SAVING);
    if (trainer_is_root(trainer))
        outcome = finish_files(trainer, outcome);
    outcome = communicator_agree(trainer->comm, outcome);
    profile_leave_alone();
    if (outcome != STATUS_OK)
        return outcome;
    if (trainer->reason == STOP_NOT_FINITE)
        return status_set(STATUS_FAILED,
                          "training stopped at step %lld: %s; try a smaller --learning-rate, "
                          "--clip 1, or --scale standard",
                          (long long)trainer->progress.step, trainer->nonfinite);
    if (trainer->reason == STOP_FELL && trainer->config->starts == 1)
        return status_set(STATUS_FAILED,
                          "EM stopped at iteration %lld: %s; the parameters from before are kept%s",
                          (long long)trainer->progress.step, trainer->nonfinite,
                          sizeof(real) < sizeof(double) ? "; coterie_d computes in double" : "");
    if (was_interrupted(trainer))
        return status_set(STATUS_STOPPED,
                          "stopped %s after %lld epochs; continue with --resume auto",
                          trainer->reason == STOP_TIME ? "by --time-limit" : "on request",
                          (long long)trainer->progress.epoch);
    return STATUS_OK;
}
