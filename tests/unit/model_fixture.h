/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TESTS_MODEL_FIXTURE_H
#define COTERIE_TESTS_MODEL_FIXTURE_H

#include "base/memory.h"
#include "checkpoint/checkpoint.h"
#include "model/gate/gate_gaussian.h"
#include "model/network/parameters.h"
#include "predict/recorded_model.h"
#include "predict/self_check.h"

#include "unit_test.h"

#include <math.h>
#include <string.h>

/* Models of every kind, with parameters that nobody has trained. */
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
            {"poisson", "exp", "gaussian", "mixture", "none", "0", 1},
            {"student", "identity", "softmax", "mixture", "5", "0", 2},
            {"gamma", "exp", "tree:2x2", "mixture", "none", "0", 2},
            {"lognormal", "exp", "softmax", "mixture", "none", "2", 2},
            {"negative-binomial", "exp", "softmax", "mixture", "none", "0", 1},
            {"zero-inflated-poisson", "exp", "gaussian", "mixture", "none", "0", 1}};
enum { N_ROWS = sizeof rows / sizeof *rows };

static inline void say(struct run_record *record, const char *key, const char *value)
{
    assert_int_equal(string_list_add(&record->config_keys, key), STATUS_OK);
    assert_int_equal(string_list_add(&record->config_values, value), STATUS_OK);
}

static inline void make_record(const struct row *row, struct run_record *record)
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
    bool is_classifier = !strcmp(row->likelihood, "bernoulli") || row->n_targets == 0;
    say(record, "task", is_classifier ? "classification" : "regression");
    assert_int_equal(string_list_add_split(&record->input_names, "a,b,c"), STATUS_OK);
    const char *targets[] = {NULL, "s", "s,t"};
    if (row->n_targets > 0)
        assert_int_equal(string_list_add_split(&record->target_names, targets[row->n_targets]),
                         STATUS_OK);
    else
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

static inline void fill(real *values, size_t n, int seed)
{
    for (size_t i = 0; i < n; i++)
        values[i] = (real)(0.7 * sin(1.7 * (double)i + seed));
}

static inline void fill_gate(const struct model_shape *shape, real *gate)
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

static inline void make_snapshot(const struct run_record *record, struct snapshot *snapshot)
{
    struct model_shape shape;
    assert_int_equal(recorded_model(record, &shape.config), STATUS_OK);
    assert_int_equal(model_shapes(&shape.config, &shape.gate, &shape.expert), STATUS_OK);
    assert_int_equal(snapshot_init_at_root(snapshot, &shape, OPTIMIZER_GD, false), STATUS_OK);
    snapshot->progress.due_best = snapshot->progress.last = MILESTONE_NONE;
    fill_gate(&shape, snapshot->current.gate);
    fill(snapshot->current.experts, E * parameters_stride(&shape.expert), 1);
    for (size_t e = 0; e < E; e++)
        snapshot->current.dispersion[e] = (struct dispersion){0.5 + (double)e, 3 + (double)e};
}

#endif
