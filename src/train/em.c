#include "em_internal.h"

#include "coterie/base/memory.h"
#include "coterie/base/profile.h"
#include "coterie/base/site.h"

#include <string.h>

enum { MOST_GROUPS = 16, MOST_FACTORED = 128 };

static bool in_closed_form(const struct model_config *config)
{
    return config->likelihood == LIKELIHOOD_GAUSSIAN && config->output == OUTPUT_IDENTITY &&
           config->n_expert_hidden == 0;
}

static enum em_family family_of_experts(const struct model_config *config)
{
    if (config->likelihood == LIKELIHOOD_BERNOULLI)
        return EM_BERNOULLI;
    if (config->likelihood == LIKELIHOOD_CATEGORICAL)
        return EM_SOFTMAX;
    return config->output == OUTPUT_LOGISTIC ? EM_LOGISTIC_SQUARES : EM_SOFTMAX_SQUARES;
}

status em_check(const struct model_config *config)
{
    if (config->error != ERROR_MIXTURE)
        return status_set(STATUS_USAGE,
                          "--optimizer em maximises a likelihood and goes with --error mixture "
                          "only; for the cooperative and competitive errors use adam");
    return STATUS_OK;
}

static size_t n_chunks_of(size_t n, size_t micro_batch)
{
    return (n + micro_batch - 1) / micro_batch;
}

/* All micro-batches in double, if that is not much: then they are widened only once. */
static size_t n_kept_chunks(const struct model_config *config, size_t n_chunks, size_t stride)
{
    const double most_bytes = 64 << 20;
    double rows = (double)(config->n_inputs + 1 + config->n_outputs);
    return (double)n_chunks * rows * (double)stride * sizeof(double) <= most_bytes ? n_chunks : 1;
}

double em_host_bytes(const struct model_config *config, size_t n, size_t micro_batch)
{
    return (double)n_chunks_of(n, micro_batch) * (double)config->n_experts *
           (double)real_padded(micro_batch) * sizeof(real);
}

/* Doubles that the linear gate needs on a rank, and at the root. */
static double gate_doubles(const struct model_config *config, const struct shard *shard, int rank,
                           double samples, double stride)
{
    double experts = (double)config->n_experts, unknowns = experts * (double)(config->n_inputs + 1);
    double doubles = 3 * experts * stride + 8 * unknowns;
    if (unknowns <= MOST_FACTORED)
        return doubles + (rank == 0 ? 4 + MOST_GROUPS : 4) * unknowns * unknowns;
    /* Probabilities, kept between products with a curvature that is too large to be formed. */
    return doubles + samples * experts / shard->n_ranks;
}

double em_bytes(const struct model_config *config, const struct shard *shard, int rank, size_t n,
                size_t micro_batch)
{
    struct mlp gate, expert;
    if (model_shapes(config, &gate, &expert) != STATUS_OK)
        return 0;
    double n_local = (double)shard_count(shard, rank), outputs = (double)config->n_outputs;
    double units = (double)config->n_inputs + 1, stride = (double)real_padded(micro_batch);
    double samples = (double)n_chunks_of(n, micro_batch) * stride, bytes = 0;
    double kept = (double)n_kept_chunks(config, n_chunks_of(n, micro_batch), (size_t)stride);
    double doubles = (kept * (units + outputs) + units) * stride;
    if (config->gate == GATE_GAUSSIAN)
        doubles += em_gaussian_doubles(config, (size_t)n_local, rank == 0);
    else if (config->n_gate_hidden == 0)
        doubles += gate_doubles(config, shard, rank, samples, stride);
    else if (rank == 0)
        bytes += em_climb_bytes(&gate);
    if (config->n_expert_hidden > 0)
        bytes += n_local * (em_climb_bytes(&expert) + stride * sizeof(real));
    else if (in_closed_form(config))
        doubles += n_local * units * (units + outputs) + 4 * units * units;
    else
        doubles += 4 * outputs * stride + (8 + units) * outputs * units + 4 * units * units;
    return bytes + doubles * sizeof(double);
}

