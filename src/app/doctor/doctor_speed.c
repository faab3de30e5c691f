/* SPDX-License-Identifier: BSD-3-Clause */
#include "doctor_internal.h"

#include "base/real.h"

#include <stdio.h>
#include <string.h>

/* Checks of kernels, threads and cores: what makes a run slow, or very slow. */

static enum vector_level kernel_level(const char *kernel)
{
    static const struct {
        const char *name;
        enum vector_level level;
    } kernels[] = {
        {"SkylakeX", LEVEL_AVX512}, {"Cooperlake", LEVEL_AVX512}, {"SapphireRapids", LEVEL_AVX512},
        {"Haswell", LEVEL_AVX2},    {"Zen", LEVEL_AVX2},          {"Excavator", LEVEL_AVX2},
        {"Sandybridge", LEVEL_AVX}, {"Bulldozer", LEVEL_AVX},     {"Piledriver", LEVEL_AVX},
        {"Steamroller", LEVEL_AVX}, {"Katmai", LEVEL_SSE},        {"Coppermine", LEVEL_SSE},
        {"Northwood", LEVEL_SSE},   {"Prescott", LEVEL_SSE},      {"Banias", LEVEL_SSE},
        {"Core2", LEVEL_SSE},       {"Penryn", LEVEL_SSE},        {"Dunnington", LEVEL_SSE},
        {"Nehalem", LEVEL_SSE},     {"Atom", LEVEL_SSE},          {"Athlon", LEVEL_SSE},
        {"Opteron", LEVEL_SSE},     {"Barcelona", LEVEL_SSE},     {"Bobcat", LEVEL_SSE},
        {"Nano", LEVEL_SSE},        {"Generic", LEVEL_SSE}};
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
        if (strncasecmp(kernels[i].name, kernel, strlen(kernels[i].name)) == 0)
            return kernels[i].level;
    return LEVEL_UNKNOWN;
}

static bool kernel_is_poor(const struct rank_facts *rank)
{
    enum vector_level level = kernel_level(rank->kernel);
    return level != LEVEL_UNKNOWN && level < rank->level;
}

/* A variable on the command line of mpirun reaches the ranks behind `unset`. */
static void explain_kernel(const struct rank_facts *rank, const char *hosts,
                           struct finding *finding)
{
    const char *has = processor_level_name(rank->level);
    if (*rank->launch.blas_coretype) {
        finding_set(finding, VERDICT_FIX,
                    "OPENBLAS_CORETYPE=%s makes OpenBLAS use its kernel for %s, though the "
                    "processor has %s: half the speed or less%s",
                    rank->launch.blas_coretype, rank->kernel, has, hosts);
        finding_fix(finding, "unset OPENBLAS_CORETYPE");
    } else {
        finding_set(finding, VERDICT_FIX,
                    "%s uses its kernel for %s, though the processor has %s: half the speed or "
                    "less%s",
                    rank->blas, rank->kernel, has, hosts);
        finding_fix(finding,
                    "install a newer OpenBLAS, built with DYNAMIC_ARCH=1 (Debian's is: apt "
                    "install libopenblas0-pthread)");
    }
}

