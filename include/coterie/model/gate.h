#ifndef COTERIE_MODEL_GATE_H
#define COTERIE_MODEL_GATE_H

#include "coterie/base/status.h"
#include "coterie/model/mlp.h"
#include "coterie/model/parameters.h"

#include <stdint.h>

/* The gating network: mixing proportions g = softmax of a network's outputs. Lives on rank 0. */
struct gate {
    struct mlp shape;
    struct mlp_plan plan;
    struct parameters parameters;
    size_t n_experts;
    size_t max_stride;
    real *memory;  /* hidden layers, for backward */
    real *scratch; /* for backward */
    real *log_g;   /* (E, stride) */
    real *g;       /* (E, stride) */
    real *d_logit; /* (E, stride) */
};

/* Root. Buffers for micro-batches of up to max_stride samples. */
status gate_init(struct gate *gate, const struct mlp *shape, size_t max_stride);
void gate_release(struct gate *gate);

/* The last layer starts at zero (equal mixing proportions), hidden layers are drawn. Local. */
void gate_draw(struct gate *gate, uint64_t seed);

/* Local. x -> log_g, g. */
void gate_forward(struct gate *gate, const struct inputs *x);

/* Local. From d_logit; the gradient becomes keep * gradient + this one. */
void gate_backward(struct gate *gate, const struct inputs *x, real keep);

#endif
