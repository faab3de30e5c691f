#ifndef COTERIE_COMM_COMMUNICATOR_MPI_H
#define COTERIE_COMM_COMMUNICATOR_MPI_H

#include "coterie/base/real.h"

#include <mpi.h>

/* The MPI side of struct communicator, for the files of this layer. */
struct communicator_mpi {
    MPI_Comm world;   /* all ranks of the run */
    MPI_Comm node;    /* those of this host */
    MPI_Comm leaders; /* the first rank of each host; MPI_COMM_NULL elsewhere */
    int *counts;      /* (size) work space for gather and scatter */
    int *offsets;     /* (size) */
};

#ifdef COTERIE_DOUBLE
#define MPI_REAL_TYPE MPI_DOUBLE
#else
#define MPI_REAL_TYPE MPI_FLOAT
#endif

#endif
