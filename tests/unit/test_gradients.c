/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Central differences against back-propagation, for every error function, likelihood, output,
 * activation and depth, in all parameters of the gate and of every expert, variances included.
 */
#include "unit_test.h"

#include "base/memory.h"
#include "base/rng.h"
#include "math/softmax.h"
#include "model/experts.h"
#include "model/gate/gate.h"
#include "model/objective.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N_EXPERTS = 3, N_INPUTS = 3, N_SAMPLES = 21 };

/* A small mixture with everything that a step needs, on one process and without an exchange. */
struct mixture {
    enum error_kind error;
    double beta; /* of the annealed mixture error */
    struct gate gate;
    struct experts experts;
    size_t stride, n_outputs;
    struct inputs x;
    real *d, *w, *y, *coefficient, *agreement;
    double *value; /* per sample: log sum or error */
};

static double uniform(struct rng *rng)
{
    return 2 * rng_uniform(rng) - 1;
}

static real *reals(size_t n)
{
    real *values;
    assert_int_equal(memory_alloc(&values, n, sizeof(real), "test"), STATUS_OK);
    return values;
}

/* Targets that the likelihood can have: numbers, positive ones, counts, or probabilities. */
static void draw_targets(struct mixture *mixture, struct rng *rng)
{
    enum output_kind output = mixture->experts.likelihood.output;
    enum target_domain domain = likelihood_family(mixture->experts.likelihood.kind)->targets;
    for (size_t n = 0; n < N_SAMPLES; n++) {
        double total = 0;
        for (size_t k = 0; k < mixture->n_outputs; k++) {
            double d = output == OUTPUT_IDENTITY ? 2 * uniform(rng) : rng_uniform(rng);
            if (domain == TARGETS_COUNTS)
                d = floor(4 * d);
            if (domain == TARGETS_POSITIVE)
                d = 0.1 + 3 * d;
            mixture->d[k * mixture->stride + n] = (real)d;
            total += d;
        }
        for (size_t k = 0; k < mixture->n_outputs && output == OUTPUT_SOFTMAX; k++)
            mixture->d[k * mixture->stride + n] =
                (real)((double)mixture->d[k * mixture->stride + n] / total);
    }
}

static void draw_parameters(struct parameters *parameters, struct rng *rng)
{
    for (size_t network = 0; network < parameters->n_networks; network++)
        for (size_t i = 0; i < parameters->shape->extent; i++)
            parameters_of(parameters, network)[i] = (real)(0.7 * uniform(rng));
}

static void mixture_init(struct mixture *mixture, enum error_kind error,
                         const struct likelihood *likelihood, bool learned,
                         enum activation activation, size_t depth)
{
    const size_t hidden[2] = {5, 4};
    const struct gate_config gate = {.choice = GATE_SOFTMAX,
                                     .n_inputs = N_INPUTS,
                                     .n_experts = N_EXPERTS,
                                     .n_members = 1,
                                     .hidden = hidden,
                                     .n_hidden = depth,
                                     .activation = activation};
    const struct dispersion_start start = {
        {0.6, 3}, learned, learned && likelihood_family(likelihood->kind)->has_freedom};
    struct mlp expert;
    struct rng rng;
    rng_init(&rng, 7, RNG_SPLIT, 0, 0);
    memset(mixture, 0, sizeof *mixture);
    mixture->error = error;
    mixture->beta = 1;
    mixture->n_outputs = likelihood->n_outputs;
    size_t stride = mixture->stride = real_padded(N_SAMPLES);
    mlp_init(&expert, N_INPUTS, hidden, depth, likelihood->n_outputs, activation);
    assert_int_equal(gate_init(&mixture->gate, &gate, stride), STATUS_OK);
    assert_int_equal(
        experts_init(&mixture->experts, &expert, likelihood, 0, N_EXPERTS, &start, stride),
        STATUS_OK);
    assert_int_equal(inputs_init(&mixture->x, N_INPUTS, stride), STATUS_OK);
    mixture->d = reals(stride * likelihood->n_outputs);
    mixture->y = reals(stride * likelihood->n_outputs);
    mixture->w = reals(stride);
    mixture->coefficient = reals(stride * N_EXPERTS);
    mixture->agreement = reals(stride * N_EXPERTS);
    assert_int_equal(memory_alloc(&mixture->value, stride, sizeof(double), "test"), STATUS_OK);
    draw_parameters(&mixture->gate.parameters, &rng);
    draw_parameters(&mixture->experts.parameters, &rng);
    for (size_t i = 0; i < N_SAMPLES * N_INPUTS; i++)
        mixture->x.x[i] = (real)uniform(&rng);
    inputs_set(&mixture->x, stride);
    for (size_t n = 0; n < N_SAMPLES; n++)
        mixture->w[n] = (real)((1 + rng_uniform(&rng)) / N_SAMPLES);
    draw_targets(mixture, &rng);
}

