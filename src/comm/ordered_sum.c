/* SPDX-License-Identifier: BSD-3-Clause */
#include "comm/ordered_sum.h"

#include "communicator_mpi.h"

#include "base/site.h"

#include <limits.h>
#include <string.h>

/* Whole lines, so that every slice is computed on whole vectors. */
static size_t slice_of(int size, size_t n)
{
    return real_padded((n + (size_t)size - 1) / (size_t)size);
}

size_t ordered_sum_work(int size, size_t n)
{
    return size > 1 ? (size_t)size * slice_of(size, n) : 0;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

LEAF_KERNEL static void add(size_t n, const real *restrict value, real *restrict sum)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        sum[i] += value[i];
}

/* Which slice each rank adds: counts and offsets of all slices in `values`. */
static void set_slices(const struct communicator *comm, size_t n)
{
    size_t slice = slice_of(comm->size, n);
    for (int r = 0; r < comm->size; r++) {
        size_t first = smaller((size_t)r * slice, n), end = smaller(first + slice, n);
        comm->mpi->offsets[r] = (int)first;
        comm->mpi->counts[r] = (int)(end - first);
    }
}

/* Everybody's numbers of this rank's slice, one after the other, into `work`. */
static void collect(const struct communicator *comm, const real *values, real *work)
{
    const struct communicator_mpi *mpi = comm->mpi;
    int own = mpi->counts[comm->rank];
    for (int r = 0; r < comm->size; r++) {
        mpi->more_counts[r] = own;
        mpi->more_offsets[r] = r * own;
    }
    MPI_Alltoallv(values, mpi->counts, mpi->offsets, MPI_REAL_TYPE, work, mpi->more_counts,
                  mpi->more_offsets, MPI_REAL_TYPE, mpi->world);
}

void ordered_sum(const struct communicator *comm, real *values, size_t n, real *work)
{
    const struct communicator_mpi *mpi = comm->mpi;
    if (comm->size == 1)
        return;
    site_enter(SITE_ordered_sum, n * sizeof(real));
    if (n > 0) {
        COTERIE_ASSERT(ordered_sum_work(comm->size, n) <= INT_MAX);
        set_slices(comm, n);
        collect(comm, values, work);
        size_t own = (size_t)mpi->counts[comm->rank];
        for (int r = 1; r < comm->size; r++)
            add(own, work + (size_t)r * own, work);
        MPI_Allgatherv(work, (int)own, MPI_REAL_TYPE, values, mpi->counts, mpi->offsets,
                       MPI_REAL_TYPE, mpi->world);
    }
    site_leave();
}
