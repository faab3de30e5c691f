/* SPDX-License-Identifier: BSD-3-Clause */
#include "doctor_internal.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/real.h"
#include "comm/communicator.h"
#include "data/hdf5/hdf5_file.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static void copy_text(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from ? from : "");
}

/* A number of at least 0 from the environment; `missing` if there is none. */
static int environment_number(const char *name, int missing)
{
    const char *text = getenv(name);
    char *end;
    long number = text ? strtol(text, &end, 10) : 0;
    return text && end != text && number >= 0 && number <= INT_MAX ? (int)number : missing;
}

static bool is_set(const char *name)
{
    const char *text = getenv(name);
    return text && *text;
}

static bool is_switched_on(const char *name)
{
    const char *text = getenv(name);
    return text && (strcmp(text, "1") == 0 || strcasecmp(text, "true") == 0);
}

/*
 * mpirun sets it by itself when it knows of too few slots, a file can set it, and so can the
 * environment: only the library knows what is in force. In MPICH there is no such thing.
 */
static bool mpi_yields(void)
{
    const char *name = "mpi_yield_when_idle";
    int provided, index, count = 0;
    int value[16] = {0}; /* Open MPI has 1 or 4 bytes, by its version */
    MPI_T_cvar_handle handle;
    if (MPI_T_init_thread(MPI_THREAD_SINGLE, &provided) != MPI_SUCCESS)
        return is_switched_on("OMPI_MCA_mpi_yield_when_idle");
    if (MPI_T_cvar_get_index(name, &index) == MPI_SUCCESS &&
        MPI_T_cvar_handle_alloc(index, NULL, &handle, &count) == MPI_SUCCESS) {
        if (count == 1)
            MPI_T_cvar_read(handle, value);
        MPI_T_cvar_handle_free(&handle);
    }
    MPI_T_finalize();
    return value[0] != 0;
}

static int first_number(const char *const *names, int missing)
{
    for (; *names; names++)
        if (environment_number(*names, -1) >= 0)
            return environment_number(*names, missing);
    return missing;
}

const char *keepalive_prefix(const char *mpi)
{
    const char *version = strstr(mpi, "Open MPI v");
    int major = version ? atoi(version + strlen("Open MPI v")) : 0;
    return major < 5    ? "OMPI_MCA_oob_tcp_keepalive"
           : major == 5 ? "PRTE_MCA_oob_tcp_keepalive"
                        : "PRTE_MCA_prte_keepalive";
}

/* Under the names that this MPI heeds: mpirun hands its environment on. */
static bool has_keepalive(void)
{
    static const char *const ends[] = {"time", "intvl", "probes"};
    char mpi[128], name[64];
    bool has_all = true;
    communicator_library(mpi, sizeof mpi);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        snprintf(name, sizeof name, "%s_%s", keepalive_prefix(mpi), ends[i]);
        has_all = has_all && is_set(name);
    }
    return has_all;
}

void examine_launch(struct launch_facts *facts)
{
    static const char *const numbers[] = {"OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID", NULL};
    static const char *const in_step[] = {"SLURM_STEP_NUM_TASKS", "SLURM_NTASKS", NULL};
    static const char *const in_job[] = {"SLURM_NTASKS", "SLURM_NPROCS", NULL};
    static const char *const threads[] = {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", NULL};
    /* A batch script has SLURM_NTASKS and SLURM_PROCID too, but no step of its own. */
    facts->in_slurm_step = is_set("SLURM_STEP_NUM_TASKS") || is_set("SLURM_SRUN_COMM_PORT");
    facts->slurm_tasks = first_number(facts->in_slurm_step ? in_step : in_job, 0);
    facts->by_hydra = is_set("HYDI_CONTROL_FD");
    facts->ompi_size = environment_number("OMPI_COMM_WORLD_SIZE", 0);
    facts->pmi_size = environment_number("PMI_SIZE", 0);
    facts->number = first_number(numbers, 0);
    facts->root_is_allowed =
        is_set("OMPI_ALLOW_RUN_AS_ROOT") && is_set("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM");
    facts->has_keepalive = has_keepalive();
    facts->blas_threads = first_number(threads, 0);
    facts->omp_threads_said = is_set("OMP_NUM_THREADS");
    facts->yields = mpi_yields();
    copy_text(facts->blas_coretype, sizeof facts->blas_coretype, getenv("OPENBLAS_CORETYPE"));
    copy_text(facts->blas_l2_size, sizeof facts->blas_l2_size, getenv("OPENBLAS_L2_SIZE"));
}

static void processor_name(char *name, size_t size)
{
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[256];
    struct utsname system;
    *name = '\0';
    while (file && !*name && fgets(line, sizeof line, file)) {
        const char *value = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && value)
            snprintf(name, size, "%.*s", (int)strcspn(value + 2, "\n"), value + 2);
    }
    if (file)
        fclose(file);
    if (!*name && uname(&system) == 0) /* cpuinfo of other architectures has no such line */
        snprintf(name, size, "%.60s", system.machine);
}

