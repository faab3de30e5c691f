/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_internal.h"
#include "bench_machine.h"
#include "bench_median.h"
#include "bench_rates.h"

#include "base/json_number.h"
#include "base/log.h"
#include "math/blas.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

/* Ranks of the table: 1, 2, 4, ... */
enum { MAX_ROWS = 15, MAX_REPLICAS = 1024, CHECK_TURNS = 3 };

static const double share_of_a_check = 0.15; /* of the seconds asked for */
static const double worthwhile_efficiency = 0.8, hopeless_efficiency = 0.5;
static const struct cost_link assumed_link = {2e-6, 0.5e-6, 12.5e9};

struct row {
    struct cost_plan plan;
    double seconds, speed_up, efficiency;
    enum cost_part loss; /* the largest, and how many seconds it is */
    double loss_seconds;
    double parts[COST_N_PARTS];
};

struct prediction {
    struct cost_shape shape;
    struct model_config config;
    struct cost_rates rates;
    struct machine machine;
    bool is_measured[2]; /* inside a host, between hosts */
    struct cost_plan checked;
    size_t checked_experts;
    double predicted, measured; /* seconds of a step of `checked` */
    struct row rows[MAX_ROWS];
    int n_rows, best; /* best: the most ranks that are still worthwhile */
};

/* Processors of this host; what a job script would fill with ranks. */
static int count_processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (int)n : 1;
}

static void choose_links(const struct communicator *comm, const struct options *options,
                         struct prediction *prediction)
{
    struct cost_rates *rates = &prediction->rates;
    rates->ranks_per_host =
        count_processors() > comm->node_size ? count_processors() : comm->node_size;
    communicator_broadcast(comm, &rates->ranks_per_host, sizeof rates->ranks_per_host);
    prediction->is_measured[0] = rates->inside.bandwidth > 0;
    prediction->is_measured[1] = rates->between.bandwidth > 0;
    if (!prediction->is_measured[1])
        rates->between = assumed_link;
    if (options->network_latency > 0)
        rates->between.latency = 1e-6 * options->network_latency;
    if (options->network_bandwidth > 0)
        rates->between.bandwidth = 1e9 * options->network_bandwidth;
    if (!prediction->is_measured[0])
        rates->inside = rates->between;
}

/* As many experts as fill half of a turn with one step, but per rank no fewer than were timed. */
static size_t experts_to_check(const struct prediction *prediction, double check_seconds,
                               int n_ranks)
{
    struct cost_plan plan = {n_ranks, 1, prediction->checked.micro_batch, 0};
    plan.root_experts = cost_root_experts(&prediction->rates, &prediction->shape, &plan);
    double seconds = cost_step(&prediction->rates, &prediction->shape, &plan, NULL);
    double share = check_seconds / 2 / seconds * (double)prediction->shape.n_experts;
    double timed = (double)rates_n_experts(&prediction->config, plan.micro_batch);
    double least = fmin(timed * n_ranks, (double)prediction->shape.n_experts);
    return share < (double)prediction->shape.n_experts ? (size_t)fmax(share, least)
                                                       : prediction->shape.n_experts;
}

/* Collective. Rates of the checked micro-batch and steps, in turns; the means of both. */
static status measure_in_turns(struct bench *check, const struct options *options,
                               struct prediction *prediction)
{
    struct cost_rates *rates = &prediction->rates, turns[CHECK_TURNS];
    const struct rates_subject subject = {&prediction->config, options->optimizer,
                                          options->seconds};
    double check_seconds = share_of_a_check * options->seconds;
    size_t micro_batch = prediction->checked.micro_batch;
    prediction->measured = 0;
    bench_time_steps(check, 2);
    for (int t = 0; t < CHECK_TURNS; t++) {
        status outcome = rates_measure_at(check->comm, &subject, micro_batch, &turns[t]);
        if (outcome != STATUS_OK)
            return outcome;
        size_t n = (size_t)fmin(fmax(check_seconds / prediction->predicted, 3), 501);
        bench_time_steps(check, n);
        prediction->measured += bench_median(check->seconds, n) / CHECK_TURNS;
    }
    communicator_max(check->comm, &prediction->measured, 1);
    for (int i = 0; i < rates->n_points; i++)
        if (rates->point[i].samples == micro_batch)
            rates->point[i] = cost_mean_point(turns, CHECK_TURNS);
    rates->update = rates->add = 0;
    for (int t = 0; t < CHECK_TURNS; t++) {
        rates->update += turns[t].update / CHECK_TURNS;
        rates->add += turns[t].add / CHECK_TURNS;
    }
    return STATUS_OK;
}