void check_kernel(const struct survey *survey, struct finding *finding)
{
    const struct rank_facts *poor = NULL, *resized = NULL;
    struct host_list hosts = {0};
    char text[HOST_TEXT];
    bool mixed = false;
    for (int i = 0; i < survey->n_ranks; i++) {
        const struct rank_facts *rank = &survey->rank[i];
        mixed = mixed || rank->level != survey->rank[0].level;
        if (kernel_is_poor(rank)) {
            host_list_add(&hosts, rank);
            poor = poor ? poor : rank;
        }
        if (*rank->launch.blas_l2_size)
            resized = resized ? resized : rank;
    }
    if (poor && mixed && *poor->launch.blas_coretype) {
        finding_set(finding, VERDICT_ADVICE,
                    "OPENBLAS_CORETYPE=%s: one kernel on processors that differ, but slow%s",
                    poor->launch.blas_coretype, host_list_text(survey, &hosts, text));
        finding_fix(finding, "unset OPENBLAS_CORETYPE      (if speed matters more)");
    } else if (poor) {
        explain_kernel(poor, host_list_text(survey, &hosts, text), finding);
    } else if (resized) {
        finding_set(
            finding, VERDICT_ADVICE,
            "OPENBLAS_L2_SIZE=%s changes how OpenBLAS cuts matrices up: speed, and the last "
            "bits of results",
            resized->launch.blas_l2_size);
        finding_fix(finding, "unset OPENBLAS_L2_SIZE");
    } else {
        finding_set(finding, VERDICT_OK, "%s, kernel for %s", survey->rank[0].blas,
                    survey->rank[0].kernel);
    }
}

/* OpenBLAS takes fewer threads than it is asked for if the rank may not run on that many cores. */
static int threads_asked(const struct rank_facts *rank)
{
    int asked = rank->launch.blas_threads;
    return asked > rank->threads ? asked : rank->threads;
}

/* A rank with more threads than cores that it may run on. */
static const struct rank_facts *find_starved(const struct survey *survey, struct host_list *hosts)
{
    const struct rank_facts *starved = NULL;
    for (int i = 0; i < survey->n_ranks; i++) {
        const struct rank_facts *rank = &survey->rank[i];
        if (threads_asked(rank) <= rank->n_cores)
            continue;
        host_list_add(hosts, rank);
        starved = starved ? starved : rank;
    }
    return starved;
}

/* The threads of a host's ranks, if they are more than its cores and not one each; else 0. */
static int surplus_threads(const struct survey *survey, int first, int end)
{
    int threads = 0;
    for (int i = first; i < end; i++)
        threads += survey->rank[i].threads;
    return threads > end - first && threads > survey_cores(survey, first, end) ? threads : 0;
}

static bool explain_surplus(const struct survey *survey, struct finding *finding)
{
    struct host_list hosts = {0};
    char text[HOST_TEXT];
    int ranks = 0, threads = 0, cores = 0;
    for (int i = 0, end; i < survey->n_ranks; i = end) {
        end = survey_host_end(survey, i);
        int surplus = surplus_threads(survey, i, end);
        if (surplus == 0)
            continue;
        host_list_add(&hosts, &survey->rank[i]);
        if (threads == 0) {
            ranks = end - i;
            threads = surplus;
            cores = survey_cores(survey, i, end);
        }
    }
    if (threads > 0)
        finding_set(finding, VERDICT_FIX, "%d BLAS threads (%d %s) on %d %s%s", threads, ranks,
                    ranks == 1 ? "rank" : "ranks", cores, cores == 1 ? "core" : "cores",
                    host_list_text(survey, &hosts, text));
    return threads > 0;
}

/*
 * An OpenMP build heeds OMP_NUM_THREADS only, and the threads of its ranks spin while they wait.
 * Versions that cannot be told to use one thread by a call are about.
 */
static bool is_loose_openmp(const struct survey *survey)
{
    const struct rank_facts *root = &survey->rank[0];
    return root->threading == BLAS_OPENMP && survey_host_end(survey, 0) > 1 &&
           (!root->launch.omp_threads_said || root->threads > 1);
}

