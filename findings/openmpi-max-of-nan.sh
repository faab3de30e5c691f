#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Open MPI's MPI_MAX of NaN and 1 is NaN or 1, depending on which rank has NaN and on how many numbers
# are reduced in one call.
#
# Guess: NaN, so that one MPI_Allreduce finds it; or at least always the same.
# Seen:  one number: NaN if rank 0 has it, 1 if rank 1 has it. Twenty numbers: on a processor with AVX
#        the other way round.
# So:    do not look for NaN by MPI_MAX of the numbers; reduce a flag (isnan) instead.
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
FINDINGS_FETCH=never # mpirun and mpicc look for their parts where they are installed
need openmpi-bin=4.1.4-3+b1 libopenmpi3=4.1.4-3+b1 libopenmpi-dev=4.1.4-3+b1

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_mpi_yield_when_idle=1
cat >max.c <<'C'
#include <math.h>
#include <mpi.h>
#include <stdio.h>
int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    for (int count = 1; count <= 20; count += 19)
        for (int who = 0; who < 2; who++) {
            double mine[20], most[20];
            for (int i = 0; i < count; i++)
                mine[i] = rank == who ? NAN : 1;
            MPI_Allreduce(mine, most, count, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
            if (rank == 0)
                printf("%2d of NaN and 1, rank %d has NaN: %g\n", count, who, most[0]);
        }
    return MPI_Finalize();
}
C
mpicc.openmpi -O2 max.c -o max
timeout 120 mpirun.openmpi --oversubscribe -n 2 ./max | tee said | sed 's/^/seen     /'
for answer in nan 1; do
    grep -q ": -\?$answer\$" said || { echo "CHANGED  it is never $answer" && exit 1; }
done
echo "as recorded"
