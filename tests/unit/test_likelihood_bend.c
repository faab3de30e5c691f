/* SPDX-License-Identifier: BSD-3-Clause */
/* Second derivatives of the likelihoods against central differences, and their values against
 * `forward`. */
#include "unit_test.h"

#include "base/rng.h"
#include "math/moments.h"
#include "model/likelihood/likelihood.h"

#include <math.h>
#include <string.h>

enum { N = 16, MOST_OUTPUTS = 3, MOST_BENDS = MOST_OUTPUTS + 2 };

struct bend_case {
    struct likelihood likelihood;
    double d[MOST_OUTPUTS * N], z[MOST_OUTPUTS * N];
    struct dispersion dispersion;
};

struct bent {
    double loglik[N], slope[MOST_BENDS * N], curvature[MOST_BENDS * (MOST_BENDS + 1) / 2 * N];
};

static void bend(const struct bend_case *one, struct bent *bent)
{
    struct likelihood_bend out = {bent->loglik, bent->slope, bent->curvature};
    memset(bent, 0xff, sizeof *bent); /* NaN: all of it must be written */
    likelihood_family(one->likelihood.kind)
        ->bend(&one->likelihood, one->dispersion, N, one->d, one->z, &out);
}

static void draw(struct bend_case *one, enum likelihood_kind kind, enum output_kind output,
                 size_t n_outputs)
{
    struct rng rng;
    rng_init(&rng, 5, RNG_SPLIT, 0, (uint32_t)kind);
    one->likelihood = (struct likelihood){kind, output, n_outputs};
    one->dispersion = (struct dispersion){0.7, 3.5};
    for (size_t i = 0; i < N; i++) {
        double total = 0;
        for (size_t k = 0; k < n_outputs; k++) {
            one->z[k * N + i] = 4 * rng_uniform(&rng) - 2;
            one->d[k * N + i] = rng_uniform(&rng);
            if (likelihood_family(kind)->targets == TARGETS_COUNTS)
                one->d[k * N + i] = floor(4 * one->d[k * N + i]);
            total += one->d[k * N + i];
        }
        for (size_t k = 0; k < n_outputs && output == OUTPUT_SOFTMAX; k++)
            one->d[k * N + i] /= total;
    }
}

/* Moves number a of the expert: one of z, or ln sigma^2. */
static void move(struct bend_case *one, size_t a, double by)
{
    for (size_t i = 0; i < N && a < one->likelihood.n_outputs; i++)
        one->z[a * N + i] += by;
    if (a == one->likelihood.n_outputs)
        one->dispersion.variance *= exp(by);
    if (a == one->likelihood.n_outputs + 1)
        one->dispersion.freedom *= exp(by);
}

static void check(enum likelihood_kind kind, enum output_kind output, size_t n_outputs)
{
    const double step = 1e-5;
    struct bend_case one;
    struct bent here, ahead, behind;
    draw(&one, kind, output, n_outputs);
    size_t c = likelihood_n_bends(&one.likelihood);
    assert_int_equal(c, n_outputs + likelihood_family(kind)->has_variance +
                            likelihood_family(kind)->has_freedom);
    bend(&one, &here);
    for (size_t a = 0; a < c; a++) {
        struct bend_case moved = one;
        move(&moved, a, step);
        bend(&moved, &ahead);
        move(&moved, a, -2 * step);
        bend(&moved, &behind);
        for (size_t i = 0; i < N; i++) {
            double slope = (ahead.loglik[i] - behind.loglik[i]) / (2 * step);
            assert_true(fabs(here.slope[a * N + i] - slope) < 1e-8);
            for (size_t b = 0; b < c; b++) {
                size_t at = (a <= b ? moments_at(c, a, b) : moments_at(c, b, a)) * N + i;
                double change = (ahead.slope[b * N + i] - behind.slope[b * N + i]) / (2 * step);
                assert_true(fabs(here.curvature[at] + change) < 1e-8);
            }
        }
    }
    _Alignas(REAL_ALIGNMENT) real d[MOST_OUTPUTS * N], z[MOST_OUTPUTS * N], loglik[N], square[N];
    for (size_t i = 0; i < n_outputs * N; i++) {
        d[i] = (real)one.d[i];
        z[i] = (real)one.z[i];
    }
    likelihood_forward(&one.likelihood, one.dispersion, N, d, z, loglik, square);
    for (size_t i = 0; i < N; i++)
        assert_true(fabs((double)loglik[i] - here.loglik[i]) < 1e-5);
}

static void test_gaussian(void **state)
{
    (void)state;
    check(LIKELIHOOD_GAUSSIAN, OUTPUT_IDENTITY, 1);
    check(LIKELIHOOD_GAUSSIAN, OUTPUT_IDENTITY, 3);
}

static void test_bernoulli(void **state)
{
    (void)state;
    check(LIKELIHOOD_BERNOULLI, OUTPUT_LOGISTIC, 1);
    check(LIKELIHOOD_BERNOULLI, OUTPUT_LOGISTIC, 3);
}

static void test_categorical(void **state)
{
    (void)state;
    check(LIKELIHOOD_CATEGORICAL, OUTPUT_SOFTMAX, 2);
    check(LIKELIHOOD_CATEGORICAL, OUTPUT_SOFTMAX, 3);
}

static void test_counts_and_positive_numbers(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 3; n += 2) {
        check(LIKELIHOOD_POISSON, OUTPUT_EXP, n);
        check(LIKELIHOOD_NEGATIVE_BINOMIAL, OUTPUT_EXP, n);
        check(LIKELIHOOD_ZERO_INFLATED_POISSON, OUTPUT_EXP, n);
        check(LIKELIHOOD_GAMMA, OUTPUT_EXP, n);
        check(LIKELIHOOD_LOGNORMAL, OUTPUT_EXP, n);
        check(LIKELIHOOD_STUDENT, OUTPUT_IDENTITY, n);
    }
}

/* Squares through a logistic function have none here. */
static void test_none(void **state)
{
    (void)state;
    struct likelihood likelihood = {LIKELIHOOD_GAUSSIAN, OUTPUT_LOGISTIC, 2};
    assert_int_equal(likelihood_n_bends(&likelihood), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gaussian),    cmocka_unit_test(test_bernoulli),
        cmocka_unit_test(test_categorical), cmocka_unit_test(test_counts_and_positive_numbers),
        cmocka_unit_test(test_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
