/* SPDX-License-Identifier: BSD-3-Clause */
/* The starts of --starts: begun, taken up again, compared. */
#include "trainer_internal.h"

#include "base/rng.h"
#include "train/feed/stream.h"

#include <limits.h>
#include <math.h>
#include <string.h>

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
                                   model->experts.parameters.value, model->experts.dispersion};
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
    if (outcome == STATUS_OK && trainer_is_root(trainer))
        outcome = networks_check_inputs(all, &shape, trainer->init_path);
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

/* Collective. The same, where training goes on from it. */
static status take_up_and_go_on(struct trainer *trainer)
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
    return outcome == STATUS_OK ? take_up_and_go_on(trainer) : outcome;
}

status trainer_resume_reshaped(struct trainer *trainer, struct hdf5_file *file,
                               const struct reshape *reshape)
{
    status outcome = STATUS_OK;
    if (trainer_is_root(trainer))
        outcome = trainer_read_reshaped_state(trainer, file, reshape);
    outcome = communicator_agree(trainer->comm, outcome);
    if (outcome == STATUS_OK)
        outcome = take_up_and_go_on(trainer);
    /* No file holds this state yet. */
    trainer->saved_steps = -1;
    trainer->is_reshaped = true;
    return outcome;
}

/* Root: the error by which starts are compared. */
static double selection_error(const struct trainer *trainer)
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

status trainer_finish_start(struct trainer *trainer)
{
    struct progress *progress = &trainer->progress;
    int32_t is_best = 0;
    status outcome = STATUS_OK;
    if (trainer_is_root(trainer)) {
        double error = selection_error(trainer);
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

status trainer_choose_start(struct trainer *trainer)
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
