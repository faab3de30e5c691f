/* SPDX-License-Identifier: BSD-3-Clause */
/* A tree of softmaxes: text and numbering, proportions by their definition, gradients by
 * differences. */
#include "unit_test.h"

#include "base/rng.h"
#include "model/gate/gate_kind.h"
#include "model/gate/routing.h"

#include <math.h>
#include <string.h>

enum { STRIDE = 16, MOST_BRANCHES = 64 };

static void test_text(void **state)
{
    static const char *const wrong[] = {
        "",     "4x",  "x4",   "1x4",         "4x0",
        "4xx8", "4,8", "4x8 ", "-4",          "2x2x2x2x2x2x2x2x2x2x2x2x2",
        "+4",   "4.0", "4x 8", "999999999x2", "1024x1024x2"};
    struct gate_levels levels;
    enum gate_choice choice;
    char text[GATE_TEXT];
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(gate_levels_read(wrong[i], &levels));
    assert_true(gate_from_text("tree:4x8x3", &choice, &levels));
    assert_int_equal(choice, GATE_TREE);
    gate_to_text(choice, &levels, text);
    assert_string_equal(text, "tree:4x8x3");
    assert_int_equal(gate_levels_n_experts(&levels), 96);
    assert_int_equal(gate_levels_n_branches(&levels), 4 + 32 + 96);
    assert_int_equal(gate_levels_n_nodes(&levels), 1 + 4 + 32);
    assert_false(gate_from_text("tree", &choice, &levels));
    assert_false(gate_from_text("softmax:4", &choice, &levels));
    assert_true(gate_from_text("softmax", &choice, &levels));
    assert_int_equal(levels.n, 0);
    gate_to_text(choice, &levels, text);
    assert_string_equal(text, "softmax");
}

static void test_nodes(void **state)
{
    /* 2x3: the root has branches 0 and 1, its nodes 2 to 4 and 5 to 7, each with three experts. */
    const struct gate_levels levels = {2, {2, 3}};
    const struct gate_node expected[] = {{0, 0, 0, 6}, {1, 2, 0, 3}, {1, 5, 3, 3}};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct gate_node node = gate_levels_node(&levels, i);
        assert_int_equal(node.level, expected[i].level);
        assert_int_equal(node.branch_at, expected[i].branch_at);
        assert_int_equal(node.expert_at, expected[i].expert_at);
        assert_int_equal(node.n_experts, expected[i].n_experts);
    }
}

/* ln g of expert e for sample i, in double, along its path. */
static double log_g_of(const struct gate_levels *levels, const double *z, size_t e, size_t i)
{
    size_t first = 0, width = 1, n_experts = gate_levels_n_experts(levels);
    double log_g = 0;
    for (size_t l = 0; l < levels->n; l++) {
        size_t own = levels->branches[l], branch = e / (n_experts / (width * own)),
               node = branch / own;
        double sum = exp(z[(first + node * own) * STRIDE + i]);
        for (size_t b = 1; b < own; b++)
            sum += exp(z[(first + node * own + b) * STRIDE + i]);
        log_g += z[(first + branch) * STRIDE + i] - log(sum);
        width *= own;
        first += width;
    }
    return log_g;
}

/* -log sum_e g_e a_e over the K experts of largest g, whose shares are those among themselves. */
static double error_of(const struct gate_levels *levels, const double *z, const double *a, size_t k,
                       size_t i, bool *chosen)
{
    size_t n_experts = gate_levels_n_experts(levels);
    double top = 0, sum = 0;
    for (size_t e = 0; e < n_experts; e++) {
        double own = log_g_of(levels, z, e, i);
        size_t before = 0;
        for (size_t other = 0; other < n_experts; other++)
            before += log_g_of(levels, z, other, i) > own;
        chosen[e] = before < k;
        top += chosen[e] ? exp(own) * a[e] : 0;
        sum += chosen[e] ? exp(own) : 0;
    }
    return -log(top / sum);
}

static void assert_near(double found, double expected, double tolerance)
{
    if (!(fabs(found - expected) <= tolerance))
        fail_msg("%.17g, not %.17g", found, expected);
}

static void check_gradient(const struct gate_levels *levels, size_t k)
{
    size_t n_experts = gate_levels_n_experts(levels), n_branches = gate_levels_n_branches(levels);
    static double z[MOST_BRANCHES * STRIDE], a[MOST_BRANCHES];
    static _Alignas(64) real z_real[MOST_BRANCHES * STRIDE], p[MOST_BRANCHES * STRIDE],
        d_z[MOST_BRANCHES * STRIDE], g[MOST_BRANCHES * STRIDE], log_g[MOST_BRANCHES * STRIDE],
        d_logit[MOST_BRANCHES * STRIDE];
    const double exact = sizeof(real) == sizeof(double) ? 1e-12 : 1e-5, step = 1e-5;
    bool chosen[MOST_BRANCHES];
    struct rng rng;
    rng_init(&rng, 3, RNG_SPLIT, (uint32_t)n_experts, (uint32_t)k);
    for (size_t j = 0; j < n_branches * STRIDE; j++)
        z[j] = (double)(z_real[j] = (real)(4 * rng_uniform(&rng) - 2));
    for (size_t e = 0; e < n_experts; e++)
        a[e] = 0.1 + rng_uniform(&rng);
    gate_levels_forward(levels, STRIDE, z_real, p, g, log_g);
    for (size_t e = 0; e < n_experts; e++)
        for (size_t i = 0; i < STRIDE; i++) {
            double expected = log_g_of(levels, z, e, i);
            assert_near((double)log_g[e * STRIDE + i], expected, 4 * exact);
            assert_near((double)g[e * STRIDE + i], exp(expected), exact);
        }
    if (k < n_experts)
        routing_choose(n_experts, k, STRIDE, g, log_g);
    for (size_t i = 0; i < STRIDE; i++) {
        double sum = 0;
        for (size_t e = 0; e < n_experts; e++)
            sum += (double)g[e * STRIDE + i] * a[e];
        for (size_t e = 0; e < n_experts; e++) {
            size_t at = e * STRIDE + i;
            d_logit[at] = g[at] - (real)((double)g[at] * a[e] / sum);
        }
    }
    gate_levels_backward(levels, STRIDE, p, d_logit, d_z);
    for (size_t b = 0; b < n_branches; b++)
        for (size_t i = 0; i < STRIDE; i++) {
            double *at = &z[b * STRIDE + i], here = *at;
            *at = here + step;
            double above = error_of(levels, z, a, k, i, chosen);
            *at = here - step;
            double below = error_of(levels, z, a, k, i, chosen);
            *at = here;
            assert_near((double)d_z[b * STRIDE + i], (above - below) / (2 * step), exact + 1e-9);
        }
}

static void test_gradient(void **state)
{
    const struct gate_levels trees[] = {{1, {5}}, {2, {4, 8}}, {3, {2, 3, 2}}, {2, {3, 2}}};
    (void)state;
    for (size_t i = 0; i < sizeof trees / sizeof trees[0]; i++) {
        check_gradient(&trees[i], gate_levels_n_experts(&trees[i]));
        check_gradient(&trees[i], 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_text), cmocka_unit_test(test_nodes),
                                       cmocka_unit_test(test_gradient)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
