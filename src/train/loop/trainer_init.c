/* SPDX-License-Identifier: BSD-3-Clause */
#include "trainer_internal.h"
#include "trainer_unseen.h"

#include "base/memory.h"

#include <string.h>

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
        outcome = memory_alloc(&trainer->best.dispersion, n_local, sizeof(struct dispersion),
                               "the best model");
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
    return optimizer_method_of(config->optimizer.kind)->has_steps &&
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
    if (outcome != STATUS_OK || optimizer_method_of(config->optimizer.kind)->has_steps)
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
    memory_free(&trainer->best.dispersion);
    trainer_release_unseen(trainer);
    memory_free(&trainer->norms);
    memory_free(&trainer->all_norms);
}

void trainer_use_directory(struct trainer *trainer, struct run_directory *directory,
                           const struct run_record *record, const struct dataset *held_out)
{
    trainer->saves = true;
    trainer->directory = directory;
    trainer->saver.record = record;
    trainer->saver.held_out = held_out;
    trainer->saver.directory = directory->checkpoints;
    trainer->saver.keep = trainer->config->keep;
    trainer->saver.has_validation = trainer->valid != NULL;
    if (trainer_is_root(trainer) && trainer->saved_steps >= 0)
        /* A run that has not been prepared for it has its present state to go back to. */
        saver_start_links(&trainer->saver, trainer->saved_steps,
                          trainer->config->on_nan == ON_NAN_ROLLBACK && trainer->begins_rollback);
}
