/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How far rounding can move the likelihood. An input with one value far out, once standardised, has
 * all others close together: they differ by little more than what the working precision rounds off
 * w x + b, of which the large parts cancel.
 */
#include "em_state.h"

#include "base/memory.h"

#include <float.h>
#include <math.h>

/* largest (D): of |x| over all samples */
static void find_largest(const struct dataset *dataset, double *largest)
{
    size_t inputs = dataset->shape.n_inputs;
    for (size_t i = 0; i < dataset->shape.n; i++)
        for (size_t c = 0; c < inputs; c++)
            largest[c] = fmax(largest[c], fabs((double)dataset->x[i * inputs + c]));
}

/* The largest sum_c |w_c x_c| + |b| of a linear network's outputs. */
static double largest_part(const struct mlp *shape, const real *value, const double *largest)
{
    size_t inputs = shape->width[0];
    double most = 0;
    for (size_t u = 0; u < shape->width[1]; u++) {
        const real *weight = value + shape->weight_at[0] + u * inputs;
        double sum = fabs((double)value[shape->bias_at[0] + u]);
        for (size_t c = 0; c < inputs; c++)
            sum += fabs((double)weight[c]) * largest[c];
        most = fmax(most, sum);
    }
    return most;
}

/* Logits that log g of an expert is made of: one at each level of a tree. */
static double sums_of_gate(const struct model_config *config)
{
    return config->gate_levels.n > 0 ? (double)config->gate_levels.n : 1;
}

/* Of all targets; they are counts. */
static double mean_target(const struct dataset *dataset)
{
    double sum = 0;
    size_t n = dataset->shape.n * dataset->shape.n_targets;
    for (size_t i = 0; i < n; i++)
        sum += (double)dataset->y[i];
    return sum / (double)n;
}

/*
 * The error moves by |dl/do| times what o is off by, which the family knows; for classes it is at
 * most 1.
 */
static double largest_of_experts(const struct em *em, const double *largest)
{
    const struct model *model = em->model;
    const struct experts *experts = &model->experts;
    const struct likelihood_family *family = likelihood_family(model->config.likelihood);
    double mean = family->targets == TARGETS_COUNTS ? mean_target(em->dataset) : 0, most = 0;
    for (size_t k = 0; k < experts->n_local; k++) {
        double steepness = family->steepness ? family->steepness(experts->dispersion[k], mean) : 1;
        double part =
            largest_part(&experts->shape, parameters_of(&experts->parameters, k), largest);
        most = fmax(most, part * steepness);
    }
    return most;
}

/* By the logits of the gate it moves at most as much as they do. */
static double largest_of_gate(const struct model *model, const double *largest)
{
    return sums_of_gate(&model->config) *
           largest_part(&model->gate.shape, model->gate.parameters.value, largest);
}

/*
 * Only of what was computed in double and then rounded. Networks with hidden layers climb the sums
 * of their outputs as they are, rounding included: what those say rises, does.
 */
double em_rounding(const struct em *em)
{
    const struct model *model = em->model;
    double most = 0, *largest = NULL;
    if (em->dataset->x &&
        memory_alloc(&largest, model->config.n_inputs, sizeof *largest, "EM") == STATUS_OK) {
        find_largest(em->dataset, largest);
        if (model->config.n_expert_hidden == 0)
            most = largest_of_experts(em, largest);
        if (model->has_gate && gate_kind_of(model->config.gate)->is_network &&
            model->config.n_gate_hidden == 0)
            most = fmax(most, largest_of_gate(model, largest));
        memory_free(&largest);
    }
    communicator_max(em->comm, &most, 1);
    return most * (sizeof(real) == sizeof(double) ? DBL_EPSILON : (double)FLT_EPSILON);
}
