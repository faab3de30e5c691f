/* SPDX-License-Identifier: BSD-3-Clause */
/* The M-step of linear experts whose maximum has no closed form, one by one. */
#include "em_state.h"

#include "base/memory.h"
#include "math/blas.h"

#include <math.h>
#include <string.h>

static const struct em_raised *raised_by_experts(const struct model_config *config)
{
    if (!output_functions[config->output].is_redundant)
        return &em_separate;
    return likelihood_family(config->likelihood)->is_classifier ? &em_softmax : &em_softmax_squares;
}

/*
 * s = w h, and for categorical experts t = s d, in expert->r, and s their sum, which is s where d
 * sums to 1.
 */
static void load_for_expert(struct em *em, size_t number, size_t e)
{
    struct em_linear *expert = &em->expert;
    double *s = em->weights, *t = expert->r;
    em_load(em, number);
    size_t stride = em->chunk.stride;
    em_widen(stride, em_posterior(em, number, e), s);
    expert->s = s;
    if (expert->raised != &em_softmax)
        return;
    for (size_t k = 0; k < expert->n_outputs; k++)
        for (size_t i = 0; i < stride; i++)
            t[k * stride + i] = s[i] * em->chunk.d[k * stride + i];
    memset(s, 0, stride * sizeof *s);
    for (size_t k = 0; k < expert->n_outputs; k++)
        for (size_t i = 0; i < stride; i++)
            s[i] += t[k * stride + i];
}

/* sum t [x;1]^T of a categorical expert */
static void sum_targets_of_expert(struct em *em)
{
    size_t units = em->expert.n_units, outputs = em->expert.n_outputs;
    memset(em->expert_targets, 0, outputs * units * sizeof *em->expert_targets);
    for (size_t c = 0; c < em->n_chunks; c++) {
        load_for_expert(em, c, em->model->experts.first + em->expert_at);
        size_t stride = em->chunk.stride;
        blas_add_products(outputs, units, stride, em->expert.r, stride, em->chunk.x, stride,
                          em->expert_targets, units);
    }
}

static void total_of_expert(void *context, enum em_request request, const double *vector,
                            double *sums)
{
    struct em *em = context;
    memset(sums, 0, em_linear_n_sums(&em->expert, request) * sizeof *sums);
    for (size_t c = 0; c < em->n_chunks; c++) {
        load_for_expert(em, c, em->model->experts.first + em->expert_at);
        em_linear_add(&em->expert, &em->chunk, c, request, vector, sums);
    }
}

status em_init_newton_experts(struct em *em)
{
    const struct model_config *config = &em->model->config;
    struct em_linear *expert = &em->expert;
    bool has_experts = em->model->experts.n_local > 0;
    status outcome =
        em_linear_init(expert, raised_by_experts(config), config->n_outputs,
                       &em->model->expert_shape, em->max_stride, has_experts ? em->n_chunks : 0);
    expert->likelihood = em->model->experts.likelihood;
    if (outcome == STATUS_OK)
        outcome = em_newton_init(&em->expert_newton, expert, &em->system);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&em->expert_theta, expert->n_parameters, sizeof(double), "EM");
    if (outcome == STATUS_OK && expert->raised == &em_softmax)
        outcome = memory_alloc(&em->expert_targets, expert->n_parameters, sizeof(double), "EM");
    em->expert_newton.target_sums = em->expert_targets;
    em->expert_newton.total = total_of_expert;
    em->expert_newton.context = em;
    return outcome;
}

/* ---- variance and freedom where no closed form has them: one after the other (ECM) */

enum { MOST_STEPS = 4, MOST_HALVINGS = 20 };

bool em_climbs_dispersion(const struct model_config *config)
{
    const struct likelihood_newton *newton = likelihood_family(config->likelihood)->newton;
    return newton && newton->dispersion;
}

status em_init_dispersion(struct em *em)
{
    size_t outputs = em->model->config.n_outputs;
    return em_climbs_dispersion(&em->model->config)
               ? memory_alloc(&em->dispersion_z, outputs * em->max_stride, sizeof(double), "EM")
               : STATUS_OK;
}

