/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_CHOSEN_ROWS_H
#define COTERIE_MODEL_CHOSEN_ROWS_H

#include "base/status.h"
#include "model/experts.h"

#include <stdint.h>

/*
 * Experts that compute only the samples which chose them (--top-k): each expert's rows are copied
 * into a compact block, computed as any block is, and put back. Rows are on every rank already, so
 * nothing travels; shapes depend on the number of chosen rows only, never on ranks. One block
 * serves the experts of a rank one after the other. Local.
 */
struct chosen_rows {
    size_t n, stride; /* of the expert at work */
    uint32_t *row;    /* (n) numbers of its samples */
    struct inputs x;
    real *d, *o; /* (O, stride) */
    real *loglik, *square, *coefficient;
};

status chosen_rows_init(struct chosen_rows *rows, size_t n_inputs, size_t n_outputs,
                        size_t max_stride);
void chosen_rows_release(struct chosen_rows *rows);

/*
 * As experts_forward, for samples with g > 0, g (n_local, stride). Elsewhere o, loglik and square
 * are 0.
 */
void experts_forward_chosen(struct experts *experts, struct chosen_rows *rows,
                            const struct inputs *x, const real *d, const real *g);

/* As experts_backward with RESIDUAL_LIKELIHOOD, after experts_forward_chosen with the same g. */
void experts_backward_chosen(struct experts *experts, struct chosen_rows *rows,
                             const struct inputs *x, const real *d, const real *g,
                             const real *coefficient, real keep);

#endif
