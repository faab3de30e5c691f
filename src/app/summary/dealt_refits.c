/* SPDX-License-Identifier: BSD-3-Clause */
#include "dealt_refits.h"

#include "base/memory.h"
#include "comm/shard.h"

/* Refits of a rank between two meetings, at which a failure is agreed on and a watchdog sees life.
 */
enum { REFITS_BETWEEN = 16 };

status dealt_refits(const struct communicator *comm, size_t n, size_t width,
                    status (*refit)(void *context, size_t number, double *told), void *context,
                    double *all)
{
    struct shard deal;
    double *own = NULL;
    status outcome = shard_init(&deal, n, comm->size, -1, 0);
    size_t first = shard_first(&deal, comm->rank), count = shard_count(&deal, comm->rank);
    size_t most = 0;
    for (int r = 0; r < comm->size; r++)
        most = shard_count(&deal, r) > most ? shard_count(&deal, r) : most;
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&own, count * width, sizeof *own, "the bootstrap");
    outcome = communicator_agree(comm, outcome);
    for (size_t at = 0; at < most && outcome == STATUS_OK; at += REFITS_BETWEEN) {
        for (size_t i = at; i < at + REFITS_BETWEEN && i < count && outcome == STATUS_OK; i++)
            outcome = refit(context, first + i, own + i * width);
        outcome = communicator_agree(comm, outcome);
    }
    if (outcome == STATUS_OK)
        communicator_gather_rows(comm, &deal, width * sizeof *own, own, all);
    memory_free(&own);
    return outcome;
}
