/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_rates.h"
#include "bench_median.h"

#include "bench_internal.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/rng.h"
#include "comm/exchange.h"
#include "math/bf16.h"
#include "math/blas.h"
#include "model/objective.h"
#include "train/feed/batch.h"

#include <math.h>
#include <string.h>

/* The most rows of a gate that are timed. */
enum { MAX_GATE_NUMBERS = 4 << 20, MAX_REPEATS = 101 };

/* Of the seconds asked for. */
static const double share_of_a_part = 0.015, share_at_most = 1.5;

/* What the parts of a step work on, for micro-batches of n samples. */
struct workshop {
    const struct communicator *comm;
    struct communicator alone; /* this rank as if there were no other: no message is sent */
    const struct model_config *config;
    double seconds_per_part;
    struct mlp gate_shape, expert_shape;
    size_t n, n_local, n_rows; /* samples, experts, rows of the gate */
    struct gate gate;
    struct experts experts;
    struct optimizer optimizer;
    struct exchange exchange;
    struct shard shard;
    struct dataset dataset;
    struct batch batch;
    real *block, *coefficient, *y, *expected, *a, *b, *c;
    double *log_sum;
    size_t n_loaded;
};

static void draw(real *values, size_t n, double scale)
{
    struct rng rng;
    rng_init(&rng, 1, RNG_SPLIT, 0, 0);
    for (size_t i = 0; i < n; i++)
        values[i] = (real)(scale * (2 * rng_uniform(&rng) - 1));
}

/* The most numbers that one matrix of an expert's products has. */
static size_t largest_matrix(const struct workshop *shop)
{
    size_t largest = 0;
    for (int l = 0; l < shop->expert_shape.n_layers; l++) {
        size_t in = shop->expert_shape.width[l], out = shop->expert_shape.width[l + 1];
        size_t wide = in > out ? in : out, least = wide * (in < out ? in : out);
        largest = wide * shop->n > largest ? wide * shop->n : largest;
        largest = least > largest ? least : largest;
    }
    return largest;
}

static status open_arrays(struct workshop *shop)
{
    const struct model_config *config = shop->config;
    size_t matrix = largest_matrix(shop);
    struct dataset_shape shape = {
        .n = 2 * shop->n, .n_inputs = config->n_inputs, .n_targets = config->n_outputs};
    struct {
        void *array;
        size_t count, size;
    } arrays[] = {{&shop->block, dataset_bytes(&shape), 1},
                  {&shop->coefficient, shop->n_rows * shop->n, sizeof(real)},
                  {&shop->log_sum, shop->n, sizeof(double)},
                  {&shop->y, config->n_outputs * shop->n, sizeof(real)},
                  {&shop->expected, shop->n, sizeof(real)},
                  {&shop->a, matrix, sizeof(real)},
                  {&shop->b, matrix, sizeof(real)},
                  {&shop->c, matrix, sizeof(real)}};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
        status outcome = memory_alloc(arrays[i].array, arrays[i].count, arrays[i].size, "a plan");
        if (outcome != STATUS_OK)
            return outcome;
    }
    dataset_map(&shop->dataset, &shape, shop->block);
    draw(shop->dataset.x, shape.n * shape.n_inputs, 1);
    draw(shop->dataset.y, shape.n * shape.n_targets, 1);
    draw(shop->a, matrix, 1);
    draw(shop->b, matrix, 1);
    return STATUS_OK;
}

