/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_PREDICT_PASS_H
#define COTERIE_PREDICT_PASS_H

#include "math/activation.h"
#include "model/network/mlp.h"

#include <stddef.h>

/*
 * Forward passes of networks for prediction: plain loops, in the precision that the model was
 * trained in, without BLAS. A sample's numbers do not depend on the samples beside it, on how many
 * there are, or on which of the two ways it is computed: every sum begins with the bias and adds
 * the products in the order of the inputs. Local, and safe to call from many threads.
 */

enum { PASS_TILE = 32, PASS_LINE = 64 }; /* samples computed together; alignment in bytes */
/*
 * Networks that are computed together for a single sample: sums of one wait for their own last
 * product, and those of the others fill the time.
 */
enum { PASS_GROUP = 4 };

/* What an activation does to a block of n numbers, a whole number of lines. In pass_body.h. */

/*
 * One layer: `weight` (out, in) for tiles, and transposed, (in, out_padded), for single samples;
 * bias (out_padded). Arrays are of the precision of the pass.
 */
struct pass_layer {
    size_t in, out, out_padded;
    void *weight, *transposed, *bias; /* owned by the predictor */
};

struct pass_network {
    int n_layers;
    enum activation activation; /* of hidden layers */
    size_t widest;              /* of all layers, inputs and outputs included, padded */
    struct pass_layer layer[MLP_MAX_LAYERS];
};

/* One for float and one for double. */
struct pass {
    size_t scalar_bytes;
    /* Numbers that a row of n takes in arrays of the pass, so that it is a whole number of lines.
     */
    size_t (*padded)(size_t n);
    /* Doubles to numbers of the pass. */
    void (*narrow)(size_t n, const double *from, void *to);
    /* And back. */
    void (*widen)(size_t n, const void *from, double *to);
    /* x (D, PASS_TILE) -> z (O, PASS_TILE) in double; work: 2 * widest * PASS_TILE numbers. */
    void (*tile)(const struct pass_network *network, const void *x, void *work, double *z);
    /*
     * n (up to PASS_GROUP) networks of one shape: x (D padded) -> z (n, O); work: 2 n widest
     * numbers.
     */
    void (*single)(const struct pass_network *network, size_t n, const void *x, void *work,
                   double *z);
    /* The same, where `kept`, 2 n times the sum of padded widths, holds what `slopes` needs. */
    void (*single_keeping)(const struct pass_network *network, size_t n, const void *x, void *kept,
                           double *z);
    /*
     * Of network number `which` of the n: d z_k / d x for each output k, (O, D) in double; work: (2
     * PASS_GROUP + 1) widest numbers.
     */
    void (*slopes)(const struct pass_network *network, size_t n, size_t which, const void *kept,
                   void *work, double *slope);
};

extern const struct pass pass_float, pass_double;

#endif
