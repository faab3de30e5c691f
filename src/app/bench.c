#include "coterie/app/commands.h"

#include "bench_internal.h"
#include "bench_machine.h"

#include "coterie/base/clock.h"
#include "coterie/base/log.h"
#include "coterie/base/memory.h"
#include "coterie/base/rng.h"
#include "coterie/math/blas.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCHES = 4, MIN_STEPS = 21, MAX_STEPS = 20001 };

static const double bench_seconds = 2; /* of measuring, after a tenth of it to warm up */

static status read_shape(const char *text, struct bench *bench)
{
    unsigned long b, d, h, o, e;
    char end;
    if (sscanf(text, "%lu,%lu,%lu,%lu,%lu%c", &b, &d, &h, &o, &e, &end) != 5 || !b || !d || !o ||
        !e)
        return status_set(STATUS_USAGE,
                          "--shape %s: five numbers B,D,H,O,E are wanted (batch, inputs, hidden "
                          "units or 0, outputs, experts), as in 256,64,128,10,16",
                          text);
    bench->n_samples = b;
    bench->n_inputs = d;
    bench->n_hidden = h;
    bench->n_outputs = o;
    bench->n_experts = e;
    return STATUS_OK;
}

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
        outcome = memory_alloc(&bench->seconds, MAX_STEPS, sizeof(double), "times");
    }
    return communicator_agree(bench->comm, outcome);
}

struct model_config bench_model(const struct bench *bench, const struct options *options)
{
    struct model_config config = {.n_inputs = bench->n_inputs,
                                  .n_outputs = bench->n_outputs,
                                  .n_experts = bench->n_experts,
                                  .activation = ACTIVATION_TANH,
                                  .output = OUTPUT_IDENTITY,
                                  .likelihood = LIKELIHOOD_GAUSSIAN,
                                  .error = options->error,
                                  .variance = 1};
    if (bench->n_hidden > 0) {
        config.n_expert_hidden = 1;
        config.expert_hidden[0] = bench->n_hidden;
    }
    return config;
}

status bench_init(struct bench *bench, const struct options *options)
{
    struct model_config config = bench_model(bench, options);
    struct optimizer_config optimizer = {options->optimizer, 0.9, 0};
    bench->micro_batch = options->micro_batch > 0 ? (size_t)options->micro_batch
                                                  : model_micro_batch(&config, bench->n_samples);
    size_t stride = real_padded(bench->micro_batch);
    status outcome = make_dataset(bench);
    if (outcome == STATUS_OK)
        outcome = model_init(&bench->model, &config, bench->comm, options->root_experts, stride);
    if (outcome == STATUS_OK)
        outcome = step_init(&bench->step, &bench->model, bench->comm, stride);
    if (outcome == STATUS_OK &&
        step_looks_ahead(&config, &bench->model.shard, bench->n_samples, bench->micro_batch))
        outcome = step_look_ahead(&bench->step);
    if (outcome != STATUS_OK)
        return outcome;
    model_draw(&bench->model, 1);
    if (bench->model.has_gate)
        outcome = optimizer_init(&bench->gate, &optimizer, &bench->model.gate.parameters);
    if (outcome == STATUS_OK)
        outcome = optimizer_init(&bench->experts, &optimizer, &bench->model.experts.parameters);
    early_update_init(&bench->early, &bench->experts, &bench->model.experts,
                      bench->n_samples <= bench->micro_batch);
    return communicator_agree(bench->comm, outcome);
}

void bench_release(struct bench *bench)
{
    profile_table_release(&bench->phases);
    step_release(&bench->step);
    model_release(&bench->model);
    optimizer_release(&bench->gate);
    optimizer_release(&bench->experts);
    memory_free(&bench->block);
    memory_free(&bench->seconds);
}

