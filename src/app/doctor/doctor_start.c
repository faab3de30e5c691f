/* SPDX-License-Identifier: BSD-3-Clause */
#include "doctor_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Checks of how the ranks were started, and on what. */

bool has_open_mpi(const struct rank_facts *rank)
{
    return strstr(rank->mpi, "Open MPI") != NULL;
}

/* Processes that know nothing of each other, though a launcher started them together. */
static void explain_strangers(const struct survey *survey, struct finding *finding)
{
    const struct rank_facts *root = &survey->rank[0];
    const struct launch_facts *launch = &root->launch;
    const char *interface = has_open_mpi(root) ? "pmix" : "pmi2";
    if (launch->ompi_size > survey->n_ranks) {
        finding_set(finding, VERDICT_FIX,
                    "mpirun of Open MPI started %d processes, but each is alone: %s is linked",
                    launch->ompi_size, root->mpi);
        finding_fix(finding,
                    "use the mpirun of the linked library, or build again with the mpicc that "
                    "belongs to this mpirun:\n"
                    "ldd \"$(command -v coterie)\" | grep libmpi; mpirun --version");
    } else if (launch->in_slurm_step) {
        finding_set(finding, VERDICT_FIX,
                    "srun started %d tasks, but MPI sees %d: srun and %s do not speak the same PMI",
                    launch->slurm_tasks, survey->n_ranks, root->mpi);
        finding_fix(finding,
                    "srun --mpi=%s -n %d coterie ...      (`srun --mpi=list` shows what there "
                    "is)\nor, in the batch script: mpirun -n %d coterie ...",
                    interface, launch->slurm_tasks, launch->slurm_tasks);
    } else if (launch->pmi_size > survey->n_ranks) {
        finding_set(finding, VERDICT_FIX,
                    "a launcher of MPICH's kind (PMI_SIZE=%d) started this, but each process is "
                    "alone: %s is linked",
                    launch->pmi_size, root->mpi);
        finding_fix(finding, "%s -n %d coterie ...",
                    has_open_mpi(root) ? "mpirun.openmpi" : "the mpiexec of that library",
                    launch->pmi_size);
    } else {
        finding_set(finding, VERDICT_FIX,
                    "a Slurm job of %d tasks, but this is one process without a launcher",
                    launch->slurm_tasks);
        finding_fix(finding, "mpirun -n %d coterie ...      or: srun --mpi=%s coterie ...",
                    launch->slurm_tasks, interface);
    }
}

void check_launch(const struct survey *survey, struct finding *finding)
{
    const struct launch_facts *launch = &survey->rank[0].launch;
    int cores = survey_cores(survey, 0, survey_host_end(survey, 0));
    bool by_mpirun = launch->ompi_size == survey->n_ranks ||
                     (launch->by_hydra && launch->pmi_size == survey->n_ranks);
    int most = launch->slurm_tasks > launch->pmi_size ? launch->slurm_tasks : launch->pmi_size;
    if (launch->ompi_size > survey->n_ranks ||
        (survey->n_ranks == 1 && !by_mpirun && most > survey->n_ranks)) {
        explain_strangers(survey, finding);
    } else if (survey->n_ranks == 1 && !by_mpirun && cores > 1) {
        finding_set(finding, VERDICT_ADVICE, "one rank, where %d cores may be used", cores);
        finding_fix(finding, "mpirun -n %d coterie ...", cores);
    } else {
        finding_set(finding, VERDICT_OK, "%d %s%s, %s", survey->n_ranks,
                    survey->n_ranks == 1 ? "rank" : "ranks",
                    by_mpirun               ? " by mpirun"
                    : launch->in_slurm_step ? " by srun"
                                            : "",
                    survey->rank[0].mpi);
    }
}

void check_root(const struct survey *survey, struct finding *finding)
{
    const struct rank_facts *root = &survey->rank[0];
    if (root->uid != 0) {
        finding_set(finding, VERDICT_OK, "not root");
    } else if (!has_open_mpi(root)) {
        finding_set(finding, VERDICT_OK, "you are root, which mpirun of Open MPI alone refuses");
    } else if (root->launch.root_is_allowed) {
        finding_set(finding, VERDICT_OK, "you are root, and mpirun is told to allow it");
    } else {
        finding_set(finding, VERDICT_ADVICE, "you are root: mpirun of Open MPI refuses to run");
        finding_fix(finding, "work as another user; in a container:\n"
                             "export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1");
    }
}

