/* SPDX-License-Identifier: BSD-3-Clause */
#include "em_state.h"

#include "base/memory.h"
#include "base/profile.h"
#include "base/site.h"

#include <string.h>

status em_check(const struct model_config *config, const struct em_config *em, size_t n)
{
    if (em_is_online(em, n) && !(em_gate_of(config)->from_moments && em_in_closed_form(config)))
        return status_set(STATUS_USAGE,
                          "@batch-size with @optimizer em (on-line EM) needs linear experts, the "
                          "Gaussian likelihood and @gate gaussian{; leave it out to take all %zu "
                          "samples in one batch, or use adam}",
                          n);
    if (config->error != ERROR_MIXTURE)
        return status_set(STATUS_USAGE,
                          "@optimizer em maximises a likelihood and needs @error mixture; for "
                          "the cooperative and competitive errors use adam");
    return STATUS_OK;
}

static status init_experts(struct em *em)
{
    struct model *model = em->model;
    const struct model_config *config = &model->config;
    em->experts_in_closed_form = em_in_closed_form(config);
    em->sums_moments = em->experts_in_closed_form || em->gate_step->from_moments;
    status outcome = STATUS_OK;
    if (em->sums_moments)
        outcome = least_squares_init(
            &em->fit, model, em->experts_in_closed_form ? config->n_outputs : 0, em->max_stride);
    if (outcome == STATUS_OK)
        outcome = em_init_dispersion(em);
    if (em->experts_in_closed_form || outcome != STATUS_OK)
        return outcome;
    if (config->n_expert_hidden > 0) {
        status made = em_climb_init(&em->expert_climb, &model->experts.parameters);
        return made != STATUS_OK
                   ? made
                   : memory_alloc(&em->coefficient, model->experts.n_local * em->max_stride,
                                  sizeof(real), "EM");
    }
    return em_init_newton_experts(em);
}

static status init_rest(struct em *em)
{
    const struct model *model = em->model;
    const struct model_config *config = &model->config;
    size_t n_local = model->experts.n_local, system = 1;
    em->chunk.n_inputs = config->n_inputs;
    em->chunk.n_outputs = config->n_outputs;
    em->chunk.max_stride = em->max_stride;
    em->n_slots = em->is_online ? 1 : em_n_slots(config, em->n_chunks, em->max_stride);
    if (em->gate_step->system && em->gate_step->system(em) > system)
        system = em->gate_step->system(em);
    if (!em->experts_in_closed_form && em_linear_system(&em->expert) > system)
        system = em_linear_system(&em->expert);
    status outcome = semidefinite_init(&em->system, system);
    if (outcome == STATUS_OK)
        outcome = batch_init(&em->batch, config->n_inputs, config->n_outputs, em->max_stride);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&em->slots, em->n_slots * em_chunk_rows(&em->chunk) * em->max_stride,
                               sizeof(double), "EM");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&em->weights, em->max_stride, sizeof(double), "EM");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&em->slot_holds, em->n_slots, sizeof(int64_t), "EM");
    for (size_t slot = 0; slot < em->n_slots && outcome == STATUS_OK; slot++)
        em->slot_holds[slot] = -1;
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&em->before.experts, n_local * model->experts.parameters.stride,
                               sizeof(real), "EM");
    if (outcome == STATUS_OK)
        outcome =
            memory_alloc(&em->before.dispersion, n_local, sizeof *em->before.dispersion, "EM");
    if (outcome == STATUS_OK && model->has_gate)
        outcome = memory_alloc(&em->before.gate, model->gate.parameters.stride, sizeof(real), "EM");
    return outcome;
}

status em_create(struct em **out, struct model *model, const struct communicator *comm,
                 const struct dataset *dataset, const struct em_config *config)
{
    struct em *em = NULL;
    *out = NULL;
    status outcome = memory_alloc(&em, 1, sizeof *em, "EM");
    if (outcome == STATUS_OK) {
        size_t n = dataset->shape.n;
        em->model = model;
        em->comm = comm;
        em->dataset = dataset;
        em->config = *config;
        em->config.micro_batch = config->micro_batch < n ? config->micro_batch : n;
        em->is_online = em_is_online(config, n);
        em->max_stride = real_padded(em->config.micro_batch);
        em->n_chunks = em_n_chunks(n, em->config.micro_batch);
        em->total = batch_total(dataset, NULL, 0, n);
        em->gate_step = em_gate_of(&model->config);
        outcome = em->gate_step->init(em);
    }
    if (outcome == STATUS_OK)
        outcome = init_experts(em);
    if (outcome == STATUS_OK)
        outcome = init_rest(em);
    outcome = communicator_agree(comm, outcome);
    if (outcome == STATUS_OK && em_needs_posteriors(&model->config))
        outcome = shared_memory_create(
            comm, (size_t)em_host_bytes(&model->config, config, dataset->shape.n), &em->window);
    if (outcome != STATUS_OK) {
        em_destroy(&em);
        return outcome;
    }
    em->posterior = em->window.base;
    *out = em;
    return STATUS_OK;
}