static void mixture_release(struct mixture *mixture)
{
    gate_release(&mixture->gate);
    experts_release(&mixture->experts);
    inputs_release(&mixture->x);
    memory_free(&mixture->d);
    memory_free(&mixture->y);
    memory_free(&mixture->w);
    memory_free(&mixture->coefficient);
    memory_free(&mixture->agreement);
    memory_free(&mixture->value);
}

static void combine(struct mixture *mixture)
{
    size_t stride = mixture->stride;
    memset(mixture->y, 0, mixture->n_outputs * stride * sizeof(real));
    for (size_t e = 0; e < N_EXPERTS; e++)
        for (size_t k = 0; k < mixture->n_outputs; k++)
            for (size_t n = 0; n < stride; n++)
                mixture->y[k * stride + n] +=
                    mixture->gate.g[e * stride + n] *
                    experts_output(&mixture->experts, e, stride)[k * stride + n];
}

/* The weighted error, by the formulas as printed; leaves what the backward pass needs. */
static double forward(struct mixture *mixture)
{
    struct gate *gate = &mixture->gate;
    struct experts *experts = &mixture->experts;
    size_t stride = mixture->stride;
    double total = 0;
    gate_forward(gate, &mixture->x);
    experts_forward(experts, &mixture->x, mixture->d);
    combine(mixture);
    for (size_t n = 0; n < N_SAMPLES; n++) {
        double error = 0;
        for (size_t e = 0; e < N_EXPERTS; e++) {
            double g = (double)gate->g[e * stride + n];
            if (mixture->error == ERROR_MIXTURE)
                error += pow(g * exp((double)experts->loglik[e * stride + n]), mixture->beta);
            if (mixture->error == ERROR_COMPETITIVE)
                error += g * (double)experts->square[e * stride + n];
        }
        for (size_t k = 0; k < mixture->n_outputs && mixture->error == ERROR_COOPERATIVE; k++)
            error +=
                pow((double)mixture->d[k * stride + n] - (double)mixture->y[k * stride + n], 2);
        total += (double)mixture->w[n] *
                 (mixture->error == ERROR_MIXTURE ? -log(error) / mixture->beta : error);
    }
    return total;
}

static void backward(struct mixture *mixture)
{
    struct gate *gate = &mixture->gate;
    struct experts *experts = &mixture->experts;
    size_t stride = mixture->stride;
    enum experts_residual residual = RESIDUAL_LIKELIHOOD;
    if (mixture->beta != 1) {
        objective_annealed_mixture(mixture->beta, N_EXPERTS, stride, mixture->w, gate->log_g,
                                   gate->g, experts->loglik, mixture->coefficient, gate->d_logit,
                                   mixture->value);
    } else if (mixture->error == ERROR_MIXTURE) {
        objective_mixture(N_EXPERTS, stride, mixture->w, gate->log_g, gate->g, experts->loglik,
                          mixture->coefficient, gate->d_logit, mixture->value);
    } else if (mixture->error == ERROR_COMPETITIVE) {
        residual = RESIDUAL_OWN;
        objective_competitive(N_EXPERTS, stride, mixture->w, gate->g, experts->square,
                              mixture->coefficient, gate->d_logit, mixture->value);
    } else {
        residual = RESIDUAL_COMBINED;
        objective_cooperative(N_EXPERTS, stride, mixture->w, gate->g, mixture->coefficient);
        experts_agreement(experts, stride, mixture->d, mixture->y, mixture->agreement);
        objective_cooperative_gate(N_EXPERTS, stride, mixture->w, gate->g, mixture->agreement,
                                   gate->d_logit);
    }
    experts_backward(experts, residual, &mixture->x, mixture->d, mixture->y, mixture->coefficient,
                     0);
    gate_backward(gate, &mixture->x, 0);
}

static const double step_size = sizeof(real) == sizeof(double) ? 1e-5 : 1e-2;
static const double tolerance = sizeof(real) == sizeof(double) ? 2e-8 : 2e-3;

