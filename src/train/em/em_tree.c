/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tree of linear softmaxes (Jordan & Jacobs 1994). What is to be raised, sum_n w_n sum_e h_e
 * log g_e, falls apart into one problem for each node: with t_b the sum of w h over the experts
 * below branch b, and s that of all branches of the node,
 *
 *     sum_n sum_b t_b log p_b = sum_n ( sum_b t_b z_b - s log sum_b exp z_b ),
 *
 * a softmax in which each sample counts as much as the node is held responsible for it. A node
 * belongs to one rank, which makes its Newton step alone: no number of ranks changes a bit.
 */
#include "em_state.h"

#include "base/memory.h"
#include "math/blas.h"

#include <string.h>

enum { MOST_FACTORED = 128 };

static double doubles(const struct model_config *config, const struct shard *shard, int rank,
                      double samples, double stride)
{
    const struct gate_levels *levels = &config->gate_levels;
    double units = (double)config->n_inputs + 1,
           n_branches = (double)gate_levels_n_branches(levels);
    double count = 3 * n_branches * units + samples;
    (void)shard;
    (void)rank;
    for (size_t l = 0; l < levels->n; l++) {
        double own = (double)levels->branches[l], unknowns = (own - 1) * units;
        bool is_factored = unknowns <= MOST_FACTORED;
        count += 2 * own * stride + 10 * own * units;
        count += is_factored ? 3 * unknowns * unknowns : own * samples;
    }
    return count;
}

static status init_level(struct em *em, size_t l, bool has_nodes)
{
    const struct model_config *config = &em->model->config;
    struct em_linear *linear = &em->tree.level[l].linear;
    struct em_newton *newton = &em->tree.level[l].newton;
    status outcome =
        em_linear_init(linear, &em_softmax, config->gate_levels.branches[l], &em->model->gate_shape,
                       em->max_stride, has_nodes ? em->n_chunks : 0);
    return outcome == STATUS_OK ? em_newton_init(newton, linear, &em->system) : outcome;
}

static status init(struct em *em)
{
    struct em_tree *tree = &em->tree;
    const struct model_config *config = &em->model->config;
    const struct gate_levels *levels = &config->gate_levels;
    size_t units = config->n_inputs + 1, n_nodes = gate_levels_n_nodes(levels), most = 0;
    status outcome = shard_init(&tree->nodes, n_nodes, em->comm->size, -1, 0);
    for (size_t l = 0; l < levels->n && outcome == STATUS_OK; l++) {
        outcome = init_level(em, l, shard_count(&tree->nodes, em->comm->rank) > 0);
        most = levels->branches[l] > most ? levels->branches[l] : most;
    }
    tree->width = most * units;
    struct {
        double **array;
        size_t count;
    } buffers[] = {{&tree->theta, gate_levels_n_branches(levels) * units},
                   {&tree->own, shard_count(&tree->nodes, em->comm->rank) * tree->width},
                   {&tree->all, em->model->has_gate ? n_nodes * tree->width : 0},
                   {&tree->targets, tree->width},
                   {&tree->held, em->n_chunks * em->max_stride}};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0] && outcome == STATUS_OK; i++)
        outcome = memory_alloc(buffers[i].array, buffers[i].count, sizeof(double), "EM");
    return outcome;
}

void em_tree_release(struct em_tree *tree)
{
    for (size_t l = 0; l < GATE_MOST_LEVELS; l++) {
        em_linear_release(&tree->level[l].linear);
        em_newton_release(&tree->level[l].newton);
    }
    memory_free(&tree->theta);
    memory_free(&tree->own);
    memory_free(&tree->all);
    memory_free(&tree->targets);
    memory_free(&tree->held);
}

static size_t largest_system(const struct em *em)
{
    size_t most = 0;
    for (size_t l = 0; l < em->model->config.gate_levels.n; l++) {
        size_t system = em_linear_system(&em->tree.level[l].linear);
        most = system > most ? system : most;
    }
    return most;
}

LEAF_KERNEL static void add_reals(size_t n, const real *restrict from, double *restrict to)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        to[i] += (double)from[i];
}

LEAF_KERNEL static void add_doubles(size_t n, const double *restrict from, double *restrict to)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        to[i] += from[i];
}

/*
 * A chunk, with t_b of the node's branches in linear->r; s, their sum, is kept for the sums that
 * follow.
 */
