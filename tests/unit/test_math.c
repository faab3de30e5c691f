/* SPDX-License-Identifier: BSD-3-Clause */
/* Activations, softmax and posterior against the C library in double and long double. */
#include "unit_test.h"

#include "math/activation.h"
#include "math/softmax.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { UNITS = 3, STRIDE = 64 * REALS_PER_LINE };

static _Alignas(REAL_ALIGNMENT) real z[UNITS * STRIDE], a[UNITS * STRIDE], d[UNITS * STRIDE];
static const real bias[UNITS] = {0, (real)0.5, -2};
static const double epsilon = sizeof(real) == sizeof(double) ? DBL_EPSILON : FLT_EPSILON;

/* From -12 to 12, close to 0 too. */
static double point(size_t i)
{
    double x = -12 + 24.0 * (double)i / STRIDE;
    return i % 5 == 0 ? 1e-3 * x : x;
}

static double value_of(enum activation kind, double x)
{
    switch (kind) {
    case ACTIVATION_TANH:
        return tanh(x);
    case ACTIVATION_RELU:
        return x > 0 ? x : 0;
    case ACTIVATION_GELU:
        return 0.5 * x * erfc(-x / sqrt(2));
    case ACTIVATION_LOGISTIC:
        return 1 / (1 + exp(-x));
    default:
        return x;
    }
}

static double slope_of(enum activation kind, double x)
{
    const double root_2pi = 2.5066282746310005024;
    switch (kind) {
    case ACTIVATION_TANH:
        return 1 / (cosh(x) * cosh(x));
    case ACTIVATION_RELU:
        return x > 0;
    case ACTIVATION_GELU:
        return 0.5 * erfc(-x / sqrt(2)) + x * exp(-0.5 * x * x) / root_2pi;
    case ACTIVATION_LOGISTIC:
        return 1 / (2 + exp(x) + exp(-x));
    default:
        return 1;
    }
}

static void activations_and_their_slopes(void **state)
{
    (void)state;
    for (int kind = ACTIVATION_IDENTITY; kind <= ACTIVATION_LOGISTIC; kind++) {
        for (size_t u = 0; u < UNITS; u++)
            for (size_t i = 0; i < STRIDE; i++) {
                z[u * STRIDE + i] = (real)point(i);
                d[u * STRIDE + i] = 2;
            }
        activation_forward((enum activation)kind, UNITS, STRIDE, bias, z, a);
        activation_backward((enum activation)kind, UNITS, STRIDE, z, a, d);
        for (size_t u = 0; u < UNITS; u++)
            for (size_t i = 0; i < STRIDE; i++) {
                double x = (double)((real)point(i) + bias[u]);
                double value = value_of((enum activation)kind, x);
                double slope = 2 * slope_of((enum activation)kind, x);
                assert_true(fabs((double)a[u * STRIDE + i] - value) <=
                            16 * epsilon * (1 + fabs(value)));
                assert_true(fabs((double)d[u * STRIDE + i] - slope) <= 32 * epsilon);
            }
    }
}

/* Relative, so that small signals are as exact as large ones. */
static void tanh_is_exact_near_zero_and_far_out(void **state)
{
    (void)state;
    const real zero = 0;
    for (int scale = -30; scale <= 6; scale++) {
        for (size_t i = 0; i < STRIDE; i++)
            z[i] = (real)ldexp(1 + (double)i / STRIDE, scale) * (i % 2 ? 1 : -1);
        activation_forward(ACTIVATION_TANH, 1, STRIDE, &zero, z, a);
        for (size_t i = 0; i < STRIDE; i++) {
            double exact = tanh((double)z[i]);
            assert_true(fabs((double)a[i] - exact) <= 8 * epsilon * fabs(exact));
            assert_true(fabs((double)a[i]) <= 1);
        }
    }
}

/* A run must notice a NaN: no activation may hide one. */
static void not_a_number_stays_one(void **state)
{
    (void)state;
    const real zero = 0;
    for (int kind = ACTIVATION_IDENTITY; kind <= ACTIVATION_LOGISTIC; kind++) {
        for (size_t i = 0; i < STRIDE; i++)
            z[i] = i % 3 ? 1 : NAN;
        activation_forward((enum activation)kind, 1, STRIDE, &zero, z, a);
        for (size_t i = 0; i < STRIDE; i++)
            assert_int_equal(isnan(a[i]) != 0, i % 3 == 0);
    }
}