static void examine_cores(struct rank_facts *facts)
{
    if (sched_getaffinity(0, sizeof facts->cores, &facts->cores) != 0) {
        /* More processors than a cpu_set_t holds. */
        for (long cpu = 0; cpu < sysconf(_SC_NPROCESSORS_ONLN) && cpu < CPU_SETSIZE; cpu++)
            CPU_SET((size_t)cpu, &facts->cores);
    }
    facts->n_cores = CPU_COUNT(&facts->cores);
    facts->quota = cgroup_cpu_quota();
}

/* Seconds of a product of (n,n) matrices, the best of at least `least` and of `patience` seconds.
 */
static double product_seconds(size_t n, int least, double patience, const real *a, const real *b,
                              real *c)
{
    double start = clock_seconds(), best = 1e300;
    for (int i = 0; i < least || clock_seconds() - start < patience; i++) {
        double before = clock_seconds();
        blas_gemm(BLAS_PLAIN, BLAS_PLAIN, n, n, n, a, n, b, n, 0, c, n);
        double seconds = clock_seconds() - before;
        best = seconds < best ? seconds : best;
    }
    return best;
}

static double processor_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/*
 * GFLOP/s of the best of a few products, in much less than a second even where one kernel is slow
 * and cores are shared. Nothing if there is no memory for it.
 */
static void measure_rate(struct rank_facts *facts)
{
    enum { SMALL = 256, LARGE = 1024 };
    const double patience = 0.2, growth = (double)LARGE * LARGE * LARGE / SMALL / SMALL / SMALL;
    real *matrix = NULL;
    if (memory_alloc(&matrix, 3 * LARGE * LARGE, sizeof *matrix, "matrices") != STATUS_OK)
        return;
    real *a = matrix, *b = a + LARGE * LARGE, *c = b + LARGE * LARGE;
    for (size_t i = 0; i < LARGE * LARGE; i++)
        a[i] = b[i] = (real)(1.0 / (double)(1 + i % 7));
    /* The first product wakes threads and buffers of the library. */
    double seconds = product_seconds(SMALL, 4, 0, a, b, c);
    size_t n = seconds * growth < patience ? LARGE : SMALL;
    double wall = clock_seconds(), used = processor_seconds();
    seconds = product_seconds(n, 2, patience, a, b, c);
    wall = clock_seconds() - wall;
    used = processor_seconds() - used;
    memory_free(&matrix);
    facts->gflops = 2e-9 * (double)n * (double)n * (double)n / seconds;
    facts->share = used / wall / facts->threads;
}

/* The library's name and number without the list of what it was built with. */
static void blas_name(char *name, size_t size)
{
    const char *text = blas_version();
    size_t length = strcspn(text, " ");
    if (text[length])
        length += 1 + strcspn(text + length + 1, " ");
    snprintf(name, size, "%.*s", (int)length, text);
}

void examine_rank(const struct communicator *comm, struct rank_facts *facts)
{
    memset(facts, 0, sizeof *facts);
    facts->rank = comm->rank;
    facts->node = comm->node;
    facts->node_rank = comm->node_rank;
    copy_text(facts->host, sizeof facts->host, comm->host);
    processor_name(facts->processor, sizeof facts->processor);
    copy_text(facts->kernel, sizeof facts->kernel, blas_kernel());
    blas_name(facts->blas, sizeof facts->blas);
    communicator_library(facts->mpi, sizeof facts->mpi);
    hdf5_version(facts->hdf5, sizeof facts->hdf5);
    facts->level = processor_level();
    facts->threading = blas_threading();
    facts->threads = blas_use_one_thread(); /* as in every command */
    facts->uid = (int)geteuid();
    examine_launch(&facts->launch);
    examine_cores(facts);
    if (comm->node_rank == 0)
        examine_host(&facts->host_facts);
    communicator_barrier(comm); /* all measure at once, as all will work at once */
    measure_rate(facts);
}
