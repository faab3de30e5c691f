/* SPDX-License-Identifier: BSD-3-Clause */
#include "comm/shared_memory.h"

#include "communicator_mpi.h"

#include "base/memory.h"
#include "base/site.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

struct shared_memory_window {
    MPI_Win handle;
};

/* The memory of a process without MPI: nobody shares it. */
static status allocate_own(size_t bytes, struct shared_memory *memory)
{
    memory_free(&memory->window);
    void *base = mmap(NULL, bytes + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED)
        return status_set(STATUS_FAILED,
                          "cannot get %.1f GiB of memory; use fewer columns, a smaller "
                          "--micro-batch or a larger host",
                          (double)bytes / 0x1p30);
    memory->base = base;
    memory->bytes = bytes;
    return STATUS_OK;
}

status shared_memory_create(const struct communicator *comm, size_t bytes,
                            struct shared_memory *memory)
{
    memset(memory, 0, sizeof *memory);
    status outcome =
        memory_alloc(&memory->window, 1, sizeof *memory->window, "a shared memory window");
    if (outcome == STATUS_OK && comm->node_rank == 0 && bytes > memory_available())
        outcome = status_set(
            STATUS_USAGE,
            "%.1f GiB of shared memory are needed on host %s, which has %.1f GiB left; use "
            "coterie (single precision), fewer columns, a smaller --micro-batch or a "
            "larger host",
            (double)bytes / 0x1p30, comm->host, (double)memory_available() / 0x1p30);
    outcome = communicator_agree(comm, outcome);
    if (outcome != STATUS_OK) {
        memory_free(&memory->window);
        return outcome;
    }
    if (!has_mpi(comm->mpi))
        return allocate_own(bytes, memory);
    site_enter(SITE_shared_create, bytes);
    void *base;
    MPI_Aint size = comm->node_rank == 0 ? (MPI_Aint)(bytes + REAL_ALIGNMENT) : 0;
    MPI_Win_allocate_shared(size, 1, MPI_INFO_NULL, comm->mpi->node, &base,
                            &memory->window->handle);
    int unit;
    MPI_Win_shared_query(memory->window->handle, 0, &size, &unit, &base);
    site_leave();
    /* Every rank maps the window at an address of its own, but at the same offset in a page. */
    uintptr_t address = ((uintptr_t)base + REAL_ALIGNMENT - 1) / REAL_ALIGNMENT * REAL_ALIGNMENT;
    memory->base = (void *)address;
    memory->bytes = bytes;
    return STATUS_OK;
}

void shared_memory_publish(const struct communicator *comm, struct shared_memory *memory)
{
    shared_memory_publish_from(comm, memory, 0);
}

void shared_memory_publish_from(const struct communicator *comm, struct shared_memory *memory,
                                size_t from)
{
    if (!memory->window)
        return;
    MPI_Comm leaders = comm->mpi->leaders;
    const size_t largest = (size_t)1 << 30;
    site_enter(SITE_shared_publish, memory->bytes);
    MPI_Win_fence(0, memory->window->handle);
    for (size_t at = from; leaders != MPI_COMM_NULL && at < memory->bytes; at += largest) {
        size_t part = memory->bytes - at < largest ? memory->bytes - at : largest;
        MPI_Bcast((char *)memory->base + at, (int)part, MPI_BYTE, 0, leaders);
    }
    MPI_Win_fence(0, memory->window->handle);
    site_leave();
}

void shared_memory_release(struct shared_memory *memory)
{
    if (memory->window)
        MPI_Win_free(&memory->window->handle);
    else if (memory->base)
        munmap(memory->base, memory->bytes + 1);
    memory_free(&memory->window);
    memory->base = NULL;
}
