/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/options/command.h"
#include "app/options/options.h"

#include "bench_internal.h"
#include "bench_machine.h"
#include "bench_median.h"

#include "base/json_number.h"
#include "base/log.h"
#include "cost_model.h"
#include "math/blas.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MIN_STEPS = 21 };

static status read_shape(const char *text, struct bench *bench)
{
    unsigned long b, d, h, o, e;
    char end;
    /* scanf makes large numbers of negative ones. */
    if (strchr(text, '-') || sscanf(text, "%lu,%lu,%lu,%lu,%lu%c", &b, &d, &h, &o, &e, &end) != 5 ||
        !b || !d || !o || !e || b > INT_MAX || d > INT_MAX || h > INT_MAX || o > INT_MAX ||
        e > INT_MAX)
        return status_set(STATUS_USAGE,
                          "--shape %s: give five numbers B,D,H,O,E (batch, inputs, hidden "
                          "units or 0, outputs, experts), such as 256,64,128,10,16",
                          text);
    bench->n_samples = b;
    bench->n_inputs = d;
    bench->n_hidden = h;
    bench->n_outputs = o;
    bench->n_experts = e;
    return STATUS_OK;
}

/* Collective. Warms up for a tenth of the time, and finds the number of steps that fill it. */
static status measure(struct bench *bench, double seconds)
{
    size_t n = MIN_STEPS;
    bench_time_steps(bench, n);
    status outcome = bench_look(bench, &bench->early_view);
    if (outcome != STATUS_OK)
        return outcome;
    double spent = 0;
    size_t half = n / 2;
    for (size_t i = half; i < n; i++)
        spent += bench->seconds[i];
    communicator_max(bench->comm, &spent, 1);
    double per_step = spent / (double)(n - half);
    double wanted = seconds / per_step;
    n = wanted < MIN_STEPS         ? MIN_STEPS
        : wanted > BENCH_MAX_STEPS ? BENCH_MAX_STEPS
                                   : (size_t)wanted;
    bench_time_steps(bench, n / 10 + 1);
    bench_time_steps(bench, n);
    outcome = bench_profile_steps(bench, n / 4 + 1);
    return outcome == STATUS_OK ? bench_look(bench, &bench->last_view) : outcome;
}

struct bench_result {
    double step_seconds, gflops, share;
    struct machine machine;
};

static void print_json(const struct bench *bench, const struct bench_result *result)
{
    json_t *line = json_object();
    json_object_set_new(line, "step_ms", json_number(1e3 * result->step_seconds));
    json_object_set_new(line, "gflops", json_number(result->gflops));
    json_object_set_new(line, "sgemm_gflops", json_number(result->machine.gemm_gflops));
    json_object_set_new(line, "share", json_number(result->share));
    json_object_set_new(line, "latency_us", json_number(1e6 * result->machine.latency));
    if (model_is_routed(&bench->model.config))
        json_object_set_new(line, "busiest", json_number(bench->last_view.busiest));
    json_object_set_new(line, "error", json_number(bench->early_view.error));
    json_object_set_new(line, "ranks", json_integer(bench->comm->size));
    json_object_set_new(line, "replicas", json_integer(bench->replicas.n));
    json_object_set_new(line, "top_k", json_integer((json_int_t)bench->model.config.top_k));
    json_object_set_new(line, "micro_batch", json_integer((json_int_t)bench->micro_batch));
    json_object_set_new(line, "precision", json_string(model_precision(&bench->model.config)));
    json_object_set_new(line, "kernel", json_string(blas_kernel()));
    json_dumpf(line, stdout, JSON_REAL_PRECISION(9));
    fputc('\n', stdout);
    json_decref(line);
}

static void show_shape(const struct bench *bench)
{
    const struct model_config *config = &bench->model.config;
    int n_ranks = bench->comm->size, n_replicas = bench->replicas.n, each = n_ranks / n_replicas;
    char replicas[80] = "", chosen[64] = "";
    if (n_replicas > 1)
        snprintf(replicas, sizeof replicas, " in %d replicas of %d", n_replicas, each);
    if (model_is_routed(config))
        snprintf(chosen, sizeof chosen, ", %zu of them for a sample", config->top_k);
    log_info("shape    batch %zu, %zu inputs, %zu hidden, %zu outputs, %zu experts%s; %d rank%s%s, "
             "micro-batches of %zu, %s, kernel %s",
             bench->n_samples, bench->n_inputs, bench->n_hidden, bench->n_outputs, bench->n_experts,
             chosen, n_ranks, n_ranks == 1 ? "" : "s", replicas, bench->micro_batch,
             model_precision(config), blas_kernel());
}

