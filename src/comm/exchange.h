/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_COMM_EXCHANGE_H
#define COTERIE_COMM_EXCHANGE_H

#include "base/real.h"
#include "base/status.h"
#include "comm/communicator.h"
#include "comm/shard.h"
#include "exchange_limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What crosses ranks in a training step, and the only place that knows it. Arrays are expert-major
 * (E, stride), so that a rank's shard is one contiguous block. Expert parameters never travel.
 *
 * Ranks of one host exchange through shared memory, others by MPI's messages, with the same result
 * to the last bit; COTERIE_EXCHANGE=messages in the environment asks for messages on one host, too.
 */
struct exchange {
    const struct communicator *comm; /* not owned */
    struct shard shard;
    size_t n_local;
    size_t max_stride;
    real *gathered[2];  /* root with several ranks: (E, max_stride) each */
    real *scattered[2]; /* several ranks: (n_local, max_stride) each */
    int64_t *fixed;     /* (max_rows, max_stride) sums in fixed point */
    size_t max_rows;
    real *result[2];                    /* of the gathers that have begun */
    struct exchange_requests *requests; /* owned; where ranks exchange messages */
    struct exchange_window *window;     /* owned; NULL: ranks exchange messages */
    real *bound;             /* (EXCHANGE_MAX_TERMS, max_stride) of values, for each sample */
    bool announced, unknown; /* unknown: the ranks have to agree on one of them */
    int64_t raise;  /* set by the caller: what this rank adds to `raised` at the next combine */
    int64_t raised; /* the sum over all ranks at the last combine: requests to stop */
};

/* Collective. max_rows: rows of all terms of one exchange_combine together. */
status exchange_init(struct exchange *exchange, const struct communicator *comm,
                     const struct shard *shard, size_t max_stride, size_t max_rows);
void exchange_release(struct exchange *exchange);

/*
 * Collective. One number per expert and sample to the root: own (n_local, stride) -> (E, stride) at
 * the root, NULL elsewhere. The result belongs to slot 0 or 1 and lasts until that slot's next use.
 */
real *exchange_gather(struct exchange *exchange, int slot, size_t stride, real *own);

/*
 * Collective. The same in two calls, for what a rank can compute while its numbers are on their
 * way: begin waits for no other rank, and `own` must stay as it is until end. Between them nothing
 * is exchanged but what the other slot begins.
 */
void exchange_gather_begin(struct exchange *exchange, int slot, size_t stride, real *own);
real *exchange_gather_end(struct exchange *exchange, int slot, size_t stride);

/* Collective. The way back: all (E, stride) at the root -> own (n_local, stride). */
real *exchange_scatter(struct exchange *exchange, int slot, size_t stride, real *all);

/*
 * What is combined over the experts: result = sum_e g_e value_e for `rows` rows. bound is an upper
 * bound of |value|, or 0 where only the values tell (then the ranks agree on their maximum over
 * experts and rows, for each sample by itself: a sample that is far off spoils no other).
 */
struct exchange_term {
    const real *value; /* (n_local, rows, stride) */
    size_t rows;
    double bound;
    real *result; /* (rows, stride) */
};

/*
 * Local, on every rank, as soon as the values are known and before an exchange_gather: spares the
 * next exchange_combine, of the same terms, the wait for their maximum. May be left out.
 */
void exchange_announce(struct exchange *exchange, size_t stride, const struct exchange_term *terms,
                       int n_terms);

/*
 * Collective. Sums in fixed point: with M the bound of a sample, each product g value becomes an
 * integer multiple of 2^-s, s the largest with E M 2^s < 2^62 (and, where reals are floats, M 2^s <
 * 2^50), and integers are added. The result on every rank is the same whatever the number of ranks
 * and the order of the additions. If a bound or a product is not finite, all results are NaN.
 *
 * `raise` of all ranks is added along in the same message, so that a request to stop on any rank is
 * known to all after every step and costs nothing.
 */
void exchange_combine(struct exchange *exchange, size_t stride, const real *g,
                      const struct exchange_term *terms, int n_terms);

#endif
