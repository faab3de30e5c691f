/* SPDX-License-Identifier: BSD-3-Clause */
/* Committees against their formulas: the mean of members, and members that learn by themselves. */
#include "base/rng.h"
#include "data/samples/split.h"
#include "model/gate/committee.h"
#include "unit_test.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { MEMBERS = 10, OWN = 3, EXPERTS = MEMBERS * OWN, N = 32, FOLDS = 5 };

static const double tolerance = sizeof(real) == sizeof(double) ? 1e-12 : 2e-5;

static void near(double found, double expected, double most)
{
    if (!(fabs(found - expected) <= most))
        fail_msg("%.17g instead of %.17g", found, expected);
}

struct blocks {
    _Alignas(REAL_ALIGNMENT) real z[EXPERTS * N], g[EXPERTS * N], log_g[EXPERTS * N],
        loglik[EXPERTS * N], coefficient[EXPERTS * N], d_logit[EXPERTS * N], w[N];
    double log_sum[N];
    uint8_t fold[N];
};

static void draw(struct blocks *blocks)
{
    struct rng rng;
    rng_init(&rng, 3, RNG_SPLIT, 0, 0);
    memset(blocks, 0, sizeof *blocks);
    for (size_t i = 0; i < (size_t)EXPERTS * N; i++) {
        blocks->z[i] = (real)(4 * rng_uniform(&rng) - 2);
        blocks->loglik[i] = (real)(-3 * rng_uniform(&rng));
    }
    for (size_t i = 0; i < N; i++) {
        blocks->w[i] = (real)((1 + rng_uniform(&rng)) / N);
        blocks->fold[i] = i == N - 1 ? FOLD_NONE : (uint8_t)(i % FOLDS);
    }
    committee_forward(MEMBERS, EXPERTS, N, blocks->z, blocks->g, blocks->log_g);
}

/* sum over the experts of member m of softmax(z) exp(l) */
static double density(const struct blocks *blocks, size_t m, size_t i)
{
    double sum = 0, top = 0;
    for (size_t e = m * OWN; e < (m + 1) * OWN; e++) {
        sum += exp((double)blocks->z[e * N + i]);
        top += exp((double)blocks->z[e * N + i] + (double)blocks->loglik[e * N + i]);
    }
    return top / sum;
}

