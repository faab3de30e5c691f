/* SPDX-License-Identifier: BSD-3-Clause */
#include "train/step/step.h"

#include "step_ahead.h"
#include "step_forward.h"
#include "step_gate_terms.h"
#include "step_routing.h"

#include "base/memory.h"
#include "base/profile.h"
#include "base/site.h"
#include "math/softmax.h"
#include "model/gate/committee.h"
#include "model/objective.h"

#include <math.h>
#include <string.h>

status step_init(struct step *step, struct model *model, const struct communicator *comm,
                 size_t max_stride)
{
    memset(step, 0, sizeof *step);
    step->model = model;
    step->comm = comm;
    step->beta = 1;
    size_t outputs = model->config.n_outputs;
    size_t at_root = model->has_gate ? max_stride : 0;
    size_t agreements =
        model->config.error == ERROR_COOPERATIVE ? model->experts.n_local * max_stride : 0;
    struct {
        void *array;
        size_t count, size;
    } buffers[] = {{&step->y, outputs * max_stride, sizeof(real)},
                   {&step->expected, max_stride, sizeof(real)},
                   {&step->agreement, agreements, sizeof(real)},
                   {&step->coefficient, model->config.n_experts * at_root, sizeof(real)},
                   {&step->log_sum, at_root, sizeof(double)},
                   {&step->error, at_root, sizeof(double)}};
    status outcome = batch_init(&step->batch, model->config.n_inputs, outputs, max_stride);
    if (outcome == STATUS_OK && model->config.is_bf16)
        outcome = inputs_round(&step->batch.inputs, max_stride);
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0] && outcome == STATUS_OK; i++)
        outcome = memory_alloc(buffers[i].array, buffers[i].count, buffers[i].size, "a step");
    if (outcome == STATUS_OK)
        outcome = step_routing_init(step, max_stride);
    outcome = communicator_agree(comm, outcome);
    if (outcome == STATUS_OK)
        outcome = exchange_init(&step->exchange, comm, &model->shard, max_stride, outputs + 1);
    return outcome;
}

void step_release(struct step *step)
{
    exchange_release(&step->exchange);
    step_routing_release(step);
    step_ahead_release(step);
    batch_release(&step->batch);
    memory_free(&step->y);
    memory_free(&step->expected);
    memory_free(&step->agreement);
    memory_free(&step->coefficient);
    memory_free(&step->log_sum);
    memory_free(&step->error);
}

/* |o|, and q where targets are probabilities too, are bounded; else only the values tell: 0. */
static void output_bounds(const struct model_config *config, double *o, double *square)
{
    double bound = output_functions[config->output].bound;
    bool is_probability = likelihood_family(config->likelihood)->is_classifier && bound > 0;
    *o = bound;
    *square = is_probability ? bound * bound * (double)config->n_outputs : 0;
}

/* What is combined: y = sum_e g_e o_e and, with targets, sum_e g_e q_e. Returns how many. */
static int combined_terms(struct step *step, struct exchange_term terms[2])
{
    const struct experts *experts = &step->model->experts;
    double o_bound, square_bound;
    output_bounds(&step->model->config, &o_bound, &square_bound);
    terms[0] = (struct exchange_term){experts->o, experts->likelihood.n_outputs, o_bound, step->y};
    terms[1] = (struct exchange_term){experts->square, 1, square_bound, step->expected};
    return step->batch.has_targets ? 2 : 1;
}

/* y and the expected square, on every rank. */
static void combine_outputs(struct step *step)
{
    struct exchange_term terms[2];
    profile_enter(PHASE_COMBINE);
    int n_terms = combined_terms(step, terms);
    exchange_combine(&step->exchange, step->batch.stride, step->g, terms, n_terms);
}

LEAF_KERNEL static void negate(size_t n, const double *restrict value, double *restrict negative)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        negative[i] = -value[i];
}

/* Root, error (1.3): the posterior of each expert. */
static void mixture_at_root(struct step *step, const real *loglik)
{
    struct gate *gate = &step->model->gate;
    size_t stride = step->batch.stride;
    if (gate->n_members > 1 && !step->batch.is_unseen)
        committee_objective(gate->n_members, gate->n_experts, stride, step->batch.w,
                            step->batch.fold, gate->log_g, gate->g, loglik, step->coefficient,
                            gate->d_logit, step->log_sum);
    else if (step->beta == 1)
        objective_mixture(gate->n_experts, stride, step->batch.w, gate->log_g, gate->g, loglik,
                          step->coefficient, gate->d_logit, step->log_sum);
    else
        objective_annealed_mixture(step->beta, gate->n_experts, stride, step->batch.w, gate->log_g,
                                   gate->g, loglik, step->coefficient, gate->d_logit,
                                   step->log_sum);
    negate(stride, step->log_sum, step->error);
    /* A Gaussian gate is a model of x too: the error is that of x and d together. */
    for (size_t i = 0; i < stride && gate->log_density; i++)
        step->error[i] -= gate->log_density[i];
}

/* Root, error (1.2): every expert has its own squared error, weighed by the gate. */
static void competitive_at_root(struct step *step, const real *loglik, const real *square)
{
    struct gate *gate = &step->model->gate;
    softmax_posterior(gate->n_experts, step->batch.stride, gate->log_g, loglik, NULL,
                      step->log_sum);
    objective_competitive(gate->n_experts, step->batch.stride, step->batch.w, gate->g, square,
                          step->coefficient, gate->d_logit, step->error);
}