static double difference_at(struct mixture *mixture, real *parameter)
{
    real before = *parameter;
    *parameter = (real)((double)before + step_size);
    double above = forward(mixture), up = (double)*parameter;
    *parameter = (real)((double)before - step_size);
    double below = forward(mixture), down = (double)*parameter;
    *parameter = before;
    return (above - below) / (up - down);
}

static void check(const char *what, double expected, double found)
{
    if (fabs(expected - found) <= tolerance * (1 + fabs(expected)))
        return;
    fail_msg("%s: central difference %.10g, back-propagation %.10g", what, expected, found);
}

static void check_network(struct mixture *mixture, struct parameters *parameters, size_t network,
                          const char *what)
{
    const struct mlp *shape = parameters->shape;
    const real *gradient = parameters_gradient_of(parameters, network);
    for (int l = 0; l < shape->n_layers; l++) {
        size_t in = shape->width[l], out = shape->width[l + 1];
        for (size_t i = 0; i < in * out + out; i++) {
            size_t at = i < in * out ? shape->weight_at[l] + i : shape->bias_at[l] + i - in * out;
            check(what, difference_at(mixture, parameters_of(parameters, network) + at),
                  (double)gradient[at]);
        }
    }
}

static void check_dispersion(struct mixture *mixture, double *number, size_t k, int which)
{
    const struct parameters *parameters = &mixture->experts.parameters;
    double before = *number;
    *number = before * exp(step_size);
    double above = forward(mixture);
    *number = before * exp(-step_size);
    double below = forward(mixture);
    *number = before;
    check(
        which == BY_VARIANCE ? "ln variance" : "ln freedom", (above - below) / (2 * step_size),
        (double)parameters_gradient_of(parameters, k)[parameters->log_variance_at + (size_t)which]);
}

static void check_dispersions(struct mixture *mixture)
{
    struct experts *experts = &mixture->experts;
    for (size_t k = 0; k < N_EXPERTS; k++) {
        check_dispersion(mixture, &experts->dispersion[k].variance, k, BY_VARIANCE);
        if (experts->freedom_is_learned)
            check_dispersion(mixture, &experts->dispersion[k].freedom, k, BY_FREEDOM);
    }
}

static void check_all(struct mixture *mixture)
{
    forward(mixture);
    backward(mixture);
    check_network(mixture, &mixture->gate.parameters, 0, "gate");
    for (size_t e = 0; e < N_EXPERTS; e++)
        check_network(mixture, &mixture->experts.parameters, e, "expert");
    if (mixture->experts.variance_is_learned)
        check_dispersions(mixture);
}

static void check_mixture(enum error_kind error, const struct likelihood *likelihood, bool learned,
                          enum activation activation, size_t depth)
{
    struct mixture mixture;
    mixture_init(&mixture, error, likelihood, learned, activation, depth);
    check_all(&mixture);
    mixture_release(&mixture);
}

/* All depths and, where there are hidden layers, all activations. */
static void check_family(enum error_kind error, const struct likelihood *likelihood, bool learned)
{
    /* The kink of a rectifier is no place for a wide central difference. */
    const enum activation kinds[] = {ACTIVATION_TANH, ACTIVATION_GELU, ACTIVATION_LOGISTIC,
                                     ACTIVATION_RELU};
    int n_kinds = sizeof(real) == sizeof(double) ? 4 : 3;
    check_mixture(error, likelihood, learned, ACTIVATION_TANH, 0);
    for (size_t depth = 1; depth <= 2; depth++)
        for (int i = 0; i < n_kinds; i++)
            check_mixture(error, likelihood, learned, kinds[i], depth);
}

static void test_squared_errors(void **state)
{
    (void)state;
    for (int error = ERROR_COOPERATIVE; error <= ERROR_MIXTURE; error++)
        for (int output = OUTPUT_IDENTITY; output <= OUTPUT_SOFTMAX; output++) {
            struct likelihood likelihood = {LIKELIHOOD_GAUSSIAN, (enum output_kind)output, 3};
            check_family((enum error_kind)error, &likelihood, false);
        }
}

static void test_learned_variance(void **state)
{
    (void)state;
    struct likelihood likelihood = {LIKELIHOOD_GAUSSIAN, OUTPUT_IDENTITY, 2};
    check_family(ERROR_MIXTURE, &likelihood, true);
}

