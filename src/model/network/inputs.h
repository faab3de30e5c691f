/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_INPUTS_H
#define COTERIE_MODEL_INPUTS_H

#include "base/real.h"
#include "base/status.h"
#include "math/bf16.h"

#include <stddef.h>

/*
 * The inputs of a micro-batch, for all networks of a rank, in the two layouts that their products
 * want: sample by sample for the gradient of the first layer, and transposed for its output. Both,
 * and all hidden layers, are worked on in tiles of samples, so that what a tile needs stays in the
 * cache from one layer to the next. Tile t has the samples t * tile .. and `tile` of them, the last
 * one what is left; its block of a layer with U units is (U, width of the tile), at t * tile * U.
 */
struct inputs {
    size_t n_inputs;
    size_t stride; /* samples, a whole number of lines */
    size_t tile;
    real *x;     /* (stride, D) */
    real *tiles; /* x transposed, tile by tile: (D, width) each; where rounded, only the last one */
    /* Rounded to bf16, or NULL. */
    bf16_pair *sample_pairs; /* (pairs of samples, D) */
    bf16_pair *unit_pairs;   /* tile by tile: (pairs of inputs, width) each */
};

/* Local. Buffers for up to max_stride samples. */
status inputs_init(struct inputs *inputs, size_t n_inputs, size_t max_stride);
/* Local. From the next inputs_set on they are rounded for networks of bf16 products, and only so.
 */
status inputs_round(struct inputs *inputs, size_t max_stride);
void inputs_release(struct inputs *inputs);

/* Local. After `stride` samples, padding included, were written to x. */
void inputs_set(struct inputs *inputs, size_t stride);

/*
 * Local. Samples in a tile: 64, or as many as make 16 KiB of inputs if that is more, and not more
 * than stride.
 */
size_t inputs_tile(size_t n_inputs, size_t stride);

#endif
