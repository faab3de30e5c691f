/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_INFERENCE_INFORMATION_TILE_H
#define COTERIE_TRAIN_INFERENCE_INFORMATION_TILE_H

#include "base/rng.h"
#include "train/feed/batch.h"
#include "train/inference/information_layout.h"

/* What a chunk of samples adds to the sums. All functions are Local. */
struct information_tile;

/* The arguments must outlive it. *tile stays to be destroyed after a failure, too. */
status information_tile_create(const struct information_layout *layout,
                               const struct likelihood *likelihood,
                               const struct linear_parameters *parameters,
                               struct information_tile **tile);
void information_tile_destroy(struct information_tile **tile);

/*
 * From now on, whether the information is that of the complete data, with the posteriors as known:
 * positive wherever the families' own is, it shows a way uphill where the other one is not.
 */
void information_tile_complete(struct information_tile *tile, bool is_complete);

/* Draws targets for the samples of a batch: d (O, GROUPS_CHUNK). */
void information_tile_draw(struct information_tile *tile, const struct batch *batch,
                           struct rng *rng, double *d);

/* Adds the samples of a batch; a sample_groups_visit, whose context is the tile. */
void information_tile_add(const struct batch *batch, void *tile, double *sums);

#endif
