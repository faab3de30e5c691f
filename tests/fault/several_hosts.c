/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Preloaded (LD_PRELOAD) it makes MPI say that the ranks are on COTERIE_TEST_HOSTS hosts, in blocks
 * of equal size: what is per host, its shared memory and its watchdog, is then made and meets as on
 * that many hosts. With COTERIE_TEST_DEAF_ABORT an abort does not return, as where the launcher
 * does not answer. It uses MPI's profiling interface.
 */
#include <mpi.h>
#include <stdlib.h>
#include <unistd.h>

int MPI_Comm_split_type(MPI_Comm comm, int type, int key, MPI_Info info, MPI_Comm *made)
{
    const char *hosts = getenv("COTERIE_TEST_HOSTS");
    int rank, size;
    if (type != MPI_COMM_TYPE_SHARED || !hosts)
        return PMPI_Comm_split_type(comm, type, key, info, made);
    PMPI_Comm_rank(comm, &rank);
    PMPI_Comm_size(comm, &size);
    return PMPI_Comm_split(comm, rank * atoi(hosts) / size, key, made);
}

int MPI_Abort(MPI_Comm comm, int code)
{
    while (getenv("COTERIE_TEST_DEAF_ABORT"))
        pause();
    return PMPI_Abort(comm, code);
}
