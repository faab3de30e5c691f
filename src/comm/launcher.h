/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_COMM_LAUNCHER_H
#define COTERIE_COMM_LAUNCHER_H

#include "base/status.h"

/*
 * Who started this process, by the environment: Slurm, mpirun and their like say how many
 * processes they started together. Where MPI knows of fewer they do not understand each other
 * (srun without the right --mpi, the mpirun of another MPI), and every process is a run by itself.
 */
struct launcher {
    int n_ranks;      /* ranks known to be started together, at least; 0: unknown */
    const char *name; /* static; NULL: nobody */
    const char *cure; /* static: how to start instead */
};

/* Local. Before MPI starts, which sets some of these variables itself. */
struct launcher launcher_find(void);

/* Local. STATUS_USAGE if the launcher has started more ranks than the `size` that MPI knows. */
status launcher_check(const struct launcher *launcher, int size);

#endif