/* Collective. */
static status report(struct bench *bench, const struct options *options)
{
    struct bench_result result;
    double slowest = bench_median(bench->seconds, bench->n_steps);
    communicator_max(bench->comm, &slowest, 1);
    status outcome = machine_measure(bench->comm, options->seconds, &result.machine);
    if (outcome != STATUS_OK)
        return outcome;
    result.step_seconds = slowest;
    result.gflops = 1e-9 * cost_floor(&bench->model.config, bench->n_samples) / slowest;
    result.share = result.gflops / result.machine.gemm_gflops;
    if (bench->comm->rank == 0) {
        show_shape(bench);
        profile_table_print(&bench->phases, 1e6 / (double)bench->n_profiled, "us a step");
        log_info("step     %.4g ms, median of %zu, slowest rank", 1e3 * slowest, bench->n_steps);
        log_info("rate     %.4g GFLOP/s of %.4g that its matrix products reach alone (n = %d): "
                 "%.1f %%",
                 result.gflops, result.machine.gemm_gflops, MACHINE_GEMM_SIZE, 100 * result.share);
        log_info("         counts the matrix products that a step needs%s",
                 model_is_routed(&bench->model.config) ? ": those of the chosen experts only" : "");
        if (model_is_routed(&bench->model.config) && bench->replicas.group.size > 1)
            log_info("choices  the busiest rank computes %.2f times the mean of the ranks",
                     bench->last_view.busiest);
        log_info("latency  %.3g us for a sum over all ranks of one number",
                 1e6 * result.machine.latency);
        log_info("check    mean error %.9g after the first %d steps: the same on any number of "
                 "ranks%s",
                 bench->early_view.error, MIN_STEPS,
                 bench->replicas.n > 1 ? " in as many replicas" : "");
        if (options->json)
            print_json(bench, &result);
    }
    return STATUS_OK;
}

/* Local. What does not fit together, in the words of `coterie train`. */
static status check_options(const struct bench *bench, const struct options *options)
{
    const struct model_config config = bench_model(bench, options);
    status outcome = model_config_check(&config);
    if (outcome == STATUS_OK)
        outcome = replicas_check(options->replicas, bench->comm->size, bench->n_samples);
    if (outcome != STATUS_OK || !options->plan)
        return outcome;
    if (options->replicas > 1)
        return status_set(STATUS_USAGE, "--plan finds the best number of replicas itself: leave "
                                        "--replicas out");
    if (model_is_routed(&config) || config.balance_weight != 0)
        return status_set(STATUS_USAGE,
                          "--plan predicts steps in which every expert computes every sample, "
                          "without a balance term: leave --%s out",
                          model_is_routed(&config) ? "top-k" : "balance-weight");
    return STATUS_OK;
}

/* Collective. */
static status run_bench(const struct communicator *comm, struct options *options)
{
    struct bench bench = {.comm = comm};
    status outcome = read_shape(options->shape, &bench);
    if (outcome == STATUS_OK)
        outcome = check_options(&bench, options);
    if (outcome == STATUS_OK && options->plan)
        return bench_plan(&bench, options);
    if (outcome == STATUS_OK)
        outcome = bench_init(&bench, options);
    if (outcome == STATUS_OK)
        outcome = measure(&bench, options->seconds);
    if (outcome == STATUS_OK)
        outcome = report(&bench, options);
    bench_release(&bench);
    return outcome;
}

const struct command_entry bench_command = {
    .name = "bench",
    .usage = "coterie bench [options]",
    .summary = "times the training step against this machine's matrix products",
    .examples = "  mpirun -n 2 coterie bench --shape 256,64,128,10,16\n"
                "  mpirun -n 8 coterie bench --shape 4096,784,256,10,64 --json\n"
                "  mpirun -n 8 coterie bench --shape 4096,784,256,10,64 --replicas 2 "
                "--top-k 4\n"
                "  mpirun -n 8 coterie bench --plan --shape 4096,784,256,10,1024\n\n"
                "A step is both passes over a new batch, all exchange between ranks (with\n"
                "--replicas the sum of gradients, too) and the update, without metrics and files.\n"
                "Its rate counts the matrix products that a step needs (with --top-k K those of K\n"
                "experts a sample) and is compared with products of 2048 x 2048 matrices.\n",
    .run = run_bench,
};