/* The step of training: a batch that was not there before, both passes, update. */
static void train_step(struct bench *bench, size_t number)
{
    size_t first = number % BATCHES * bench->n_samples;
    const double rate = 1e-4;
    const struct sample_run samples = {&bench->dataset, NULL, first, bench->n_samples,
                                       (double)bench->n_samples};
    for (size_t at = 0; at < samples.n; at += bench->micro_batch) {
        step_load(&bench->step, &samples, at, bench->micro_batch);
        step_forward(&bench->step);
        early_update_prepare(&bench->early, at + bench->micro_batch >= samples.n, rate, number + 1);
        step_backward(&bench->step, at > 0);
    }
    profile_enter(PHASE_UPDATE);
    if (bench->model.has_gate)
        optimizer_update(&bench->gate, &bench->model.gate.parameters, rate, 1, number + 1);
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

/* Collective. Phases in steps of their own: reading the clock costs tiny models a tenth. */
static status profile_steps(struct bench *bench, size_t n)
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

/* Collective. Warms up, and finds the number of steps that fill the time. */
static status measure(struct bench *bench)
{
    size_t n = MIN_STEPS;
    bench_time_steps(bench, n);
    double spent = 0;
    size_t half = n / 2;
    for (size_t i = half; i < n; i++)
        spent += bench->seconds[i];
    communicator_max(bench->comm, &spent, 1);
    double per_step = spent / (double)(n - half);
    double wanted = bench_seconds / per_step;
    n = wanted < MIN_STEPS ? MIN_STEPS : wanted > MAX_STEPS ? MAX_STEPS : (size_t)wanted;
    bench_time_steps(bench, n / 10 + 1);
    bench_time_steps(bench, n);
    return profile_steps(bench, n / 4 + 1);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, by_value);
    return values[n / 2];
}

/* Operations of a step that no implementation can leave out: see tests/bench/README.md. */
static double floor_operations(const struct bench *bench)
{
    double d = (double)bench->n_inputs, h = (double)bench->n_hidden, o = (double)bench->n_outputs;
    double expert = h > 0 ? 4 * d * h + 6 * h * o : 4 * d * o;
    return (double)bench->n_samples * (double)bench->n_experts * (expert + 4 * d);
}

struct bench_result {
    double step_seconds, gflops, share;
    struct machine machine;
};

static void print_json(const struct bench *bench, const struct bench_result *result)
{
    json_t *line = json_object();
    json_object_set_new(line, "step_ms", json_real(1e3 * result->step_seconds));
    json_object_set_new(line, "gflops", json_real(result->gflops));
    json_object_set_new(line, "sgemm_gflops", json_real(result->machine.gemm_gflops));
    json_object_set_new(line, "share", json_real(result->share));
    json_object_set_new(line, "latency_us", json_real(1e6 * result->machine.latency));
    json_object_set_new(line, "ranks", json_integer(bench->comm->size));
    json_object_set_new(line, "micro_batch", json_integer((json_int_t)bench->micro_batch));
    json_object_set_new(line, "precision", json_string(REAL_NAME));
    json_object_set_new(line, "kernel", json_string(blas_kernel()));
    json_dumpf(line, stdout, JSON_REAL_PRECISION(6));
    fputc('\n', stdout);
    json_decref(line);
}

/* Collective. */
static status report(struct bench *bench, const struct options *options)
{
    struct bench_result result;
    double slowest = bench_median(bench->seconds, bench->n_steps);
    communicator_max(bench->comm, &slowest, 1);
    status outcome = machine_measure(bench->comm, &result.machine);
    if (outcome != STATUS_OK)
        return outcome;
    result.step_seconds = slowest;
    result.gflops = 1e-9 * floor_operations(bench) / slowest;
    result.share = result.gflops / result.machine.gemm_gflops;
    if (bench->comm->rank == 0) {
        log_info("shape    batch %zu, %zu inputs, %zu hidden, %zu outputs, %zu experts; %d rank%s, "
                 "micro-batches of %zu, %s, kernel %s",
                 bench->n_samples, bench->n_inputs, bench->n_hidden, bench->n_outputs,
                 bench->n_experts, bench->comm->size, bench->comm->size == 1 ? "" : "s",
                 bench->micro_batch, REAL_NAME, blas_kernel());
        profile_table_print(&bench->phases, 1e6 / (double)bench->n_profiled, "us a step");
        log_info("step     %.4g ms, median of %zu, slowest rank", 1e3 * slowest, bench->n_steps);
        log_info("rate     %.4g GFLOP/s of %.4g that its matrix products reach alone (n = %d): "
                 "%.1f %%",
                 result.gflops, result.machine.gemm_gflops, MACHINE_GEMM_SIZE, 100 * result.share);
        log_info("latency  %.3g us for a sum over all ranks of one number",
                 1e6 * result.machine.latency);
        if (options->json)
            print_json(bench, &result);
    }
    return STATUS_OK;
}

status bench_command(const struct communicator *comm, struct options *options)
{
    struct bench bench = {.comm = comm};
    status outcome = read_shape(options->shape, &bench);
    if (outcome == STATUS_OK && options->plan)
        return bench_plan(&bench, options);
    if (outcome == STATUS_OK)
        outcome = bench_init(&bench, options);
    if (outcome == STATUS_OK)
        outcome = measure(&bench);
    if (outcome == STATUS_OK)
        outcome = report(&bench, options);
    bench_release(&bench);
    return outcome;
}
