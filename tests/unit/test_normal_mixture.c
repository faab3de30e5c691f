/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/mixture/normal_mixture.h"

#include "unit_test.h"

#include <math.h>
#include <stdio.h>

static void assert_near(double found, double expected, double tolerance)
{
    if (!(fabs(found - expected) <= tolerance))
        fail_msg("%.17g, not %.17g", found, expected);
}

/* Quantiles of the standard normal distribution, from tables. */
static void one_expert_is_a_normal_distribution(void **state)
{
    (void)state;
    static const double table[][2] = {
        {0.5, 0},
        {0.95, 1.6448536269514722},
        {0.975, 1.959963984540054},
        {0.995, 2.5758293035489004},
        {1e-10, -6.361340902404056},
    };
    double g = 1, o = 3;
    struct dispersion dispersion = {.variance = 0.25};
    struct target_mixture mixture = {1, &g, &o, &dispersion};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_near(mixture_quantile(&normal_component, &mixture, table[i][0]),
                    3 + 0.5 * table[i][1], 1e-12);
        assert_near(mixture_cdf(&normal_component, &mixture, 3 + 0.5 * table[i][1]), table[i][0],
                    1e-14);
    }
}

/* The integral of the density, by Simpson's rule. */
static double integral(const struct target_mixture *mixture, double from, double to)
{
    const int steps = 20000;
    double width = (to - from) / steps, sum = 0;
    for (int i = 0; i <= steps; i++) {
        double t = from + i * width, density = 0;
        for (size_t e = 0; e < mixture->n_experts; e++) {
            double variance = mixture->dispersion[e].variance, away = t - mixture->o[e];
            density +=
                mixture->g[e] * exp(-away * away / (2 * variance)) / sqrt(2 * M_PI * variance);
        }
        sum += density * (i == 0 || i == steps ? 1 : i % 2 ? 4 : 2);
    }
    return sum * width / 3;
}

static void quantiles_hold_what_the_density_says(void **state)
{
    (void)state;
    static const double g[] = {0.2, 0.5, 0, 0.3}, o[] = {-4, 1, 1e6, 3};
    static const struct dispersion dispersion[] = {{0.01, 1}, {4, 1}, {1, 1}, {0.16, 1}};
    static const double p[] = {0.001, 0.05, 0.19, 0.21, 0.5, 0.9, 0.999};
    struct target_mixture mixture = {4, g, o, dispersion};
    for (size_t i = 0; i < sizeof p / sizeof p[0]; i++)
        assert_near(integral(&mixture, -30, mixture_quantile(&normal_component, &mixture, p[i])),
                    p[i], 1e-9);
}

/* Far apart: no Newton step is any good between the two. */
static void two_needles(void **state)
{
    (void)state;
    static const double g[] = {0.4, 0.6}, o[] = {-1000, 1000};
    static const struct dispersion dispersion[] = {{1e-12, 1}, {1e-12, 1}};
    struct target_mixture mixture = {2, g, o, dispersion};
    assert_near(mixture_quantile(&normal_component, &mixture, 0.2), -1000, 1e-11);
    assert_near(mixture_quantile(&normal_component, &mixture, 0.9), 1000 + 1e-6 * 0.967421566101701,
                1e-11);
    double between = mixture_quantile(&normal_component, &mixture, 0.4);
    assert_true(between > -1000.001 && between < 1000.001);
}

static void what_is_not_finite_has_no_quantile(void **state)
{
    (void)state;
    double g = 1, o = NAN;
    struct dispersion dispersion = {.variance = 1};
    struct target_mixture mixture = {1, &g, &o, &dispersion};
    assert_true(isnan(mixture_quantile(&normal_component, &mixture, 0.5)));
    o = INFINITY;
    assert_true(isnan(mixture_quantile(&normal_component, &mixture, 0.5)));
    g = NAN;
    o = 0;
    assert_true(isnan(mixture_quantile(&normal_component, &mixture, 0.5)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_expert_is_a_normal_distribution),
        cmocka_unit_test(quantiles_hold_what_the_density_says),
        cmocka_unit_test(two_needles),
        cmocka_unit_test(what_is_not_finite_has_no_quantile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