/*
 * Collective. Predicts and measures a step on the ranks that are here. Rates and steps are measured
 * in turns, because the speed of a machine that is shared changes within seconds.
 */
static status check_prediction(const struct bench *bench, const struct options *options,
                               struct prediction *prediction)
{
    struct bench check = {.comm = bench->comm,
                          .n_samples = bench->n_samples,
                          .n_inputs = bench->n_inputs,
                          .n_hidden = bench->n_hidden,
                          .n_outputs = bench->n_outputs,
                          .n_experts = experts_to_check(
                              prediction, share_of_a_check * options->seconds, bench->comm->size)};
    status outcome = bench_init(&check, options);
    if (outcome == STATUS_OK) {
        struct cost_shape shape = prediction->shape;
        shape.n_experts = check.n_experts;
        prediction->checked_experts = check.n_experts;
        prediction->checked.root_experts = check.model.shard.on_root;
        prediction->predicted = cost_step(&prediction->rates, &shape, &prediction->checked, NULL);
        outcome = measure_in_turns(&check, options, prediction);
        prediction->predicted = cost_step(&prediction->rates, &shape, &prediction->checked, NULL);
    }
    bench_release(&check);
    return outcome;
}

static void fill_table(struct prediction *prediction)
{
    const struct cost_shape *shape = &prediction->shape;
    struct cost_plan plan;
    double alone = cost_best(&prediction->rates, shape, 1, 1, &plan);
    /* Beyond one rank per expert and line of samples nothing can be divided any more. */
    double most = (double)shape->n_experts * ceil((double)shape->batch / REALS_PER_LINE);
    int ranks = 1;
    for (int i = 0; i < MAX_ROWS && ranks <= most; i++, ranks *= 2) {
        struct row *row = &prediction->rows[i];
        row->seconds = cost_best(&prediction->rates, shape, ranks, MAX_REPLICAS, &row->plan);
        if (!isfinite(row->seconds))
            break;
        cost_step(&prediction->rates, shape, &row->plan, row->parts);
        row->speed_up = alone / row->seconds;
        row->efficiency = row->speed_up / ranks;
        row->loss = cost_bottleneck(row->parts, prediction->rows[0].parts[COST_EXPERTS] / ranks,
                                    &row->loss_seconds);
        prediction->n_rows = i + 1;
        if (row->efficiency >= worthwhile_efficiency)
            prediction->best = i;
        if (row->efficiency < hopeless_efficiency)
            break;
    }
}

static void show_rates(const struct bench *bench, const struct prediction *prediction)
{
    const struct cost_rates *rates = &prediction->rates;
    struct mlp expert, gate;
    size_t n = prediction->checked.micro_batch;
    struct cost_point at = cost_at(rates, n);
    double samples = (double)n, one = at.expert_forward + at.expert_backward;
    double own = one > at.products ? one - at.products : 0;
    if (model_shapes(&prediction->config, &gate, &expert) != STATUS_OK)
        return;
    double flops = samples * mlp_flops(&expert);
    log_info("shape    batch %zu, %zu inputs, %zu hidden, %zu outputs, %zu experts; %s, kernel %s",
             bench->n_samples, bench->n_inputs, bench->n_hidden, bench->n_outputs, bench->n_experts,
             model_precision(&prediction->config), blas_kernel());
    log_info("measured %d rank%s on %d host%s, micro-batches of %zu samples", bench->comm->size,
             bench->comm->size == 1 ? "" : "s", bench->comm->n_nodes,
             bench->comm->n_nodes == 1 ? "" : "s", n);
    log_info("  expert      %.4g us a sample, %.4g GFLOP/s; its matrix products alone %.4g (%.4g "
             "at n = %d); activations, likelihood and the rest %.0f %% of its time",
             1e6 * one / samples, 1e-9 * flops / one, 1e-9 * flops / at.products,
             prediction->machine.gemm_gflops / bench->comm->size, MACHINE_GEMM_SIZE,
             100 * own / one);
    log_info("  rank 0      gate %.3g, posterior %.3g ns a sample and expert",
             1e9 * (at.gate_forward + at.gate_backward) / samples, 1e9 * at.posterior / samples);
    log_info("  combine     %.3g ns a sample and expert; update %.3g ns a parameter",
             1e9 * at.combine / samples, 1e9 * rates->update);
}

