/* SPDX-License-Identifier: BSD-3-Clause */
/* One block of samples through gate and experts: log g, g, o and y = sum_e g_e o_e. */
#include "base/real.h"
#include "math/portable_softmax.h"
#include "predictor_state.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Loops run over whole lines of doubles, so that the end of an array is nothing special. */
enum { DOUBLES = PASS_LINE / (int)sizeof(double) };

static size_t whole_lines(size_t doubles)
{
    return (doubles + DOUBLES - 1) / DOUBLES * DOUBLES;
}

static size_t widest_network(const struct predictor *predictor)
{
    size_t gate = predictor->gate.widest, expert = predictor->experts[0].widest;
    return gate > expert ? gate : expert;
}

size_t work_map(const struct predictor *predictor, size_t n, void *base, struct work *work)
{
    size_t width = n > 1 ? PREDICTOR_TILE : 1, experts = predictor->n_experts;
    size_t outputs = predictor->n_outputs, inputs = predictor->n_inputs;
    bool is_identity = !output_functions[predictor->shape.config.output].predict;
    size_t branches = gate_levels_n_branches(&predictor->shape.config.gate_levels);
    size_t numbers = predictor->pass->padded(inputs * width) * predictor->pass->scalar_bytes;
    size_t rows = width > 1 ? 2 * width : 2 * PASS_GROUP + 1; /* as pass.h says */
    size_t layers = rows * widest_network(predictor) * predictor->pass->scalar_bytes;
    struct {
        void *place;
        size_t bytes;
    } parts[] = {
        {&work->scaled, whole_lines(inputs * width) * sizeof(double)},
        {&work->x, numbers},
        {&work->layers, layers},
        {&work->branch_z, whole_lines(branches * width) * sizeof(double)},
        {&work->branch_p, whole_lines(branches * width) * sizeof(double)},
        {&work->block.g, whole_lines(experts * width) * sizeof(double)},
        {&work->block.log_g, whole_lines(experts * width) * sizeof(double)},
        {&work->block.z, whole_lines(experts * outputs * width) * sizeof(double)},
        {&work->block.o, is_identity ? 0 : whole_lines(experts * outputs * width) * sizeof(double)},
        {&work->block.y, whole_lines(outputs * width) * sizeof(double)},
        {&work->block.variance, whole_lines(outputs * width) * sizeof(double)},
        {&work->block.spare, 3 * experts * sizeof(double)}};
    char *at = base ? (char *)(((uintptr_t)base + PASS_LINE - 1) / PASS_LINE * PASS_LINE) : NULL;
    size_t used = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (base)
            *(void **)parts[i].place = at + used;
        used += (parts[i].bytes + PASS_LINE - 1) / PASS_LINE * PASS_LINE;
    }
    if (base) {
        work->block.n = n;
        work->block.stride = width;
        if (is_identity)
            work->block.o = work->block.z;
    }
    return used + PASS_LINE;
}

size_t predictor_work_bytes(const struct predictor *predictor, size_t n)
{
    struct work unused;
    return work_map(predictor, n, NULL, &unused);
}

/* As training scales what it reads (data/samples/scaled_columns.h). */
void work_load(const struct predictor *predictor, const struct scaler *scaler, size_t n,
               const double *x, struct work *work)
{
    size_t inputs = predictor->n_inputs, width = work->block.stride;
    for (size_t c = 0; c < inputs; c++) {
        double *row = work->scaled + c * width;
        double mean = scaler ? scaler->x_mean[c] : 0, inverse = scaler ? 1 / scaler->x_scale[c] : 1;
        for (size_t i = 0; i < width; i++)
            row[i] = i < n && !isnan(x[i * inputs + c]) ? (x[i * inputs + c] - mean) * inverse : 0;
    }
    predictor->pass->narrow(inputs * width, work->scaled, work->x);
    predictor->pass->widen(inputs * width, work->x, work->scaled);
}

/* Fewer than k experts come before e; ties go to the lower number. */
static bool is_chosen(size_t n_experts, size_t k, size_t stride, const double *g, size_t e)
{
    size_t before = 0;
    for (size_t other = 0; other < n_experts && before < k; other++) {
        double theirs = g[other * stride];
        before += theirs > g[e * stride] || (theirs == g[e * stride] && other < e);
    }
    return before < k;
}