/* z (O, stride) of expert k for micro-batch `number`, and its weights. */
static void load_outputs(struct em *em, size_t number, size_t k)
{
    struct experts *experts = &em->model->experts;
    size_t outputs = em->model->config.n_outputs, units = em->model->config.n_inputs + 1;
    em_load(em, number);
    size_t stride = em->chunk.stride;
    em_widen(stride, em_posterior(em, number, experts->first + k), em->weights);
    if (em->model->config.n_expert_hidden == 0) {
        blas_multiply(outputs, stride, units, em->expert_theta, units, em->chunk.x, stride,
                      em->dispersion_z, stride);
        return;
    }
    real *z = experts_output(experts, k, stride);
    em_load_batch(em, number);
    mlp_plan_prepare(&experts->plan, &experts->shape, stride);
    mlp_forward(&experts->shape, &experts->plan, parameters_of(&experts->parameters, k),
                &em->batch.inputs, experts->memory + k * experts->memory_stride, experts->scratch,
                z);
    em_widen(outputs * stride, z, em->dispersion_z);
}

static struct dispersion_sums sums_at(struct em *em, size_t k, struct dispersion dispersion)
{
    const struct likelihood_newton *newton =
        likelihood_family(em->model->config.likelihood)->newton;
    struct dispersion_sums sums = {0};
    for (size_t c = 0; c < em->n_chunks; c++) {
        load_outputs(em, c, k);
        size_t stride = em->chunk.stride;
        for (size_t o = 0; o < em->model->config.n_outputs; o++)
            newton->dispersion(dispersion, stride, em->weights, em->chunk.d + o * stride,
                               em->dispersion_z + o * stride, &sums);
    }
    return sums;
}

/* Newton's step of a logarithm, of bounded length; where the sum bends upwards, a step uphill. */
static double dispersion_step(const struct dispersion_sums *sums, int which)
{
    const double longest = 2;
    double slope = sums->slope[which], curvature = sums->curvature[which];
    double step = curvature > 0 ? slope / curvature : copysign(longest, slope);
    return fmin(fmax(step, -longest), longest);
}

static struct dispersion dispersion_moved(const struct em *em, struct dispersion from, int which,
                                          double step)
{
    if (which == BY_VARIANCE)
        from.variance = fmax(from.variance * exp(step), em->model->config.variance_floor);
    else
        from.freedom = fmin(fmax(from.freedom * exp(step), FREEDOM_LEAST), FREEDOM_MOST);
    return from;
}

/* Raises the sum by one of the two numbers; it never falls. */
static void climb_dispersion(struct em *em, size_t k, int which)
{
    const double near_enough = 1e-9;
    struct dispersion *dispersion = &em->model->experts.dispersion[k];
    struct dispersion_sums sums = sums_at(em, k, *dispersion);
    for (int i = 0; i < MOST_STEPS; i++) {
        double step = dispersion_step(&sums, which);
        bool is_better = false;
        for (int halvings = 0; halvings < MOST_HALVINGS && !is_better; halvings++, step /= 2) {
            struct dispersion candidate = dispersion_moved(em, *dispersion, which, step);
            struct dispersion_sums there = sums_at(em, k, candidate);
            is_better = there.value >= sums.value;
            if (is_better) {
                *dispersion = candidate;
                sums = there;
            }
        }
        if (!is_better || fabs(step) < near_enough)
            return;
    }
}

void em_update_dispersion(struct em *em, size_t k)
{
    if (em->model->config.variance_is_learned)
        climb_dispersion(em, k, BY_VARIANCE);
    if (em->model->config.freedom_is_learned)
        climb_dispersion(em, k, BY_FREEDOM);
}

/* ---- an expert */

void em_update_expert(struct em *em, size_t k)
{
    struct experts *experts = &em->model->experts;
    real *value = parameters_of(&experts->parameters, k);
    em->expert_at = k;
    em->expert.dispersion = experts->dispersion[k];
    double share = em_share(em, k);
    if (!(share > 0))
        return; /* an expert that has no sample stays as it is */
    if (em->expert.raised == &em_softmax)
        sum_targets_of_expert(em);
    em_unpack(&experts->shape, value, em->expert_theta);
    double raised = em_newton_step(&em->expert_newton, em->expert_theta);
    em_pack(&experts->shape, em->expert_theta, value);
    if (em_climbs_dispersion(&em->model->config)) {
        em_unpack(&experts->shape, value, em->expert_theta);
        em_update_dispersion(em, k);
    } else if (experts->variance_is_learned) {
        em_set_variance(em, k, -2 * raised, share);
    }
}
