/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_STREAM_H
#define COTERIE_TRAIN_STREAM_H

#include "base/real.h"
#include "base/status.h"
#include "comm/communicator.h"
#include "data/samples/dataset.h"
#include "data/samples/sampler.h"
#include "data/samples/scaler.h"
#include "data/source/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Inputs and numeric targets of an HDF5 file that are never in memory as a whole: they come in the
 * windows of epoch_order.h. Each host has room for two windows in memory that its ranks share; a
 * thread of each rank reads its share of the one while all ranks use the other. One thread for all
 * would make its own rank late, and the others would wait for that. Ranks and threads meet at two
 * counters for each rank, without MPI: `filled`, of how many windows its thread has read its share,
 * and the window that the rank is at. A window is one generation; generation g lies in half g % 2.
 *
 * The threads go on by themselves from the end of an epoch to the next. A rank that asks for
 * anything else (a restart within an epoch, a pass in the order of the file) makes its thread begin
 * anew there. All ranks must ask for the same passes in the same order.
 *
 * Labels and weights are small and stay in memory, in the data set. Samples are scaled by the
 * function that fills a data set in memory, so both have the same bits.
 */
struct stream;

/*
 * Collective. What is to be streamed: `shape` (n samples; labels and weights are left out of it),
 * the samples `rows` (ascending; at the root, NULL: all) of the root's `source`, in blocks of
 * `block`, scaled. Every rank opens the file. STATUS_USAGE if one cannot.
 */
status stream_create(const struct communicator *comm, const struct dataset_shape *shape,
                     size_t block, struct source *source, const struct scaler *scaler,
                     const uint64_t *rows, struct stream **out);

/* Collective. NULL is let be. */
void stream_release(struct stream **stream);

/* Bytes of shared memory that a host needs; rows are held if `some` of the samples are chosen. */
double stream_bytes(const struct dataset_shape *shape, size_t block, bool some);

/* The two halves: where `x` (.., n_inputs) and `y` (.., n_targets; NULL without) begin. Local. */
const real *stream_x(const struct stream *stream);
const real *stream_y(const struct stream *stream);

/*
 * Local, in step on all ranks. Shuffled passes take the order of this sampler from now on, which
 * must outlive the stream or the next call. NULL: none.
 */
void stream_follow(struct stream *stream, const struct sampler *sampler);

/* A part of a batch: n samples in one window. */
struct stream_piece {
    size_t n;
    const uint64_t *place; /* (n) of the samples within the window; NULL: one after the other */
    size_t first;          /* the row of stream_x that places count from */
};

/*
 * Waits for the samples at the positions first .. of a pass, and gives as many of the n as lie in
 * one window. `shuffled`: of the epoch and batch that the sampler is at; else in the order of the
 * file. False if they cannot be read: stream_status tells why. Local, no MPI.
 */
bool stream_next(struct stream *stream, bool shuffled, size_t first, size_t n,
                 struct stream_piece *piece);

/* The samples of the last piece are not needed any more. */
void stream_done(struct stream *stream);

/*
 * Local, in step on all ranks. Where ranks take different parts of a batch, as replicas do, all of
 * them name the whole of it, positions first .. first+n-1, before and after their stream_next: then
 * they agree where the pass is, and no rank waits for windows that another never comes to. A NULL
 * stream is let be.
 */
void stream_begin_batch(struct stream *stream, bool shuffled, size_t first);
void stream_end_batch(struct stream *stream, size_t first, size_t n);

/* Local. What went wrong on this host, or STATUS_OK. A NULL stream is well. */
status stream_status(const struct stream *stream);

#endif
