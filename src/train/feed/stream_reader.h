/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_FEED_STREAM_READER_H
#define COTERIE_TRAIN_FEED_STREAM_READER_H

#include "base/real.h"
#include "comm/communicator.h"
#include "comm/shared_memory.h"
#include "data/samples/dataset.h"
#include "data/samples/sampler.h"
#include "host_source.h"

#include <pthread.h>
#include <stdatomic.h>

/* One pass over the samples. */
struct stream_pass {
    bool shuffled;
    uint64_t epoch; /* if shuffled */
    struct epoch_order order;
};

/* Where the ranks of a host and their reading threads meet. */
struct stream_control {
    atomic_bool fails;  /* a thread is about to set: */
    atomic_int failure; /* a status; its text is complete before */
    char text[1024];
    struct {
        _Alignas(64) _Atomic uint64_t filled; /* its thread has read its share of those below */
        _Atomic uint64_t generation;          /* those below it are not needed any more */
    } rank[];                                 /* (node_size) */
};

/* The reading thread of a rank. */
struct stream_reader {
    pthread_t thread;
    bool runs;
    atomic_bool stop;
    struct host_source from;
    struct epoch_blocks blocks; /* of the pass being read; unused if not shuffled */
    /* Where it began: window `window` of `pass` is generation `generation`; then comes `next`. */
    struct stream_pass pass, next;
    uint64_t generation;
    size_t window;
};

/* What stream.h keeps to itself. */
struct stream {
    const struct communicator *comm;
    struct dataset_shape shape; /* inputs and targets only */
    size_t block, largest;      /* samples in a block, in the largest window */
    const struct sampler *sampler;

    struct shared_memory windows;
    struct stream_control *control; /* in windows */
    real *x, *y;                    /* (2 * largest, ..) in windows */

    /* The pass that this rank is in, the generation of its window 0, and what comes after it. */
    bool begun;
    struct stream_pass pass, next;
    uint64_t base;
    struct epoch_window window;
    size_t position; /* behind the last sample asked for */
    struct epoch_blocks blocks;

    struct stream_reader reader;
};

/* Ends the thread, if it runs. */
void stream_reader_stop(struct stream *stream);

/* Starts it at the place that the reader's fields tell. */
void stream_reader_start(struct stream *stream);

/* The pass after `pass`. */
struct stream_pass stream_pass_after(const struct stream_pass *pass,
                                     const struct stream_pass *next);

/*
 * A look at a counter now and then costs nothing beside a window, and needs no lock. *pause, 0 at
 * first, grows with what has been waited for: who waits long must not take time from who computes.
 */
void stream_pause(long *pause);

#endif
