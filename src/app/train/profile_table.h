/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_PROFILE_TABLE_H
#define COTERIE_APP_PROFILE_TABLE_H

#include "base/profile.h"
#include "base/status.h"
#include "comm/communicator.h"

/*
 * The profiles of all ranks side by side, with waiting told from the exchange itself.
 *
 * No clock of another rank is read and no barrier is added: in each round the least time that any
 * rank spent in a collective phase is taken for the collective itself, and what a rank spent there
 * beyond it for waiting. Where even the last rank to arrive waits (for the posterior, say, which
 * rank 0 alone forms) that wait counts as exchange.
 */
struct profile_table {
    int n_ranks;
    double *seconds; /* root: (n_ranks, N_PHASES), owned */
};

/* Collective. From what profile_read gives; only the root's table is filled. */
status profile_table_gather(const struct communicator *comm, struct profile_table *table);
void profile_table_release(struct profile_table *table);

/*
 * Root. One line per phase: least, mean and greatest of the ranks' times multiplied by `scale`, the
 * share of the mean in the whole, and the rank that took longest. `unit` stands in the heading.
 */
void profile_table_print(const struct profile_table *table, double scale, const char *unit);

/* Root. The same in a line or two: shares of the time, and the rank that the others wait for. */
void profile_table_print_short(const struct profile_table *table);

#endif