LEAF_KERNEL void em_widen(size_t n, const real *restrict from, double *restrict to)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        to[i] = (double)from[i];
}

static void set_chunk(struct em_chunk *chunk, const struct batch *batch)
{
    const struct inputs *inputs = &batch->inputs;
    size_t units = chunk->n_inputs, stride = chunk->stride;
    for (size_t at = 0; at < stride; at += inputs->tile) {
        size_t n = stride - at < inputs->tile ? stride - at : inputs->tile;
        for (size_t u = 0; u < units; u++)
            em_widen(n, inputs->tiles + at * units + u * n, chunk->x + u * stride + at);
    }
    for (size_t i = 0; i < stride; i++)
        chunk->x[units * stride + i] = 1;
    em_widen(chunk->n_outputs * stride, batch->d, chunk->d);
}

static size_t chunk_samples(const struct em *em, size_t number)
{
    size_t left = em->dataset->shape.n - number * em->micro_batch;
    return left < em->micro_batch ? left : em->micro_batch;
}

void em_load_batch(struct em *em, size_t number)
{
    batch_load(&em->batch, em->dataset, NULL, number * em->micro_batch, chunk_samples(em, number),
               em->total);
}

/* em->chunk becomes micro-batch `number`, which `batch` holds, or NULL: em->batch is to load it. */
static void take_chunk(struct em *em, size_t number, const struct batch *batch)
{
    struct em_chunk *chunk = &em->chunk;
    size_t slot = em->n_slots == em->n_chunks ? number : 0;
    size_t rows = chunk->n_inputs + 1 + chunk->n_outputs;
    chunk->stride = real_padded(chunk_samples(em, number));
    chunk->x = em->slots + slot * rows * em->max_stride;
    chunk->d = chunk->x + (chunk->n_inputs + 1) * chunk->stride;
    if (em->slot_holds[slot] == (int64_t)number)
        return;
    if (!batch)
        em_load_batch(em, number);
    set_chunk(chunk, batch ? batch : &em->batch);
    em->slot_holds[slot] = (int64_t)number;
}

void em_load(struct em *em, size_t number)
{
    take_chunk(em, number, NULL);
}

static real *posterior_row(const struct em *em, size_t number, size_t e)
{
    return em->posterior + (number * em->model->config.n_experts + e) * em->max_stride;
}

const real *em_posterior(const struct em *em, size_t number, size_t e)
{
    return posterior_row(em, number, e);
}

void em_unpack(const struct mlp *shape, const real *value, double *theta)
{
    size_t inputs = shape->width[0];
    for (size_t k = 0; k < shape->width[1]; k++) {
        for (size_t u = 0; u < inputs; u++)
            theta[k * (inputs + 1) + u] = (double)value[shape->weight_at[0] + k * inputs + u];
        theta[k * (inputs + 1) + inputs] = (double)value[shape->bias_at[0] + k];
    }
}

void em_pack(const struct mlp *shape, const double *theta, real *value)
{
    size_t inputs = shape->width[0];
    for (size_t k = 0; k < shape->width[1]; k++) {
        for (size_t u = 0; u < inputs; u++)
            value[shape->weight_at[0] + k * inputs + u] = (real)theta[k * (inputs + 1) + u];
        value[shape->bias_at[0] + k] = (real)theta[k * (inputs + 1) + inputs];
    }
}

/* ---- the experts */

/* s = w h, and for categorical experts t = s d, and s their sum, which is s where d sums to 1 */
static void load_for_expert(struct em *em, size_t number, size_t e)
{
    struct em_linear *expert = &em->expert;
    em_load(em, number);
    size_t stride = em->chunk.stride;
    em_widen(stride, em_posterior(em, number, e), expert->s);
    if (expert->family != EM_SOFTMAX)
        return;
    for (size_t k = 0; k < expert->n_outputs; k++)
        for (size_t i = 0; i < stride; i++)
            expert->t[k * stride + i] = expert->s[i] * em->chunk.d[k * stride + i];
    memset(expert->s, 0, stride * sizeof *expert->s);
    for (size_t k = 0; k < expert->n_outputs; k++)
        for (size_t i = 0; i < stride; i++)
            expert->s[i] += expert->t[k * stride + i];
}

