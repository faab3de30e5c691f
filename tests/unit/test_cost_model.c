#include "unit_test.h"

#include "coterie/base/real.h"
#include "coterie/train/cost_model.h"

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

/* No other number of experts on rank 0 is better, and a slow gate leaves it none. */
static void root_experts_are_the_best(void **state)
{
    (void)state;
    struct cost_rates rates = rates_for_test();
    for (int slow = 0; slow < 3; slow++) {
        struct cost_plan plan = {8, 1, 128, 0};
        size_t best = cost_root_experts(&rates, &shape, &plan);
        plan.root_experts = best;
        double least = cost_step(&rates, &shape, &plan, NULL);
        for (size_t k0 = 0; k0 <= 64; k0++) {
            plan.root_experts = k0;
            assert_true(least <= cost_step(&rates, &shape, &plan, NULL));
        }
        if (slow == 2)
            assert_int_equal(best, 0);
        rates.point[0].gate_forward *= 30;
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
        cmocka_unit_test(parts_add_up),
        cmocka_unit_test(root_experts_are_the_best),
        cmocka_unit_test(replicas_lift_the_root),
        cmocka_unit_test(operations_that_a_step_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
