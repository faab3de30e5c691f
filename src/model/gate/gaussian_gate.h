/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_GAUSSIAN_GATE_H
#define COTERIE_MODEL_GAUSSIAN_GATE_H

#include "base/status.h"
#include "math/gemm.h"
#include "math/semidefinite.h"
#include "model/gate/gate_gaussian.h"
#include "model/network/mlp.h"

#include <stddef.h>

/*
 * The gate of Xu, Jordan & Hinton 1994 (An alternative model for mixtures of experts): each expert
 * has a Gaussian density of the inputs, and
 *
 *     g_e(x) = alpha_e N(x; m_e, S_e) / sum_j alpha_j N(x; m_j, S_j)
 *
 * which is a softmax of quadratic functions of x,
 *
 *     z_e(x) = ln alpha_e - 1/2 ln |S_e| - 1/2 |W_e (x - m_e)|^2,   W_e S_e W_e^T = 1,
 *
 * and ln sum_e exp z_e(x) is ln p(x) but for (D/2) ln 2 pi. Inputs are scaled ones. All functions
 * are Local.
 */

struct gaussian_gate {
    size_t n_experts, n_inputs;
    struct gaussian_gate_layout layout;
    struct semidefinite system;
    real *known;    /* the parameters that the following are made of */
    real *whitener; /* (E, D, D) W */
    real *constant; /* (E) ln alpha - 1/2 ln |S| */
    double *matrix; /* (2, D, D) work space */
    real *centred;  /* (D, tile) x - m */
    real *whitened; /* (D, tile) */
    size_t stride;  /* for which the products are prepared */
    struct gemm product[2];
};

status gaussian_gate_init(struct gaussian_gate *gate, size_t n_experts, size_t n_inputs,
                          size_t max_stride);
void gaussian_gate_release(struct gaussian_gate *gate);

/* Bytes that gaussian_gate_init takes. */
double gaussian_gate_bytes(size_t n_experts, size_t n_inputs, size_t max_stride);

/* x -> z (E, stride), for parameters in the layout above. */
void gaussian_gate_forward(struct gaussian_gate *gate, const real *parameters,
                           const struct inputs *x, real *z);

#endif
