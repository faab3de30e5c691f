/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/gate/gaussian_gate.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

double gaussian_gate_bytes(size_t n_experts, size_t n_inputs, size_t max_stride)
{
    double square = (double)n_inputs * (double)n_inputs, experts = (double)n_experts;
    double reals = (double)gaussian_gate_layout(n_experts, n_inputs).extent + experts * square +
                   experts + 2 * (double)(n_inputs * inputs_tile(n_inputs, max_stride));
    return reals * sizeof(real) + 5 * square * sizeof(double);
}

status gaussian_gate_init(struct gaussian_gate *gate, size_t n_experts, size_t n_inputs,
                          size_t max_stride)
{
    memset(gate, 0, sizeof *gate);
    gate->n_experts = n_experts;
    gate->n_inputs = n_inputs;
    gate->layout = gaussian_gate_layout(n_experts, n_inputs);
    size_t square = n_inputs * n_inputs, tile = n_inputs * inputs_tile(n_inputs, max_stride);
    struct {
        void *array;
        size_t count, size;
    } buffers[] = {{&gate->known, gate->layout.extent, sizeof(real)},
                   {&gate->whitener, n_experts * square, sizeof(real)},
                   {&gate->constant, n_experts, sizeof(real)},
                   {&gate->matrix, 2 * square, sizeof(double)},
                   {&gate->centred, tile, sizeof(real)},
                   {&gate->whitened, tile, sizeof(real)}};
    status outcome = semidefinite_init(&gate->system, n_inputs);
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0] && outcome == STATUS_OK; i++)
        outcome =
            memory_alloc(buffers[i].array, buffers[i].count, buffers[i].size, "a Gaussian gate");
    if (outcome == STATUS_OK)
        gate->known[0] = (real)NAN; /* equal to nothing: the first parameters are new */
    return outcome;
}

void gaussian_gate_release(struct gaussian_gate *gate)
{
    semidefinite_release(&gate->system);
    memory_free(&gate->known);
    memory_free(&gate->whitener);
    memory_free(&gate->constant);
    memory_free(&gate->matrix);
    memory_free(&gate->centred);
    memory_free(&gate->whitened);
}

/* An expert that has lost all samples: ln 0 is a number, so that sums stay finite. */
static const double least_alpha = 1e-30;

static void whiten(struct gaussian_gate *gate, const real *parameters)
{
    size_t square = gate->n_inputs * gate->n_inputs;
    for (size_t e = 0; e < gate->n_experts; e++) {
        const real *covariance = parameters + gate->layout.covariance_at + e * square;
        double *matrix = gate->matrix, *whitener = gate->matrix + square;
        for (size_t i = 0; i < square; i++)
            matrix[i] = (double)covariance[i];
        double log_det = semidefinite_whiten(&gate->system, gate->n_inputs, matrix, whitener);
        for (size_t i = 0; i < square; i++)
            gate->whitener[e * square + i] = (real)whitener[i];
        double alpha = (double)parameters[gate->layout.alpha_at + e];
        gate->constant[e] = (real)(log(fmax(alpha, least_alpha)) - 0.5 * log_det);
    }
}

/* What follows from the parameters, if they are not those of the last call. */
static void prepare(struct gaussian_gate *gate, const real *parameters, size_t stride)
{
    size_t bytes = gate->layout.extent * sizeof(real);
    if (memcmp(gate->known, parameters, bytes) != 0) {
        memcpy(gate->known, parameters, bytes);
        whiten(gate, parameters);
    }
    if (gate->stride == stride)
        return;
    gate->stride = stride;
    size_t d = gate->n_inputs, tile = inputs_tile(d, stride), widths[2] = {tile, stride % tile};
    for (int edge = 0; edge < 2 && widths[edge] > 0; edge++)
        gemm_prepare(&gate->product[edge], d, widths[edge], d, d, widths[edge], widths[edge]);
}

LEAF_KERNEL static void centre(size_t rows, size_t n, const real *restrict mean,
                               const real *restrict x, real *restrict centred)
{
    for (size_t u = 0; u < rows; u++, x += n, centred += n) {
        real m = mean[u];
#pragma omp simd
        for (size_t i = 0; i < n; i++)
            centred[i] = x[i] - m;
    }
}

/* z = constant - 1/2 sum_u v_u^2 */
LEAF_KERNEL static void add_squares(size_t rows, size_t n, real constant, const real *restrict v,
                                    real *restrict z)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        z[i] = constant;
    for (size_t u = 0; u < rows; u++, v += n)
#pragma omp simd
        for (size_t i = 0; i < n; i++)
            z[i] -= (real)0.5 * v[i] * v[i];
}

void gaussian_gate_forward(struct gaussian_gate *gate, const real *parameters,
                           const struct inputs *x, real *z)
{
    size_t d = gate->n_inputs, stride = x->stride;
    prepare(gate, parameters, stride);
    for (size_t at = 0; at < stride; at += x->tile) {
        size_t n = stride - at < x->tile ? stride - at : x->tile;
        const struct gemm *product = &gate->product[n < x->tile];
        for (size_t e = 0; e < gate->n_experts; e++) {
            centre(d, n, parameters + gate->layout.mean_at + e * d, x->tiles + at * d,
                   gate->centred);
            gemm_run(product, gate->whitener + e * d * d, gate->centred, false, gate->whitened);
            add_squares(d, n, gate->constant[e], gate->whitened, z + e * stride + at);
        }
    }
}
