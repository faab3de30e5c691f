/* SPDX-License-Identifier: BSD-3-Clause */
/* The M-step of linear experts whose maximum has no closed form, one by one. */
#include "em_state.h"

#include "base/memory.h"
#include "math/blas.h"

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

void em_update_expert(struct em *em, size_t k)
{
    struct experts *experts = &em->model->experts;
    real *value = parameters_of(&experts->parameters, k);
    em->expert_at = k;
    em->expert.variance = experts->variance[k];
    double share = em_share(em, k);
    if (!(share > 0))
        return; /* an expert that has no sample stays as it is */
    if (em->expert.raised == &em_softmax)
        sum_targets_of_expert(em);
    em_unpack(&experts->shape, value, em->expert_theta);
    double raised = em_newton_step(&em->expert_newton, em->expert_theta);
    em_pack(&experts->shape, em->expert_theta, value);
    if (experts->variance_is_learned)
        em_set_variance(em, k, -2 * raised, share);
}
