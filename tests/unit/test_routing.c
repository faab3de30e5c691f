/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * --top-k: who is chosen, and central differences of the routed mixture error, of the balance term
 * and of the gate's entropy, with the choice held fixed, against what the routed passes leave as
 * gradients.
 */
#include "unit_test.h"

#include "base/memory.h"
#include "base/rng.h"
#include "model/chosen_rows.h"
#include "model/gate/gate.h"
#include "model/gate/gate_terms.h"
#include "model/gate/routing.h"
#include "model/objective.h"

#include <math.h>
#include <string.h>

enum { E = 5, K = 2, D = 3, O = 2, N = 37, HIDDEN = 4 };

static const double balance_weight = 0.7, entropy_weight = 0.4;

static real *reals(size_t n)
{
    real *values;
    assert_int_equal(memory_alloc(&values, n, sizeof(real), "test"), STATUS_OK);
    return values;
}

static void test_choice(void **state)
{
    (void)state;
    enum { STRIDE = REALS_PER_LINE };
    /* Sample 0: all equal; 1: two largest apart; 2: a tie for the second place; 3: one is all. */
    const double p[4][E] = {
        {.2, .2, .2, .2, .2}, {.1, .4, .05, .05, .4}, {.1, .2, .4, .2, .1}, {0, 0, 0, 1, 0}};
    const int chosen[4][K] = {{0, 1}, {1, 4}, {1, 2}, {3, 3}};
    real *g = reals(E * STRIDE), *log_g = reals(E * STRIDE);
    for (size_t e = 0; e < E; e++)
        for (size_t i = 0; i < STRIDE; i++) {
            g[e * STRIDE + i] = (real)p[i % 4][e];
            log_g[e * STRIDE + i] = (real)log(p[i % 4][e]);
        }
    routing_choose(E, K, STRIDE, g, log_g);
    for (size_t i = 0; i < 4; i++) {
        double sum = p[i][chosen[i][0]] + (chosen[i][1] != chosen[i][0] ? p[i][chosen[i][1]] : 0);
        for (int e = 0; e < E; e++) {
            bool is_in = e == chosen[i][0] || e == chosen[i][1];
            double expected = is_in ? p[i][e] / sum : 0;
            double found = (double)g[(size_t)e * STRIDE + i];
            assert_true(fabs(found - expected) < 1e-6);
            double log_found = (double)log_g[(size_t)e * STRIDE + i];
            assert_true(is_in ? fabs(log_found - log(expected)) < 1e-6
                              : log_found == (double)ROUTING_NOT_CHOSEN);
        }
    }
    memory_free(&g);
    memory_free(&log_g);
}

/* A routed mixture on one process. */
struct mixture {
    struct gate gate;
    struct experts experts;
    struct chosen_rows rows;
    struct inputs x;
    size_t stride;
    real *d, *w, *p, *coefficient;
    double *log_sum, load[E];
    bool chosen[E][N];
};

static void draw(struct parameters *parameters, struct rng *rng)
{
    for (size_t network = 0; network < parameters->n_networks; network++)
        for (size_t i = 0; i < parameters->shape->extent; i++)
            parameters_of(parameters, network)[i] = (real)(0.7 * (2 * rng_uniform(rng) - 1));
}

static void mixture_init(struct mixture *mixture)
{
    const struct dispersion_start start = {{0.6, 1}, true, false};
    const size_t hidden[1] = {HIDDEN};
    const struct likelihood likelihood = {LIKELIHOOD_GAUSSIAN, OUTPUT_IDENTITY, O};
    const struct gate_config gate = {.choice = GATE_SOFTMAX,
                                     .n_inputs = D,
                                     .n_experts = E,
                                     .n_members = 1,
                                     .hidden = hidden,
                                     .n_hidden = 0,
                                     .activation = ACTIVATION_TANH};
    struct mlp expert;
    struct rng rng;
    rng_init(&rng, 11, RNG_SPLIT, 0, 0);
    memset(mixture, 0, sizeof *mixture);
    size_t stride = mixture->stride = real_padded(N);
    mlp_init(&expert, D, hidden, 1, O, ACTIVATION_TANH);
    assert_int_equal(gate_init(&mixture->gate, &gate, stride), STATUS_OK);
    assert_int_equal(experts_init(&mixture->experts, &expert, &likelihood, 0, E, &start, stride),
                     STATUS_OK);
    assert_int_equal(inputs_init(&mixture->x, D, stride), STATUS_OK);
    assert_int_equal(chosen_rows_init(&mixture->rows, D, O, stride), STATUS_OK);
    mixture->d = reals(stride * O);
    mixture->w = reals(stride);
    mixture->p = reals(stride * E);
    mixture->coefficient = reals(stride * E);
    assert_int_equal(memory_alloc(&mixture->log_sum, stride, sizeof(double), "test"), STATUS_OK);
    draw(&mixture->gate.parameters, &rng);
    draw(&mixture->experts.parameters, &rng);
    for (size_t i = 0; i < N * D; i++)
        mixture->x.x[i] = (real)(2 * rng_uniform(&rng) - 1);
    inputs_set(&mixture->x, stride);
    for (size_t n = 0; n < N; n++) {
        mixture->w[n] = (real)((1 + rng_uniform(&rng)) / N);
        for (size_t k = 0; k < O; k++)
            mixture->d[k * stride + n] = (real)(4 * rng_uniform(&rng) - 2);
    }
}

static void mixture_release(struct mixture *mixture)
{
    gate_release(&mixture->gate);
    experts_release(&mixture->experts);
    inputs_release(&mixture->x);
    chosen_rows_release(&mixture->rows);
    memory_free(&mixture->d);
    memory_free(&mixture->w);
    memory_free(&mixture->p);
    memory_free(&mixture->coefficient);
    memory_free(&mixture->log_sum);
}

