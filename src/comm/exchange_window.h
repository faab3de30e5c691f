/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_COMM_EXCHANGE_WINDOW_H
#define COTERIE_COMM_EXCHANGE_WINDOW_H

#include "base/real.h"
#include "comm/communicator.h"
#include "comm/shard.h"
#include "comm/shared_memory.h"
#include "exchange_limits.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The exchange of ranks that share one host: they write into a common window, say so by a counter
 * of their own, and wait for the counters of others. The smallest steps take two thirds of the time
 * that they take with messages (tests/bench).
 *
 * Every operation is a turn, counted by each rank for itself. What the root gathers or scatters,
 * and what the ranks add up, lies in one of two places in turn: a place is written again only two
 * uses later, when its reader has taken part in the exchange_combine between them and so has done
 * with it.
 */
struct exchange_window {
    int rank, size;
    struct shard shard;
    bool yields; /* more ranks than processors: waiting gives the processor away at once */
    uint64_t turn;
    struct exchange_flag {
        _Alignas(64) _Atomic uint64_t turn;         /* the last one that this rank has got to */
    } * flags;                                      /* (size) */
    size_t most_bounds;                             /* reals that one rank offers at most, padded */
    real *bounds, *largest;                         /* (2, size, most_bounds); (2, most_bounds) */
    size_t offered;                                 /* bounds that go along with the next gather */
    unsigned gathers[2], scatters[2], maxima, sums; /* uses so far, by slot */
    size_t block;                                   /* reals of one (E, max_stride) array */
    real *gathered, *scattered;                     /* (2 slots, 2 places, block) */
    size_t most;                                    /* integers of one partial sum, padded */
    int64_t *partial;                               /* (2, size, most) */
    int64_t *sum;                                   /* (most) that each rank makes a part of */
    int64_t *own_sum;                               /* (most) of this rank alone, owned */
    struct shared_memory memory;
};

/*
 * Collective. *window stays NULL where messages are better: on one rank, on several hosts, and for
 * blocks so large that latency does not matter.
 */
status exchange_window_create(const struct communicator *comm, const struct shard *shard,
                              size_t max_stride, size_t max_integers,
                              struct exchange_window **window);
/* Collective. */
void exchange_window_destroy(struct exchange_window **window);

/*
 * Collective. As exchange_gather_begin, but returns where the root finds the numbers of all ranks;
 * and exchange_gather_end for every slot that has begun: the root waits for the others.
 */
real *exchange_window_give(struct exchange_window *window, int slot, size_t stride,
                           const real *own);
void exchange_window_take(struct exchange_window *window);

/* Collective. As exchange_scatter. */
real *exchange_window_scatter(struct exchange_window *window, int slot, size_t stride, real *all);

/*
 * Local. Before a gather that a scatter follows: the bounds of the next exchange_window_max, which
 * then costs no turn of its own.
 */
void exchange_window_offer(struct exchange_window *window, const real *values, size_t n);

/*
 * Collective. Largest of all ranks' values, n <= EXCHANGE_MAX_TERMS max_stride; of those offered,
 * if any were.
 */
void exchange_window_max(struct exchange_window *window, real *values, size_t n);

/* Local. Where this rank puts its partial sum before exchange_window_sum. */
int64_t *exchange_window_partial(const struct exchange_window *window);

/* Collective. The sum over ranks of n integers; it stays until the next one. */
const int64_t *exchange_window_sum(struct exchange_window *window, size_t n);

#endif
