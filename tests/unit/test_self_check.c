/* SPDX-License-Identifier: BSD-3-Clause */
/* What a checkpoint says that its model computes, and who opens it computes again. */
#include "unit_test.h"

#include "base/memory.h"
#include "checkpoint/checkpoint.h"
#include "model/gate/gate_gaussian.h"
#include "model/network/parameters.h"
#include "predict/recorded_model.h"
#include "predict/self_check.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { D = 3, E = 4 };

static const struct row {
    const char *likelihood, *output, *gate, *error, *hidden, *top_k;
    size_t n_targets; /* 0: three classes */
} rows[] = {{"gaussian", "identity", "softmax", "mixture", "none", "0", 2},
            {"gaussian", "identity", "softmax", "cooperative", "5", "0", 1},
            {"gaussian", "identity", "softmax", "competitive", "none", "0", 2},
            {"gaussian", "identity", "softmax", "mixture", "6,5", "2", 2},
            {"gaussian", "identity", "gaussian", "mixture", "none", "0", 1},
            {"gaussian", "identity", "tree:2x2", "mixture", "5", "0", 2},
            {"bernoulli", "logistic", "softmax", "mixture", "none", "0", 2},
            {"bernoulli", "logistic", "tree:2x2", "mixture", "5", "0", 2},
            {"categorical", "softmax", "softmax", "mixture", "5", "0", 0},
            {"categorical", "softmax", "gaussian", "mixture", "none", "0", 0},
            {"categorical", "softmax", "softmax", "mixture", "none", "1", 0},
            {"poisson", "exp", "softmax", "mixture", "none", "0", 1},
            {"poisson", "exp", "gaussian", "mixture", "none", "0", 1}};
enum { N_ROWS = sizeof rows / sizeof *rows };

static char path[PATH_MAX];

static void say(struct run_record *record, const char *key, const char *value)
{
    assert_int_equal(string_list_add(&record->config_keys, key), STATUS_OK);
    assert_int_equal(string_list_add(&record->config_values, value), STATUS_OK);
}

static void make_record(const struct row *row, struct run_record *record)
{
    memset(record, 0, sizeof *record);
    say(record, "activation", "tanh");
    say(record, "likelihood", row->likelihood);
    say(record, "expert_output", row->output);
    say(record, "gate", row->gate);
    say(record, "error", row->error);
    say(record, "expert_hidden", row->hidden);
    say(record, "gate_hidden", strcmp(row->gate, "softmax") == 0 ? row->hidden : "none");
    say(record, "top_k", row->top_k);
    say(record, "experts", "4");
    say(record, "task", row->n_targets ? "regression" : "classification");
    assert_int_equal(string_list_add_split(&record->input_names, "a,b,c"), STATUS_OK);
    if (row->n_targets == 0)
        assert_int_equal(string_list_add_split(&record->classes, "x,y,z"), STATUS_OK);
    assert_int_equal(scaler_init(&record->scaler, D, row->n_targets), STATUS_OK);
    for (size_t c = 0; c < D; c++) {
        record->scaler.x_mean[c] = 10 * (double)c;
        record->scaler.x_scale[c] = 1 + (double)c;
        record->scaler.x_least[c] = record->scaler.x_mean[c] - 2;
        record->scaler.x_most[c] = record->scaler.x_mean[c] + 3;
    }
    record->data_path = memory_strdup("data.csv");
    record->data_split = memory_strdup("all samples");
}

static void fill(real *values, size_t n, int seed)
{
    for (size_t i = 0; i < n; i++)
        values[i] = (real)(0.7 * sin(1.7 * (double)i + seed));
}

static void fill_gate(const struct model_shape *shape, real *gate)
{
    fill(gate, parameters_stride(&shape->gate), 2);
    if (shape->config.gate != GATE_GAUSSIAN)
        return;
    struct gaussian_gate_layout layout = gaussian_gate_layout(E, D);
    for (size_t e = 0; e < E; e++) {
        gate[layout.alpha_at + e] = (real)0.25;
        for (size_t i = 0; i < D * D; i++)
            gate[layout.covariance_at + e * D * D + i] =
                (real)(i % (D + 1) == 0 ? 1 + 0.2 * (double)e : 0.1);
    }
}

static void make_snapshot(const struct run_record *record, struct snapshot *snapshot)
{
    struct model_shape shape;
    assert_int_equal(recorded_model(record, &shape.config), STATUS_OK);
    assert_int_equal(model_shapes(&shape.config, &shape.gate, &shape.expert), STATUS_OK);
    assert_int_equal(snapshot_init_at_root(snapshot, &shape, OPTIMIZER_GD, false), STATUS_OK);
    snapshot->progress.due_best = snapshot->progress.last = MILESTONE_NONE;
    fill_gate(&shape, snapshot->current.gate);
    fill(snapshot->current.experts, E * parameters_stride(&shape.expert), 1);
    for (size_t e = 0; e < E; e++)
        snapshot->current.dispersion[e].variance = 0.5 + (double)e;
}

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