static void load_targets(struct em *em, size_t number, const struct gate_node *node)
{
    struct em_linear *linear = &em->tree.level[node->level].linear;
    size_t own = linear->n_outputs, below = node->n_experts / own;
    double *s = em->tree.held + number * em->max_stride;
    em_load(em, number);
    size_t stride = em->chunk.stride;
    memset(linear->r, 0, own * stride * sizeof(double));
    memset(s, 0, stride * sizeof *s);
    for (size_t b = 0; b < own; b++) {
        double *t = linear->r + b * stride;
        for (size_t e = 0; e < below; e++)
            add_reals(stride, em_posterior(em, number, node->expert_at + b * below + e), t);
        add_doubles(stride, t, s);
    }
}

/* sum t [x;1]^T of the node's branches; returns its share of all samples. */
static double sum_targets(struct em *em, const struct gate_node *node)
{
    struct em_linear *linear = &em->tree.level[node->level].linear;
    size_t units = linear->n_units, own = linear->n_outputs;
    double share = 0;
    memset(em->tree.targets, 0, own * units * sizeof(double));
    for (size_t c = 0; c < em->n_chunks; c++) {
        load_targets(em, c, node);
        size_t stride = em->chunk.stride;
        blas_add_products(own, units, stride, linear->r, stride, em->chunk.x, stride,
                          em->tree.targets, units);
    }
    for (size_t b = 0; b < own; b++)
        share += em->tree.targets[b * units + units - 1];
    return share;
}

static void total_of_node(void *context, enum em_request request, const double *vector,
                          double *sums)
{
    struct em *em = context;
    struct gate_node node = gate_levels_node(&em->model->config.gate_levels, em->tree.at);
    struct em_linear *linear = &em->tree.level[node.level].linear;
    memset(sums, 0, em_linear_n_sums(linear, request) * sizeof *sums);
    for (size_t c = 0; c < em->n_chunks; c++) {
        em_load(em, c);
        linear->s = em->tree.held + c * em->max_stride;
        em_linear_add(linear, &em->chunk, c, request, vector, sums);
    }
}

static void update_node(struct em *em, size_t number)
{
    struct em_tree *tree = &em->tree;
    struct gate_node node = gate_levels_node(&em->model->config.gate_levels, number);
    struct em_newton *newton = &tree->level[node.level].newton;
    tree->at = number;
    if (!(sum_targets(em, &node) > 0))
        return; /* no sample goes this way: it stays as it is */
    newton->target_sums = tree->targets;
    newton->total = total_of_node;
    newton->context = em;
    em_newton_step(newton, tree->theta + node.branch_at * newton->linear->n_units);
}

/* The theta of a node, to its place in a row of `width`, or back. */
static void copy_node(const struct em *em, size_t number, double *row, bool back)
{
    struct gate_node node = gate_levels_node(&em->model->config.gate_levels, number);
    const struct em_linear *linear = &em->tree.level[node.level].linear;
    double *theta = em->tree.theta + node.branch_at * linear->n_units;
    memcpy(back ? theta : row, back ? row : theta, linear->n_parameters * sizeof *row);
}

static void update(struct em *em)
{
    struct em_tree *tree = &em->tree;
    const struct model *model = em->model;
    size_t n_nodes = tree->nodes.n_experts, first = shard_first(&tree->nodes, em->comm->rank);
    size_t units = model->config.n_inputs + 1;
    size_t n_branches = gate_levels_n_branches(&model->config.gate_levels);
    if (model->has_gate)
        em_unpack(&model->gate_shape, model->gate.parameters.value, tree->theta);
    communicator_broadcast(em->comm, tree->theta, n_branches * units * sizeof(double));
    for (size_t i = 0; i < shard_count(&tree->nodes, em->comm->rank); i++) {
        update_node(em, first + i);
        copy_node(em, first + i, tree->own + i * tree->width, false);
    }
    communicator_gather_rows(em->comm, &tree->nodes, tree->width * sizeof(double), tree->own,
                             tree->all);
    for (size_t i = 0; i < n_nodes && model->has_gate; i++)
        copy_node(em, i, tree->all + i * tree->width, true);
    if (model->has_gate)
        em_pack(&model->gate_shape, tree->theta, model->gate.parameters.value);
}

const struct em_gate em_gate_tree = {.needs_posteriors = true,
                                     .doubles = doubles,
                                     .init = init,
                                     .system = largest_system,
                                     .update = update};
