/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/formats/formats.h"
#include "data/samples/scaler.h"

#include "data_fixture.h"

#include <math.h>

static uint64_t fingerprint;

static struct source *source_of(const char *text, const char *targets)
{
    struct source *source;
    fixture_write("data.csv", text);
    struct source_request request = {.path = fixture_path("data.csv"), .targets = targets};
    assert_ok(source_open(&request, &source));
    return source;
}

static status fit(struct scaler *scaler, struct source *source, const uint64_t *rows, size_t n,
                  enum scaling scaling, double number, bool scale_targets)
{
    struct data_survey survey = {0};
    status outcome = data_survey_take(&survey, source, rows, n);
    fingerprint = survey.fingerprint;
    if (outcome == STATUS_OK)
        outcome = scaler_fit(scaler, source_info(source), &survey, scaling, number, scale_targets);
    data_survey_release(&survey);
    return outcome;
}

/* a: 2 4 4 4 5 5 7 9, the textbook example: mean 5, standard deviation 2 with divisor n. */
static const char textbook[] = "a,b,y\n2,7,10\n4,7,10\n4,7,10\n4,7,10\n5,7,20\n5,7,20\n7,7,20\n"
                               "9,7,20\n1000,3,1000\n";
static const uint64_t eight[8] = {0, 1, 2, 3, 4, 5, 6, 7};

static void standard_scaling_by_hand(void **state)
{
    (void)state;
    struct source *source = source_of(textbook, NULL);
    struct scaler scaler;
    assert_ok(fit(&scaler, source, eight, 8, SCALING_STANDARD, 0, true));
    assert_true(scaler.x_mean[0] == 5 && scaler.x_scale[0] == 2);
    assert_true(scaler.x_mean[1] == 7 && scaler.x_scale[1] == 1); /* constant */
    assert_true(scaler.y_mean[0] == 15 && scaler.y_scale[0] == 5);
    scaler_release(&scaler);
    assert_ok(fit(&scaler, source, eight, 8, SCALING_STANDARD, 0, false));
    assert_true(scaler.x_scale[0] == 2);
    assert_true(scaler.y_mean[0] == 0 && scaler.y_scale[0] == 1);
    scaler_release(&scaler);
    const uint64_t two[2] = {0, 8}; /* 2 and 1000 */
    assert_ok(fit(&scaler, source, two, 2, SCALING_STANDARD, 0, false));
    assert_true(scaler.x_mean[0] == 501 && scaler.x_scale[0] == 499);
    assert_true(scaler.x_mean[1] == 5 && scaler.x_scale[1] == 2);
    scaler_release(&scaler);
    source_close(&source);
}

static void no_scaling_and_division(void **state)
{
    (void)state;
    struct source *source = source_of(textbook, NULL);
    struct scaler scaler;
    assert_ok(fit(&scaler, source, eight, 8, SCALING_NONE, 0, true));
    assert_true(scaler.x_mean[0] == 0 && scaler.x_scale[0] == 1 && scaler.y_scale[0] == 1);
    scaler_release(&scaler);
    assert_ok(fit(&scaler, source, eight, 8, SCALING_NUMBER, 1000, true));
    assert_true(scaler.x_mean[1] == 0 && scaler.x_scale[0] == 1000 && scaler.x_scale[1] == 1000);
    assert_true(scaler.y_mean[0] == 0 && scaler.y_scale[0] == 1);
    scaler_release(&scaler);
    assert_usage(fit(&scaler, source, eight, 8, SCALING_NUMBER, 0, true), "--scale 0");
    assert_usage(fit(&scaler, source, eight, 8, SCALING_NUMBER, NAN, true), "--scale");
    source_close(&source);
}