/* --top-k: the proportions of the chosen among themselves; those of others are 0. */
static void choose(size_t n_experts, size_t k, size_t width, double *log_g, double *g)
{
    for (size_t t = 0; t < width; t++) {
        double sum = 0;
        for (size_t e = 0; e < n_experts; e++) {
            bool chosen = is_chosen(n_experts, k, width, g + t, e);
            sum += chosen ? g[e * width + t] : 0;
            if (!chosen)
                log_g[e * width + t] = -INFINITY; /* a mark: g is still needed for the others */
        }
        double log_of_sum = sum > 0 ? log(sum) : (double)NAN; /* of a NaN nothing is chosen */
        for (size_t e = 0; e < n_experts; e++) {
            bool chosen = log_g[e * width + t] != -INFINITY;
            g[e * width + t] = chosen ? g[e * width + t] / sum : 0;
            log_g[e * width + t] -= log_of_sum;
        }
    }
}

static void run(const struct predictor *predictor, const struct pass_network *network, size_t n,
                const struct work *work, double *z)
{
    if (work->block.stride == 1)
        predictor->pass->single(network, n, work->x, work->layers, z);
    else
        predictor->pass->tile(network, work->x, work->layers, z);
}

/* The softmax of one member's logits z, over the number of members: g, and z becomes log g. */
static void share_of_member(size_t own, size_t width, double members, double *z, double *g)
{
    double sum[PREDICTOR_TILE], most[PREDICTOR_TILE];
    portable_softmax(own, width, z, g, sum, most);
    for (size_t t = 0; t < width; t++)
        sum[t] = log(members * sum[t]);
    for (size_t e = 0; e < own; e++)
        for (size_t t = 0; t < width; t++) {
            z[e * width + t] -= sum[t];
            g[e * width + t] /= members;
        }
}

/* A tree: the softmax of every node, and of an expert the product of those on its path. */
static void follow_branches(const struct gate_levels *levels, const struct work *work)
{
    const struct predicted *block = &work->block;
    size_t width = block->stride, n_experts = gate_levels_n_experts(levels);
    for (size_t i = 0; i < n_experts * width; i++) {
        block->g[i] = 1;
        block->log_g[i] = 0;
    }
    for (size_t number = 0; number < gate_levels_n_nodes(levels); number++) {
        struct gate_node node = gate_levels_node(levels, number);
        size_t own = levels->branches[node.level], below = node.n_experts / own;
        double *z = work->branch_z + node.branch_at * width;
        double *p = work->branch_p + node.branch_at * width;
        share_of_member(own, width, 1, z, p);
        for (size_t e = 0; e < node.n_experts; e++)
            for (size_t t = 0; t < width; t++) {
                block->g[(node.expert_at + e) * width + t] *= p[e / below * width + t];
                block->log_g[(node.expert_at + e) * width + t] += z[e / below * width + t];
            }
    }
}

/* The softmax of the logits of each member, which log_g holds. */
static void share_among_members(size_t members, size_t n_experts, const struct predicted *block)
{
    size_t own = n_experts / members, size = own * block->stride;
    for (size_t m = 0; m < members; m++)
        share_of_member(own, block->stride, (double)members, block->log_g + m * size,
                        block->g + m * size);
}

static void compute_gate(const struct predictor *predictor, const struct work *work)
{
    const struct predicted *block = &work->block;
    const struct model_config *config = &predictor->shape.config;
    bool is_tree = config->gate_levels.n > 0;
    if (predictor->own_gate)
        predictor->own_gate->logits(predictor, work, block->log_g);
    else
        run(predictor, &predictor->gate, 1, work, is_tree ? work->branch_z : block->log_g);
    if (is_tree)
        follow_branches(&config->gate_levels, work);
    else
        share_among_members(model_n_members(config), predictor->n_experts, block);
    if (model_is_routed(config))
        choose(predictor->n_experts, config->top_k, block->stride, block->log_g, block->g);
}

bool predictor_clear_unchosen(const struct predictor *predictor, const struct predicted *block,
                              size_t e)
{
    size_t outputs = predictor->n_outputs, width = block->stride;
    const double *g = block->g + e * width;
    double *o = block->o + e * outputs * width;
    bool any = false;
    for (size_t t = 0; t < width; t++) {
        any = any || g[t] > 0;
        for (size_t k = 0; k < outputs && !(g[t] > 0); k++)
            o[k * width + t] = 0;
    }
    return any;
}

