/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_BATCH_H
#define COTERIE_TRAIN_BATCH_H

#include "base/real.h"
#include "base/status.h"
#include "data/samples/dataset.h"
#include "model/network/inputs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One micro-batch, the same on all ranks: n samples, padded with zeros to `stride`, which is a
 * whole number of lines, so that every loop over samples runs on whole vectors. Padding weighs 0.
 */
struct batch {
    size_t max_stride, n_outputs;
    size_t n, stride;
    struct inputs inputs;
    real *d;       /* (n_outputs, stride) targets; labels as 1-of-C, or as 0/1 for one output */
    real *weight;  /* (stride) of the samples as given, 1 without weights */
    real *w;       /* (stride) share of the sample in the gradient: weight / total of the batch */
    uint8_t *fold; /* (stride) of a committee, at the root; FOLD_NONE elsewhere */
    bool has_targets, is_unseen;
    struct {
        const struct dataset *dataset;
        size_t first, n;
        double total;
    } loaded; /* what is in here, if it was a contiguous run */
};

/* Local. */
status batch_init(struct batch *batch, size_t n_inputs, size_t n_outputs, size_t max_stride);
void batch_release(struct batch *batch);

/*
 * Local. Samples rows[0 .. n-1], or first .. first+n-1 if rows is NULL. `total` is the sum of
 * weights over the whole batch that this is a part of. A run that is loaded already stays. With a
 * stream, `first` is the position in the pass of rows[0] too, and the call may wait for the disk.
 */
void batch_load(struct batch *batch, const struct dataset *dataset, const uint64_t *rows,
                size_t first, size_t n, double total);

/* Local. The sum of the weights of these samples, added in their order. */
double batch_total(const struct dataset *dataset, const uint64_t *rows, size_t first, size_t n);

#endif