/* The passes under test. */
static void run_routed(struct mixture *mixture)
{
    struct gate *gate = &mixture->gate;
    struct experts *experts = &mixture->experts;
    size_t stride = mixture->stride;
    gate_forward(gate, &mixture->x);
    memcpy(mixture->p, gate->g, E * stride * sizeof(real));
    routing_choose(E, K, stride, gate->g, gate->log_g);
    routing_load(E, K, stride, mixture->w, gate->g, mixture->load);
    for (size_t e = 0; e < E; e++)
        for (size_t n = 0; n < N; n++)
            mixture->chosen[e][n] = gate->g[e * stride + n] > 0;
    experts_forward_chosen(experts, &mixture->rows, &mixture->x, mixture->d, gate->g);
    objective_mixture(E, stride, mixture->w, gate->log_g, gate->g, experts->loglik,
                      mixture->coefficient, gate->d_logit, mixture->log_sum);
    routing_balance_gradient(E, stride, balance_weight, mixture->w, mixture->p, mixture->load,
                             gate->d_logit);
    gate_terms_entropy(E, stride, entropy_weight, mixture->w, gate->g, gate->log_g, gate->d_logit);
    experts_backward_chosen(experts, &mixture->rows, &mixture->x, mixture->d, gate->g,
                            mixture->coefficient, 0);
    gate_backward(gate, &mixture->x, 0);
}

/* The same error by its formula, from the dense passes and the choice made before. */
static double objective(struct mixture *mixture)
{
    size_t stride = mixture->stride;
    gate_forward(&mixture->gate, &mixture->x);
    experts_forward(&mixture->experts, &mixture->x, mixture->d);
    double total = 0;
    for (size_t n = 0; n < N; n++) {
        double all = 0, likelihood = 0, balance = 0, log_p = 0;
        for (size_t e = 0; e < E; e++) {
            double p = (double)mixture->gate.g[e * stride + n];
            balance += E * mixture->load[e] * p;
            if (!mixture->chosen[e][n])
                continue;
            all += p;
            log_p += p * log(p);
            likelihood += p * exp((double)mixture->experts.loglik[e * stride + n]);
        }
        double entropy = log(all) - log_p / all;
        total += (double)mixture->w[n] *
                 (balance_weight * balance + entropy_weight * entropy - log(likelihood / all));
    }
    return total;
}

static const double step_size = sizeof(real) == sizeof(double) ? 1e-5 : 1e-2;
static const double tolerance = sizeof(real) == sizeof(double) ? 2e-8 : 2e-3;

static void check(const char *what, double expected, double found)
{
    if (!(fabs(expected - found) <= tolerance * (1 + fabs(expected))))
        fail_msg("%s: central difference %.10g, back-propagation %.10g", what, expected, found);
}

static void check_network(struct mixture *mixture, const struct parameters *parameters,
                          size_t network, const char *what)
{
    const struct mlp *shape = parameters->shape;
    for (size_t at = 0; at < shape->extent; at++) {
        real *parameter = parameters_of(parameters, network) + at, before = *parameter;
        *parameter = (real)((double)before + step_size);
        double above = objective(mixture), up = (double)*parameter;
        *parameter = (real)((double)before - step_size);
        double below = objective(mixture), down = (double)*parameter;
        *parameter = before;
        check(what, (above - below) / (up - down),
              (double)parameters_gradient_of(parameters, network)[at]);
    }
}

static void test_gradients(void **state)
{
    (void)state;
    struct mixture mixture;
    mixture_init(&mixture);
    run_routed(&mixture);
    check_network(&mixture, &mixture.gate.parameters, 0, "gate");
    struct experts *experts = &mixture.experts;
    for (size_t e = 0; e < E; e++) {
        check_network(&mixture, &experts->parameters, e, "expert");
        double before = experts->dispersion[e].variance;
        experts->dispersion[e].variance = before * exp(step_size);
        double above = objective(&mixture);
        experts->dispersion[e].variance = before * exp(-step_size);
        double below = objective(&mixture);
        experts->dispersion[e].variance = before;
        check("ln variance", (above - below) / (2 * step_size),
              (double)parameters_gradient_of(&experts->parameters,
                                             e)[experts->parameters.log_variance_at]);
    }
    mixture_release(&mixture);
}

/* Each sample has K places; what was not chosen is 0; loads are shares of the places. */
static void test_routed_pass(void **state)
{
    (void)state;
    struct mixture mixture;
    mixture_init(&mixture);
    run_routed(&mixture);
    size_t stride = mixture.stride;
    double load = 0, weights = 0;
    for (size_t n = 0; n < N; n++) {
        int places = 0;
        for (size_t e = 0; e < E; e++) {
            places += mixture.chosen[e][n];
            if (!mixture.chosen[e][n])
                assert_true(mixture.experts.loglik[e * stride + n] == 0 &&
                            mixture.coefficient[e * stride + n] == 0);
        }
        assert_int_equal(places, K);
        weights += (double)mixture.w[n];
    }
    for (size_t e = 0; e < E; e++) {
        double own = 0;
        for (size_t n = 0; n < N; n++)
            own += mixture.chosen[e][n] ? (double)mixture.w[n] : 0;
        assert_true(fabs(mixture.load[e] - own / (K * weights)) < 1e-6);
        load += mixture.load[e];
    }
    assert_true(fabs(load - 1) < 1e-6);
    mixture_release(&mixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_choice),
                                       cmocka_unit_test(test_gradients),
                                       cmocka_unit_test(test_routed_pass)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
