/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dy_k/dx = sum_e g_e do_ek/dx + sum_e (o_ek - y_k) g_e dz_e/dx, with z the gate's logits: what
 * changes because the experts' outputs do, and because the proportions do.
 */
#include "predictor_state.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* What a pass that is kept takes, in bytes. */
static size_t kept_bytes(const struct predictor *predictor, const struct pass_network *network)
{
    size_t numbers = 0;
    for (int l = 0; l < network->n_layers; l++)
        numbers += 2 * network->layer[l].out_padded;
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

/* Of scaled targets by scaled inputs; x as `compute` takes it. */
static void scaled_jacobian(const struct predictor *predictor,
                            void (*compute)(const struct predictor *, size_t, const double *,
                                            void *, struct predicted *),
                            const double *x, void *space, double *jacobian)
{
    struct work work;
    struct predicted block;
    const struct pass *pass = predictor->pass;
    size_t d = predictor->n_inputs, outputs = predictor->n_outputs;
    size_t used = work_map(predictor, 1, space, &work);
    struct room room = map_room(predictor, (char *)space + used);
    const struct output_function *output = &output_functions[predictor->shape.config.output];
    compute(predictor, 1, x, space, &block);
    memset(jacobian, 0, outputs * d * sizeof *jacobian);
    if (predictor->own_gate) {
        predictor->own_gate->slopes(predictor, &work, room.slope);
    } else {
        pass->single_keeping(&predictor->gate, work.x, room.kept, room.z);
        pass->slopes(&predictor->gate, room.kept, work.layers, room.slope);
    }
    if (predictor->shape.config.gate_levels.n > 0)
        add_tree(predictor, &work, room.slope, room.z, jacobian);
    else
        add_gate(predictor, &block, room.slope, jacobian);
    for (size_t e = 0; e < predictor->n_experts; e++) {
        if (block.g[e] == 0)
            continue;
        pass->single_keeping(&predictor->experts[e], work.x, room.kept, room.z);
        pass->slopes(&predictor->experts[e], room.kept, work.layers, room.slope);
        if (output->jacobian)
            output->jacobian(outputs, d, block.o + e * outputs, room.slope, room.mean);
        for (size_t i = 0; i < outputs * d; i++)
            jacobian[i] += block.g[e] * room.slope[i];
    }
}

void predictor_jacobian(const struct predictor *predictor, const double *x, void *space,
                        double *jacobian)
{
    const struct scaler *scaler = &predictor->record.scaler;
    size_t d = predictor->n_inputs, outputs = predictor->n_outputs;
    scaled_jacobian(predictor, predictor_compute, x, space, jacobian);
    bool is_scaled = scaler->n_targets == outputs;
    for (size_t k = 0; k < outputs; k++)
        for (size_t c = 0; c < d; c++)
            jacobian[k * d + c] *= (is_scaled ? scaler->y_scale[k] : 1) / scaler->x_scale[c];
}

void predictor_jacobian_scaled(const struct predictor *predictor, const double *x, void *space,
                               double *jacobian)
{
    scaled_jacobian(predictor, predictor_compute_scaled, x, space, jacobian);
}