static status open_model(struct workshop *shop, enum optimizer_kind kind)
{
    const struct model_config *config = shop->config;
    struct likelihood likelihood = {config->likelihood, config->output, config->n_outputs};
    struct optimizer_config optimizer = {kind, 0.9, 0};
    struct dispersion_start start = {.at = {1, 1}};
    struct gate_config gate = model_gate_config(config);
    gate.n_experts = shop->n_rows;
    status outcome = gate_init(&shop->gate, &gate, shop->n);
    if (outcome == STATUS_OK)
        outcome = experts_init(&shop->experts, &shop->expert_shape, &likelihood, 0, shop->n_local,
                               &start, shop->n);
    if (outcome == STATUS_OK)
        outcome = optimizer_init(&shop->optimizer, &optimizer, &shop->experts.parameters);
    if (outcome == STATUS_OK)
        outcome = batch_init(&shop->batch, config->n_inputs, config->n_outputs, shop->n);
    if (outcome == STATUS_OK && config->is_bf16)
        outcome = inputs_round(&shop->batch.inputs, shop->n);
    if (outcome == STATUS_OK)
        outcome = shard_init(&shop->shard, shop->n_local, 1, -1, 0);
    return outcome;
}

size_t rates_n_experts(const struct model_config *config, size_t n)
{
    const double beyond_cache = 16e6, least = 4, most = 16;
    struct mlp gate, expert;
    if (model_shapes(config, &gate, &expert) != STATUS_OK)
        return 1;
    double reals = (double)(2 * parameters_stride(&expert) + mlp_memory(&expert, n) +
                            (config->n_outputs + 2) * n);
    double wanted = ceil(beyond_cache / (reals * sizeof(real)));
    wanted = fmin(fmin(fmax(wanted, least), most), (double)config->n_experts);
    return (size_t)wanted;
}

/* Collective. */
static status open_workshop(struct workshop *shop, const struct communicator *comm,
                            const struct rates_subject *subject, size_t n)
{
    const struct model_config *config = subject->config;
    memset(shop, 0, sizeof *shop);
    shop->comm = comm;
    shop->alone = *comm;
    shop->alone.rank = shop->alone.node = shop->alone.node_rank = 0;
    shop->alone.size = shop->alone.n_nodes = shop->alone.node_size = 1;
    shop->config = config;
    shop->seconds_per_part = share_of_a_part * subject->seconds;
    shop->n = n;
    shop->n_local = rates_n_experts(config, n);
    size_t most = MAX_GATE_NUMBERS / n;
    shop->n_rows = config->n_experts < most ? config->n_experts : most;
    status outcome = model_shapes(config, &shop->gate_shape, &shop->expert_shape);
    if (outcome == STATUS_OK)
        outcome = open_arrays(shop);
    if (outcome == STATUS_OK)
        outcome = open_model(shop, subject->optimizer);
    outcome = communicator_agree(comm, outcome);
    if (outcome == STATUS_OK)
        outcome =
            exchange_init(&shop->exchange, &shop->alone, &shop->shard, n, config->n_outputs + 1);
    if (outcome != STATUS_OK)
        return outcome;
    experts_draw(&shop->experts, 1, 0);
    gate_draw(&shop->gate, 1);
    batch_load(&shop->batch, &shop->dataset, NULL, 0, n, (double)n);
    return STATUS_OK;
}

static void close_workshop(struct workshop *shop)
{
    exchange_release(&shop->exchange);
    batch_release(&shop->batch);
    optimizer_release(&shop->optimizer);
    experts_release(&shop->experts);
    gate_release(&shop->gate);
    memory_free(&shop->block);
    memory_free(&shop->coefficient);
    memory_free(&shop->log_sum);
    memory_free(&shop->y);
    memory_free(&shop->expected);
    memory_free(&shop->a);
    memory_free(&shop->b);
    memory_free(&shop->c);
}

static void load(struct workshop *shop)
{
    size_t first = shop->n_loaded++ % 2 * shop->n;
    batch_load(&shop->batch, &shop->dataset, NULL, first, shop->n, (double)shop->n);
}

static void run_gate_forward(struct workshop *shop)
{
    gate_forward(&shop->gate, &shop->batch.inputs);
}

static void run_gate_backward(struct workshop *shop)
{
    gate_backward(&shop->gate, &shop->batch.inputs, 1);
}

