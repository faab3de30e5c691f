/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit_test.h"

#include "app/bench/cost_model.h"
#include "base/real.h"

#include <math.h>

/* Round numbers, so that what the formulas of the header give can be worked out by hand. */
static struct cost_rates rates_for_test(void)
{
    struct cost_rates rates = {.n_points = 2,
                               .update = 1e-9,
                               .add = 2e-9,
                               .inside = {1e-6, 0.25e-6, 4e9},
                               .between = {2e-6, 0.5e-6, 1e9},
                               .ranks_per_host = 4};
    rates.point[0] = (struct cost_point){.samples = 128,
                                         .data = 1e-5,
                                         .gate_forward = 1e-6,
                                         .gate_backward = 2e-6,
                                         .posterior = 3e-6,
                                         .expert_forward = 1e-3,
                                         .expert_backward = 2e-3,
                                         .products = 2e-3,
                                         .combine = 1e-5,
                                         .combine_once = 2e-6};
    rates.point[1] = rates.point[0];
    rates.point[1].samples = 256;
    rates.point[1].expert_forward = 3e-3;
    return rates;
}

static const struct cost_shape shape = {.batch = 1024,
                                        .n_experts = 64,
                                        .n_outputs = 7,
                                        .expert_reals = 1000,
                                        .gate_reals = 500,
                                        .n_gathers = 1};

static void assert_close(double a, double b)
{
    if (fabs(a - b) > 1e-12 + 1e-9 * fabs(b))
        fail_msg("%.17g is not %.17g", a, b);
}

static void rates_between_and_beyond_points(void **state)
{
    (void)state;
    struct cost_rates rates = rates_for_test();
    assert_close(cost_at(&rates, 128).expert_forward, 1e-3);
    assert_close(cost_at(&rates, 192).expert_forward, 2e-3);
    assert_close(cost_at(&rates, 256).expert_forward, 3e-3);
    assert_close(cost_at(&rates, 512).expert_forward, 6e-3);
    assert_close(cost_at(&rates, 64).expert_forward, 0.5e-3);
    assert_close(cost_at(&rates, 64).data, 0.5e-5);
}

static void a_step_of_one_rank(void **state)
{
    (void)state;
    struct cost_rates rates = rates_for_test();
    struct cost_plan plan = {1, 1, 128, 64};
    double parts[COST_N_PARTS];
    double seconds = cost_step(&rates, &shape, &plan, parts);
    /* 8 micro-batches: data, 64 experts, the gate's 64 rows, posterior, combine; then the update */
    double expected = 8 * (1e-5 + 64 * 3e-3 + 64 * 3e-6 + 64 * 3e-6 + 64 * 1e-5 + 2e-6) +
                      (64 * 1000 + 500) * 1e-9;
    assert_close(seconds, expected);
    assert_close(parts[COST_EXCHANGE], 0);
    assert_close(parts[COST_REPLICAS], 0);
}

static void messages_of_shards(void **state)
{
    (void)state;
    struct cost_rates rates = rates_for_test();
    double parts[COST_N_PARTS], bytes = 64 * 128 * sizeof(real);
    /* 4 ranks of one host */
    struct cost_plan plan = {4, 1, 128, 16};
    cost_step(&rates, &shape, &plan, parts);
    assert_close(parts[COST_EXCHANGE], 8 * 3 * (1e-6 + 3 * 0.25e-6 + bytes * 3 / 4 / 4e9));
    assert_close(parts[COST_GATE], 8 * 64 * 3e-6);
    /* 16 ranks of four hosts, each link shared by four */
    plan = (struct cost_plan){16, 1, 128, 4};
    cost_step(&rates, &shape, &plan, parts);
    assert_close(parts[COST_EXCHANGE], 8 * 3 * (2e-6 + 15 * 0.5e-6 + bytes * 15 / 16 / 1e9));
    double sums = 8 * (8 * 128 + 2), start = 2.5e-6, per_byte = 4 / 1e9;
    double small = 4 * (start + 16 * per_byte);
    double large = 8 * start + 2 * sums * 15 / 16 * per_byte;
    assert_true(large < 4 * (start + sums * per_byte));
    assert_close(parts[COST_COMBINE], 8 * (4 * 1e-5 + 2e-6 + small + large));
    /* The other two error functions gather twice. */
    struct cost_shape other = shape;
    double twice[COST_N_PARTS];
    other.n_gathers = 2;
    cost_step(&rates, &other, &plan, twice);
    assert_close(twice[COST_EXCHANGE], parts[COST_EXCHANGE] * 4 / 3);
}