static void total_of_expert(void *context, enum em_request request, const double *vector,
                            double *sums)
{
    struct em *em = context;
    memset(sums, 0, em_linear_n_sums(&em->expert, request) * sizeof *sums);
    for (size_t c = 0; c < em->n_chunks; c++) {
        load_for_expert(em, c, em->model->experts.first + em->expert_at);
        em_linear_add(&em->expert, &em->chunk, c, request, vector, sums);
    }
}

double em_share(const struct em *em, size_t k)
{
    double share = 0;
    for (size_t c = 0; c < em->n_chunks; c++) {
        const real *h = em_posterior(em, c, em->model->experts.first + k);
        size_t stride = real_padded(chunk_samples(em, c)); /* beyond it, nothing was written */
        for (size_t i = 0; i < stride; i++)
            share += (double)h[i];
    }
    return share;
}

void em_set_variance(struct em *em, size_t k, double square, double share)
{
    double variance = square / (share * (double)em->model->config.n_outputs);
    double floor = em->model->config.variance_floor;
    em->model->experts.variance[k] = variance < floor ? floor : variance;
}

static void update_expert(struct em *em, size_t k)
{
    struct experts *experts = &em->model->experts;
    real *value = parameters_of(&experts->parameters, k);
    em->expert_at = k;
    double share = em_share(em, k);
    if (!(share > 0))
        return; /* an expert that has no sample stays as it is */
    em_unpack(&experts->shape, value, em->expert_theta);
    double raised = em_newton_step(&em->expert_newton, em->expert_theta);
    em_pack(&experts->shape, em->expert_theta, value);
    if (experts->variance_is_learned)
        em_set_variance(em, k, -2 * raised, share);
}

/* ---- */

static status init_experts(struct em *em)
{
    struct model *model = em->model;
    const struct model_config *config = &model->config;
    em->experts_in_closed_form = in_closed_form(config);
    em->sums_moments = em->experts_in_closed_form || config->gate == GATE_GAUSSIAN;
    status outcome = STATUS_OK;
    if (em->sums_moments)
        outcome = least_squares_init(
            &em->fit, model, em->experts_in_closed_form ? config->n_outputs : 0, em->max_stride);
    if (em->experts_in_closed_form || outcome != STATUS_OK)
        return outcome;
    if (config->n_expert_hidden > 0) {
        status made = em_climb_init(&em->expert_climb, &model->experts.parameters);
        return made != STATUS_OK
                   ? made
                   : memory_alloc(&em->coefficient, model->experts.n_local * em->max_stride,
                                  sizeof(real), "EM");
    }
    bool has_experts = model->experts.n_local > 0;
    outcome = em_linear_init(&em->expert, family_of_experts(config), config->n_outputs,
                             config->n_inputs, em->max_stride, has_experts ? em->n_chunks : 0);
    if (outcome == STATUS_OK)
        outcome = em_newton_init(&em->expert_newton, &em->expert, &em->system);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&em->expert_theta, em->expert.n_parameters, sizeof(double), "EM");
    em->expert_newton.total = total_of_expert;
    em->expert_newton.context = em;
    return outcome;
}