void check_threads(const struct survey *survey, struct finding *finding)
{
    static const char one_thread[] = "export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1";
    struct host_list hosts = {0};
    char text[HOST_TEXT];
    const struct rank_facts *root = &survey->rank[0], *starved = find_starved(survey, &hosts);
    if (starved) {
        finding_set(finding, VERDICT_FIX, "%d for rank %d, which may run on %d %s%s",
                    threads_asked(starved), starved->rank, starved->n_cores,
                    starved->n_cores == 1 ? "core only" : "cores only",
                    host_list_text(survey, &hosts, text));
        finding_fix(finding, "%s\nor give each rank its cores: mpirun --map-by slot:PE=%d ...",
                    one_thread, threads_asked(starved));
    } else if (is_loose_openmp(survey)) {
        finding_set(finding, root->threads > 1 ? VERDICT_FIX : VERDICT_ADVICE,
                    "this OpenBLAS is built with OpenMP: more than one thread in each of "
                    "several ranks is up to 50 times slower than one");
        finding_fix(finding, "%s\nor the other build: apt install libopenblas0-pthread",
                    one_thread);
    } else if (explain_surplus(survey, finding)) {
        finding_fix(finding, "%s", one_thread);
    } else if (root->threads > 1) {
        finding_set(finding, VERDICT_ADVICE,
                    "%d in each rank: more ranks are faster, and with several threads results are "
                    "not equal to the last bit",
                    root->threads);
        finding_fix(finding, "%s", one_thread);
    } else {
        finding_set(finding, VERDICT_OK, "1 in each rank");
    }
}

/* How many of the host's ranks have exactly the cores of rank `which`. */
static int count_same_cores(const struct survey *survey, int first, int end, int which)
{
    int n = 0;
    for (int i = first; i < end; i++)
        n += CPU_EQUAL(&survey->rank[i].cores, &survey->rank[which].cores) != 0;
    return n;
}

static int first_core(const struct rank_facts *rank)
{
    for (int core = 0; core < CPU_SETSIZE; core++)
        if (CPU_ISSET((size_t)core, &rank->cores))
            return core;
    return 0;
}

/* Bound ranks that have less than a core each, though the host has more. */
void check_binding(const struct survey *survey, struct finding *finding)
{
    const struct rank_facts *worst = NULL;
    struct host_list hosts = {0};
    char text[HOST_TEXT];
    int sharers = 0, n_bound = 0;
    for (int i = 0, end; i < survey->n_ranks; i = end) {
        end = survey_host_end(survey, i);
        for (int k = i; k < end; k++) {
            const struct rank_facts *rank = &survey->rank[k];
            bool is_bound = rank->n_cores < survey->rank[i].host_facts.online;
            int same = is_bound ? count_same_cores(survey, i, end, k) : 0;
            n_bound += is_bound;
            if (same <= rank->n_cores)
                continue;
            host_list_add(&hosts, rank);
            sharers = worst ? sharers : same;
            worst = worst ? worst : rank;
        }
    }
    if (!worst) {
        finding_set(finding, VERDICT_OK,
                    n_bound ? "%d of %d ranks have cores of their own"
                            : "ranks may run on any core",
                    n_bound, survey->n_ranks);
        return;
    }
    finding_set(finding, VERDICT_FIX, "%d ranks share %d %s (from core %d on), the rest is idle%s",
                sharers, worst->n_cores, worst->n_cores == 1 ? "core" : "cores", first_core(worst),
                host_list_text(survey, &hosts, text));
    finding_fix(finding,
                "mpirun --bind-to none ...      (several mpirun on one host begin with the "
                "same core)\nor ask the batch system for a core per rank: sbatch "
                "--cpus-per-task=1");
}

/* What the host has for us; that ranks are bound to less of it is the business of check_binding. */
static int cores_granted(const struct rank_facts *first)
{
    int online = first->host_facts.online;
    if (first->quota > 0 && first->quota < online)
        return first->quota < 1 ? 1 : (int)first->quota;
    return online;
}

