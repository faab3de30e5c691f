/* SPDX-License-Identifier: BSD-3-Clause */
/* One model and its made-up samples: the step that is timed. */
#include "bench_internal.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/rng.h"

#include <string.h>

enum { BATCHES = 4 };

static void fill_dataset(struct bench *bench)
{
    struct rng rng;
    struct dataset *dataset = &bench->dataset;
    rng_init(&rng, 1, RNG_SPLIT, 0, 0);
    for (size_t i = 0; i < dataset->shape.n * dataset->shape.n_inputs; i++)
        dataset->x[i] = (real)(2 * rng_uniform(&rng) - 1);
    for (size_t i = 0; i < dataset->shape.n * dataset->shape.n_targets; i++)
        dataset->y[i] = (real)(2 * rng_uniform(&rng) - 1);
}

static status make_dataset(struct bench *bench)
{
    struct dataset_shape shape = {.n = BATCHES * bench->n_samples,
                                  .n_inputs = bench->n_inputs,
                                  .n_targets = bench->n_outputs};
    status outcome =
        memory_alloc(&bench->block, dataset_bytes(&shape), 1, "the samples of the benchmark");
    if (outcome == STATUS_OK) {
        dataset_map(&bench->dataset, &shape, bench->block);
        fill_dataset(bench);
        outcome = memory_alloc(&bench->seconds, BENCH_MAX_STEPS, sizeof(double), "times");
    }
    return communicator_agree(bench->comm, outcome);
}

struct model_config bench_model(const struct bench *bench, const struct options *options)
{
    struct model_config config = {.n_inputs = bench->n_inputs,
                                  .n_outputs = bench->n_outputs,
                                  .n_experts = bench->n_experts,
                                  .activation = ACTIVATION_TANH,
                                  .is_bf16 = options->precision == PRECISION_BF16,
                                  .output = OUTPUT_IDENTITY,
                                  .likelihood = LIKELIHOOD_GAUSSIAN,
                                  .error = options->error,
                                  .top_k = (size_t)options->top_k,
                                  .balance_weight = options->balance_weight,
                                  .variance = 1};
    if (bench->n_hidden > 0) {
        config.n_expert_hidden = 1;
        config.expert_hidden[0] = bench->n_hidden;
    }
    return config;
}

/* As in training, experts are updated in the backward pass unless gradients are summed first. */
static bool updates_early(const struct bench *bench)
{
    return bench->replicas.n == 1;
}

/* Collective. Model and step of this rank's replica, for its share of a batch. */
static status make_step(struct bench *bench, const struct options *options)
{
    struct model_config config = bench_model(bench, options);
    const struct communicator *group = &bench->replicas.group;
    size_t n_replicas = (size_t)bench->replicas.n;
    size_t share = (bench->n_samples + n_replicas - 1) / n_replicas;
    bench->micro_batch =
        options->micro_batch > 0 ? (size_t)options->micro_batch : model_micro_batch(&config, share);
    size_t stride = real_padded(bench->micro_batch);
    status outcome = model_init(&bench->model, &config, group, options->root_experts, stride);
    if (outcome == STATUS_OK)
        outcome = replicas_use_model(&bench->replicas, &bench->model);
    if (outcome == STATUS_OK)
        outcome = step_init(&bench->step, &bench->model, group, stride);
    if (outcome == STATUS_OK &&
        step_looks_ahead(&config, &bench->model.shard, share, bench->micro_batch))
        outcome = step_look_ahead(&bench->step);
    return outcome;
}

/*
 * A gate of training begins with equal mixing proportions, and with --top-k all samples would have
 * the same experts. Here each has those towards which it lies, of directions at random.
 */
static void draw_gate(struct gate *gate)
{
    const struct mlp *shape = &gate->shape;
    mlp_draw(shape, 1, RNG_GATE_WEIGHTS, 0, gate->parameters.value);
    memset(gate->parameters.value + shape->bias_at[0], 0, shape->width[1] * sizeof(real));
}

status bench_init(struct bench *bench, const struct options *options)
{
    struct optimizer_config optimizer = {options->optimizer, 0.9, 0};
    status outcome = make_dataset(bench);
    if (outcome == STATUS_OK)
        outcome = replicas_init(&bench->replicas, bench->comm, (int)options->replicas);
    if (outcome == STATUS_OK)
        outcome = make_step(bench, options);
    if (outcome != STATUS_OK)
        return outcome;
    model_draw(&bench->model, 1);
    if (bench->model.has_gate && model_is_routed(&bench->model.config))
        draw_gate(&bench->model.gate);
    if (bench->model.has_gate)
        outcome = optimizer_init(&bench->gate, &optimizer, &bench->model.gate.parameters);
    if (outcome == STATUS_OK)
        outcome = optimizer_init(&bench->experts, &optimizer, &bench->model.experts.parameters);
    early_update_init(&bench->early, &bench->experts, &bench->model.experts,
                      updates_early(bench) && bench->n_samples <= bench->micro_batch);
    return communicator_agree(bench->comm, outcome);
}

