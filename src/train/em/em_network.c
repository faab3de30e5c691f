/* SPDX-License-Identifier: BSD-3-Clause */
#include "em_state.h"

#include "base/memory.h"
#include "math/blas.h"

#include <math.h>
#include <string.h>

/* Steps that an M-step makes, and evaluations that it may take for them. */
enum { MOST_STEPS = 5, MOST_EVALUATIONS = 15 };
static const double sufficient_rise = 1e-4;

status em_climb_init(struct em_climb *climb, struct parameters *parameters)
{
    size_t n = parameters->n_networks, stride = parameters->stride;
    memset(climb, 0, sizeof *climb);
    climb->parameters = parameters;
    struct {
        double **array;
        size_t count;
    } buffers[] = {{&climb->value, n}, {&climb->square, n}};
    status outcome = memory_alloc(&climb->climber, n, sizeof *climb->climber, "EM");
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0] && outcome == STATUS_OK; i++)
        outcome = memory_alloc(buffers[i].array, buffers[i].count, sizeof(double), "EM");
    for (size_t k = 0; k < n && outcome == STATUS_OK; k++)
        outcome = memory_alloc(&climb->climber[k].position, (3 + 2 * EM_MEMORY) * stride,
                               sizeof(double), "EM");
    return outcome;
}

void em_climb_release(struct em_climb *climb)
{
    for (size_t k = 0; climb->climber && k < climb->parameters->n_networks; k++)
        memory_free(&climb->climber[k].position);
    memory_free(&climb->climber);
    memory_free(&climb->value);
    memory_free(&climb->square);
}

double em_climb_bytes(const struct mlp *shape)
{
    return (3 + 2 * EM_MEMORY) * (double)parameters_stride(shape) * sizeof(double);
}

/* The blocks of a climber: position, slope and direction, then steps and changes of slope. */
static double *block(const struct em_climb *climb, size_t k, size_t number)
{
    return climb->climber[k].position + number * climb->parameters->stride;
}

enum { SLOPE = 1, DIRECTION = 2, STEPS = 3, TURNS = STEPS + EM_MEMORY };

/* Two loops over the last steps (Nocedal & Wright 2006, algorithm 7.4), uphill. */
static void find_direction(struct em_climb *climb, size_t k)
{
    struct em_climber *climber = &climb->climber[k];
    size_t n = climb->parameters->stride, used = climber->n_pairs;
    double alpha[EM_MEMORY] = {0}, *direction = block(climb, k, DIRECTION);
    memcpy(direction, block(climb, k, SLOPE), n * sizeof *direction);
    for (size_t i = used; i-- > 0;) {
        double *s = block(climb, k, STEPS + i), *y = block(climb, k, TURNS + i);
        alpha[i] = blas_dot(n, s, direction) / blas_dot(n, s, y);
        blas_add_scaled(n, -alpha[i], y, direction);
    }
    if (used > 0) {
        double *s = block(climb, k, STEPS + used - 1), *y = block(climb, k, TURNS + used - 1);
        double scale = blas_dot(n, s, y) / blas_dot(n, y, y);
        for (size_t i = 0; i < n; i++)
            direction[i] *= scale;
    }
    for (size_t i = 0; i < used; i++) {
        double *s = block(climb, k, STEPS + i), *y = block(climb, k, TURNS + i);
        blas_add_scaled(n, alpha[i] - blas_dot(n, y, direction) / blas_dot(n, s, y), s, direction);
    }
    climber->length = 1;
    climber->rise = blas_dot(n, direction, block(climb, k, SLOPE));
    climber->is_done = !(climber->rise > 0);
}

/* Takes over the evaluated point as position; only directions that bend downwards are kept. */
static void accept(struct em_climb *climb, size_t k)
{
    struct em_climber *climber = &climb->climber[k];
    size_t n = climb->parameters->stride;
    const real *value = parameters_of(climb->parameters, k);
    const real *gradient = parameters_gradient_of(climb->parameters, k);
    double *position = climber->position, *slope = block(climb, k, SLOPE);
    double *s = block(climb, k, STEPS + climber->n_pairs);
    double *y = block(climb, k, TURNS + climber->n_pairs);
    for (size_t i = 0; i < n; i++) {
        /* The gradient is that of the error, -Q. */
        double new_slope = i < climb->parameters->log_variance_at ? -(double)gradient[i] : 0;
        s[i] = (double)value[i] - position[i];
        y[i] = slope[i] - new_slope;
        position[i] = (double)value[i];
        slope[i] = new_slope;
    }
    climber->best = climb->value[k];
    climber->best_square = climb->square[k];
    if (climber->n_pairs < EM_MEMORY - 1 && blas_dot(n, s, y) > 0)
        climber->n_pairs++;
}

static void move_to(struct em_climb *climb, size_t k, double length)
{
    const double *position = climb->climber[k].position, *direction = block(climb, k, DIRECTION);
    real *value = parameters_of(climb->parameters, k);
    for (size_t i = 0; i < climb->parameters->stride; i++)
        value[i] = (real)(position[i] + (length > 0 ? length * direction[i] : 0));
}

