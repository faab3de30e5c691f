/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_DOCTOR_INTERNAL_H
#define COTERIE_APP_DOCTOR_INTERNAL_H

#include "base/processor.h"

#include "base/status.h"
#include "comm/communicator.h"
#include "math/blas.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Shared by doctor*.c. Each rank examines where it runs and fills one struct of fixed size; rank 0
 * gets them all and judges. What belongs to a host is examined by the host's first rank only.
 */

enum file_system_kind { FILE_SYSTEM_LOCAL, FILE_SYSTEM_MEMORY, FILE_SYSTEM_LAYER, FILE_SYSTEM_NET };

/* What the launcher says in the environment; 0 for a number that is not said. */
struct launch_facts {
    int ompi_size, pmi_size, slurm_tasks;
    int number;           /* of this process among those that the launcher started */
    bool in_slurm_step;   /* started by srun */
    bool by_hydra;        /* started by mpirun of MPICH */
    bool root_is_allowed; /* both OMPI_ALLOW_RUN_AS_ROOT variables */
    bool yields;          /* Open MPI gives way while it waits */
    bool has_keepalive;   /* mpirun notices a host without power; by the name of its version */
    char blas_coretype[32], blas_l2_size[32];
    bool omp_threads_said; /* OMP_NUM_THREADS */
    int blas_threads;      /* asked for by a variable */
};

/* Of the first rank of a host. Sizes in bytes. */
struct host_facts {
    int online;                   /* processors, whoever may use them */
    int64_t memory, memory_limit; /* available; limit of the cgroup, INT64_MAX: none */
    int64_t shm_free;             /* -1: no /dev/shm */
    int n_leftovers;              /* shared memory of dead jobs */
    int64_t leftover_bytes;
    char leftovers[400];           /* names for rm, with * for the ranks of a job */
    char tmp[160], tmp_system[24]; /* where Open MPI keeps its session, cut; file system */
    int tmp_length;
    bool tmp_is_usable;
    enum file_system_kind tmp_kind;
    int64_t open_files, open_files_most;      /* soft and hard limit */
    bool has_fabric;                          /* InfiniBand or similar */
    int64_t locked, address_space, file_size; /* limits; INT64_MAX: none */
};

struct rank_facts {
    int rank, node, node_rank;
    char host[64], processor[64], kernel[32], blas[40], mpi[64], hdf5[32];
    enum vector_level level;
    enum blas_threading threading;
    int threads;
    double gflops;   /* with all ranks at work; 0: not measured */
    double share;    /* of the time that its threads could have had meanwhile */
    cpu_set_t cores; /* that this rank may run on */
    int n_cores;
    double quota; /* cores' worth of time that the cgroup grants; 0: no limit */
    int uid;
    double time; /* of day, read when all ranks had arrived */
    struct launch_facts launch;
    struct host_facts host_facts;
};

/* What trying out the run directory showed; rank 0 only. */
struct output_facts {
    char folder[PATH_MAX]; /* --output, or what of its path exists */
    char system[24];
    enum file_system_kind kind;
    int64_t free; /* bytes; -1: unknown */
    bool can_write;
    char error[600]; /* of what failed first */
    /* Numbers of the errors of what runs can do without; 0: it works. */
    int lock_error, flock_error, link_error, folder_error, replace_error;
};

/* All that is known. Ranks are sorted by host, so that a host's ranks are neighbours. */
struct survey {
    int n_ranks, n_hosts;
    struct rank_facts *rank; /* (n_ranks), by (node, node_rank) */
    struct output_facts output;
};

enum verdict { VERDICT_OK, VERDICT_ADVICE, VERDICT_FIX };
enum { FINDING_TEXT = 900 };

struct finding {
    enum verdict verdict;
    char seen[FINDING_TEXT];
    char fix[FINDING_TEXT]; /* lines of text; "" if there is nothing to do */
};

/* Sets a finding; `fix` follows by finding_fix. Local. */
void finding_set(struct finding *finding, enum verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void finding_fix(struct finding *finding, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The hosts that a finding concerns: " on node1, node2 and 5 more", or "" if there is one only. */
enum { HOSTS_SHOWN = 4 };
struct host_list {
    int n, last;
    char name[HOSTS_SHOWN][64];
};
void host_list_add(struct host_list *list, const struct rank_facts *rank);
enum { HOST_TEXT = 300 };
const char *host_list_text(const struct survey *survey, const struct host_list *list,
                           char text[static HOST_TEXT]);

/* Index behind the last rank of the host that rank number `first` (by index) belongs to. Local. */
int survey_host_end(const struct survey *survey, int first);

/* Whether the MPI that is linked is Open MPI. Local. */
bool has_open_mpi(const struct rank_facts *rank);

/* Cores that the ranks first .. end-1 of one host may use together, a cgroup's quota included. */
int survey_cores(const struct survey *survey, int first, int end);

/* Collective. All of a rank's facts but the time, and on the first rank of a host the host's. */
void examine_rank(const struct communicator *comm, struct rank_facts *facts);
/* What is looked at. Local. */
void examine_host(struct host_facts *facts);
void examine_leftovers(struct host_facts *facts);
void examine_output(const char *path, struct output_facts *facts);
void examine_launch(struct launch_facts *facts);

/* INT64_MAX or 0 if the cgroup of this process, and those around it, set no limit. */
int64_t cgroup_memory_limit(void);
double cgroup_cpu_quota(void);

/* The name of the file system that holds `path`; "unknown" if it cannot be asked. */
enum file_system_kind file_system_of(const char *path, char *name, size_t size);

/* The checks. Root, Local. */
void check_kernel(const struct survey *survey, struct finding *finding);
void check_rate(const struct survey *survey, struct finding *finding);
void check_threads(const struct survey *survey, struct finding *finding);
void check_binding(const struct survey *survey, struct finding *finding);
void check_crowding(const struct survey *survey, struct finding *finding);
void check_likeness(const struct survey *survey, struct finding *finding);
void check_launch(const struct survey *survey, struct finding *finding);
void check_root(const struct survey *survey, struct finding *finding);
/* What the names of these settings begin with in a version of Open MPI ("Open MPI v5.0.7"). */
const char *keepalive_prefix(const char *mpi);
void check_keepalive(const struct survey *survey, struct finding *finding);
void check_clocks(const struct survey *survey, struct finding *finding);
void check_output(const struct survey *survey, struct finding *finding);
void check_locks(const struct survey *survey, struct finding *finding);
void check_links(const struct survey *survey, struct finding *finding);
void check_durability(const struct survey *survey, struct finding *finding);
void check_file_system(const struct survey *survey, struct finding *finding);
void check_space(const struct survey *survey, struct finding *finding);
void check_shared_memory(const struct survey *survey, struct finding *finding);
void check_leftovers(const struct survey *survey, struct finding *finding);
void check_temporary(const struct survey *survey, struct finding *finding);
void check_memory(const struct survey *survey, struct finding *finding);
void check_limits(const struct survey *survey, struct finding *finding);

#endif