void bench_release(struct bench *bench)
{
    profile_table_release(&bench->phases);
    step_release(&bench->step);
    model_release(&bench->model);
    replicas_release(&bench->replicas);
    optimizer_release(&bench->gate);
    optimizer_release(&bench->experts);
    memory_free(&bench->block);
    memory_free(&bench->seconds);
}

/* This replica's samples of a batch. */
static struct sample_run share_of_batch(const struct bench *bench, size_t number)
{
    size_t begin, share, first = number % BATCHES * bench->n_samples;
    replicas_share(&bench->replicas, bench->n_samples, &begin, &share);
    return (struct sample_run){&bench->dataset, NULL, first + begin, share,
                               (double)bench->n_samples};
}

/*
 * The step of training: a batch that was not there before, both passes, with replicas the sum of
 * their gradients, update.
 */
static void train_step(struct bench *bench, size_t number)
{
    const double rate = 1e-4;
    const struct sample_run samples = share_of_batch(bench, number);
    bool early = updates_early(bench);
    for (size_t at = 0; at < samples.n; at += bench->micro_batch) {
        step_load(&bench->step, &samples, at, bench->micro_batch);
        step_forward(&bench->step);
        early_update_prepare(&bench->early, early && at + bench->micro_batch >= samples.n, rate,
                             number + 1);
        step_backward(&bench->step, at > 0);
    }
    if (bench->replicas.n > 1) {
        profile_enter(PHASE_REPLICAS);
        replicas_sum_gradients(&bench->replicas, &bench->model);
    }
    profile_enter(PHASE_UPDATE);
    if (bench->model.has_gate)
        optimizer_update(&bench->gate, &bench->model.gate.parameters, rate, 1, number + 1);
    if (!early)
        optimizer_update(&bench->experts, &bench->model.experts.parameters, rate, 1, number + 1);
    profile_enter(PHASE_OTHER);
}

void bench_time_steps(struct bench *bench, size_t n)
{
    communicator_barrier(bench->comm);
    double before = clock_seconds();
    for (size_t i = 0; i < n; i++) {
        train_step(bench, i);
        double now = clock_seconds();
        bench->seconds[i] = now - before;
        before = now;
    }
    bench->n_steps = n;
}

/* Root of a replica. Adds for each of its ranks how often its experts compute a present sample. */
static void count_choices(const struct bench *bench, double *choices)
{
    const struct shard *shard = &bench->model.shard;
    const struct batch *batch = &bench->step.batch;
    for (int r = 0; r < shard->n_ranks; r++) {
        size_t first = shard_first(shard, r), end = first + shard_count(shard, r);
        for (size_t e = first; e < end; e++)
            for (size_t i = 0; i < batch->n; i++)
                choices[r] += bench->model.gate.g[e * batch->stride + i] > 0;
    }
}

/* The most that a rank has, in units of their mean. */
static double most_in_means(int n, const double *values)
{
    double sum = 0, most = 0;
    for (int i = 0; i < n; i++) {
        sum += values[i];
        most = values[i] > most ? values[i] : most;
    }
    return sum > 0 ? most / (sum / n) : 0;
}

/* Collective. This replica's part of the view, on its root; `choices` (ranks of the replica). */
static struct bench_view view_share(struct bench *bench, double *choices)
{
    const struct sample_run samples = share_of_batch(bench, 0);
    struct bench_view own = {0, 0};
    for (size_t at = 0; at < samples.n; at += bench->micro_batch) {
        step_load(&bench->step, &samples, at, bench->micro_batch);
        step_forward(&bench->step);
        if (!bench->model.has_gate)
            continue;
        count_choices(bench, choices);
        for (size_t i = 0; i < bench->step.batch.n; i++)
            own.error += bench->step.error[i] / (double)bench->n_samples;
    }
    own.busiest = most_in_means(bench->replicas.group.size, choices);
    return own;
}

status bench_look(struct bench *bench, struct bench_view *view)
{
    const struct replicas *replicas = &bench->replicas;
    struct bench_view *parts = NULL;
    double *choices = NULL;
    status outcome =
        memory_alloc(&choices, (size_t)replicas->group.size, sizeof *choices, "a count");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&parts, (size_t)replicas->n, sizeof *parts, "the replicas' sums");
    outcome = communicator_agree(bench->comm, outcome);
    if (outcome == STATUS_OK) {
        COTERIE_ASSERT(choices && parts);
        struct bench_view own = view_share(bench, choices);
        communicator_gather(&replicas->peers, &own, parts, sizeof own);
        *view = (struct bench_view){0, 0};
        for (int r = 0; r < replicas->n; r++) {
            view->error += parts[r].error;
            view->busiest = parts[r].busiest > view->busiest ? parts[r].busiest : view->busiest;
        }
    }
    memory_free(&choices);
    memory_free(&parts);
    return outcome;
}

status bench_profile_steps(struct bench *bench, size_t n)
{
    profile_start(true);
    for (size_t i = 0; i < n; i++) {
        profile_round(1);
        train_step(bench, i);
    }
    bench->n_profiled = n;
    status outcome = profile_table_gather(bench->comm, &bench->phases);
    profile_start(false);
    return outcome;
}
