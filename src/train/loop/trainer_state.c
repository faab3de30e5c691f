/* SPDX-License-Identifier: BSD-3-Clause */
#include "trainer_internal.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/site.h"

#include <stdio.h>
#include <string.h>

static struct local_networks local_parameters(const struct trainer *trainer)
{
    struct model *model = trainer->model;
    return (struct local_networks){model->has_gate ? model->gate.parameters.value : NULL,
                                   model->experts.parameters.value, model->experts.dispersion};
}

static status copy_history(struct history *to, const struct history *from)
{
    status outcome = STATUS_OK;
    history_release(to);
    for (size_t i = 0; i < from->n && outcome == STATUS_OK; i++)
        outcome = history_add(to, &from->record[i]);
    return outcome;
}

/* Of the gathering, or scattering, of a snapshot. */
static int n_collectives(const struct snapshot *snapshot, bool has_best)
{
    return 2 + snapshot->n_slots + (has_best ? 2 : 0);
}

void trainer_collect(struct trainer *trainer)
{
    struct snapshot *snapshot = &trainer->saver.snapshot;
    struct local_networks local = local_parameters(trainer);
    const struct model *model = trainer->model;
    site_enter(SITE_save_collect, 0);
    const struct communicator *group = &trainer->replicas->group;
    bool has_best = snapshot->has_best && trainer->progress.due_best.epoch >= 0;
    if (!trainer_is_in_first_replica(trainer)) {
        trainer_let_first_replica(SITE_gather_rows, n_collectives(snapshot, has_best));
        return;
    }
    snapshot_gather(model, group, &local, &snapshot->current);
    for (int s = 0; s < snapshot->n_slots; s++)
        snapshot_gather_slot(model, group, &trainer->gate_optimizer, &trainer->expert_optimizer, s,
                             &snapshot->slot[s]);
    if (has_best)
        snapshot_gather(model, group, &trainer->best, &snapshot->best);
    if (snapshot->n_sums > 0)
        communicator_gather_rows(group, &model->shard, snapshot->n_sums * sizeof(double),
                                 em_state(trainer->em), snapshot->sums);
    if (!trainer_is_root(trainer))
        return;
    trainer->progress.seconds = trainer->seconds_before + clock_seconds() - trainer->started;
    metrics_to_array(&trainer->running, trainer->progress.running);
    snapshot->progress = trainer->progress;
    memcpy(snapshot->use, trainer->running.use, trainer->running.n_experts * sizeof(double));
    status outcome = copy_history(&snapshot->history, &trainer->history);
    COTERIE_ASSERT(outcome == STATUS_OK);
}

/* Collective. The networks of a snapshot to the first replica. */
static void scatter(struct trainer *trainer, struct local_networks *local, bool has_best)
{
    struct snapshot *snapshot = &trainer->saver.snapshot;
    const struct model *model = trainer->model;
    const struct communicator *group = &trainer->replicas->group;
    if (!trainer_is_in_first_replica(trainer)) {
        trainer_let_first_replica(SITE_scatter_rows, n_collectives(snapshot, has_best));
        return;
    }
    snapshot_scatter(model, group, &snapshot->current, local);
    for (int s = 0; s < snapshot->n_slots; s++)
        snapshot_scatter_slot(model, group, &snapshot->slot[s], &trainer->gate_optimizer,
                              &trainer->expert_optimizer, s);
    if (has_best)
        snapshot_scatter(model, group, &snapshot->best, &trainer->best);
    if (snapshot->n_sums > 0)
        communicator_scatter_rows(group, &model->shard, snapshot->n_sums * sizeof(double),
                                  snapshot->sums, em_state(trainer->em));
}

void trainer_restore(struct trainer *trainer)
{
    struct snapshot *snapshot = &trainer->saver.snapshot;
    struct local_networks local = local_parameters(trainer);
    trainer->progress = snapshot->progress;
    communicator_broadcast(trainer->comm, &trainer->progress, sizeof trainer->progress);
    bool has_best = snapshot->has_best && trainer->progress.due_best.epoch >= 0;
    scatter(trainer, &local, has_best);
    trainer_spread_networks(trainer, &local);
    for (int s = 0; s < snapshot->n_slots; s++)
        trainer_spread_networks(trainer,
                                &(struct local_networks){trainer->gate_optimizer.slot[s],
                                                         trainer->expert_optimizer.slot[s], NULL});
    if (has_best)
        trainer_spread_networks(trainer, &trainer->best);
    trainer->saved_steps = trainer->progress.total_steps;
    trainer->saved_epoch = trainer->progress.recorded;
    trainer->saver.shown_start = -1; /* another best model, even if of the same epoch */
    site_set_step(trainer->progress.step);
    if (!trainer_is_root(trainer))
        return;
    metrics_from_array(&trainer->running, trainer->progress.running);
    memcpy(trainer->running.use, snapshot->use, trainer->running.n_experts * sizeof(double));
    status outcome = copy_history(&trainer->history, &snapshot->history);
    COTERIE_ASSERT(outcome == STATUS_OK);
}

static bool all_finite(const real *values, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)values[i] * 0;
    return sum == 0;
}

/*
 * Root: parameters that are not numbers must never replace a good checkpoint. A gradient that
 * overflows makes them so while the error of the same step was still finite.
 */
static bool is_finite(struct trainer *trainer)
{
    const struct snapshot *snapshot = &trainer->saver.snapshot;
    const struct model *model = trainer->model;
    size_t stride = parameters_stride(&model->expert_shape), size = sizeof trainer->nonfinite;
    for (size_t e = 0; e < model->config.n_experts; e++)
        if (!all_finite(snapshot->current.experts + e * stride, stride)) {
            snprintf(trainer->nonfinite, size, "the parameters of expert %zu are not finite", e);
            return false;
        }
    if (!all_finite(snapshot->current.gate, parameters_stride(&model->gate_shape))) {
        snprintf(trainer->nonfinite, size, "the parameters of the gating network are not finite");
        return false;
    }
    return true;
}

void trainer_save(struct trainer *trainer, bool is_due)
{
    const struct progress *progress = &trainer->progress;
    if (progress->total_steps == trainer->saved_steps && progress->recorded == trainer->saved_epoch)
        return;
    if (trainer_is_root(trainer)) {
        /* A full disk does not end a run: the older generations stay, and the next one may do. */
        if (saver_wait(&trainer->saver) != STATUS_OK)
            log_warning("%s; training continues, earlier checkpoints are kept", status_text());
        trainer->last_saved = clock_seconds();
    }
    trainer_collect(trainer);
    int32_t good = trainer_is_root(trainer) && is_finite(trainer);
    communicator_broadcast(trainer->comm, &good, sizeof good);
    if (!good) {
        trainer->reason = STOP_NOT_FINITE;
        return;
    }
    trainer->saved_steps = progress->total_steps;
    trainer->saved_epoch = progress->recorded;
    if (trainer_is_root(trainer)) {
        saver_start(&trainer->saver, progress->total_steps,
                    is_due && trainer->config->on_nan == ON_NAN_ROLLBACK);
        run_directory_flush(trainer->directory);
    }
}

status trainer_open_metrics(struct trainer *trainer)
{
    return run_directory_open_metrics(trainer->directory, trainer->progress.start,
                                      !trainer->progress.starts_finished, &trainer->history);
}