/* 0.1 has no exact sum: a one-pass or naive test would find a tiny deviation. */
static void a_constant_column_stays_in_place(void **state)
{
    (void)state;
    enum { ROWS = 1000 };
    char *text = malloc(ROWS * 16 + 16);
    uint64_t rows[ROWS];
    strcpy(text, "x,y\n");
    for (int i = 0; i < ROWS; i++) {
        sprintf(text + strlen(text), "0.1,%d\n", i);
        rows[i] = (uint64_t)i;
    }
    struct source *source = source_of(text, NULL);
    struct scaler scaler;
    assert_ok(fit(&scaler, source, rows, ROWS, SCALING_STANDARD, 0, true));
    assert_true(scaler.x_mean[0] == 0.1 && scaler.x_scale[0] == 1);
    /* 0 .. 999: mean 499.5, variance (n^2 - 1) / 12 */
    assert_true(scaler.y_mean[0] == 499.5);
    assert_true(fabs(scaler.y_scale[0] - sqrt((1e6 - 1) / 12)) < 1e-10);
    scaler_release(&scaler);
    source_close(&source);
    free(text);
}

/* Chosen among others, in several groups; a trend, so that the groups' own means differ. */
static void moments_are_those_of_two_passes(void **state)
{
    (void)state;
    enum { ROWS = 5000 };
    FILE *file = fopen(fixture_path("trend.csv"), "w");
    uint64_t rows[ROWS];
    double value[ROWS], mean = 0, square = 0;
    size_t n = 0;
    assert_non_null(file);
    fputs("x,y\n", file);
    for (int i = 0; i < ROWS; i++) {
        double number = 1e6 + i * 0.37 + (i * 7919 % 101) * 1e-3;
        fprintf(file, "%.17g,%d\n", i % 3 ? number : -number, i);
        if (i % 3 == 0)
            continue;
        rows[n] = (uint64_t)i;
        value[n++] = number;
        mean += number;
    }
    assert_int_equal(fclose(file), 0);
    mean /= (double)n;
    for (size_t i = 0; i < n; i++)
        square += (value[i] - mean) * (value[i] - mean);
    struct source *source;
    struct source_request request = {.path = fixture_path("trend.csv")};
    assert_ok(source_open(&request, &source));
    struct scaler scaler;
    uint64_t alone;
    assert_ok(fit(&scaler, source, rows, n, SCALING_STANDARD, 0, false));
    assert_true(fabs(scaler.x_mean[0] / mean - 1) < 1e-13);
    assert_true(fabs(scaler.x_scale[0] / sqrt(square / (double)n) - 1) < 1e-12);
    assert_ok(source_fingerprint(source, &alone));
    assert_true(fingerprint == alone);
    scaler_release(&scaler);
    source_close(&source);
}

/* A large mean and a small deviation: the one-pass formula would lose all digits. */
static void a_large_mean(void **state)
{
    (void)state;
    struct source *source = source_of("x,y\n1000000001,1\n1000000003,1\n", NULL);
    struct scaler scaler;
    assert_ok(fit(&scaler, source, eight, 2, SCALING_STANDARD, 0, false));
    assert_true(scaler.x_mean[0] == 1000000002 && scaler.x_scale[0] == 1);
    scaler_release(&scaler);
    source_close(&source);
}

static void numbers_too_large_to_square(void **state)
{
    (void)state;
    struct source *source = source_of("big,y\n-1e300,1\n1e300,2\n", NULL);
    struct scaler scaler;
    assert_usage(fit(&scaler, source, eight, 2, SCALING_STANDARD, 0, true), "'big'",
                 "--scale none");
    source_close(&source);
}

static void labels_are_not_scaled(void **state)
{
    (void)state;
    struct source *source = source_of("x,y\n1,a\n3,b\n", NULL);
    struct scaler scaler;
    assert_ok(fit(&scaler, source, eight, 2, SCALING_STANDARD, 0, true));
    assert_int_equal(scaler.n_targets, 0);
    assert_true(scaler.x_mean[0] == 2 && scaler.x_scale[0] == 1);
    scaler_release(&scaler);
    assert_null(scaler.x_mean);
    source_close(&source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(standard_scaling_by_hand),
        cmocka_unit_test(no_scaling_and_division),
        cmocka_unit_test(a_constant_column_stays_in_place),
        cmocka_unit_test(moments_are_those_of_two_passes),
        cmocka_unit_test(a_large_mean),
        cmocka_unit_test(numbers_too_large_to_square),
        cmocka_unit_test(labels_are_not_scaled),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
