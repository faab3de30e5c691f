/* SPDX-License-Identifier: BSD-3-Clause */
/* Against values of SciPy 1.10.1 (special.digamma, polygamma, gammainc, betainc) and closed forms.
 */
#include "unit_test.h"

#include "math/gamma_functions.h"

#include <math.h>

static void assert_close(double found, double expected, double tolerance)
{
    if (!(fabs(found - expected) <= tolerance * fabs(expected)))
        fail_msg("%.17g in the place of %.17g", found, expected);
}

static void test_digamma(void **state)
{
    (void)state;
    const double euler = 0.57721566490153286061;
    assert_close(digamma(1), -euler, 1e-14);
    assert_close(digamma(0.5), -euler - 2 * log(2), 1e-14);
    assert_close(trigamma(1), M_PI * M_PI / 6, 1e-14);
    assert_close(trigamma(0.5), M_PI * M_PI / 2, 1e-14);
    for (double a = 1e-3; a < 1e7; a *= 3.7) {
        assert_true(fabs(digamma(a + 1) - digamma(a) - 1 / a) < 1e-12 * (1 + 1 / a));
        assert_true(fabs(trigamma(a) - trigamma(a + 1) - 1 / (a * a)) < 1e-12 * (1 + 1 / (a * a)));
    }
}

static void test_incomplete_gamma(void **state)
{
    (void)state;
    static const double table[][4] = {
        {0.05, 1e-06, 0.514827954525178, 0.48517204547482196},
        {0.05, 3.0, 0.9992840945687974, 0.000715905431202587},
        {2.5, 0.3, 0.011996757205906265, 0.9880032427940937},
        {2.5, 9.0, 0.9970535954121197, 0.0029464045878802923},
        {40.0, 38.0, 0.39408063211889344, 0.6059193678811066},
        {900.0, 1000.0, 0.9993774022157249, 0.0006225977842750463},
        {250000.0, 249200.0, 0.054683696122433956, 0.945316303877566}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct two_tails tails = incomplete_gamma(table[i][0], table[i][1]);
        assert_close(tails.below, table[i][2], 1e-10);
        assert_close(tails.above, table[i][3], 1e-10);
    }
    assert_close(incomplete_gamma(1, 30).above, exp(-30), 1e-13); /* an exponential distribution */
}

static void test_incomplete_beta(void **state)
{
    (void)state;
    static const double table[][5] = {
        {0.5, 2.0, 0.1, 0.458530260724415, 0.5414697392755847},
        {0.5, 2.0, 0.9, 0.9961174629530395, 0.0038825370469605085},
        {3.0, 40.0, 0.05, 0.3510136093462275, 0.6489863906537715},
        {150.0, 0.5, 0.98, 0.01390049939109732, 0.9860995006089027},
        {1000.0, 1200.0, 0.47, 0.9271006085940412, 0.07289939140595879}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct two_tails tails =
            incomplete_beta(table[i][0], table[i][1], table[i][2], 1 - table[i][2]);
        assert_close(tails.below, table[i][3], 1e-10);
        assert_close(tails.above, table[i][4], 1e-10);
    }
    assert_close(incomplete_beta(1, 5, 1e-20, 1).below, 5e-20, 1e-13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_digamma),
                                       cmocka_unit_test(test_incomplete_gamma),
                                       cmocka_unit_test(test_incomplete_beta)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
