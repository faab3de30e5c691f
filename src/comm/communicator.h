/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_COMM_COMMUNICATOR_H
#define COTERIE_COMM_COMMUNICATOR_H

#include "base/real.h"
#include "base/status.h"
#include "comm/launcher.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The ranks of a run. MPI errors stay fatal (MPI's default), so that no call here fails halfway: a
 * function returns void or an agreed status.
 */
struct communicator {
    int rank, size;
    int world_rank;           /* this rank among all of the program: another one in a part */
    int node, n_nodes;        /* this rank's host among the hosts, in order of their first rank */
    int node_rank, node_size; /* this rank among those of its host */
    int ranks_on_host;        /* of the whole run, where this is a part */
    char host[64];
    struct launcher launcher;     /* who says to have started the ranks; of the whole run only */
    struct communicator_mpi *mpi; /* owned; MPI handles stay inside the comm layer */
    struct watchdog *watchdog;    /* see watchdog.h; NULL: nobody watches */
};

/*
 * Collective. Starts MPI, unless this process was started alone, and learns who shares a host;
 * tells base the rank and how to abort. STATUS_USAGE if the ranks do not all run this very program
 * with these very words.
 */
status communicator_start(int *argc, char ***argv, struct communicator *comm);

/*
 * Collective over `whole`. The ranks that give the same `color` (0 or more) become a communicator
 * of their own, in the same order. What is Collective on it leaves the other parts alone; nobody
 * watches it until watchdog_start. communicator_release frees it, also after a failure.
 */
status communicator_split(const struct communicator *whole, int color, struct communicator *part);

/* Collective over the part. What communicator_split or communicator_divide has made. */
void communicator_release(struct communicator *part);

/* Collective. Ends MPI. All work on files must be done. */
void communicator_stop(struct communicator *comm);

/*
 * Collective. The ranks in n_groups groups of equal size, each of neighbours: `group` is this
 * rank's own one, `peers` the ranks that have its place in each group, in the order of the groups.
 * n_nodes of a group is that of the group on most hosts; peers know nothing of hosts. Whatever is
 * agreed in a part is agreed among all ranks of the run, because no part can go on without the
 * others: all parts must agree at the same places.
 */
status communicator_divide(const struct communicator *all, int n_groups, struct communicator *group,
                           struct communicator *peers);

/*
 * Collective. The bridge from what happened on one rank to what all ranks do: every rank gets the
 * failure of the lowest failing rank, status and text, or STATUS_OK if all are well. If that rank
 * is not 0 the text begins with its number and host.
 */
status communicator_agree(const struct communicator *comm, status local);

/* Collective. Rank 0's bytes to all. */
void communicator_broadcast(const struct communicator *comm, void *data, size_t bytes);

/*
 * Collective. Rank 0's string to all; on the others *text is allocated, memory_free frees it. NULL
 * stays NULL.
 */
status communicator_broadcast_text(const struct communicator *comm, char **text);

/* Collective. Element-wise over ranks. The sum of integers does not depend on any order. */
void communicator_max(const struct communicator *comm, double *values, size_t n);
void communicator_max_reals(const struct communicator *comm, real *values, size_t n);
void communicator_sum(const struct communicator *comm, int64_t *values, size_t n);

/* Collective. `bytes` from each rank to rank 0, where `all` is (size, bytes). */
void communicator_gather(const struct communicator *comm, const void *own, void *all, size_t bytes);

struct shard;

/*
 * Collective. One row of `row_bytes` (a multiple of 8) per expert: the shards' rows (n_local) to
 * rank 0, where `all` is (E) rows, and back.
 */
void communicator_gather_rows(const struct communicator *comm, const struct shard *shard,
                              size_t row_bytes, const void *local, void *all);
void communicator_scatter_rows(const struct communicator *comm, const struct shard *shard,
                               size_t row_bytes, const void *all, void *local);

/* Collective. */
void communicator_barrier(const struct communicator *comm);

/*
 * Collective. A barrier that may take hours: those who are there sleep, and leave the processor to
 * those who are not. Nobody must watch this communicator meanwhile (watchdog_set, timeout 0).
 */
void communicator_wait(const struct communicator *comm);

/* Name and version of the MPI library, first line only; `size` at least 64. Local. */
void communicator_library(char *text, size_t size);

#endif