void check_crowding(const struct survey *survey, struct finding *finding)
{
    struct host_list hosts = {0};
    char text[HOST_TEXT];
    int shown = 0; /* the host to speak of: the first that is crowded, else the first */
    for (int i = 0, end; i < survey->n_ranks; i = end) {
        end = survey_host_end(survey, i);
        if (end - i <= cores_granted(&survey->rank[i]))
            continue;
        shown = hosts.n == 0 ? i : shown;
        host_list_add(&hosts, &survey->rank[i]);
    }
    int end = survey_host_end(survey, shown);
    int ranks = end - shown, cores = cores_granted(&survey->rank[shown]);
    const char *where = host_list_text(survey, &hosts, text);
    if (hosts.n == 0) {
        finding_set(finding, VERDICT_OK, "%d %s on %d %s%s", ranks, ranks == 1 ? "rank" : "ranks",
                    cores, cores == 1 ? "core" : "cores",
                    survey->n_hosts > 1 ? " of the first host, no host has too many" : "");
    } else if (survey->rank[shown].launch.yields) {
        finding_set(finding, VERDICT_ADVICE, "%d ranks on %d %s, which take turns: no faster%s",
                    ranks, cores, cores == 1 ? "core" : "cores", where);
        finding_fix(finding, "mpirun -n %d ... is as fast", cores);
    } else {
        finding_set(
            finding, VERDICT_FIX,
            "%d ranks on %d %s, and those that wait do not give way: messages take hundreds "
            "of times longer%s",
            ranks, cores, cores == 1 ? "core" : "cores", where);
        finding_fix(finding,
                    has_open_mpi(&survey->rank[shown])
                        ? "mpirun -n %d ..., or: export OMPI_MCA_mpi_yield_when_idle=1"
                        : "mpirun -n %d ...",
                    cores);
    }
}

/* The rank that other processes disturb most, where ours leave each other their cores. */
static const struct rank_facts *find_disturbed(const struct survey *survey)
{
    const double least_share = 0.75;
    const struct rank_facts *worst = NULL;
    for (int i = 0, end; i < survey->n_ranks; i = end) {
        end = survey_host_end(survey, i);
        int threads = 0;
        for (int k = i; k < end; k++)
            threads += survey->rank[k].threads;
        for (int k = i; k < end && threads <= survey_cores(survey, i, end); k++)
            if (survey->rank[k].share < (worst ? worst->share : least_share))
                worst = &survey->rank[k];
    }
    return worst;
}

void check_rate(const struct survey *survey, struct finding *finding)
{
    const double least_share = 0.5; /* of the fastest rank's */
    const struct rank_facts *slowest = &survey->rank[0], *fastest = slowest;
    double sum = 0;
    for (int i = 0; i < survey->n_ranks; i++) {
        const struct rank_facts *rank = &survey->rank[i];
        slowest = rank->gflops < slowest->gflops ? rank : slowest;
        fastest = rank->gflops > fastest->gflops ? rank : fastest;
        sum += rank->gflops;
    }
    const char *product = sizeof(real) == sizeof(double) ? "dgemm" : "sgemm";
    char own[200];
    snprintf(own, sizeof own, "%s %.3g GFLOP/s", product, sum);
    if (survey->n_ranks > 1)
        snprintf(own + strlen(own), sizeof own - strlen(own),
                 " on all ranks together, each %.3g to %.3g", slowest->gflops, fastest->gflops);
    const struct rank_facts *disturbed = find_disturbed(survey);
    if (slowest->gflops == 0) {
        finding_set(finding, VERDICT_FIX, "not measured: no memory for 12 MiB on %s",
                    slowest->host);
        finding_fix(finding, "see memory, below");
    } else if (disturbed) {
        finding_set(finding, VERDICT_ADVICE,
                    "%s; other processes work on %s: rank %d had %.0f %% of its time", own,
                    disturbed->host, disturbed->rank, 100 * disturbed->share);
        finding_fix(finding, "see which (top), wait for them, or use another host");
    } else if (slowest->gflops >= least_share * fastest->gflops) {
        finding_set(finding, VERDICT_OK, "%s", own);
    } else {
        finding_set(finding, VERDICT_ADVICE, "%s; the slowest is rank %d on %s: all wait for it",
                    own, slowest->rank, slowest->host);
        finding_fix(finding, "leave that host out, or ask for hosts of one kind");
    }
}