static status init_gate(struct em *em)
{
    const struct model_config *config = &em->model->config;
    if (config->gate == GATE_GAUSSIAN)
        return STATUS_OK; /* em_gaussian_init needs all the rest */
    if (config->n_gate_hidden > 0)
        return em->model->has_gate ? em_climb_init(&em->gate_climb, &em->model->gate.parameters)
                                   : STATUS_OK;
    size_t n_groups = em->n_chunks < MOST_GROUPS ? em->n_chunks : MOST_GROUPS;
    status outcome = shard_init(&em->groups, n_groups, em->comm->size, -1, 0);
    if (outcome != STATUS_OK)
        return outcome;
    size_t first = shard_first(&em->groups, em->comm->rank);
    size_t count = shard_count(&em->groups, em->comm->rank);
    size_t begin = first * em->n_chunks / n_groups, end = (first + count) * em->n_chunks / n_groups;
    outcome = em_linear_init(&em->gate, EM_SOFTMAX, config->n_experts, config->n_inputs,
                             em->max_stride, end - begin);
    em->gate.kept_first = begin;
    size_t n_sums = em_linear_n_sums(&em->gate, EM_SLOPE);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&em->group_sums, count * n_sums, sizeof(double), "EM");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&em->gate_vector, em->gate.n_parameters, sizeof(double), "EM");
    if (outcome != STATUS_OK || !em->model->has_gate)
        return outcome;
    outcome = memory_alloc(&em->all_sums, n_groups * n_sums, sizeof(double), "EM");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&em->gate_theta, em->gate.n_parameters, sizeof(double), "EM");
    if (outcome == STATUS_OK)
        outcome = em_newton_init(&em->gate_newton, &em->gate, &em->system);
    return outcome;
}

static status init_rest(struct em *em)
{
    const struct model *model = em->model;
    const struct model_config *config = &model->config;
    size_t rows = config->n_inputs + 1 + config->n_outputs, n_local = model->experts.n_local;
    size_t system = 1;
    em->n_slots = n_kept_chunks(config, em->n_chunks, em->max_stride);
    if (config->gate == GATE_GAUSSIAN && config->n_inputs > system)
        system = config->n_inputs;
    if (em_linear_system(&em->gate) > system)
        system = em_linear_system(&em->gate);
    if (!em->experts_in_closed_form && em_linear_system(&em->expert) > system)
        system = em_linear_system(&em->expert);
    status outcome = semidefinite_init(&em->system, system);
    if (outcome == STATUS_OK)
        outcome = batch_init(&em->batch, config->n_inputs, config->n_outputs, em->max_stride);
    if (outcome == STATUS_OK)
        outcome =
            memory_alloc(&em->slots, em->n_slots * rows * em->max_stride, sizeof(double), "EM");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&em->slot_holds, em->n_slots, sizeof(int64_t), "EM");
    for (size_t slot = 0; slot < em->n_slots && outcome == STATUS_OK; slot++)
        em->slot_holds[slot] = -1;
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&em->before.experts, n_local * model->experts.parameters.stride,
                               sizeof(real), "EM");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&em->before.variance, n_local, sizeof(double), "EM");
    if (outcome == STATUS_OK && model->has_gate)
        outcome = memory_alloc(&em->before.gate, model->gate.parameters.stride, sizeof(real), "EM");
    em->chunk.n_inputs = config->n_inputs;
    em->chunk.n_outputs = config->n_outputs;
    em->chunk.max_stride = em->max_stride;
    if (outcome == STATUS_OK && config->gate == GATE_GAUSSIAN)
        outcome = em_gaussian_init(em);
    return outcome;
}

status em_create(struct em **out, struct model *model, const struct communicator *comm,
                 const struct dataset *dataset, size_t micro_batch)
{
    struct em *em = NULL;
    *out = NULL;
    status outcome = memory_alloc(&em, 1, sizeof *em, "EM");
    if (outcome == STATUS_OK) {
        size_t n = dataset->shape.n;
        em->model = model;
        em->comm = comm;
        em->dataset = dataset;
        em->micro_batch = micro_batch < n ? micro_batch : n;
        em->max_stride = real_padded(em->micro_batch);
        em->n_chunks = n_chunks_of(n, em->micro_batch);
        em->total = batch_total(dataset, NULL, 0, n);
        outcome = init_gate(em);
    }
    if (outcome == STATUS_OK)
        outcome = init_experts(em);
    if (outcome == STATUS_OK)
        outcome = init_rest(em);
    outcome = communicator_agree(comm, outcome);
    if (outcome == STATUS_OK)
        outcome = shared_memory_create(
            comm, (size_t)em_host_bytes(&model->config, dataset->shape.n, em->micro_batch),
            &em->window);
    if (outcome != STATUS_OK) {
        em_destroy(&em);
        return outcome;
    }
    em->posterior = em->window.base;
    *out = em;
    return STATUS_OK;
}