/* The posterior from some log-likelihood: g itself will do, which is in (0, 1]. */
static void run_posterior(struct workshop *shop)
{
    struct gate *gate = &shop->gate;
    switch (shop->config->error) {
    case ERROR_MIXTURE:
        objective_mixture(gate->n_experts, shop->n, shop->batch.w, gate->log_g, gate->g, gate->g,
                          shop->coefficient, gate->d_logit, shop->log_sum);
        break;
    case ERROR_COMPETITIVE:
        objective_competitive(gate->n_experts, shop->n, shop->batch.w, gate->g, gate->g,
                              shop->coefficient, gate->d_logit, shop->log_sum);
        break;
    case ERROR_COOPERATIVE:
        objective_cooperative(gate->n_experts, shop->n, shop->batch.w, gate->g, shop->coefficient);
        break;
    }
}

static void run_experts_forward(struct workshop *shop)
{
    experts_forward(&shop->experts, &shop->batch.inputs, shop->batch.d);
}

static void run_experts_backward(struct workshop *shop)
{
    enum experts_residual residual = shop->config->error == ERROR_MIXTURE ? RESIDUAL_LIKELIHOOD
                                     : shop->config->error == ERROR_COMPETITIVE ? RESIDUAL_OWN
                                                                                : RESIDUAL_COMBINED;
    experts_backward(&shop->experts, residual, &shop->batch.inputs, shop->batch.d, shop->y,
                     shop->experts.loglik, 1);
}

/* The same as run_products, of pairs that are taken for such without being rounded. */
static void run_bf16_products(struct workshop *shop)
{
    const struct mlp *mlp = &shop->expert_shape;
    const bf16_pair *a = (const void *)shop->a, *b = (const void *)shop->b;
    size_t n = shop->n;
    for (int l = 0; l < mlp->n_layers; l++) {
        size_t in = mlp->width[l], out = mlp->width[l + 1], pairs[2] = {bf16_pairs(in), n / 2};
        const struct bf16_shape products[3] = {{out, n, pairs[0], pairs[0], n, n},
                                               {out, in, pairs[1], pairs[1], in, in},
                                               {in, n, bf16_pairs(out), bf16_pairs(out), n, n}};
        for (int p = 0; p < (l > 0 ? 3 : 2); p++)
            bf16_multiply(&products[p], a, b, false, (void *)shop->c);
    }
}

/* The matrix products of one expert and nothing else, by the library. */
static void run_products(struct workshop *shop)
{
    const struct mlp *mlp = &shop->expert_shape;
    size_t n = shop->n;
    if (shop->config->is_bf16) {
        run_bf16_products(shop);
        return;
    }
    for (int l = 0; l < mlp->n_layers; l++) {
        size_t in = mlp->width[l], out = mlp->width[l + 1];
        blas_gemm(BLAS_PLAIN, BLAS_PLAIN, out, n, in, shop->a, in, shop->b, n, 0, shop->c, n);
        blas_gemm(BLAS_PLAIN, BLAS_TRANSPOSED, out, in, n, shop->a, n, shop->b, n, 0, shop->c, in);
        if (l > 0)
            blas_gemm(BLAS_TRANSPOSED, BLAS_PLAIN, in, n, out, shop->a, in, shop->b, n, 0, shop->c,
                      n);
    }
}

static void combine(struct workshop *shop, size_t n_local)
{
    const struct experts *experts = &shop->experts;
    struct exchange_term terms[2] = {{experts->o, shop->config->n_outputs, 0, shop->y},
                                     {experts->square, 1, 0, shop->expected}};
    shop->exchange.n_local = n_local;
    exchange_combine(&shop->exchange, shop->n, experts->loglik, terms, 2);
    shop->exchange.n_local = shop->n_local;
}

static void run_combine(struct workshop *shop)
{
    combine(shop, shop->n_local);
}

static void run_combine_none(struct workshop *shop)
{
    combine(shop, 0);
}