static void gradients_of_replicas(void **state)
{
    (void)state;
    struct cost_rates rates = rates_for_test();
    double parts[COST_N_PARTS];
    struct cost_plan plan = {16, 4, 128, 16};
    cost_step(&rates, &shape, &plan, parts);
    /* A quarter of the samples each: 2 micro-batches; shards of a replica share a host. */
    double bytes = 64 * 128 * sizeof(real), reals = 16 * 1000 + 500;
    assert_close(parts[COST_EXCHANGE], 2 * 3 * (1e-6 + 3 * 0.25e-6 + bytes * 3 / 4 / 4e9));
    assert_close(parts[COST_UPDATE], reals * 1e-9);
    assert_close(parts[COST_REPLICAS],
                 2 * (3 * 2.5e-6 + reals * sizeof(real) * 3 / 4 * 4 / 1e9) + 3 * reals / 4 * 2e-9);
}

static void parts_add_up(void **state)
{
    (void)state;
    struct cost_rates rates = rates_for_test();
    for (int ranks = 1; ranks <= 64; ranks++) {
        struct cost_plan plan;
        double parts[COST_N_PARTS], sum = 0;
        double seconds = cost_best(&rates, &shape, ranks, 64, &plan);
        assert_int_equal(plan.n_ranks, ranks);
        assert_int_equal(ranks % plan.n_replicas, 0);
        assert_close(cost_step(&rates, &shape, &plan, parts), seconds);
        for (int p = 0; p < COST_N_PARTS; p++) {
            assert_true(parts[p] >= 0);
            sum += parts[p];
        }
        assert_close(sum, seconds);
    }
}

/* What looking ahead takes off a step of 8 micro-batches on 4 ranks of a host, part by part. */
static void check_hidden(const struct cost_rates *rates, size_t n_gathers,
                         const struct cost_plan *plan, double posterior, double exchange)
{
    struct cost_shape one_by_one = shape, ahead;
    double before[COST_N_PARTS], after[COST_N_PARTS];
    one_by_one.n_gathers = n_gathers;
    ahead = one_by_one;
    ahead.posterior_in_experts = 0.01;
    cost_step(rates, &one_by_one, plan, before);
    cost_step(rates, &ahead, plan, after);
    assert_close(before[COST_POSTERIOR] - after[COST_POSTERIOR], 7 * posterior);
    assert_close(before[COST_EXCHANGE] - after[COST_EXCHANGE], 7 * exchange);
    for (int p = 0; p < COST_N_PARTS; p++)
        if (p != COST_POSTERIOR && p != COST_EXCHANGE)
            assert_close(before[p], after[p]);
}

/*
 * Rank 0 has 15 experts, two others 16 and one 17: 17 ms forward and 34 ms backward there, on rank
 * 0 15 ms forward and 30 ms backward, and 64 us and 128 us for the gate: 5.808 ms to spare.
 */
static void posteriors_hidden_by_looking_ahead(void **state)
{
    (void)state;
    struct cost_rates rates = rates_for_test();
    struct cost_plan plan = {4, 1, 128, 15};
    double gather = 1e-6 + 3 * 0.25e-6 + 64 * 128 * sizeof(real) * 0.75 / 4e9;
    /* 192 us of posterior and the gathers are less. */
    check_hidden(&rates, 1, &plan, 192e-6, gather);
    check_hidden(&rates, 2, &plan, 192e-6, 2 * gather);
    /* With 5.805 ms of posterior a part of the gather is not hidden, of 8 ms a part of these. */
    rates.point[0].posterior = 5.805e-3 / 64;
    check_hidden(&rates, 1, &plan, 5.805e-3, 0.003e-3);
    rates.point[0].posterior = 8e-3 / 64;
    check_hidden(&rates, 1, &plan, 5.808e-3, 0);
    /* The gate's forward pass is 5.7 ms instead of 64 us: 172 us are left. And 6 ms. */
    rates = rates_for_test();
    rates.point[0].gate_forward = 5.7e-3 / 64;
    check_hidden(&rates, 1, &plan, 172e-6, 0);
    rates.point[0].gate_forward = 6e-3 / 64;
    check_hidden(&rates, 1, &plan, 0, 0);
    /* Rank 0 has 10 experts, the others 18: it waits for their 36 ms backward, of 54 ms in all. */
    rates = rates_for_test();
    rates.point[0].posterior = 20e-3 / 64;
    plan.root_experts = 10;
    check_hidden(&rates, 1, &plan, 18e-3, 0);
}

