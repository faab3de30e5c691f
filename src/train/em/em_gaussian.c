/* SPDX-License-Identifier: BSD-3-Clause */
/* The Gaussian gate: its start from data, and its M-step in closed form. */
#include "em_state.h"

#include "base/memory.h"
#include "base/rng.h"
#include "math/moments.h"

#include <math.h>
#include <string.h>

/* Least eigenvalue of a covariance, in units of the inputs' variances. */
static const double floor_share = 1e-4;

static size_t row_width(size_t n_inputs)
{
    return 1 + n_inputs + n_inputs * n_inputs;
}

static double doubles(const struct model_config *config, const struct shard *shard, int rank,
                      double samples, double stride)
{
    (void)samples;
    (void)stride;
    size_t n_local = shard_count(shard, rank);
    double rows = (double)n_local + (rank == 0 ? (double)config->n_experts : 0);
    double inputs = (double)config->n_inputs, units = inputs + 1;
    return (rows + 2) * (double)row_width(config->n_inputs) +
           (double)n_local * units * (units + 1) / 2 + 4 * inputs * inputs;
}

/* Mean and covariance from the moments sum a [x;1] [x;1]^T; returns sum a. */
static double centre_moments(size_t n_inputs, size_t width, const double *sums, double *mean,
                             double *covariance)
{
    double share = sums[moments_at(width, n_inputs, n_inputs)];
    for (size_t u = 0; u < n_inputs; u++)
        mean[u] = sums[moments_at(width, u, n_inputs)] / share;
    for (size_t u = 0; u < n_inputs; u++)
        for (size_t v = u; v < n_inputs; v++)
            covariance[u * n_inputs + v] = covariance[v * n_inputs + u] =
                sums[moments_at(width, u, v)] / share - mean[u] * mean[v];
    return share;
}

/* All samples' mean and covariance; an input that is the same for all counts as of variance 1. */
static void measure_inputs(struct em *em)
{
    struct em_gaussian *gaussian = &em->gaussian;
    size_t d = em->model->config.n_inputs, units = d + 1, count = moments_count(units, units);
    if (gaussian->is_measured)
        return;
    memset(gaussian->sums, 0, count * sizeof *gaussian->sums);
    for (size_t c = 0; c < em->n_chunks; c++) {
        em_load_batch(em, c);
        em_load(em, c);
        size_t stride = em->chunk.stride;
        em_widen(stride, em->batch.w, gaussian->weight);
        for (size_t at = 0; at < stride; at += MOMENTS_TILE)
            moments_add(1, units, units, stride - at < MOMENTS_TILE ? stride - at : MOMENTS_TILE,
                        gaussian->weight + at, stride, em->chunk.x + at, stride, gaussian->sums,
                        count);
    }
    centre_moments(d, units, gaussian->sums, gaussian->mean, gaussian->covariance);
    for (size_t u = 0; u < d; u++) {
        double *variance = &gaussian->covariance[u * d + u];
        double square = gaussian->mean[u] * gaussian->mean[u];
        *variance = *variance > 1e-12 * (1 + square) ? *variance : 1;
        /* The floor, a share of this, must be far above what E[x^2] - E[x]^2 loses in rounding. */
        *variance = fmax(*variance, 1e-9 * square);
    }
    gaussian->is_measured = true;
}

static status init(struct em *em)
{
    struct em_gaussian *gaussian = &em->gaussian;
    const struct model *model = em->model;
    size_t d = model->config.n_inputs, row = row_width(d);
    struct {
        double **array;
        size_t count;
    } buffers[] = {{&gaussian->mean, d},
                   {&gaussian->covariance, d * d},
                   {&gaussian->weight, em->max_stride},
                   {&gaussian->sums, moments_count(d + 1, d + 1)},
                   {&gaussian->own, model->experts.n_local * row},
                   {&gaussian->all, model->has_gate ? model->config.n_experts * row : 0}};
    status outcome = STATUS_OK;
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0] && outcome == STATUS_OK; i++)
        outcome = memory_alloc(buffers[i].array, buffers[i].count, sizeof(double), "EM");
    if (outcome == STATUS_OK && model->has_gate)
        outcome =
            memory_alloc(&gaussian->drawn, model->config.n_experts, sizeof *gaussian->drawn, "EM");
    return outcome;
}

void em_gaussian_release(struct em_gaussian *gaussian)
{
    memory_free(&gaussian->mean);
    memory_free(&gaussian->covariance);
    memory_free(&gaussian->weight);
    memory_free(&gaussian->sums);
    memory_free(&gaussian->own);
    memory_free(&gaussian->all);
    memory_free(&gaussian->drawn);
}

/* Inputs that the gate does not see: a variance of 0 leaves them out (math/semidefinite.h). */
static void drop_unseen(const struct em *em, const double *variances, double *covariance)
{
    size_t d = em->model->config.n_inputs;
    for (size_t u = 0; u < d; u++) {
        if (input_choice_has(&em->model->config.gate_inputs, u))
            continue;
        for (size_t v = 0; v < d; v++)
            covariance[u * d + v] = covariance[v * d + u] = 0;
        covariance[u * d + u] = variances ? variances[u * d + u] : 0;
    }
}

/* Raises what is below the floor, so that the covariance stays that of a density. */
static void raise_covariance(struct em *em, double *covariance)
{
    const double *of_all = em->gaussian.covariance;
    size_t d = em->model->config.n_inputs;
    drop_unseen(em, of_all, covariance); /* so that they have no part in what is raised */
    for (int back = 0; back < 2; back++) {
        for (size_t u = 0; u < d; u++)
            for (size_t v = 0; v < d; v++) {
                double scale = sqrt(of_all[u * d + u]) * sqrt(of_all[v * d + v]);
                covariance[u * d + v] *= back ? scale : 1 / scale;
            }
        if (!back)
            semidefinite_raise(&em->system, d, floor_share, covariance);
    }
    drop_unseen(em, NULL, covariance);
}