static void run_update(struct workshop *shop)
{
    optimizer_update(&shop->optimizer, &shop->experts.parameters, 1e-9, 1, 1);
}

/* Gradients of two replicas. */
static void run_add(struct workshop *shop)
{
    const struct parameters *parameters = &shop->experts.parameters;
    size_t reals = shop->n_local * parameters->stride;
    for (size_t i = 0; i < reals; i++)
        parameters->gradient[i] += parameters->value[i];
}

/* Collective. The median of several runs, on the slowest rank. */
static double seconds_of(struct workshop *shop, void (*part)(struct workshop *))
{
    double seconds[MAX_REPEATS];
    size_t n = 0;
    communicator_barrier(shop->comm);
    part(shop);
    double begin = clock_seconds(), before = begin, now = begin;
    while (n < MAX_REPEATS && (n < 3 || now - begin < shop->seconds_per_part)) {
        part(shop);
        now = clock_seconds();
        seconds[n++] = now - before;
        before = now;
    }
    double median = bench_median(seconds, n);
    communicator_max(shop->comm, &median, 1);
    return median;
}

/* Collective. */
static void measure_point(struct workshop *shop, struct cost_point *point)
{
    double rows = (double)shop->n_rows, n_local = (double)shop->n_local;
    point->samples = shop->n;
    point->data = seconds_of(shop, load);
    point->gate_forward = seconds_of(shop, run_gate_forward) / rows;
    point->posterior = seconds_of(shop, run_posterior) / rows;
    point->gate_backward = seconds_of(shop, run_gate_backward) / rows;
    point->expert_forward = seconds_of(shop, run_experts_forward) / n_local;
    point->expert_backward = seconds_of(shop, run_experts_backward) / n_local;
    point->products = seconds_of(shop, run_products);
    point->combine_once = seconds_of(shop, run_combine_none);
    point->combine = fmax(seconds_of(shop, run_combine) - point->combine_once, 0) / n_local;
}

/* Sizes of micro-batches: powers of two up to the batch, and `also` in its place. */
static int list_samples(size_t batch, size_t also, size_t *samples)
{
    size_t most = real_padded(batch < 2048 ? batch : 2048);
    int n = 0;
    for (size_t size = 64; n < COST_MAX_POINTS - 2 && size <= most; size *= 2) {
        if (also < size && (n == 0 || samples[n - 1] < also))
            samples[n++] = also;
        samples[n++] = size;
    }
    if (n == 0 || samples[n - 1] < also)
        samples[n++] = also;
    return n;
}

status rates_measure_at(const struct communicator *comm, const struct rates_subject *subject,
                        size_t n, struct cost_rates *rates)
{
    struct workshop shop;
    status outcome = open_workshop(&shop, comm, subject, n);
    if (outcome == STATUS_OK) {
        double reals = (double)(shop.n_local * shop.experts.parameters.stride);
        rates->n_points = 1;
        measure_point(&shop, &rates->point[0]);
        rates->update = seconds_of(&shop, run_update) / reals;
        rates->add = seconds_of(&shop, run_add) / reals;
    }
    close_workshop(&shop);
    return outcome;
}

status rates_measure(const struct communicator *comm, const struct rates_subject *subject,
                     size_t batch, size_t also, struct cost_rates *rates)
{
    size_t samples[COST_MAX_POINTS];
    int n_samples = list_samples(batch, also, samples);
    double begin = clock_seconds();
    rates->n_points = 0;
    for (int i = 0; i < n_samples; i++) {
        struct cost_rates one;
        double spent = clock_seconds() - begin;
        communicator_max(comm, &spent, 1);
        if (spent > share_at_most * subject->seconds && samples[i] != also)
            continue;
        status outcome = rates_measure_at(comm, subject, samples[i], &one);
        if (outcome != STATUS_OK)
            return outcome;
        rates->point[rates->n_points++] = one.point[0];
        rates->update = one.update;
        rates->add = one.add;
    }
    return STATUS_OK;
}