/* Root, error (1.1): the experts share one residual; the gate's part follows in backward. */
static void cooperative_at_root(struct step *step, const real *loglik)
{
    struct gate *gate = &step->model->gate;
    softmax_posterior(gate->n_experts, step->batch.stride, gate->log_g, loglik, NULL,
                      step->log_sum);
    objective_cooperative(gate->n_experts, step->batch.stride, step->batch.w, gate->g,
                          step->coefficient);
}

/* Root, error (1.1): |d - y|^2, once y is known. */
static void cooperative_error(struct step *step)
{
    const struct batch *batch = &step->batch;
    for (size_t i = 0; i < batch->stride; i++) {
        double error = 0;
        for (size_t k = 0; k < batch->n_outputs; k++) {
            double residual =
                (double)batch->d[k * batch->stride + i] - (double)step->y[k * batch->stride + i];
            error += residual * residual;
        }
        step->error[i] = error;
    }
}

static void posterior_at_root(struct step *step, const real *loglik, const real *square)
{
    profile_enter(PHASE_POSTERIOR);
    switch (step->model->config.error) {
    case ERROR_MIXTURE:
        mixture_at_root(step, loglik);
        break;
    case ERROR_COMPETITIVE:
        competitive_at_root(step, loglik, square);
        break;
    case ERROR_COOPERATIVE:
        cooperative_at_root(step, loglik);
        break;
    }
}

/*
 * What the experts say of the targets, to the root; what the root makes of it, back to them. All
 * ranks look ahead in between: the root, which has fewer experts, while it would wait for the
 * others, and these while it forms the posterior. Later, the root would keep them waiting.
 */
static void exchange_posteriors(struct step *step)
{
    struct model *model = step->model;
    struct exchange *exchange = &step->exchange;
    bool has_square = model->config.error == ERROR_COMPETITIVE;
    size_t stride = step->batch.stride;
    struct exchange_term terms[2];
    profile_enter(PHASE_EXCHANGE);
    exchange_announce(exchange, stride, terms, combined_terms(step, terms));
    exchange_gather_begin(exchange, 0, stride, model->experts.loglik);
    if (has_square)
        exchange_gather_begin(exchange, 1, stride, model->experts.square);
    step_ahead_compute(step);
    profile_enter(PHASE_EXCHANGE);
    real *loglik = exchange_gather_end(exchange, 0, stride);
    real *square = has_square ? exchange_gather_end(exchange, 1, stride) : NULL;
    if (model->has_gate)
        posterior_at_root(step, loglik, square);
    profile_enter(PHASE_EXCHANGE);
    step->loglik = loglik;
    step->own_weights = exchange_scatter(exchange, 1, stride, step->coefficient);
}

void step_forward(struct step *step)
{
    struct model *model = step->model;
    const struct batch *batch = &step->batch;
    if (!step->ahead.is_ready)
        step_forward_alone(step);
    step->ahead.is_ready = false;
    if (model->has_gate && batch->is_unseen)
        committee_show_unseen(model->gate.n_members, model->gate.n_experts, batch->stride,
                              batch->fold, model->gate.g, model->gate.log_g);
    if (batch->has_targets)
        exchange_posteriors(step);
    profile_enter(PHASE_EXCHANGE);
    if (!model_is_routed(&model->config))
        step->g = exchange_scatter(&step->exchange, 0, batch->stride, model->gate.g);
    combine_outputs(step);
    if (batch->has_targets && model->has_gate && model->config.error == ERROR_COOPERATIVE)
        cooperative_error(step);
}

/* Error (1.1): the gate needs from every expert how far o - y goes along d - y. */
static void cooperative_gate_gradient(struct step *step)
{
    struct gate *gate = &step->model->gate;
    const struct batch *batch = &step->batch;
    experts_agreement(&step->model->experts, batch->stride, batch->d, step->y, step->agreement);
    real *agreement = exchange_gather(&step->exchange, 1, batch->stride, step->agreement);
    if (step->model->has_gate)
        objective_cooperative_gate(gate->n_experts, batch->stride, batch->w, gate->g, agreement,
                                   gate->d_logit);
}

void step_backward(struct step *step, real keep)
{
    struct model *model = step->model;
    const struct batch *batch = &step->batch;
    enum experts_residual residual = RESIDUAL_LIKELIHOOD;
    if (model->config.error == ERROR_COMPETITIVE)
        residual = RESIDUAL_OWN;
    if (model->config.error == ERROR_COOPERATIVE) {
        residual = RESIDUAL_COMBINED;
        cooperative_gate_gradient(step);
    }
    profile_enter(PHASE_EXPERTS_BACKWARD);
    if (model_is_routed(&model->config))
        experts_backward_chosen(&model->experts, &step->rows, &batch->inputs, batch->d, step->g,
                                step->own_weights, keep);
    else
        experts_backward(&model->experts, residual, &batch->inputs, batch->d, step->y,
                         step->own_weights, keep);
    profile_enter(PHASE_GATE);
    if (model->has_gate) {
        step_gate_terms(step);
        gate_backward(&model->gate, &batch->inputs, keep);
    }
    profile_enter(PHASE_OTHER);
}