void em_destroy(struct em **em)
{
    struct em *gone = *em;
    if (!gone)
        return;
    shared_memory_release(&gone->window);
    least_squares_release(&gone->fit);
    em_gaussian_release(&gone->gaussian);
    em_tree_release(&gone->tree);
    em_linear_release(&gone->gate);
    em_linear_release(&gone->expert);
    em_newton_release(&gone->gate_newton);
    em_newton_release(&gone->expert_newton);
    semidefinite_release(&gone->system);
    batch_release(&gone->batch);
    memory_free(&gone->slots);
    memory_free(&gone->slot_holds);
    memory_free(&gone->group_sums);
    memory_free(&gone->all_sums);
    memory_free(&gone->gate_vector);
    memory_free(&gone->gate_theta);
    memory_free(&gone->expert_theta);
    memory_free(&gone->own_targets);
    memory_free(&gone->all_targets);
    memory_free(&gone->weights);
    memory_free(&gone->expert_targets);
    memory_free(&gone->dispersion_z);
    em_climb_release(&gone->expert_climb);
    em_climb_release(&gone->gate_climb);
    memory_free(&gone->coefficient);
    memory_free(&gone->before.gate);
    memory_free(&gone->before.experts);
    memory_free(&gone->before.dispersion);
    memory_free(em);
}

void em_begin(struct em *em, uint64_t seed)
{
    if (em->sums_moments)
        least_squares_begin(&em->fit, 0, 1);
    if (em->gate_step->begin)
        em->gate_step->begin(em, seed);
}

void em_resume(struct em *em)
{
    if (em->gate_step->resume)
        em->gate_step->resume(em);
}

double *em_state(struct em *em)
{
    return em->fit.sums;
}

size_t em_state_width(const struct em *em)
{
    return em->is_online ? em->fit.row : 0;
}

static void collect_moments(struct em *em, const struct step *step, size_t chunk,
                            uint64_t n_updates)
{
    if (chunk == 0 && em->is_online)
        em_online_begin(em, n_updates);
    else if (chunk == 0)
        least_squares_begin(&em->fit, 0, 1);
    if (em->model->experts.n_local == 0)
        return;
    if (em->is_online)
        em_take_batch(em, &step->batch);
    else
        em_take_chunk(em, chunk, &step->batch);
    least_squares_add(&em->fit, &em->chunk, step->own_weights);
}

void em_collect(struct em *em, const struct step *step, size_t chunk, uint64_t n_updates)
{
    size_t stride = step->batch.stride, n_experts = em->model->config.n_experts;
    profile_enter(PHASE_UPDATE);
    for (size_t e = 0; e < n_experts && em->model->has_gate && em->posterior; e++)
        memcpy(em_posterior_row(em, chunk, e), step->coefficient + e * stride,
               stride * sizeof(real));
    if (em->sums_moments)
        collect_moments(em, step, chunk, n_updates);
    else if (em->gate_step->collect)
        em->gate_step->collect(em, step, chunk);
    profile_enter(PHASE_OTHER);
}

static void copy_parameters(struct em *em, bool back)
{
    struct model *model = em->model;
    const struct parameters *experts = &model->experts.parameters;
    struct {
        void *now, *before;
        size_t bytes;
    } parts[] = {
        {experts->value, em->before.experts, experts->n_networks * experts->stride * sizeof(real)},
        {model->experts.dispersion, em->before.dispersion,
         experts->n_networks * sizeof(struct dispersion)},
        {model->has_gate ? model->gate.parameters.value : NULL, em->before.gate,
         model->has_gate ? model->gate.parameters.stride * sizeof(real) : 0}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (parts[i].bytes > 0)
            memcpy(back ? parts[i].now : parts[i].before, back ? parts[i].before : parts[i].now,
                   parts[i].bytes);
}

/* An injected fault: a wrong M-step, which must be noticed. */
static void spoil(struct experts *experts)
{
    parameters_of(&experts->parameters, 0)[experts->shape.bias_at[0]] += 100;
}

void em_update(struct em *em)
{
    struct experts *experts = &em->model->experts;
    profile_enter(PHASE_UPDATE);
    if (em->is_online && !em_online_is_ready(em)) {
        profile_enter(PHASE_OTHER);
        return;
    }
    copy_parameters(em, false);
    if (em->posterior)
        shared_memory_publish(em->comm, &em->window);
    if (em->model->config.n_expert_hidden > 0)
        em_climb_experts(em);
    for (size_t k = 0; k < experts->n_local && em->model->config.n_expert_hidden == 0; k++) {
        if (em->experts_in_closed_form)
            least_squares_solve(&em->fit, experts, k, em->model->config.variance_floor);
        else
            em_update_expert(em, k);
    }
    em->gate_step->update(em);
    if (site_poisons(SITE_update) && experts->n_local > 0)
        spoil(experts);
    profile_enter(PHASE_OTHER);
}

void em_reject(struct em *em)
{
    copy_parameters(em, true);
}