static void show_link(const char *where, const struct cost_link *link, const char *source)
{
    log_info("  %-11s %.3g us latency, %.2g us a message, %.3g GB/s (%s)", where,
             1e6 * link->latency, 1e6 * link->overhead, 1e-9 * link->bandwidth, source);
}

static void show_links(const struct options *options, const struct prediction *prediction)
{
    const struct cost_rates *rates = &prediction->rates;
    bool said = options->network_latency > 0 || options->network_bandwidth > 0;
    show_link("in a host", &rates->inside,
              prediction->is_measured[0] ? "measured"
                                         : "not measured, taken as between hosts: run this on two "
                                           "ranks of a host");
    show_link("between", &rates->between,
              said                         ? "as given"
              : prediction->is_measured[1] ? "measured"
                                           : "NOT KNOWN, assumed: run this on two hosts, or give "
                                             "--network-latency and --network-bandwidth");
    log_info("  hosts       taken to have %d processors and a rank on each", rates->ranks_per_host);
    log_info("check    a step with %zu of %zu experts on the ranks of this run: predicted %.4g ms, "
             "measured %.4g ms (%+.0f %%)",
             prediction->checked_experts, prediction->shape.n_experts, 1e3 * prediction->predicted,
             1e3 * prediction->measured, 100 * (prediction->predicted / prediction->measured - 1));
}

static const char *loss_text(enum cost_part part)
{
    static const char *const texts[COST_N_PARTS] = {[COST_EXPERTS] =
                                                        "uneven shards, small micro-batches",
                                                    [COST_GATE] = "gate on rank 0",
                                                    [COST_POSTERIOR] = "posterior on rank 0",
                                                    [COST_EXCHANGE] = "messages of the exchange",
                                                    [COST_COMBINE] = "combined output",
                                                    [COST_UPDATE] = "update",
                                                    [COST_REPLICAS] = "gradients of the replicas"};
    return texts[part];
}

static void show_table(const struct prediction *prediction)
{
    log_info("%-6s %15s %12s %11s %10s %9s %10s  %s", "ranks", "replicas x", "experts of",
             "micro-batch", "ms a step", "speed-up", "efficiency", "largest loss");
    log_info("%-6s %15s %12s", "", "shards", "rank 0");
    for (int i = 0; i < prediction->n_rows; i++) {
        const struct row *row = &prediction->rows[i];
        const struct cost_plan *plan = &row->plan;
        char use[32];
        snprintf(use, sizeof use, "%d x %d", plan->n_replicas, plan->n_ranks / plan->n_replicas);
        log_info("%-6d %15s %12zu %11zu %10.4g %9.4g %8.0f %%  %s (%.0f %%)", plan->n_ranks, use,
                 plan->root_experts, plan->micro_batch, 1e3 * row->seconds, row->speed_up,
                 100 * row->efficiency, loss_text(row->loss),
                 100 * row->loss_seconds / row->seconds);
    }
}

static void show_best(const struct prediction *prediction)
{
    const struct row *best = &prediction->rows[prediction->best];
    const struct cost_plan *plan = &best->plan;
    char micro_batch[64] = "", replicas[32] = "";
    if (plan->n_replicas > 1)
        snprintf(replicas, sizeof replicas, " --replicas %d", plan->n_replicas);
    size_t share =
        (prediction->shape.batch + (size_t)plan->n_replicas - 1) / (size_t)plan->n_replicas;
    if (plan->micro_batch != model_micro_batch(&prediction->config, share))
        snprintf(micro_batch, sizeof micro_batch, " --micro-batch %zu", plan->micro_batch);
    log_info("best     %d rank%s (the most with an efficiency of %.0f %%): mpirun -n %d coterie "
             "train ...%s%s --root-experts %zu",
             plan->n_ranks, plan->n_ranks == 1 ? "" : "s", 100 * worthwhile_efficiency,
             plan->n_ranks, replicas, micro_batch, plan->root_experts);
}

static json_t *json_of_point(const struct cost_point *at)
{
    return json_pack(
        "{s:I,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f}", "samples", (json_int_t)at->samples, "data",
        at->data, "gate_forward", at->gate_forward, "gate_backward", at->gate_backward, "posterior",
        at->posterior, "expert_forward", at->expert_forward, "expert_backward", at->expert_backward,
        "products", at->products, "combine", at->combine, "combine_once", at->combine_once);
}

