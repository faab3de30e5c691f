/* SPDX-License-Identifier: BSD-3-Clause */
#include "comm/shared_memory.h"

#include "communicator_mpi.h"
#include "shared_file.h"

#include "base/memory.h"
#include "base/site.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

/*
 * Not by windows of MPI: those of Open MPI are files in /dev/shm, which a container makes small,
 * and where one does not fit the job ends without a word of ours.
 */

/* The memory of a process that has its host for itself: nobody shares it. */
static status map_own(size_t bytes, void **base)
{
    *base = mmap(NULL, bytes + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (*base != MAP_FAILED)
        return STATUS_OK;
    *base = NULL;
    return status_set(STATUS_FAILED,
                      "cannot get %.1f GiB of memory; use fewer columns, a smaller "
                      "@micro-batch or a larger host",
                      (double)bytes / 0x1p30);
}

status shared_memory_create(const struct communicator *comm, size_t bytes,
                            struct shared_memory *memory)
{
    memset(memory, 0, sizeof *memory);
    status outcome = STATUS_OK;
    if (comm->node_rank == 0 && bytes > memory_available())
        outcome = status_set(
            STATUS_USAGE,
            "%.1f GiB of shared memory are needed on host %s, which has %.1f GiB left; use "
            "coterie (single precision), fewer columns, a smaller @micro-batch or a "
            "larger host",
            (double)bytes / 0x1p30, comm->host, (double)memory_available() / 0x1p30);
    outcome = communicator_agree(comm, outcome);
    if (outcome != STATUS_OK)
        return outcome;
    site_enter(SITE_shared_create, bytes);
    outcome = comm->node_size == 1 ? map_own(bytes, &memory->base)
                                   : shared_file_map(comm, bytes + 1, &memory->base);
    site_leave();
    memory->bytes = bytes;
    outcome = communicator_agree(comm, outcome);
    if (outcome != STATUS_OK)
        shared_memory_release(memory);
    return outcome;
}

/* What each rank of this host has stored before is seen by the others behind it. */
static void meet_on_host(const struct communicator *comm)
{
    atomic_thread_fence(memory_order_seq_cst);
    if (comm->node_size > 1)
        MPI_Barrier(comm->mpi->node);
    atomic_thread_fence(memory_order_seq_cst);
}

void shared_memory_publish(const struct communicator *comm, struct shared_memory *memory)
{
    shared_memory_publish_from(comm, memory, 0);
}

void shared_memory_publish_from(const struct communicator *comm, struct shared_memory *memory,
                                size_t from)
{
    if (!has_mpi(comm->mpi))
        return;
    MPI_Comm leaders = comm->mpi->leaders;
    const size_t largest = (size_t)1 << 30;
    site_enter(SITE_shared_publish, memory->bytes);
    meet_on_host(comm);
    for (size_t at = from; leaders != MPI_COMM_NULL && at < memory->bytes; at += largest) {
        size_t part = memory->bytes - at < largest ? memory->bytes - at : largest;
        MPI_Bcast((char *)memory->base + at, (int)part, MPI_BYTE, 0, leaders);
    }
    meet_on_host(comm);
    site_leave();
}

void shared_memory_release(struct shared_memory *memory)
{
    if (memory->base)
        munmap(memory->base, memory->bytes + 1);
    memory->base = NULL;
}