static const char *level_name(enum vector_level level)
{
    static const char *const names[] = {"unknown", "SSE", "AVX", "AVX2", "AVX-512"};
    return names[level];
}

/* The first thing in which a rank differs from the first one, and its two values. */
static const char *difference(const struct rank_facts *a, const struct rank_facts *b,
                              const char *values[2])
{
    const struct {
        const char *name, *a, *b;
    } parts[] = {{"BLAS kernels", a->kernel, b->kernel},
                 {"vector instructions", level_name(a->level), level_name(b->level)},
                 {"processors", a->processor, b->processor},
                 {"versions of BLAS", a->blas, b->blas},
                 {"versions of MPI", a->mpi, b->mpi},
                 {"versions of HDF5", a->hdf5, b->hdf5}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strcmp(parts[i].a, parts[i].b) != 0) {
            values[0] = parts[i].a;
            values[1] = parts[i].b;
            return parts[i].name;
        }
    return NULL;
}

void check_likeness(const struct survey *survey, struct finding *finding)
{
    const struct rank_facts *first = &survey->rank[0], *other = NULL;
    const char *what = NULL, *values[2] = {"", ""};
    struct host_list hosts = {0};
    char text[HOST_TEXT];
    for (int i = 1; i < survey->n_ranks; i++) {
        const struct rank_facts *rank = &survey->rank[i];
        const char *own[2], *found = difference(first, rank, own);
        if (!found)
            continue;
        host_list_add(&hosts, rank);
        if (other)
            continue;
        other = rank;
        what = found;
        values[0] = own[0];
        values[1] = own[1];
    }
    if (!other) {
        finding_set(finding, VERDICT_OK, "%s, %s, HDF5 %s%s", first->processor, first->blas,
                    first->hdf5, survey->n_hosts > 1 ? ", on all hosts" : "");
        return;
    }
    finding_set(finding, VERDICT_ADVICE,
                "different %s: %s (rank %d), but %s (rank %d)%s; results are not equal to the last "
                "bit",
                what, values[0], first->rank, values[1], other->rank,
                host_list_text(survey, &hosts, text));
    finding_fix(finding,
                "ask for hosts of one kind (Slurm: --constraint) and load the same modules "
                "everywhere");
}

void check_clocks(const struct survey *survey, struct finding *finding)
{
    const double most = 1; /* s */
    const struct rank_facts *first = &survey->rank[0];
    struct host_list hosts = {0};
    char text[HOST_TEXT];
    double largest = 0;
    for (int i = 0; i < survey->n_ranks; i = survey_host_end(survey, i)) {
        double behind = survey->rank[i].time - first->time;
        if (fabs(behind) > most)
            host_list_add(&hosts, &survey->rank[i]);
        if (fabs(behind) > fabs(largest))
            largest = behind;
    }
    if (hosts.n == 0) {
        finding_set(finding, VERDICT_OK, survey->n_hosts > 1 ? "less than 1 s apart" : "one host");
        return;
    }
    finding_set(finding, VERDICT_ADVICE, "they differ from the clock of %s by up to %.1f s%s",
                first->host, fabs(largest), host_list_text(survey, &hosts, text));
    finding_fix(finding, "time stamps of logs and files mislead; ask for chrony or ntpd there: "
                         "timedatectl set-ntp true");
}

void check_keepalive(const struct survey *survey, struct finding *finding)
{
    const struct rank_facts *root = &survey->rank[0];
    if (survey->n_hosts < 2) {
        finding_set(finding, VERDICT_OK, "one host");
    } else if (!has_open_mpi(root) || root->launch.ompi_size == 0) {
        finding_set(finding, VERDICT_ADVICE, "a rank that dies may leave the others waiting");
        finding_fix(finding, "srun -K1 --wait=3 ...; coterie's --hang-timeout ends the rest");
    } else if (root->launch.has_keepalive) {
        finding_set(finding, VERDICT_OK, "mpirun notices a host that is gone");
    } else {
        finding_set(finding, VERDICT_ADVICE,
                    "mpirun waits for ever for a host that loses power or network");
        const char *prefix = keepalive_prefix(root->mpi);
        finding_fix(finding,
                    "export %s_time=3 %s_intvl=1 %s_probes=3\n"
                    "ends the run within 6 s; coterie's --hang-timeout covers the rest",
                    prefix, prefix, prefix);
    }
}