static json_t *json_of_link(const struct cost_link *link, bool is_measured)
{
    return json_pack("{s:f,s:f,s:f,s:b}", "latency", link->latency, "overhead", link->overhead,
                     "bandwidth", link->bandwidth, "measured", is_measured);
}

static json_t *json_of_row(const struct row *row)
{
    const struct cost_plan *plan = &row->plan;
    json_t *parts = json_object();
    for (int p = 0; p < COST_N_PARTS; p++)
        json_object_set_new(parts, cost_part_name((enum cost_part)p), json_number(row->parts[p]));
    return json_pack("{s:i,s:i,s:I,s:I,s:f,s:f,s:s,s:o}", "ranks", plan->n_ranks, "replicas",
                     plan->n_replicas, "micro_batch", (json_int_t)plan->micro_batch, "root_experts",
                     (json_int_t)plan->root_experts, "step_seconds", row->seconds, "efficiency",
                     row->efficiency, "bottleneck", cost_part_name(row->loss), "parts", parts);
}

static void print_json(const struct prediction *prediction)
{
    const struct cost_rates *rates = &prediction->rates;
    json_t *points = json_array(), *rows = json_array();
    for (int i = 0; i < rates->n_points; i++)
        json_array_append_new(points, json_of_point(&rates->point[i]));
    for (int i = 0; i < prediction->n_rows; i++)
        json_array_append_new(rows, json_of_row(&prediction->rows[i]));
    json_t *check = json_pack("{s:i,s:I,s:I,s:I,s:f,s:f}", "ranks", prediction->checked.n_ranks,
                              "experts", (json_int_t)prediction->checked_experts, "micro_batch",
                              (json_int_t)prediction->checked.micro_batch, "root_experts",
                              (json_int_t)prediction->checked.root_experts, "predicted_seconds",
                              prediction->predicted, "measured_seconds", prediction->measured);
    json_t *line =
        json_pack("{s:f,s:o,s:f,s:f,s:I,s:I,s:f,s:i,s:o,s:o,s:o,s:o,s:i,s:s,s:s}", "sgemm_gflops",
                  prediction->machine.gemm_gflops, "points", points, "update", rates->update, "add",
                  rates->add, "expert_reals", (json_int_t)prediction->shape.expert_reals,
                  "gate_reals", (json_int_t)prediction->shape.gate_reals, "posterior_in_experts",
                  prediction->shape.posterior_in_experts, "ranks_per_host", rates->ranks_per_host,
                  "inside", json_of_link(&rates->inside, prediction->is_measured[0]), "between",
                  json_of_link(&rates->between, prediction->is_measured[1]), "check", check, "rows",
                  rows, "best_ranks", prediction->rows[prediction->best].plan.n_ranks, "precision",
                  model_precision(&prediction->config), "kernel", blas_kernel());
    json_dumpf(line, stdout, JSON_REAL_PRECISION(6));
    fputc('\n', stdout);
    json_decref(line);
}

status bench_plan(struct bench *bench, const struct options *options)
{
    const struct communicator *comm = bench->comm;
    struct prediction prediction = {.config = bench_model(bench, options)};
    size_t micro_batch = options->micro_batch > 0
                             ? (size_t)options->micro_batch
                             : model_micro_batch(&prediction.config, bench->n_samples);
    const struct rates_subject subject = {&prediction.config, options->optimizer, options->seconds};
    cost_shape_of(&prediction.config, bench->n_samples, &prediction.shape);
    prediction.checked = (struct cost_plan){comm->size, 1, real_padded(micro_batch), 0};
    status outcome = network_measure(comm, &prediction.rates);
    if (outcome == STATUS_OK)
        outcome = rates_measure(comm, &subject, bench->n_samples, prediction.checked.micro_batch,
                                &prediction.rates);
    if (outcome == STATUS_OK)
        outcome = machine_measure(comm, options->seconds, &prediction.machine);
    if (outcome != STATUS_OK)
        return outcome;
    choose_links(comm, options, &prediction);
    outcome = check_prediction(bench, options, &prediction);
    if (outcome != STATUS_OK || comm->rank > 0)
        return outcome;
    fill_table(&prediction);
    show_rates(bench, &prediction);
    show_links(options, &prediction);
    show_table(&prediction);
    show_best(&prediction);
    if (options->json)
        print_json(&prediction);
    return STATUS_OK;
}