static void folds_are_few_and_equal(void **state)
{
    (void)state;
    const size_t expected[][2] = {{1, 1}, {2, 2}, {5, 5},  {6, 3},  {7, 7},
                                  {8, 4}, {9, 3}, {10, 5}, {20, 5}, {64, 4}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_int_equal(committee_folds(expected[i][0]), expected[i][1]);
}

static void predicts_the_mean_of_its_members(void **state)
{
    (void)state;
    struct blocks blocks;
    draw(&blocks);
    committee_objective(MEMBERS, EXPERTS, N, blocks.w, blocks.fold, blocks.log_g, blocks.g,
                        blocks.loglik, blocks.coefficient, blocks.d_logit, blocks.log_sum);
    for (size_t i = 0; i < N; i++) {
        double mean = 0, g = 0;
        for (size_t m = 0; m < MEMBERS; m++)
            mean += density(&blocks, m, i) / MEMBERS;
        for (size_t e = 0; e < EXPERTS; e++)
            g += (double)blocks.g[e * N + i];
        near(g, 1, tolerance);
        near(blocks.log_sum[i], log(mean), tolerance);
    }
}

/* What a member minimises: -sum w log of its own density over what it does not leave out. */
static double own_error(const struct blocks *blocks, size_t m)
{
    double error = 0;
    for (size_t i = 0; i < N; i++)
        if (blocks->fold[i] != m % FOLDS)
            error -= (double)blocks->w[i] * log(density(blocks, m, i));
    return error;
}

static void each_member_follows_its_own_gradient(void **state)
{
    (void)state;
    struct blocks blocks;
    const double h = sizeof(real) == sizeof(double) ? 1e-6 : 1e-2;
    const double most = sizeof(real) == sizeof(double) ? 1e-9 : 1e-4;
    draw(&blocks);
    committee_objective(MEMBERS, EXPERTS, N, blocks.w, blocks.fold, blocks.log_g, blocks.g,
                        blocks.loglik, blocks.coefficient, blocks.d_logit, blocks.log_sum);
    for (size_t at = 0; at < (size_t)EXPERTS * N; at += 7) {
        struct {
            real *parameter;
            double sign, gradient;
        } checks[] = {{&blocks.z[at], 1, (double)blocks.d_logit[at]},
                      {&blocks.loglik[at], -1, (double)blocks.coefficient[at]}};
        for (int c = 0; c < 2; c++) {
            real before = *checks[c].parameter;
            size_t m = at / N / OWN;
            *checks[c].parameter = before + (real)h;
            double above = own_error(&blocks, m), up = (double)*checks[c].parameter;
            *checks[c].parameter = before - (real)h;
            double below = own_error(&blocks, m), down = (double)*checks[c].parameter;
            *checks[c].parameter = before;
            near(checks[c].sign * checks[c].gradient, (above - below) / (up - down), most);
        }
    }
}

static void shows_what_was_not_learned_from(void **state)
{
    (void)state;
    struct blocks blocks;
    draw(&blocks);
    real before[EXPERTS * N];
    memcpy(before, blocks.g, sizeof before);
    committee_show_unseen(MEMBERS, EXPERTS, N, blocks.fold, blocks.g, blocks.log_g);
    for (size_t e = 0; e < EXPERTS; e++)
        for (size_t i = 0; i < N; i++) {
            bool unseen = blocks.fold[i] == e / OWN % FOLDS;
            near(blocks.g[e * N + i], unseen ? FOLDS * (double)before[e * N + i] : 0, tolerance);
            if (unseen)
                near(exp((double)blocks.log_g[e * N + i]), blocks.g[e * N + i], tolerance);
        }
}

enum { SAMPLES = 23, CLASSES = 3, GROUPS = 7 };

static void count(const uint8_t *fold, const int32_t *of, int32_t which, size_t counts[FOLDS])
{
    memset(counts, 0, FOLDS * sizeof *counts);
    for (size_t i = 0; i < SAMPLES; i++)
        if (!of || of[i] == which)
            counts[fold[i]]++;
}

static void assert_even(const size_t counts[FOLDS])
{
    for (int f = 1; f < FOLDS; f++)
        assert_true(counts[f] + 1 >= counts[0] && counts[f] <= counts[0] + 1);
}

static void deals_samples_classes_and_groups(void **state)
{
    (void)state;
    struct split split;
    uint8_t fold[SAMPLES], again[SAMPLES];
    int32_t label[SAMPLES], group[SAMPLES];
    size_t counts[FOLDS];
    for (int32_t i = 0; i < SAMPLES; i++) {
        label[i] = i < 4 ? 0 : i < 12 ? 1 : 2;
        group[i] = i % GROUPS;
    }
    assert_int_equal(split_init(&split, SAMPLES, NULL, 0, 0, 1), STATUS_OK);
    assert_int_equal(split_folds(&split, NULL, 0, label, CLASSES, FOLDS, 1, fold), STATUS_OK);
    count(fold, NULL, 0, counts);
    assert_even(counts);
    for (int32_t c = 0; c < CLASSES; c++) {
        count(fold, label, c, counts);
        assert_even(counts);
    }
    assert_int_equal(split_folds(&split, NULL, 0, label, CLASSES, FOLDS, 2, again), STATUS_OK);
    assert_memory_not_equal(fold, again, sizeof fold);
    assert_int_equal(split_folds(&split, group, GROUPS, label, CLASSES, FOLDS, 1, fold), STATUS_OK);
    for (size_t i = GROUPS; i < SAMPLES; i++)
        assert_int_equal(fold[i], fold[i - GROUPS]);
    assert_int_equal(split_folds(&split, group, GROUPS, NULL, 0, GROUPS + 1, 1, fold),
                     STATUS_USAGE);
    assert_non_null(strstr(status_text(), "7 groups"));
    split_release(&split);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folds_are_few_and_equal),
        cmocka_unit_test(predicts_the_mean_of_its_members),
        cmocka_unit_test(each_member_follows_its_own_gradient),
        cmocka_unit_test(shows_what_was_not_learned_from),
        cmocka_unit_test(deals_samples_classes_and_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
