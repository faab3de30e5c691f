/* SPDX-License-Identifier: BSD-3-Clause */
#include "ancestry.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As /proc has them: cut off after 15 characters. */
static const char *const launchers[] = {
    "mpirun",       "mpiexec",   "mpiexec.hydra", "orterun",  "orted",
    "prterun",      "prte",      "prted",         "prun",     "hydra_pmi_proxy",
    "hydra_bstrap", "pmi_proxy", "slurmstepd",    "mpispawn", "mpiexec_mpt",
    "aprun",        "apinit",    "palsd",         "jsrun",    "flux-shell",
};

/* What launchers tell those whom they start. A batch script of Slurm has none of these. */
static const char *const told[] = {
    "OMPI_COMM_WORLD_SIZE",
    "PMIX_NAMESPACE",
    "PMIX_RANK",
    "PMIX_SERVER_URI2",
    "PMI_RANK",
    "PMI_SIZE",
    "PMI_FD",
    "PMI_PORT",
    "HYDI_CONTROL_FD",
    "MPI_LOCALRANKID",
    "MV2_COMM_WORLD_SIZE",
    "SLURM_STEP_NUM_TASKS",
    "SLURM_SRUN_COMM_PORT",
    "JSM_NAMESPACE_SIZE",
    "FLUX_TASK_RANK",
    "PALS_RANKID",
    "ALPS_APP_PE",
    "OMPI_MCA_orte_ess_jobid",
};

/* The parent of a process and its name; 0 if that cannot be seen. */
static int parent_of(int process, char name[32])
{
    char path[64], text[256];
    snprintf(path, sizeof path, "/proc/%d/stat", process);
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    /* The name is in brackets, and may have some itself. */
    char *first = strchr(text, '('), *last = strrchr(text, ')');
    int parent = 0;
    if (!first || !last || last < first || sscanf(last + 1, " %*c %d", &parent) != 1)
        return 0;
    *last = '\0';
    snprintf(name, 32, "%s", first + 1);
    return parent;
}

static bool is_launcher(const char *name)
{
    for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++)
        if (strcmp(name, launchers[i]) == 0)
            return true;
    return false;
}

void ancestry_find(struct ancestry *ancestry)
{
    memset(ancestry, 0, sizeof *ancestry);
    int process = getppid();
    for (int n = 0; n < ANCESTRY_MOST && process > 1; n++) {
        char name[32] = "";
        ancestry->process[n] = process;
        process = parent_of(process, name);
        if (is_launcher(name)) {
            memcpy(ancestry->launcher, name, sizeof name);
            ancestry->n = n + 1;
            return;
        }
    }
}

bool ancestry_is_cut(const struct ancestry *ancestry)
{
    if (ancestry->n == 0)
        return false;
    if (getppid() != ancestry->process[0])
        return true;
    for (int i = 0; i + 1 < ancestry->n; i++) {
        char name[32];
        int parent = parent_of(ancestry->process[i], name);
        if (parent > 0 && parent != ancestry->process[i + 1])
            return true;
    }
    return false;
}

bool ancestry_is_alone(void)
{
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (getenv(told[i]))
            return false;
    /* A job step of Slurm has told by the environment; below slurmstepd are batch scripts, too. */
    struct ancestry ancestry;
    ancestry_find(&ancestry);
    return ancestry.n == 0 || strcmp(ancestry.launcher, "slurmstepd") == 0;
}
