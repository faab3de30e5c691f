/* SPDX-License-Identifier: BSD-3-Clause */
/* What becomes of parameters, optimiser and progress when experts are split, pruned and merged. */
#include "unit_test.h"

#include "base/memory.h"
#include "base/rng.h"
#include "train/reshape/reshape.h"

#include <math.h>
#include <string.h>

static const double rounding = sizeof(real) == sizeof(double) ? 1e-14 : 1e-6;

static struct model_shape shapes(size_t n_experts, bool hidden)
{
    struct model_shape model = {.config = {.n_inputs = 3,
                                           .n_outputs = 2,
                                           .n_experts = n_experts,
                                           .n_expert_hidden = hidden,
                                           .n_gate_hidden = hidden}};
    model.config.expert_hidden[0] = 4;
    model.config.gate_hidden[0] = 5;
    assert_int_equal(model_shapes(&model.config, &model.gate, &model.expert), STATUS_OK);
    return model;
}

static void fill(struct rng *rng, real *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        values[i] = (real)(0.1 + rng_uniform(rng));
}

/* Positive numbers everywhere, as an average of squares has. */
static void fill_networks(struct rng *rng, const struct model_shape *model,
                          struct networks *networks)
{
    size_t n = model->config.n_experts;
    mlp_draw(&model->gate, 3, RNG_SPLIT, 0, networks->gate);
    fill(rng, networks->gate, model->gate.extent);
    fill(rng, networks->experts, n * parameters_stride(&model->expert));
    for (size_t e = 0; e < n; e++)
        networks->dispersion[e].variance = 0.1 + rng_uniform(rng);
}

static void snapshot_of(struct snapshot *snapshot, const struct model_shape *model, bool filled)
{
    struct rng rng;
    rng_init(&rng, 5, RNG_SPLIT, 0, 0);
    assert_int_equal(snapshot_init_at_root(snapshot, model, OPTIMIZER_ADAM, false), STATUS_OK);
    if (!filled)
        return;
    fill_networks(&rng, model, &snapshot->current);
    fill_networks(&rng, model, &snapshot->slot[0]);
    fill_networks(&rng, model, &snapshot->slot[1]);
    for (size_t e = 0; e < model->config.n_experts; e++)
        snapshot->use[e] = (double)e + 1;
}

static void check_near(double expected, double found, double tolerance)
{
    if (!(fabs(expected - found) <= tolerance * (1 + fabs(expected))))
        fail_msg("expected %.17g, found %.17g", expected, found);
}

static void check_networks(const struct model_shape *model, const struct networks *a,
                           const struct networks *b, double tolerance)
{
    size_t n = model->config.n_experts, stride = parameters_stride(&model->expert);
    for (int l = 0; l < model->gate.n_layers; l++) {
        const struct mlp *gate = &model->gate;
        for (size_t i = 0; i < gate->width[l] * gate->width[l + 1]; i++)
            check_near((double)a->gate[gate->weight_at[l] + i],
                       (double)b->gate[gate->weight_at[l] + i], tolerance);
        for (size_t i = 0; i < gate->width[l + 1]; i++)
            check_near((double)a->gate[gate->bias_at[l] + i], (double)b->gate[gate->bias_at[l] + i],
                       tolerance);
    }
    for (size_t i = 0; i < n * stride; i++)
        check_near((double)a->experts[i], (double)b->experts[i], tolerance);
    for (size_t e = 0; e < n; e++)
        check_near(a->dispersion[e].variance, b->dispersion[e].variance, tolerance);
}

/* Experts 1 and 3 of four are split, and the twins merged again. */
static void check_inverse(bool hidden, double tolerance)
{
    struct model_shape four = shapes(4, hidden), six = shapes(6, hidden);
    struct snapshot before, split, after;
    struct reshape to_six, to_four;
    snapshot_of(&before, &four, true);
    snapshot_of(&split, &six, false);
    snapshot_of(&after, &four, false);
    assert_int_equal(reshape_init(&to_six, 4, 0, 1), STATUS_OK);
    assert_int_equal(reshape_split(&to_six, 3), STATUS_OK);
    assert_int_equal(reshape_split(&to_six, 1), STATUS_OK);
    assert_int_equal(to_six.n_after, 6);
    assert_int_equal(reshape_twin(&to_six, 1), 4);
    assert_int_equal(reshape_twin(&to_six, 3), 5);
    assert_int_equal(reshape_snapshot(&to_six, &before, &split), STATUS_OK);
    check_near(before.use[3] / 2, split.use[5], rounding);
    assert_int_equal(reshape_init(&to_four, 6, 0, 1), STATUS_OK);
    assert_int_equal(reshape_merge(&to_four, 4, 1, 0.5), STATUS_OK);
    assert_int_equal(reshape_merge(&to_four, 3, 5, 0.5), STATUS_OK);
    assert_int_equal(reshape_snapshot(&to_four, &split, &after), STATUS_OK);
    check_networks(&four, &before.current, &after.current, tolerance);
    check_networks(&four, &before.slot[0], &after.slot[0], rounding);
    check_networks(&four, &before.slot[1], &after.slot[1], rounding);
    for (size_t e = 0; e < 4; e++)
        check_near(before.use[e], after.use[e], rounding);
    reshape_release(&to_six);
    reshape_release(&to_four);
    snapshot_release(&before);
    snapshot_release(&split);
    snapshot_release(&after);
}

