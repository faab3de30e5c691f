/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_GATE_H
#define COTERIE_MODEL_GATE_H

#include "base/status.h"
#include "model/gate/gaussian_gate.h"
#include "model/network/mlp.h"
#include "model/network/parameters.h"

#include <stdint.h>

/* What the mixing proportions are a softmax of. */
enum gate_kind {
    GATE_SOFTMAX, /* a network's outputs */
    GATE_GAUSSIAN /* ln alpha_e N(x; m_e, S_e): see gaussian_gate.h */
};

/* The gating network: mixing proportions g. Lives on rank 0. */
struct gate {
    enum gate_kind kind;
    struct mlp shape;
    struct mlp_plan plan;
    struct parameters parameters;
    size_t n_experts;
    size_t n_members; /* see committee.h; 1: one mixture */
    size_t max_stride;
    real *memory;  /* hidden layers, for backward */
    real *scratch; /* for backward */
    real *log_g;   /* (E, stride) */
    real *g;       /* (E, stride) */
    real *d_logit; /* (E, stride) */
    struct gaussian_gate gaussian;
    double *log_density; /* (stride) Gaussian gate: ln p(x) + (D/2) ln 2 pi; else NULL */
};

/* Root. Buffers for micro-batches of up to max_stride samples; `shape` is the network's. */
status gate_init(struct gate *gate, const struct mlp *shape, size_t max_stride);
/* Root. The same for a Gaussian gate, and gaussian_gate_shape. It has no gate_backward. */
status gate_init_gaussian(struct gate *gate, const struct mlp *shape, size_t n_experts,
                          size_t max_stride);
void gate_release(struct gate *gate);

/*
 * The last layer starts at zero (equal mixing proportions), hidden layers are drawn. The start of a
 * Gaussian gate is made from data, by em_begin. Local.
 */
void gate_draw(struct gate *gate, uint64_t seed);

/* Local. x -> log_g, g. */
void gate_forward(struct gate *gate, const struct inputs *x);

/* Local. From d_logit; the gradient becomes keep * gradient + this one. */
void gate_backward(struct gate *gate, const struct inputs *x, real keep);

#endif
