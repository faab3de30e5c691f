/* SPDX-License-Identifier: BSD-3-Clause */
/* What a checkpoint says that its model computes, and who opens it computes again. */
#include "model_fixture.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char path[PATH_MAX];

/* Publishes a model of this kind with its check, altered by `spoil`, and opens it. */
static status open_spoilt(const struct row *row, void (*spoil)(struct snapshot *snapshot))
{
    struct run_record record;
    struct snapshot snapshot;
    struct predictor *predictor = NULL;
    make_record(row, &record);
    make_snapshot(&record, &snapshot);
    assert_int_equal(self_check_make(&snapshot, &record.scaler, &snapshot.check), STATUS_OK);
    assert_int_equal(snapshot.check.n, 8);
    spoil(&snapshot);
    assert_int_equal(checkpoint_publish(path, &snapshot, &record), STATUS_OK);
    status outcome = predictor_open(path, &predictor);
    assert_true((predictor != NULL) == (outcome == STATUS_OK));
    predictor_destroy(&predictor);
    snapshot_release(&snapshot);
    run_record_release(&record);
    unlink(path);
    return outcome;
}

static void leave(struct snapshot *snapshot)
{
    (void)snapshot;
}

static void forget(struct snapshot *snapshot)
{
    self_check_release(&snapshot->check);
}

static void alter_last_y(struct snapshot *snapshot)
{
    struct self_check *check = &snapshot->check;
    double *value = &check->y[check->n * check->n_outputs - 1];
    *value += 1e-3 * (1 + fabs(*value));
}

static void alter_density(struct snapshot *snapshot)
{
    double *value = &snapshot->check.log_density[3];
    *value += 1e-3 * (1 + fabs(*value));
}

static void alter_to_nan(struct snapshot *snapshot)
{
    snapshot->check.y[0] = (double)NAN;
}

/* As a build would that multiplies wrongly: the model is another one than that of the check. */
static void alter_model(struct snapshot *snapshot)
{
    size_t stride = parameters_stride(&snapshot->shape.expert);
    for (size_t e = 0; e < E; e++)
        snapshot->current.experts[e * stride] += (real)0.5;
}

static void alter_variance(struct snapshot *snapshot)
{
    for (size_t e = 0; e < E; e++)
        snapshot->current.dispersion[e].variance *= 1.01;
}

/* What two builds may differ in. */
static void round_otherwise(struct snapshot *snapshot)
{
    struct self_check *check = &snapshot->check;
    double change = sizeof(real) == sizeof(double) ? 1e-11 : 1e-6;
    for (size_t i = 0; i < check->n * check->n_outputs; i++)
        check->y[i] *= i % 2 ? 1 + change : 1 - change;
}

static void every_model_is_passed(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS; i++)
        assert_int_equal(open_spoilt(&rows[i], i % 2 ? leave : round_otherwise), STATUS_OK);
    assert_int_equal(open_spoilt(&rows[0], forget), STATUS_OK);
}

static void assert_refused(const struct row *row, void (*spoil)(struct snapshot *snapshot))
{
    assert_int_equal(open_spoilt(row, spoil), STATUS_USAGE);
    assert_non_null(strstr(status_text(), path));
    assert_non_null(strstr(status_text(), "does not compute what it was saved with"));
}

static void other_values_are_refused(void **state)
{
    (void)state;
    assert_refused(&rows[0], alter_variance);
    assert_refused(&rows[0], alter_to_nan);
    for (size_t i = 0; i < N_ROWS; i++) {
        assert_refused(&rows[i], i % 2 ? alter_last_y : alter_density);
        assert_refused(&rows[i], alter_model);
    }
}

/* In plain loops: g, y and the density of 1 at the inputs told. */
static void values_are_those_of_the_formula(void **state)
{
    (void)state;
    struct run_record record;
    struct snapshot snapshot;
    const struct row row = {"gaussian", "identity", "softmax", "mixture", "none", "0", 1};
    make_record(&row, &record);
    make_snapshot(&record, &snapshot);
    assert_int_equal(self_check_make(&snapshot, &record.scaler, &snapshot.check), STATUS_OK);
    const struct model_shape *shape = &snapshot.shape;
    const struct self_check *check = &snapshot.check;
    size_t stride = parameters_stride(&shape->expert);
    for (size_t i = 0; i < check->n; i++) {
        double z[E], o[E], sum = 0, y = 0, density = 0;
        for (size_t e = 0; e < E; e++) {
            const real *expert = snapshot.current.experts + e * stride;
            z[e] = (double)snapshot.current.gate[shape->gate.bias_at[0] + e];
            o[e] = (double)expert[shape->expert.bias_at[0]];
            for (size_t c = 0; c < D; c++) {
                double x = check->x[i * D + c];
                assert_true(x >= record.scaler.x_least[c] && x <= record.scaler.x_most[c]);
                x = (x - record.scaler.x_mean[c]) / record.scaler.x_scale[c];
                z[e] += x * (double)snapshot.current.gate[shape->gate.weight_at[0] + e * D + c];
                o[e] += x * (double)expert[shape->expert.weight_at[0] + c];
            }
            sum += exp(z[e]);
        }
        for (size_t e = 0; e < E; e++) {
            double g = exp(z[e]) / sum, v = snapshot.current.dispersion[e].variance;
            y += g * o[e];
            density += g * exp(-0.5 * (1 - o[e]) * (1 - o[e]) / v) / sqrt(2 * acos(-1) * v);
        }
        double tolerance = sizeof(real) == sizeof(double) ? 1e-13 : 1e-5;
        assert_true(fabs(check->y[i] - y) < tolerance);
        assert_true(fabs(check->log_density[i] - log(density)) < tolerance);
    }
    snapshot_release(&snapshot);
    run_record_release(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_model_is_passed),
                                       cmocka_unit_test(other_values_are_refused),
                                       cmocka_unit_test(values_are_those_of_the_formula)};
    snprintf(path, sizeof path, "%s/test_self_check.%d.h5",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", (int)getpid());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