static void test_split_and_merge(void **state)
{
    (void)state;
    check_inverse(false, rounding);
    /* One of the twins is taken as it is. */
    check_inverse(true, sizeof(real) == sizeof(double) ? 1e-7 : 1e-3);
}

/* Unequal networks with hidden layers: the one that is used more stays, the gate's rows are mixed.
 */
static void test_merge_of_networks(void **state)
{
    (void)state;
    struct model_shape three = shapes(3, true), two = shapes(2, true);
    size_t stride = parameters_stride(&three.expert);
    struct snapshot before, after;
    struct reshape reshape;
    snapshot_of(&before, &three, true);
    snapshot_of(&after, &two, false);
    assert_int_equal(reshape_init(&reshape, 3, 0, 1), STATUS_OK);
    assert_int_equal(reshape_merge(&reshape, 0, 2, 0.25), STATUS_OK);
    assert_int_equal(reshape_snapshot(&reshape, &before, &after), STATUS_OK);
    for (size_t i = 0; i < stride; i++) {
        check_near((double)before.current.experts[2 * stride + i], (double)after.current.experts[i],
                   0);
        check_near((double)before.slot[0].experts[2 * stride + i] / 0.75,
                   (double)after.slot[0].experts[i], rounding);
    }
    check_near(before.current.dispersion[2].variance, after.current.dispersion[0].variance, 0);
    size_t at = three.gate.bias_at[1], now = two.gate.bias_at[1];
    double entropy = -0.25 * log(0.25) - 0.75 * log(0.75);
    check_near(0.25 * (double)before.current.gate[at] + 0.75 * (double)before.current.gate[at + 2] +
                   entropy,
               (double)after.current.gate[now], rounding);
    assert_true(before.current.gate[at + 1] == after.current.gate[now + 1]);
    reshape_release(&reshape);
    snapshot_release(&before);
    snapshot_release(&after);
}

/* The best model before has other experts; history up to the present epoch stays. */
static void test_progress(void **state)
{
    (void)state;
    struct model_shape three = shapes(3, false), two = shapes(2, false);
    struct snapshot before, after;
    struct reshape reshape;
    snapshot_of(&before, &three, true);
    snapshot_of(&after, &two, false);
    before.progress = (struct progress){.epoch = 2,
                                        .step = 6,
                                        .recorded = 2,
                                        .due_best = {.epoch = 1, .error = 0.5},
                                        .last = {.epoch = 2, .error = 0.25},
                                        .stale_epochs = 1,
                                        .seed = 9};
    for (int64_t epoch = 0; epoch <= 2; epoch++)
        assert_int_equal(history_add(&before.history, &(struct metrics_record){.epoch = epoch}),
                         STATUS_OK);
    assert_int_equal(reshape_init(&reshape, 3, 0, 1), STATUS_OK);
    assert_int_equal(reshape_prune(&reshape, 0), STATUS_OK);
    for (int within = 0; within < 2; within++) {
        before.progress.batch = within;
        assert_int_equal(reshape_snapshot(&reshape, &before, &after), STATUS_OK);
        assert_int_equal(after.progress.epoch, 2);
        assert_int_equal(after.progress.step, 6);
        assert_int_equal(after.progress.due_best.epoch, -1);
        assert_int_equal(after.progress.stale_epochs, 0);
        assert_true(isinf(progress_best(&after.progress).error));
        assert_int_equal(after.progress.recorded, within ? 2 : -1);
        assert_int_equal(after.history.n, within ? 3 : 2);
        check_near(before.use[1], after.use[0], 0);
    }
    reshape_release(&reshape);
    snapshot_release(&before);
    snapshot_release(&after);
}

static void test_refused(void **state)
{
    (void)state;
    struct reshape reshape;
    assert_int_equal(reshape_init(&reshape, 3, 0, 1), STATUS_OK);
    assert_int_equal(reshape_split(&reshape, 3), STATUS_USAGE);
    assert_int_equal(reshape_merge(&reshape, 1, 1, 0.5), STATUS_USAGE);
    assert_int_equal(reshape_merge(&reshape, 0, 1, 0.5), STATUS_OK);
    assert_int_equal(reshape_split(&reshape, 1), STATUS_USAGE);
    assert_non_null(strstr(status_text(), "expert 1 is named twice"));
    assert_int_equal(reshape_prune(&reshape, 2), STATUS_OK);
    assert_int_equal(reshape.n_after, 1);
    reshape_release(&reshape);
    assert_int_equal(reshape_init(&reshape, 1, 0, 1), STATUS_OK);
    assert_int_equal(reshape_prune(&reshape, 0), STATUS_USAGE);
    assert_non_null(strstr(status_text(), "no expert would be left"));
    reshape_release(&reshape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split_and_merge), cmocka_unit_test(test_merge_of_networks),
        cmocka_unit_test(test_progress), cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
