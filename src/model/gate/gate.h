/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_GATE_H
#define COTERIE_MODEL_GATE_H

#include "base/status.h"
#include "model/gate/gate_kind.h"
#include "model/gate/gaussian_gate.h"
#include "model/network/mlp.h"
#include "model/network/parameters.h"

#include <stdint.h>

/* The gate: mixing proportions g. Lives on rank 0. */
struct gate {
    const struct gate_kind *kind;
    const struct gate_logits *logits; /* what they are outputs of where that is no network */
    struct mlp shape;
    struct mlp_plan plan;
    struct parameters parameters;
    size_t n_experts;
    size_t n_members; /* see committee.h; 1: one mixture */
    size_t max_stride;
    real *memory;              /* hidden layers, for backward */
    real *scratch;             /* for backward */
    real *log_g;               /* (E, stride) */
    real *g;                   /* (E, stride) */
    real *d_logit;             /* (E, stride) */
    struct gate_levels levels; /* of a tree; else none */
    real *branch_p;            /* (branches, stride) of a tree, for backward */
    real *branch_z;            /* (branches, stride) of a tree: log p, d_z */
    struct gaussian_gate gaussian;
    double *log_density; /* (stride) of a density: ln p(x) + (D/2) ln 2 pi; else NULL */
};

/* Root. Buffers for micro-batches of up to max_stride samples. */
status gate_init(struct gate *gate, const struct gate_config *config, size_t max_stride);
void gate_release(struct gate *gate);

/* Bytes of work space that a gate has, without those of (E, stride) and of its parameters. Local.
 */
double gate_bytes(const struct gate_config *config, const struct mlp *shape, size_t max_stride);

/*
 * The last layer of a network starts at zero (equal mixing proportions), hidden layers are drawn.
 * The start of another gate is made from data, by em_begin. Local.
 */
void gate_draw(struct gate *gate, uint64_t seed);

/* Local. x -> log_g, g. */
void gate_forward(struct gate *gate, const struct inputs *x);

/*
 * Local. From d_logit, the gradient at log g (g - h for the mixture error), for gates that are
 * networks; the parameters' gradient becomes keep * gradient + this one.
 */
void gate_backward(struct gate *gate, const struct inputs *x, real keep);

#endif
