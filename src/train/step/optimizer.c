/* SPDX-License-Identifier: BSD-3-Clause */
#include "train/step/optimizer.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

#ifdef COTERIE_DOUBLE
#define real_sqrt sqrt
#else
#define real_sqrt sqrtf
#endif

static const double adam_beta1 = 0.9, adam_beta2 = 0.999, adam_epsilon = 1e-8;

status optimizer_init(struct optimizer *optimizer, const struct optimizer_config *config,
                      const struct parameters *parameters)
{
    memset(optimizer, 0, sizeof *optimizer);
    optimizer->config = *config;
    optimizer->n_slots = optimizer_method_of(config->kind)->n_slots;
    status outcome = STATUS_OK;
    for (int s = 0; s < optimizer->n_slots && outcome == STATUS_OK; s++)
        outcome = memory_alloc(&optimizer->slot[s], parameters->n_networks * parameters->stride,
                               sizeof(real), "the optimiser");
    return outcome;
}

void optimizer_release(struct optimizer *optimizer)
{
    for (int s = 0; s < OPTIMIZER_MAX_SLOTS; s++)
        memory_free(&optimizer->slot[s]);
}

LEAF_KERNEL static void descend(size_t n, real rate, const real *restrict gradient,
                                real *restrict value)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        value[i] -= rate * gradient[i];
}

LEAF_KERNEL static void descend_with_momentum(size_t n, real rate, real momentum, real factor,
                                              const real *restrict gradient,
                                              real *restrict velocity, real *restrict value)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        velocity[i] = momentum * velocity[i] + factor * gradient[i];
        value[i] -= rate * velocity[i];
    }
}

struct adam_step {
    real rate, factor;
    real beta1, beta2, epsilon;
    real correction1, correction2; /* 1 / (1 - beta^t) */
};

LEAF_KERNEL static void descend_with_adam(size_t n, struct adam_step step,
                                          const real *restrict gradient, real *restrict m,
                                          real *restrict v, real *restrict value)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        real slope = step.factor * gradient[i];
        m[i] = step.beta1 * m[i] + (1 - step.beta1) * slope;
        v[i] = step.beta2 * v[i] + (1 - step.beta2) * slope * slope;
        value[i] -= step.rate * (m[i] * step.correction1) /
                    (real_sqrt(v[i] * step.correction2) + step.epsilon);
    }
}

/* One network's update: (n) reals each, as they are laid out in its block. */
struct update {
    size_t n;
    double rate, factor;
    uint64_t step;
    const real *gradient;
    real *slot[OPTIMIZER_MAX_SLOTS];
    real *value;
};

static void update_plainly(const struct optimizer_config *config, const struct update *update)
{
    (void)config;
    descend(update->n, (real)(update->rate * update->factor), update->gradient, update->value);
}

static void update_with_momentum(const struct optimizer_config *config, const struct update *update)
{
    descend_with_momentum(update->n, (real)update->rate, (real)config->momentum,
                          (real)update->factor, update->gradient, update->slot[0], update->value);
}

static void update_with_adam(const struct optimizer_config *config, const struct update *update)
{
    double t = (double)update->step;
    struct adam_step adam = {.rate = (real)update->rate,
                             .factor = (real)update->factor,
                             .beta1 = (real)adam_beta1,
                             .beta2 = (real)adam_beta2,
                             .epsilon = (real)adam_epsilon,
                             .correction1 = (real)(1 / (1 - pow(adam_beta1, t))),
                             .correction2 = (real)(1 / (1 - pow(adam_beta2, t)))};
    (void)config;
    descend_with_adam(update->n, adam, update->gradient, update->slot[0], update->slot[1],
                      update->value);
}

/* By enum optimizer_kind; NULL has an update of its own. */
static void (*const updates[])(const struct optimizer_config *config,
                               const struct update *update) = {
    [OPTIMIZER_GD] = update_plainly,
    [OPTIMIZER_MOMENTUM] = update_with_momentum,
    [OPTIMIZER_ADAM] = update_with_adam,
    [OPTIMIZER_EM] = NULL,
};

/* Weights only: biases and variances are not pulled towards zero. */
static void decay_weights(const struct mlp *shape, double rate, double decay, real *value)
{
    real keep = (real)(1 - rate * decay);
    for (int l = 0; l < shape->n_layers; l++) {
        real *weight = value + shape->weight_at[l];
        for (size_t i = 0; i < shape->width[l] * shape->width[l + 1]; i++)
            weight[i] *= keep;
    }
    input_choice_place_offset(&shape->seen, shape->width[0], shape->width[1],
                              value + shape->weight_at[0]);
}

void optimizer_update_network(struct optimizer *optimizer, struct parameters *parameters, size_t k,
                              double rate, double factor, uint64_t step)
{
    const struct optimizer_config *config = &optimizer->config;
    size_t n = parameters->stride, at = k * n;
    struct update update = {.n = n,
                            .rate = rate,
                            .factor = factor,
                            .step = step,
                            .gradient = parameters_gradient_of(parameters, k),
                            .value = parameters_of(parameters, k)};
    for (int s = 0; s < optimizer->n_slots; s++)
        update.slot[s] = optimizer->slot[s] + at;
    if (config->weight_decay != 0)
        decay_weights(parameters->shape, rate, config->weight_decay, update.value);
    if (updates[config->kind])
        updates[config->kind](config, &update);
}

void optimizer_update(struct optimizer *optimizer, struct parameters *parameters, double rate,
                      double factor, uint64_t step)
{
    for (size_t k = 0; k < parameters->n_networks; k++)
        optimizer_update_network(optimizer, parameters, k, rate, factor, step);
}
