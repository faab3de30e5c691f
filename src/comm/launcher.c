/* SPDX-License-Identifier: BSD-3-Clause */
#include "comm/launcher.h"

#include <stddef.h>
#include <stdlib.h>

/* What a variable says. */
enum meaning {
    COUNT, /* the number of ranks; an mpirun's is right even inside a step of Slurm */
    RANK   /* the number of this rank: if it is not 0 there are more */
};

static const char use_own_mpirun[] = "start it by the mpirun of the MPI that it was built with";
static const char use_srun_mpi[] =
    "start it by mpirun inside the job, or by srun with what `srun --mpi=list` has for this MPI, "
    "such as srun --mpi=pmix";

/*
 * From the inside to the outside: mpirun runs in a job or step and not the other way round. Not
 * here: variables of allocations, such as SLURM_NTASKS, which a batch script sees, too.
 */
static const struct {
    const char *variable;
    enum meaning meaning;
    const char *name, *cure;
} known[] = {
    {"OMPI_COMM_WORLD_SIZE", COUNT, "the mpirun of Open MPI", use_own_mpirun},
    {"MV2_COMM_WORLD_SIZE", COUNT, "the mpirun of MVAPICH", use_own_mpirun},
    {"PMI_SIZE", COUNT, "a launcher with PMI (mpirun of MPICH or Intel MPI, or srun)",
     use_own_mpirun},
    {"JSM_NAMESPACE_SIZE", COUNT, "jsrun", use_own_mpirun},
    {"SLURM_STEP_NUM_TASKS", COUNT, "Slurm", use_srun_mpi},
    {"OMPI_COMM_WORLD_RANK", RANK, "the mpirun of Open MPI", use_own_mpirun},
    {"PMI_RANK", RANK, "a launcher with PMI (mpirun of MPICH or Intel MPI, or srun)",
     use_own_mpirun},
    {"PMIX_RANK", RANK, "a launcher with PMIx", use_own_mpirun},
    {"FLUX_TASK_RANK", RANK, "flux", use_own_mpirun},
    {"PALS_RANKID", RANK, "the mpiexec of PALS", use_own_mpirun},
    {"SLURM_PROCID", RANK, "Slurm", use_srun_mpi},
};

/* The number that a variable holds, -1 if there is none. */
static long number_of(const char *variable)
{
    const char *text = getenv(variable);
    char *end;
    if (!text || !*text)
        return -1;
    long number = strtol(text, &end, 10);
    return *end == '\0' && number >= 0 && number < 100000000 ? number : -1;
}

struct launcher launcher_find(void)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        long number = number_of(known[i].variable);
        if (number >= 0 && known[i].meaning == COUNT)
            return (struct launcher){(int)number, known[i].name, known[i].cure};
        if (number > 0)
            return (struct launcher){(int)number + 1, known[i].name, known[i].cure};
    }
    return (struct launcher){0, NULL, NULL};
}

status launcher_check(const struct launcher *launcher, int size)
{
    if (launcher->n_ranks <= size)
        return STATUS_OK;
    return status_set(STATUS_USAGE,
                      "%s started %d or more ranks together, but for MPI this run has %d: each "
                      "would be a run by itself; %s{ (or give @one-rank if that is what you want)}",
                      launcher->name, launcher->n_ranks, size, launcher->cure);
}