/* After the evaluation of a point: a new direction from there, or half the step. */
static void judge(struct em_climb *climb, size_t k)
{
    struct em_climber *climber = &climb->climber[k];
    if (climber->is_done)
        return;
    if (climb->value[k] >= climber->best + sufficient_rise * climber->length * climber->rise) {
        accept(climb, k);
        if (++climber->n_steps < MOST_STEPS)
            find_direction(climb, k);
        else
            climber->is_done = true;
    } else {
        climber->length /= 2;
    }
}

static bool all_done(const struct em_climb *climb)
{
    for (size_t k = 0; k < climb->parameters->n_networks; k++)
        if (!climb->climber[k].is_done)
            return false;
    return true;
}

void em_climb_run(struct em_climb *climb, void (*evaluate)(void *context), void *context)
{
    size_t n = climb->parameters->n_networks;
    evaluate(context);
    for (size_t k = 0; k < n; k++) {
        struct em_climber *climber = &climb->climber[k];
        climber->n_pairs = climber->n_steps = 0;
        accept(climb, k);
        climber->n_pairs = 0; /* that was no step */
        find_direction(climb, k);
    }
    for (int i = 0; i < MOST_EVALUATIONS && !all_done(climb); i++) {
        for (size_t k = 0; k < n; k++)
            move_to(climb, k, climb->climber[k].is_done ? 0 : climb->climber[k].length);
        evaluate(context);
        for (size_t k = 0; k < n; k++)
            judge(climb, k);
    }
    for (size_t k = 0; k < n; k++)
        move_to(climb, k, 0);
}

/* ---- what is climbed */

LEAF_KERNEL static double weighted_sum(size_t n, const real *restrict weight,
                                       const real *restrict value)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += weight[i] > 0 ? (double)weight[i] * (double)value[i] : 0;
    return sum;
}

/* sum w h l of every local expert, its squared error, and the gradients. */
static void evaluate_experts(void *context)
{
    struct em *em = context;
    struct experts *experts = &em->model->experts;
    struct em_climb *climb = &em->expert_climb;
    memset(climb->value, 0, experts->n_local * sizeof(double));
    memset(climb->square, 0, experts->n_local * sizeof(double));
    for (size_t c = 0; c < em->n_chunks; c++) {
        em_load_batch(em, c);
        size_t stride = em->batch.stride;
        for (size_t k = 0; k < experts->n_local; k++)
            memcpy(em->coefficient + k * stride, em_posterior(em, c, experts->first + k),
                   stride * sizeof(real));
        experts_forward(experts, &em->batch.inputs, em->batch.d);
        for (size_t k = 0; k < experts->n_local; k++) {
            const real *weight = em->coefficient + k * stride;
            climb->value[k] += weighted_sum(stride, weight, experts->loglik + k * stride);
            climb->square[k] += weighted_sum(stride, weight, experts->square + k * stride);
        }
        experts_backward(experts, RESIDUAL_LIKELIHOOD, &em->batch.inputs, em->batch.d, NULL,
                         em->coefficient, c > 0);
    }
}

LEAF_KERNEL static void gate_gradient(size_t n, const real *restrict w, const real *restrict g,
                                      const real *restrict h, real *restrict d_logit)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        d_logit[i] = w[i] * g[i] - h[i];
}

/* sum w h log g, and its gradient; at the root alone. */
static void evaluate_gate(void *context)
{
    struct em *em = context;
    struct gate *gate = &em->model->gate;
    em->gate_climb.value[0] = 0;
    for (size_t c = 0; c < em->n_chunks; c++) {
        em_load_batch(em, c);
        size_t stride = em->batch.stride;
        gate_forward(gate, &em->batch.inputs);
        for (size_t e = 0; e < gate->n_experts; e++) {
            const real *h = em_posterior(em, c, e);
            em->gate_climb.value[0] += weighted_sum(stride, h, gate->log_g + e * stride);
            gate_gradient(stride, em->batch.w, gate->g + e * stride, h, gate->d_logit + e * stride);
        }
        gate_backward(gate, &em->batch.inputs, c > 0);
    }
}

void em_climb_experts(struct em *em)
{
    struct experts *experts = &em->model->experts;
    em_climb_run(&em->expert_climb, evaluate_experts, em);
    for (size_t k = 0; k < experts->n_local; k++) {
        double share = em_share(em, k);
        if (share > 0 && em_climbs_dispersion(&em->model->config))
            em_update_dispersion(em, k);
        else if (share > 0 && experts->variance_is_learned)
            em_set_variance(em, k, em->expert_climb.climber[k].best_square, share);
    }
}

static double gate_doubles(const struct model_config *config, const struct shard *shard, int rank,
                           double samples, double stride)
{
    struct mlp gate, expert;
    (void)shard;
    (void)samples;
    (void)stride;
    if (rank > 0 || model_shapes(config, &gate, &expert) != STATUS_OK)
        return 0;
    return em_climb_bytes(&gate) / sizeof(double);
}

static status init_gate(struct em *em)
{
    return em->model->has_gate ? em_climb_init(&em->gate_climb, &em->model->gate.parameters)
                               : STATUS_OK;
}

static void climb_gate(struct em *em)
{
    if (em->model->has_gate)
        em_climb_run(&em->gate_climb, evaluate_gate, em);
}

const struct em_gate em_gate_network = {
    .needs_posteriors = true, .doubles = gate_doubles, .init = init_gate, .update = climb_gate};