/* The same sample gives the same bits wherever it stands in a row. */
static void the_place_in_a_row_does_not_matter(void **state)
{
    (void)state;
    for (int kind = ACTIVATION_IDENTITY; kind <= ACTIVATION_LOGISTIC; kind++) {
        for (size_t i = 0; i < STRIDE; i++)
            z[i] = (real)0.7312;
        activation_forward((enum activation)kind, 1, STRIDE, &bias[1], z, a);
        for (size_t i = 1; i < STRIDE; i++)
            assert_memory_equal(&a[i], &a[0], sizeof(real));
    }
}

static void row_sums_are_made_in_double(void **state)
{
    (void)state;
    real sums[UNITS] = {7, 7, 7};
    for (size_t u = 0; u < UNITS; u++)
        for (size_t i = 0; i < STRIDE; i++)
            d[u * STRIDE + i] = i == 0 ? (real)1e8 : (real)0.25;
    activation_row_sums(UNITS, STRIDE, d, 0, sums);
    real expected = (real)(1e8 + 0.25 * (STRIDE - 1));
    for (size_t u = 0; u < UNITS; u++)
        assert_true(sums[u] == expected);
    activation_row_sums(UNITS, STRIDE, d, 1, sums);
    assert_true(sums[0] == (real)((double)expected + 1e8 + 0.25 * (STRIDE - 1)));
}

/* exp(v) of a double v is known to v DBL_EPSILON only, in both programs. */
static long double allowed(double magnitude)
{
    return 4 * (long double)epsilon + 4 * (long double)DBL_EPSILON * (long double)magnitude;
}

static void posterior_by_the_formula(void **state)
{
    (void)state;
    static double log_sum[STRIDE];
    static real log_g[UNITS * STRIDE], loglik[UNITS * STRIDE], h[UNITS * STRIDE];
    for (size_t i = 0; i < STRIDE; i++)
        for (size_t u = 0; u < UNITS; u++) {
            log_g[u * STRIDE + i] = (real)(-0.1 * (double)(1 + (i + u) % 7));
            /* So small that exp underflows: only differences may count. */
            loglik[u * STRIDE + i] = (real)(-2000 + 3.7 * (double)((i * (u + 2)) % 11));
        }
    softmax_posterior(UNITS, STRIDE, log_g, loglik, h, log_sum);
    for (size_t i = 0; i < STRIDE; i++) {
        long double total = 0;
        for (size_t u = 0; u < UNITS; u++)
            total += expl((long double)log_g[u * STRIDE + i] + (long double)loglik[u * STRIDE + i]);
        assert_true(fabsl(logl(total) - (long double)log_sum[i]) < allowed(2000));
        for (size_t u = 0; u < UNITS; u++) {
            long double exact = expl((long double)log_g[u * STRIDE + i] +
                                     (long double)loglik[u * STRIDE + i] - logl(total));
            assert_true(fabsl(exact - (long double)h[u * STRIDE + i]) < allowed(2000));
        }
    }
}

static void softmax_by_the_formula(void **state)
{
    (void)state;
    static real p[UNITS * STRIDE], log_p[UNITS * STRIDE];
    for (size_t i = 0; i < UNITS * STRIDE; i++)
        z[i] = (real)(90 * sin((double)i));
    softmax_forward(UNITS, STRIDE, z, p, log_p);
    for (size_t i = 0; i < STRIDE; i++) {
        long double total = 0;
        for (size_t u = 0; u < UNITS; u++)
            total += expl((long double)z[u * STRIDE + i]);
        for (size_t u = 0; u < UNITS; u++) {
            long double exact = expl((long double)z[u * STRIDE + i]) / total;
            size_t at = u * STRIDE + i;
            assert_true(fabsl(exact - (long double)p[at]) < allowed(90));
            assert_true(fabsl(logl(exact) - (long double)log_p[at]) <=
                        allowed(90) * (1 + fabsl(logl(exact))));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(activations_and_their_slopes),
                                       cmocka_unit_test(tanh_is_exact_near_zero_and_far_out),
                                       cmocka_unit_test(not_a_number_stays_one),
                                       cmocka_unit_test(the_place_in_a_row_does_not_matter),
                                       cmocka_unit_test(row_sums_are_made_in_double),
                                       cmocka_unit_test(posterior_by_the_formula),
                                       cmocka_unit_test(softmax_by_the_formula)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