static void test_bernoulli(void **state)
{
    (void)state;
    struct likelihood one = {LIKELIHOOD_BERNOULLI, OUTPUT_LOGISTIC, 1};
    struct likelihood three = {LIKELIHOOD_BERNOULLI, OUTPUT_LOGISTIC, 3};
    check_family(ERROR_MIXTURE, &one, false);
    check_family(ERROR_MIXTURE, &three, false);
}

static void test_categorical(void **state)
{
    (void)state;
    struct likelihood likelihood = {LIKELIHOOD_CATEGORICAL, OUTPUT_SOFTMAX, 4};
    check_family(ERROR_MIXTURE, &likelihood, false);
}

static void test_poisson(void **state)
{
    (void)state;
    struct likelihood likelihood = {LIKELIHOOD_POISSON, OUTPUT_EXP, 3};
    check_family(ERROR_MIXTURE, &likelihood, false);
}

/* Families with a number of their own beside z. */
static void test_dispersed(void **state)
{
    (void)state;
    const enum likelihood_kind kinds[] = {LIKELIHOOD_STUDENT, LIKELIHOOD_GAMMA,
                                          LIKELIHOOD_LOGNORMAL, LIKELIHOOD_NEGATIVE_BINOMIAL,
                                          LIKELIHOOD_ZERO_INFLATED_POISSON};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        enum output_kind output = (enum output_kind)likelihood_family(kinds[i])->output;
        struct likelihood one = {kinds[i], output, 1}, three = {kinds[i], output, 3};
        check_mixture(ERROR_MIXTURE, &one, false, ACTIVATION_TANH, 1);
        check_mixture(ERROR_MIXTURE, &one, true, ACTIVATION_TANH, 0);
        check_mixture(ERROR_MIXTURE, &three, true, ACTIVATION_TANH, 1);
    }
}

/* And the error that is reported is the one that is not annealed. */
static void test_annealed(void **state)
{
    (void)state;
    struct likelihood gaussian = {LIKELIHOOD_GAUSSIAN, OUTPUT_IDENTITY, 2};
    struct likelihood categorical = {LIKELIHOOD_CATEGORICAL, OUTPUT_SOFTMAX, 4};
    for (int i = 0; i < 2; i++) {
        struct mixture mixture;
        mixture_init(&mixture, ERROR_MIXTURE, i == 0 ? &gaussian : &categorical, i == 0,
                     ACTIVATION_TANH, 1);
        double total = forward(&mixture), reported = 0;
        mixture.beta = 0.3;
        check_all(&mixture);
        for (size_t n = 0; n < N_SAMPLES; n++)
            reported -= (double)mixture.w[n] * mixture.value[n];
        check("the error", total, reported);
        mixture_release(&mixture);
    }
}

/* The posterior sums to 1; equal experts have the posterior that the gate gave them. */
static void test_posterior(void **state)
{
    (void)state;
    struct likelihood likelihood = {LIKELIHOOD_GAUSSIAN, OUTPUT_IDENTITY, 2};
    struct mixture mixture;
    mixture_init(&mixture, ERROR_MIXTURE, &likelihood, false, ACTIVATION_TANH, 1);
    struct parameters *parameters = &mixture.experts.parameters;
    const double accuracy = sizeof(real) == sizeof(double) ? 1e-14 : 1e-6;
    for (int equal = 0; equal < 2; equal++) {
        for (size_t e = 1; e < N_EXPERTS && equal; e++)
            memcpy(parameters_of(parameters, e), parameters_of(parameters, 0),
                   parameters->stride * sizeof(real));
        forward(&mixture);
        softmax_posterior(N_EXPERTS, mixture.stride, mixture.gate.log_g, mixture.experts.loglik,
                          mixture.coefficient, mixture.value);
        for (size_t n = 0; n < N_SAMPLES; n++) {
            double sum = 0;
            for (size_t e = 0; e < N_EXPERTS; e++) {
                size_t at = e * mixture.stride + n;
                sum += (double)mixture.coefficient[at];
                if (equal)
                    assert_true(fabs((double)mixture.coefficient[at] - (double)mixture.gate.g[at]) <
                                accuracy);
            }
            assert_true(fabs(sum - 1) < 4 * accuracy);
        }
    }
    mixture_release(&mixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_squared_errors), cmocka_unit_test(test_learned_variance),
        cmocka_unit_test(test_bernoulli),      cmocka_unit_test(test_categorical),
        cmocka_unit_test(test_poisson),        cmocka_unit_test(test_dispersed),
        cmocka_unit_test(test_annealed),       cmocka_unit_test(test_posterior)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