static void multiply(size_t n, double factor, double *o)
{
    for (size_t i = 0; i < n; i++)
        o[i] *= factor;
}

size_t predictor_group(const struct predictor *predictor, size_t e)
{
    size_t left = predictor->n_experts - e;
    return model_is_routed(&predictor->shape.config) ? 1 : left < PASS_GROUP ? left : PASS_GROUP;
}

void predictor_apply_output(const struct predictor *predictor, const struct predicted *block,
                            size_t e)
{
    size_t outputs = predictor->n_outputs, width = block->stride, size = outputs * width;
    const struct output_function *output = &output_functions[predictor->shape.config.output];
    const struct likelihood_family *family = likelihood_family(predictor->shape.config.likelihood);
    double *z = block->z + e * size, *o = block->o + e * size;
    double spare[2 * PREDICTOR_TILE];
    if (output->predict)
        output->predict(outputs, width, z, o, spare);
    if (family->mean_factor)
        multiply(size, family->mean_factor(predictor->dispersion[e]), o);
}

static void compute_experts(const struct predictor *predictor, const struct work *work)
{
    const struct predicted *block = &work->block;
    size_t size = predictor->n_outputs * block->stride, n = 1;
    bool is_routed = model_is_routed(&predictor->shape.config);
    for (size_t e = 0; e < predictor->n_experts; e += n) {
        n = block->stride > 1 ? 1 : predictor_group(predictor, e);
        if (is_routed && !predictor_clear_unchosen(predictor, block, e))
            continue;
        run(predictor, &predictor->experts[e], n, work, block->z + e * size);
        for (size_t i = e; i < e + n; i++)
            predictor_apply_output(predictor, block, i);
        if (is_routed)
            predictor_clear_unchosen(predictor, block, e);
    }
}

LEAF_KERNEL static void combine(size_t n_experts, size_t outputs, size_t width, const double *g,
                                const double *o, double *y)
{
    memset(y, 0, outputs * width * sizeof *y);
    for (size_t e = 0; e < n_experts; e++, g += width)
        for (size_t k = 0; k < outputs; k++, o += width)
            for (size_t t = 0; t < width; t++)
                y[k * width + t] += g[t] * o[t];
}

void predictor_combine(const struct predictor *predictor, const struct predicted *block)
{
    combine(predictor->n_experts, predictor->n_outputs, block->stride, block->g, block->o,
            block->y);
}

void predictor_begin(const struct predictor *predictor, const struct scaler *scaler, size_t n,
                     const double *x, void *space, struct work *work)
{
    work_map(predictor, n, space, work);
    work_load(predictor, scaler, n, x, work);
    compute_gate(predictor, work);
}

void predictor_compute_with(const struct predictor *predictor, const struct scaler *scaler,
                            size_t n, const double *x, void *space, struct predicted *out)
{
    struct work work;
    predictor_begin(predictor, scaler, n, x, space, &work);
    compute_experts(predictor, &work);
    predictor_combine(predictor, &work.block);
    *out = work.block;
}

void predictor_compute(const struct predictor *predictor, size_t n, const double *x, void *space,
                       struct predicted *out)
{
    predictor_compute_with(predictor, &predictor->record.scaler, n, x, space, out);
}

void predictor_compute_scaled(const struct predictor *predictor, size_t n, const double *x,
                              void *space, struct predicted *out)
{
    predictor_compute_with(predictor, NULL, n, x, space, out);
}

void predictor_variance(const struct predictor *predictor, const struct predicted *predicted)
{
    size_t outputs = predictor->n_outputs, width = predicted->stride, size = outputs * width;
    double *variance = predicted->variance;
    const struct likelihood_family *family = likelihood_family(predictor->shape.config.likelihood);
    memset(variance, 0, size * sizeof *variance);
    for (size_t e = 0; e < predictor->n_experts; e++) {
        const struct variance_terms own = family->variance_terms(predictor->dispersion[e]);
        for (size_t k = 0; k < outputs; k++)
            for (size_t t = 0; t < width; t++) {
                size_t i = k * width + t;
                double o = predicted->o[e * size + i], difference = o - predicted->y[i];
                double spread = variance_at(own, o) + difference * difference;
                double g = predicted->g[e * width + t];
                /* What has no share counts for nothing, however far away it is. */
                variance[i] += g != 0 ? g * spread : 0;
            }
    }
}