static void where_steps_do_not_look_ahead(void **state)
{
    (void)state;
    struct cost_rates rates = rates_for_test();
    struct cost_shape ahead = shape;
    /* As many experts on rank 0 as elsewhere. */
    check_hidden(&rates, 1, &(struct cost_plan){4, 1, 128, 16}, 0, 0);
    /* One micro-batch only. */
    check_hidden(&rates, 1, &(struct cost_plan){4, 1, 1024, 15}, 0, 0);
    check_hidden(&rates, 1, &(struct cost_plan){1, 1, 128, 64}, 0, 0);
    /* Less than a hundredth of 17 experts: 64 * 0.0026 = 0.1664. */
    struct cost_plan plan = {4, 1, 128, 15};
    ahead.posterior_in_experts = 0.0026;
    double with = cost_step(&rates, &ahead, &plan, NULL);
    assert_close(with, cost_step(&rates, &shape, &plan, NULL));
    ahead.posterior_in_experts = 0.0027;
    assert_true(cost_step(&rates, &ahead, &plan, NULL) < with);
    struct model_config config = {.n_inputs = 4, .n_outputs = 1, .n_experts = 10};
    cost_shape_of(&config, 1024, &ahead);
    assert_close(ahead.posterior_in_experts, model_posterior_in_experts(&config) / 10);
    config.top_k = 3;
    cost_shape_of(&config, 1024, &ahead);
    assert_close(ahead.posterior_in_experts, 0);
}

/*
 * Against src/train/step/step.c itself, run by SMPI with the same rates on the network of
 * tests/bench/README.md: experts of 256-1024-32 on 256 ranks, with looking ahead less without.
 */
static void the_change_that_was_simulated(void **state)
{
    (void)state;
    static const struct {
        size_t n_experts, root_experts;
        double gate_forward, change; /* ms */
    } cases[] = {{1023, 3, 1.318e-6, 244.84 - 249.09}, {1020, 0, 1.318e-6, 244.84 - 249.08},
                 {1024, 3, 1.318e-6, 302.14 - 307.53}, {1024, 4, 1.318e-6, 0},
                 {1023, 3, 1.977e-6, 246.01 - 249.58}, {1023, 3, 3.954e-6, 274.28 - 274.58}};
    /* Simulated in single precision: 12.5 GB/s for numbers of four bytes. */
    const struct cost_link link = {4e-6, 7.7e-8, 12.5e9 * sizeof(real) / 4};
    struct cost_rates rates = {
        .n_points = 1, .update = 1.42e-10, .inside = link, .between = link, .ranks_per_host = 1};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct model_config config = {.n_inputs = 256,
                                      .n_outputs = 32,
                                      .n_experts = cases[i].n_experts,
                                      .expert_hidden = {1024},
                                      .n_expert_hidden = 1,
                                      .error = ERROR_MIXTURE};
        struct cost_plan plan = {256, 1, 256, cases[i].root_experts};
        struct cost_shape one_by_one, ahead;
        rates.point[0] = (struct cost_point){.samples = 256,
                                             .data = 18.3e-6,
                                             .gate_forward = cases[i].gate_forward,
                                             .gate_backward = 1.203e-6,
                                             .posterior = 0.189e-6,
                                             .expert_forward = 1.543e-3,
                                             .expert_backward = 2.199e-3,
                                             .combine = 1.3e-6,
                                             .combine_once = 1.6e-6};
        cost_shape_of(&config, 4096, &ahead);
        one_by_one = ahead;
        one_by_one.posterior_in_experts = 0;
        double change = 1e3 * (cost_step(&rates, &ahead, &plan, NULL) -
                               cost_step(&rates, &one_by_one, &plan, NULL));
        if (fabs(change - cases[i].change) > 1)
            fail_msg("%zu experts, %zu of them on rank 0: %.3g ms by the formula, %.3g simulated",
                     cases[i].n_experts, cases[i].root_experts, change, cases[i].change);
    }
}

