/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_COMM_COMMUNICATOR_MPI_H
#define COTERIE_COMM_COMMUNICATOR_MPI_H

#include "base/real.h"

#include <mpi.h>
#include <stdbool.h>

/* The MPI side of struct communicator, for the files of this layer. */
struct communicator_mpi {
    MPI_Comm world;    /* all ranks of the communicator; MPI_COMM_NULL: a process without MPI */
    MPI_Comm everyone; /* all ranks of the run: who agrees on a status; not owned by a part */
    int own_number;    /* this rank among them */
    MPI_Comm node;     /* those of this host; MPI_COMM_NULL among peers */
    MPI_Comm leaders;  /* the first rank of each host; MPI_COMM_NULL elsewhere */
    int *counts;       /* (size) work space for collectives with several counts */
    int *offsets;      /* (size) */
    int *more_counts;  /* (size) */
    int *more_offsets; /* (size) */
};

/* False for a process that was started alone: MPI was not. */
static inline bool has_mpi(const struct communicator_mpi *mpi)
{
    return mpi->world != MPI_COMM_NULL;
}

#ifdef COTERIE_DOUBLE
#define MPI_REAL_TYPE MPI_DOUBLE
#else
#define MPI_REAL_TYPE MPI_FLOAT
#endif

#endif
