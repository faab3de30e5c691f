/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_COMM_SHARED_MEMORY_H
#define COTERIE_COMM_SHARED_MEMORY_H

#include "base/status.h"
#include "comm/communicator.h"

#include <stddef.h>

/* A block of memory that exists once per host and that all its ranks can read. */
struct shared_memory {
    void *base; /* at the beginning of a page; owned */
    size_t bytes;
};

/*
 * Collective. Zeroed, and really there: using it cannot fail later. STATUS_FAILED everywhere if one
 * host has no room for it, with what to do; STATUS_USAGE if the host is too small.
 */
status shared_memory_create(const struct communicator *comm, size_t bytes,
                            struct shared_memory *memory);

/* Collective. What rank 0 has stored becomes what every rank reads. */
void shared_memory_publish(const struct communicator *comm, struct shared_memory *memory);

/*
 * Collective. The same from byte `from` on; what is before it stays what the first rank of each
 * host has stored.
 */
void shared_memory_publish_from(const struct communicator *comm, struct shared_memory *memory,
                                size_t from);

/* Local. */
void shared_memory_release(struct shared_memory *memory);

#endif