/* No other number of experts on rank 0 is better, and a slow gate leaves it none. */
static void root_experts_are_the_best(void **state)
{
    (void)state;
    for (int ahead = 0; ahead < 2; ahead++) {
        struct cost_rates rates = rates_for_test();
        struct cost_shape own = shape;
        own.posterior_in_experts = 0.01 * ahead;
        for (int slow = 0; slow < 3; slow++) {
            size_t best = 0;
            for (int ranks = 2; ranks <= 33; ranks++) {
                struct cost_plan plan = {ranks, 1, 128, 0};
                best = cost_root_experts(&rates, &own, &plan);
                plan.root_experts = best;
                double least = cost_step(&rates, &own, &plan, NULL);
                for (size_t k0 = 0; k0 <= 64; k0++) {
                    plan.root_experts = k0;
                    assert_true(least <= cost_step(&rates, &own, &plan, NULL));
                }
            }
            if (slow == 2)
                assert_int_equal(best, 0);
            rates.point[0].gate_forward *= 30;
        }
    }
}

/* Where the posterior at the root is what costs, replicas divide it. */
static void replicas_lift_the_root(void **state)
{
    (void)state;
    struct cost_rates rates = rates_for_test();
    struct cost_plan alone, grouped;
    double parts[COST_N_PARTS];
    rates.point[0].posterior = rates.point[1].posterior = 1e-3;
    double one = cost_best(&rates, &shape, 16, 1, &alone);
    cost_step(&rates, &shape, &alone, parts);
    double lost, ideal = parts[COST_EXPERTS];
    assert_int_equal(cost_bottleneck(parts, ideal, &lost), COST_POSTERIOR);
    assert_close(lost, parts[COST_POSTERIOR]);
    assert_int_equal(cost_bottleneck(parts, ideal - 1, &lost), COST_EXPERTS);
    assert_close(lost, 1);
    double several = cost_best(&rates, &shape, 16, 16, &grouped);
    assert_true(grouped.n_replicas > 1);
    assert_true(several < one / 2);
}

/* Per sample: an expert of 5-7-3 has 4*35 + 6*21 = 266, a gate of 5-4 has 2*20 forward. */
static void operations_that_a_step_needs(void **state)
{
    (void)state;
    struct model_config config = {
        .n_inputs = 5, .n_outputs = 3, .n_experts = 4, .expert_hidden = {7}, .n_expert_hidden = 1};
    assert_close(cost_floor(&config, 10), 10 * (4 * 266 + 2 * 20 + 2 * 20));
    config.top_k = 4;
    assert_close(cost_floor(&config, 10), 10 * (4 * 266 + 2 * 20 + 2 * 20));
    config.top_k = 1; /* the gradient at the logits of three experts is 0 */
    assert_close(cost_floor(&config, 10), 10 * (266 + 2 * 20 + 2 * 5));
    config.balance_weight = 0.1; /* now it is not */
    assert_close(cost_floor(&config, 10), 10 * (266 + 2 * 20 + 2 * 20));
    config.balance_weight = 0;
    config.gate_hidden[0] = 6; /* 5-6-4: 4*30, 2*24 forward, twice 2*6 backward */
    config.n_gate_hidden = 1;
    assert_close(cost_floor(&config, 10), 10 * (266 + 4 * 30 + 2 * 24 + 2 * 2 * 6));
    config.n_expert_hidden = 0;
    config.top_k = 2;
    config.n_gate_hidden = 0;
    assert_close(cost_floor(&config, 10), 10 * (2 * 4 * 15 + 2 * 20 + 2 * 10));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_between_and_beyond_points),
        cmocka_unit_test(a_step_of_one_rank),
        cmocka_unit_test(messages_of_shards),
        cmocka_unit_test(gradients_of_replicas),
        cmocka_unit_test(posteriors_hidden_by_looking_ahead),
        cmocka_unit_test(where_steps_do_not_look_ahead),
        cmocka_unit_test(the_change_that_was_simulated),
        cmocka_unit_test(parts_add_up),
        cmocka_unit_test(root_experts_are_the_best),
        cmocka_unit_test(replicas_lift_the_root),
        cmocka_unit_test(operations_that_a_step_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