static void set_reals(size_t n, const double *from, real *to)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (real)from[i];
}

/* mean (D) of an expert, 0 for inputs that the gate does not see. */
static void set_mean(const struct em *em, const double *from, size_t step, real *mean)
{
    const struct input_choice *seen = &em->model->config.gate_inputs;
    for (size_t u = 0; u < em->model->config.n_inputs; u++)
        mean[u] = input_choice_has(seen, u) ? (real)from[u * step] : 0;
}

/* A sample that no expert before has been given; of fewer samples than experts, any. */
static uint64_t draw_sample(const struct em *em, uint64_t seed, size_t e)
{
    const uint64_t *drawn = em->gaussian.drawn;
    struct rng rng;
    rng_init(&rng, seed, RNG_GATE_WEIGHTS, (uint32_t)e, 0);
    for (;;) {
        uint64_t sample = rng_below(&rng, em->dataset->shape.n);
        bool is_new = true;
        for (size_t before = 0; before < e; before++)
            is_new = is_new && drawn[before] != sample;
        if (is_new || em->dataset->shape.n < em->model->config.n_experts)
            return sample;
    }
}

/* The means that are samples of micro-batch c. A stream gives all in their order, to all ranks. */
static void take_means(struct em *em, size_t c)
{
    const struct model_config *config = &em->model->config;
    size_t d = config->n_inputs, size = em->config.micro_batch;
    bool is_loaded = em->dataset->stream != NULL;
    if (is_loaded)
        em_load(em, c);
    for (size_t e = 0; e < config->n_experts && em->model->has_gate; e++) {
        const struct gate *gate = &em->model->gate;
        real *mean = gate->parameters.value + gate->gaussian.layout.mean_at + e * d;
        if (em->gaussian.drawn[e] / size != c)
            continue;
        if (!is_loaded)
            em_load(em, c);
        is_loaded = true;
        size_t place = (size_t)em->gaussian.drawn[e] % size;
        set_mean(em, em->chunk.x + place, em->chunk.stride, mean);
    }
}

static void begin(struct em *em, uint64_t seed)
{
    const struct model_config *config = &em->model->config;
    size_t d = config->n_inputs;
    measure_inputs(em);
    for (size_t e = 0; e < config->n_experts && em->model->has_gate; e++)
        em->gaussian.drawn[e] = draw_sample(em, seed, e);
    for (size_t c = 0; c < em->n_chunks; c++)
        take_means(em, c);
    if (!em->model->has_gate)
        return;
    const struct gaussian_gate_layout *at = &em->model->gate.gaussian.layout;
    real *value = em->model->gate.parameters.value;
    double *covariance = em->gaussian.all; /* free until the first M-step */
    memcpy(covariance, em->gaussian.covariance, d * d * sizeof *covariance);
    raise_covariance(em, covariance);
    for (size_t e = 0; e < config->n_experts; e++) {
        value[at->alpha_at + e] = (real)(1 / (double)config->n_experts);
        set_reals(d * d, covariance, value + at->covariance_at + e * d * d);
    }
}

static void resume(struct em *em)
{
    measure_inputs(em);
}

/* False for what an expert without samples has left: zeros. */
static bool has_variances(size_t d, const double *covariance)
{
    double trace = 0;
    for (size_t u = 0; u < d; u++)
        trace += covariance[u * d + u];
    return trace > 0;
}

/* Root: from every expert's share, mean and covariance; without the last, it keeps its own. */
static void set_gate(struct em *em)
{
    struct gate *gate = &em->model->gate;
    const struct gaussian_gate_layout *at = &gate->gaussian.layout;
    size_t d = em->model->config.n_inputs, row = row_width(d), n = gate->n_experts;
    real *value = gate->parameters.value;
    double total = 0;
    for (size_t e = 0; e < n; e++)
        total += em->gaussian.all[e * row];
    for (size_t e = 0; e < n; e++) {
        const double *of_expert = em->gaussian.all + e * row;
        value[at->alpha_at + e] = (real)(of_expert[0] / total);
        if (!has_variances(d, of_expert + 1 + d))
            continue;
        set_mean(em, of_expert + 1, 1, value + at->mean_at + e * d);
        set_reals(d * d, of_expert + 1 + d, value + at->covariance_at + e * d * d);
    }
}

static void update(struct em *em)
{
    const struct model *model = em->model;
    size_t d = model->config.n_inputs, row = row_width(d);
    for (size_t k = 0; k < model->experts.n_local; k++) {
        double *own = em->gaussian.own + k * row;
        const double *sums = em->fit.sums + k * em->fit.row;
        memset(own, 0, row * sizeof *own);
        own[0] = least_squares_moment(&em->fit, k, d, d);
        if (!(own[0] > em->fit.least_share))
            continue;
        centre_moments(d, em->fit.width, sums, own + 1, own + 1 + d);
        raise_covariance(em, own + 1 + d);
    }
    communicator_gather_rows(em->comm, &model->shard, row * sizeof(double), em->gaussian.own,
                             em->gaussian.all);
    if (model->has_gate)
        set_gate(em);
}

static size_t largest_system(const struct em *em)
{
    return em->model->config.n_inputs;
}

const struct em_gate em_gate_gaussian = {.from_moments = true,
                                         .doubles = doubles,
                                         .init = init,
                                         .system = largest_system,
                                         .begin = begin,
                                         .resume = resume,
                                         .update = update};
