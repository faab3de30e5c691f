/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dy_k/dx = sum_e g_e do_ek/dx + sum_e (o_ek - y_k) g_e dz_e/dx, with z the gate's logits: what
 * changes because the experts' outputs do, and because the proportions do.
 */
#include "predictor_state.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* What passes of a group that are kept take, in bytes. */
static size_t kept_bytes(const struct predictor *predictor, const struct pass_network *network)
{
    size_t numbers = 0;
    for (int l = 0; l < network->n_layers; l++)
        numbers += 2 * PASS_GROUP * network->layer[l].out_padded;
    return numbers * predictor->pass->scalar_bytes;
}

static size_t largest(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Behind the work of a prediction: slopes of one network, and its kept pass. */
struct room {
    double *slope; /* (E, branches of a tree, or O; D) */
    double *z;     /* (E, branches of a tree, or O) */
    double *mean;  /* (D) */
    void *kept;
};

/* Outputs of the network that has most. */
static size_t most_rows(const struct predictor *predictor)
{
    size_t branches = gate_levels_n_branches(&predictor->shape.config.gate_levels);
    return largest(branches, largest(predictor->n_experts, predictor->n_outputs));
}

/* Of which this number of bytes is doubles, a whole number of lines, and the rest is `kept`. */
static size_t room_bytes(const struct predictor *predictor, size_t *of_doubles)
{
    size_t rows = most_rows(predictor), d = predictor->n_inputs;
    size_t kept = largest(kept_bytes(predictor, &predictor->gate),
                          kept_bytes(predictor, &predictor->experts[0]));
    size_t doubles = rows * d + rows + d;
    *of_doubles = (doubles + 7) / 8 * 8 * sizeof(double);
    return *of_doubles + kept + PASS_LINE;
}

static struct room map_room(const struct predictor *predictor, void *space)
{
    size_t rows = most_rows(predictor), of_doubles;
    uintptr_t base = ((uintptr_t)space + PASS_LINE - 1) / PASS_LINE * PASS_LINE;
    room_bytes(predictor, &of_doubles);
    struct room room = {.slope = (double *)base, .kept = (void *)(base + of_doubles)};
    room.z = room.slope + rows * predictor->n_inputs;
    room.mean = room.z + rows;
    return room;
}

size_t predictor_jacobian_bytes(const struct predictor *predictor)
{
    size_t of_doubles;
    return predictor_work_bytes(predictor, 1) + room_bytes(predictor, &of_doubles);
}

/*
 * jacobian_k += (o_ek - y_mk) g_e dz_e/dx, where y_m is what the member of e says alone; terms that
 * all experts of a member share cancel.
 */
static void add_gate(const struct predictor *predictor, const struct predicted *block,
                     const double *slope, double *jacobian)
{
    size_t d = predictor->n_inputs, outputs = predictor->n_outputs;
    size_t members = model_n_members(&predictor->shape.config);
    size_t own = predictor->n_experts / members;
    for (size_t m = 0; m < members; m++)
        for (size_t k = 0; k < outputs; k++) {
            double y = 0;
            for (size_t e = m * own; e < (m + 1) * own; e++)
                y += (double)members * block->g[e] * block->o[e * outputs + k];
            for (size_t e = m * own; e < (m + 1) * own; e++) {
                double factor = block->g[e] * (block->o[e * outputs + k] - y);
                for (size_t c = 0; c < d && factor != 0; c++)
                    jacobian[k * d + c] += factor * slope[e * d + c];
            }
        }
}

/*
 * The same for a tree: what flows back to branch b is C_b - p_b C_node, with C the sum of
 * g_e (o_ek - y_k) over the experts below; slope (branches, D), back (branches): work.
 */
static void add_tree(const struct predictor *predictor, const struct work *work,
                     const double *slope, double *back, double *jacobian)
{
    const struct gate_levels *levels = &predictor->shape.config.gate_levels;
    const struct predicted *block = &work->block;
    size_t d = predictor->n_inputs, outputs = predictor->n_outputs;
    for (size_t k = 0; k < outputs; k++)
        for (size_t number = 0; number < gate_levels_n_nodes(levels); number++) {
            struct gate_node node = gate_levels_node(levels, number);
            size_t own = levels->branches[node.level], below = node.n_experts / own;
            double of_node = 0;
            memset(back, 0, own * sizeof *back);
            for (size_t i = 0; i < node.n_experts; i++) {
                size_t e = node.expert_at + i;
                back[i / below] += block->g[e] * (block->o[e * outputs + k] - block->y[k]);
            }
            for (size_t b = 0; b < own; b++)
                of_node += back[b];
            for (size_t b = 0; b < own; b++) {
                size_t branch = node.branch_at + b;
                double factor = back[b] - work->branch_p[branch] * of_node;
                for (size_t c = 0; c < d && factor != 0; c++)
                    jacobian[k * d + c] += factor * slope[branch * d + c];
            }
        }
}

/* What changes because the outputs of expert e do; it is number `which` of the n that are kept. */
static void add_expert(const struct predictor *predictor, const struct work *work,
                       const struct room *room, size_t e, size_t n, size_t which, double *jacobian)
{
    size_t d = predictor->n_inputs, outputs = predictor->n_outputs;
    const struct output_function *output = &output_functions[predictor->shape.config.output];
    double g = work->block.g[e];
    if (g == 0)
        return;
    predictor->pass->slopes(&predictor->experts[e - which], n, which, room->kept, work->layers,
                            room->slope);
    if (output->jacobian)
        output->jacobian(outputs, d, work->block.o + e * outputs, room->slope, room->mean);
    for (size_t i = 0; i < outputs * d; i++)
        jacobian[i] += g * room->slope[i];
}

/* The experts' outputs and y, too, as predictor_compute has them. */
static void add_experts(const struct predictor *predictor, const struct work *work,
                        const struct room *room, double *jacobian)
{
    const struct predicted *block = &work->block;
    bool is_routed = model_is_routed(&predictor->shape.config);
    for (size_t e = 0, n = 1; e < predictor->n_experts; e += n) {
        n = predictor_group(predictor, e);
        if (is_routed && !predictor_clear_unchosen(predictor, block, e))
            continue;
        predictor->pass->single_keeping(&predictor->experts[e], n, work->x, room->kept,
                                        block->z + e * predictor->n_outputs);
        for (size_t i = 0; i < n; i++) {
            predictor_apply_output(predictor, block, e + i);
            add_expert(predictor, work, room, e + i, n, i, jacobian);
        }
    }
    predictor_combine(predictor, block);
}

/* Of scaled targets by scaled inputs, at x (D) with this scaling; NULL: none. */
static void scaled_jacobian(const struct predictor *predictor, const struct scaler *scaler,
                            const double *x, void *space, double *jacobian)
{
    struct work work;
    const struct pass *pass = predictor->pass;
    struct room room = map_room(predictor, (char *)space + predictor_work_bytes(predictor, 1));
    predictor_begin(predictor, scaler, 1, x, space, &work);
    memset(jacobian, 0, predictor->n_outputs * predictor->n_inputs * sizeof *jacobian);
    add_experts(predictor, &work, &room, jacobian);
    if (predictor->own_gate) {
        predictor->own_gate->slopes(predictor, &work, room.slope);
    } else {
        if (predictor->gate.n_layers > 1)
            pass->single_keeping(&predictor->gate, 1, work.x, room.kept, room.z);
        pass->slopes(&predictor->gate, 1, 0, room.kept, work.layers, room.slope);
    }
    if (predictor->shape.config.gate_levels.n > 0)
        add_tree(predictor, &work, room.slope, room.z, jacobian);
    else
        add_gate(predictor, &work.block, room.slope, jacobian);
}

void predictor_jacobian(const struct predictor *predictor, const double *x, void *space,
                        double *jacobian)
{
    const struct scaler *scaler = &predictor->record.scaler;
    size_t d = predictor->n_inputs, outputs = predictor->n_outputs;
    scaled_jacobian(predictor, scaler, x, space, jacobian);
    bool is_scaled = scaler->n_targets == outputs;
    for (size_t k = 0; k < outputs; k++)
        for (size_t c = 0; c < d; c++)
            jacobian[k * d + c] *= (is_scaled ? scaler->y_scale[k] : 1) / scaler->x_scale[c];
}

void predictor_jacobian_scaled(const struct predictor *predictor, const double *x, void *space,
                               double *jacobian)
{
    scaled_jacobian(predictor, NULL, x, space, jacobian);
}