void em_destroy(struct em **em)
{
    struct em *gone = *em;
    if (!gone)
        return;
    shared_memory_release(&gone->window);
    least_squares_release(&gone->fit);
    em_gaussian_release(&gone->gaussian);
    em_linear_release(&gone->gate);
    em_linear_release(&gone->expert);
    em_newton_release(&gone->gate_newton);
    em_newton_release(&gone->expert_newton);
    semidefinite_release(&gone->system);
    batch_release(&gone->batch);
    memory_free(&gone->slots);
    memory_free(&gone->slot_holds);
    memory_free(&gone->group_sums);
    memory_free(&gone->all_sums);
    memory_free(&gone->gate_vector);
    memory_free(&gone->gate_theta);
    memory_free(&gone->expert_theta);
    em_climb_release(&gone->expert_climb);
    em_climb_release(&gone->gate_climb);
    memory_free(&gone->coefficient);
    memory_free(&gone->before.gate);
    memory_free(&gone->before.experts);
    memory_free(&gone->before.variance);
    memory_free(em);
}

void em_collect(struct em *em, const struct step *step, size_t chunk)
{
    const struct experts *experts = &em->model->experts;
    size_t stride = step->batch.stride;
    profile_enter(PHASE_UPDATE);
    for (size_t e = 0; e < em->model->config.n_experts && em->model->has_gate; e++)
        memcpy(posterior_row(em, chunk, e), step->coefficient + e * stride, stride * sizeof(real));
    if (em->sums_moments && experts->n_local > 0) {
        take_chunk(em, chunk, &step->batch);
        least_squares_add(&em->fit, &em->chunk, step->own_weights, chunk == 0);
    }
    profile_enter(PHASE_OTHER);
}

static void copy_parameters(struct em *em, bool back)
{
    struct model *model = em->model;
    const struct parameters *experts = &model->experts.parameters;
    struct {
        void *now, *before;
        size_t bytes;
    } parts[] = {
        {experts->value, em->before.experts, experts->n_networks * experts->stride * sizeof(real)},
        {model->experts.variance, em->before.variance, experts->n_networks * sizeof(double)},
        {model->has_gate ? model->gate.parameters.value : NULL, em->before.gate,
         model->has_gate ? model->gate.parameters.stride * sizeof(real) : 0}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (parts[i].bytes > 0)
            memcpy(back ? parts[i].now : parts[i].before, back ? parts[i].before : parts[i].now,
                   parts[i].bytes);
}

/* An injected fault: a wrong M-step, which must be noticed. */
static void spoil(struct experts *experts)
{
    parameters_of(&experts->parameters, 0)[experts->shape.bias_at[0]] += 100;
}

void em_update(struct em *em)
{
    struct experts *experts = &em->model->experts;
    profile_enter(PHASE_UPDATE);
    copy_parameters(em, false);
    shared_memory_publish(em->comm, &em->window);
    if (em->model->config.n_expert_hidden > 0)
        em_climb_experts(em);
    for (size_t k = 0; k < experts->n_local && em->model->config.n_expert_hidden == 0; k++) {
        if (em->experts_in_closed_form)
            least_squares_solve(&em->fit, experts, k, em->model->config.variance_floor);
        else
            update_expert(em, k);
    }
    if (em->model->config.gate == GATE_GAUSSIAN)
        em_update_gaussian(em);
    else if (em->model->config.n_gate_hidden > 0)
        em_climb_gate(em);
    else
        em_update_gate(em);
    if (site_poisons(SITE_update) && experts->n_local > 0)
        spoil(experts);
    profile_enter(PHASE_OTHER);
}

void em_reject(struct em *em)
{
    copy_parameters(em, true);
}
