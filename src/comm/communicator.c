/* SPDX-License-Identifier: BSD-3-Clause */
#include "comm/communicator.h"

#include "ancestry.h"
#include "communicator_mpi.h"
#include "same_program.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/site.h"
#include "comm/shard.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void abort_all_ranks(void)
{
    MPI_Abort(MPI_COMM_WORLD, STATUS_FAILED);
}

/* As abort_all_ranks, without MPI. */
static void abort_alone(void)
{
    _exit(STATUS_FAILED);
}

/* Numbers the hosts in the order of their first ranks. */
static void learn_hosts(struct communicator *comm)
{
    struct communicator_mpi *mpi = comm->mpi;
    comm->n_nodes = comm->node_size = 1;
    if (!has_mpi(comm->mpi))
        return;
    MPI_Comm_split_type(mpi->world, MPI_COMM_TYPE_SHARED, comm->rank, MPI_INFO_NULL, &mpi->node);
    MPI_Comm_rank(mpi->node, &comm->node_rank);
    MPI_Comm_size(mpi->node, &comm->node_size);
    MPI_Comm_split(mpi->world, comm->node_rank == 0 ? 0 : MPI_UNDEFINED, comm->rank, &mpi->leaders);
    int place[2] = {0, 0};
    if (mpi->leaders != MPI_COMM_NULL) {
        MPI_Comm_rank(mpi->leaders, &place[0]);
        MPI_Comm_size(mpi->leaders, &place[1]);
    }
    MPI_Bcast(place, 2, MPI_INT, 0, mpi->node);
    comm->node = place[0];
    comm->n_nodes = place[1];
}

static status allocate_counts(struct communicator *comm)
{
    int **arrays[] = {&comm->mpi->counts, &comm->mpi->offsets, &comm->mpi->more_counts,
                      &comm->mpi->more_offsets};
    status outcome = STATUS_OK;
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0] && outcome == STATUS_OK; i++)
        outcome = memory_alloc(arrays[i], (size_t)comm->size, sizeof(int), "a communicator");
    return outcome;
}

static void free_counts(struct communicator *comm)
{
    memory_free(&comm->mpi->counts);
    memory_free(&comm->mpi->offsets);
    memory_free(&comm->mpi->more_counts);
    memory_free(&comm->mpi->more_offsets);
}

/* Collective over mpi->world, which is there already. */
static status finish_start(struct communicator *comm)
{
    struct communicator_mpi *mpi = comm->mpi;
    comm->size = 1;
    if (has_mpi(comm->mpi)) {
        MPI_Comm_rank(mpi->world, &comm->rank);
        MPI_Comm_size(mpi->world, &comm->size);
    }
    mpi->everyone = mpi->world;
    mpi->own_number = comm->rank;
    mpi->node = mpi->leaders = MPI_COMM_NULL;
    status outcome = communicator_agree(comm, allocate_counts(comm));
    if (outcome == STATUS_OK)
        learn_hosts(comm);
    return outcome;
}

/*
 * A program without a launcher has Open MPI 4 start a daemon for it, which takes longer than all
 * else at its start and serves only programs that start further ones. Without it, programs on a
 * host share the names of their session folders and remove each other's; they need none. Other MPIs
 * do not know these variables; programs that are started from here must not see them.
 */
static void initialize(int *argc, char ***argv)
{
    static const char *const without[][2] = {{"OMPI_MCA_ess_singleton_isolated", "1"},
                                             {"OMPI_MCA_orte_create_session_dirs", "0"}};
    bool alone = !getenv("PMIX_NAMESPACE") && !getenv("PMI_RANK") && !getenv("PMI_FD") &&
                 !getenv(without[0][0]) && !getenv(without[1][0]);
    for (int i = 0; i < 2 && alone; i++)
        setenv(without[i][0], without[i][1], 1);
    int provided;
    /* FUNNELED: only the main thread calls MPI; checkpoints are written by another one. */
    MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided);
    for (int i = 0; i < 2 && alone; i++)
        unsetenv(without[i][0]);
}

/* Collective over MPI_COMM_WORLD, where nothing else can be agreed on yet. */
static status allocate_handles(struct communicator *comm, bool alone)
{
    status outcome = memory_alloc(&comm->mpi, 1, sizeof *comm->mpi, "the communicator");
    int worst = (int)outcome;
    if (!alone)
        MPI_Allreduce(MPI_IN_PLACE, &worst, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    if (worst == STATUS_OK) {
        comm->mpi->world = MPI_COMM_NULL;
        return STATUS_OK;
    }
    memory_free(&comm->mpi);
    return status_set((status)worst, "a rank has no memory to start; use larger hosts");
}

/*
 * A process that nobody else belongs to does without MPI: its start would take longer than most
 * commands (1 s with Open MPI 6), and Open MPI 5 leaves files behind.
 */
status communicator_start(int *argc, char ***argv, struct communicator *comm)
{
    bool alone = ancestry_is_alone();
    memset(comm, 0, sizeof *comm);
    comm->launcher = launcher_find();
    if (!alone) {
        initialize(argc, argv);
        MPI_Comm_rank(MPI_COMM_WORLD, &comm->world_rank);
    }
    log_set_rank(comm->world_rank);
    status_set_abort_handler(alone ? abort_alone : abort_all_ranks);
    gethostname(comm->host, sizeof comm->host - 1);

    status outcome = alone ? STATUS_OK : same_program_check(*argc, *argv, comm->host);
    if (outcome == STATUS_OK)
        outcome = allocate_handles(comm, alone);
    if (outcome != STATUS_OK)
        return outcome;
    if (!alone)
        MPI_Comm_dup(MPI_COMM_WORLD, &comm->mpi->world);
    outcome = finish_start(comm);
    comm->ranks_on_host = comm->node_size;
    return outcome;
}

status communicator_split(const struct communicator *whole, int color, struct communicator *part)
{
    memset(part, 0, sizeof *part);
    part->world_rank = whole->world_rank;
    part->ranks_on_host = whole->ranks_on_host;
    memcpy(part->host, whole->host, sizeof part->host);
    status outcome = memory_alloc(&part->mpi, 1, sizeof *part->mpi, "the communicator");
    outcome = communicator_agree(whole, outcome);
    if (outcome != STATUS_OK) {
        memory_free(&part->mpi);
        return outcome;
    }
    part->mpi->world = MPI_COMM_NULL;
    part->mpi->node = part->mpi->leaders = MPI_COMM_NULL;
    if (has_mpi(whole->mpi))
        MPI_Comm_split(whole->mpi->world, color, whole->rank, &part->mpi->world);
    return communicator_agree(whole, finish_start(part));
}

void communicator_stop(struct communicator *comm)
{
    int started = 0;
    communicator_release(comm);
    status_set_abort_handler(NULL);
    MPI_Initialized(&started);
    if (started)
        MPI_Finalize();
}

/* Collective. The ranks of the same color, in their order. */
static void make_part(const struct communicator *all, int color, struct communicator *part)
{
    struct communicator_mpi *mpi = part->mpi;
    mpi->world = MPI_COMM_NULL;
    part->size = 1;
    if (has_mpi(all->mpi)) {
        MPI_Comm_split(all->mpi->world, color, all->rank, &mpi->world);
        MPI_Comm_rank(mpi->world, &part->rank);
        MPI_Comm_size(mpi->world, &part->size);
    }
    part->world_rank = all->world_rank;
    memcpy(part->host, all->host, sizeof part->host);
    mpi->everyone = all->mpi->everyone;
    mpi->own_number = all->mpi->own_number;
    mpi->node = mpi->leaders = MPI_COMM_NULL;
    part->ranks_on_host = all->ranks_on_host;
}

status communicator_divide(const struct communicator *all, int n_groups, struct communicator *group,
                           struct communicator *peers)
{
    COTERIE_ASSERT(n_groups > 0 && all->size % n_groups == 0);
    int group_size = all->size / n_groups;
    memset(group, 0, sizeof *group);
    memset(peers, 0, sizeof *peers);
    status outcome = memory_alloc(&group->mpi, 1, sizeof *group->mpi, "a communicator");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&peers->mpi, 1, sizeof *peers->mpi, "a communicator");
    outcome = communicator_agree(all, outcome);
    if (outcome != STATUS_OK) {
        memory_free(&group->mpi);
        memory_free(&peers->mpi);
        return outcome;
    }
    make_part(all, all->rank / group_size, group);
    make_part(all, all->rank % group_size, peers);
    outcome = allocate_counts(group);
    if (outcome == STATUS_OK)
        outcome = allocate_counts(peers);
    outcome = communicator_agree(all, outcome);
    if (outcome != STATUS_OK)
        return outcome;
    learn_hosts(group);
    /* How a group works depends on it, and all must do alike. */
    if (all->size > 1)
        MPI_Allreduce(MPI_IN_PLACE, &group->n_nodes, 1, MPI_INT, MPI_MAX, all->mpi->world);
    return STATUS_OK;
}

void communicator_release(struct communicator *part)
{
    if (!part->mpi)
        return;
    if (part->mpi->leaders != MPI_COMM_NULL)
        MPI_Comm_free(&part->mpi->leaders);
    if (part->mpi->node != MPI_COMM_NULL)
        MPI_Comm_free(&part->mpi->node);
    if (has_mpi(part->mpi))
        MPI_Comm_free(&part->mpi->world);
    free_counts(part);
    memory_free(&part->mpi);
}

status communicator_agree(const struct communicator *comm, status local)
{
    /* The lowest failing rank in the upper digits, its status in the lower ones. */
    enum { CODES = 256 };
    const struct communicator_mpi *mpi = comm->mpi;
    int own = local == STATUS_OK ? INT_MAX : mpi->own_number * CODES + (int)local;
    int first = own;
    site_enter(SITE_agree, sizeof own);
    if (mpi->everyone != MPI_COMM_NULL)
        MPI_Allreduce(&own, &first, 1, MPI_INT, MPI_MIN, mpi->everyone);
    site_leave();
    if (first == INT_MAX)
        return STATUS_OK;
    int rank = first / CODES;
    char text[2048] = "";
    if (mpi->own_number == rank) {
        if (rank == 0)
            snprintf(text, sizeof text, "%s", status_text());
        else
            snprintf(text, sizeof text, "rank %d on %s: %s", comm->world_rank, comm->host,
                     status_text());
    }
    if (mpi->everyone != MPI_COMM_NULL)
        MPI_Bcast(text, sizeof text, MPI_CHAR, rank, mpi->everyone);
    return status_set((status)(first % CODES), "%s", text);
}

void communicator_broadcast(const struct communicator *comm, void *data, size_t bytes)
{
    const size_t largest = (size_t)1 << 30;
    site_enter(SITE_broadcast, bytes);
    for (char *at = data; bytes > 0 && comm->size > 1;) {
        size_t part = bytes < largest ? bytes : largest;
        MPI_Bcast(at, (int)part, MPI_BYTE, 0, comm->mpi->world);
        at += part;
        bytes -= part;
    }
    site_leave();
}

status communicator_broadcast_text(const struct communicator *comm, char **text)
{
    uint64_t bytes = comm->rank == 0 && *text ? strlen(*text) + 1 : 0;
    communicator_broadcast(comm, &bytes, sizeof bytes);
    status outcome = STATUS_OK;
    if (comm->rank != 0) {
        *text = NULL;
        if (bytes > 0)
            outcome = memory_alloc(text, bytes, 1, "a broadcast text");
    }
    outcome = communicator_agree(comm, outcome);
    if (outcome == STATUS_OK)
        communicator_broadcast(comm, *text, bytes);
    return outcome;
}

void communicator_max(const struct communicator *comm, double *values, size_t n)
{
    site_enter(SITE_maximum, n * sizeof(double));
    if (comm->size > 1)
        MPI_Allreduce(MPI_IN_PLACE, values, (int)n, MPI_DOUBLE, MPI_MAX, comm->mpi->world);
    site_leave();
}

void communicator_max_reals(const struct communicator *comm, real *values, size_t n)
{
    COTERIE_ASSERT(n <= INT_MAX);
    site_enter(SITE_maximum, n * sizeof(real));
    if (comm->size > 1)
        MPI_Allreduce(MPI_IN_PLACE, values, (int)n, MPI_REAL_TYPE, MPI_MAX, comm->mpi->world);
    site_leave();
}

void communicator_sum(const struct communicator *comm, int64_t *values, size_t n)
{
    COTERIE_ASSERT(n <= INT_MAX);
    site_enter(SITE_sum, n * sizeof(int64_t));
    if (comm->size > 1)
        MPI_Allreduce(MPI_IN_PLACE, values, (int)n, MPI_INT64_T, MPI_SUM, comm->mpi->world);
    site_leave();
}

void communicator_gather(const struct communicator *comm, const void *own, void *all, size_t bytes)
{
    COTERIE_ASSERT(bytes <= INT_MAX);
    site_enter(SITE_gather, bytes);
    if (comm->size > 1)
        MPI_Gather(own, (int)bytes, MPI_BYTE, all, (int)bytes, MPI_BYTE, 0, comm->mpi->world);
    else if (bytes > 0 && own != all)
        memcpy(all, own, bytes);
    site_leave();
}

/* A row as one MPI element, so that counts stay small however long the row is. */
static MPI_Datatype row_type(size_t row_bytes)
{
    MPI_Datatype row;
    COTERIE_ASSERT(row_bytes % 8 == 0 && row_bytes / 8 <= INT_MAX);
    MPI_Type_contiguous((int)(row_bytes / 8), MPI_INT64_T, &row);
    MPI_Type_commit(&row);
    return row;
}

static void set_counts(const struct communicator *comm, const struct shard *shard)
{
    for (int r = 0; r < comm->size; r++) {
        comm->mpi->counts[r] = (int)shard_count(shard, r);
        comm->mpi->offsets[r] = (int)shard_first(shard, r);
    }
}

/* The only rank has all rows. */
static void copy_rows(const struct shard *shard, size_t row_bytes, const void *from, void *to)
{
    if (shard->n_experts * row_bytes > 0 && from != to)
        memcpy(to, from, shard->n_experts * row_bytes);
}

void communicator_gather_rows(const struct communicator *comm, const struct shard *shard,
                              size_t row_bytes, const void *local, void *all)
{
    site_enter(SITE_gather_rows, row_bytes);
    if (comm->size == 1) {
        copy_rows(shard, row_bytes, local, all);
        site_leave();
        return;
    }
    MPI_Datatype row = row_type(row_bytes);
    set_counts(comm, shard);
    MPI_Gatherv(local, (int)shard_count(shard, comm->rank), row, all, comm->mpi->counts,
                comm->mpi->offsets, row, 0, comm->mpi->world);
    site_leave();
    MPI_Type_free(&row);
}

void communicator_scatter_rows(const struct communicator *comm, const struct shard *shard,
                               size_t row_bytes, const void *all, void *local)
{
    site_enter(SITE_scatter_rows, row_bytes);
    if (comm->size == 1) {
        copy_rows(shard, row_bytes, all, local);
        site_leave();
        return;
    }
    MPI_Datatype row = row_type(row_bytes);
    set_counts(comm, shard);
    MPI_Scatterv(all, comm->mpi->counts, comm->mpi->offsets, row, local,
                 (int)shard_count(shard, comm->rank), row, 0, comm->mpi->world);
    site_leave();
    MPI_Type_free(&row);
}

void communicator_barrier(const struct communicator *comm)
{
    site_enter(SITE_barrier, 0);
    if (comm->size > 1)
        MPI_Barrier(comm->mpi->world);
    site_leave();
}

void communicator_wait(const struct communicator *comm)
{
    const useconds_t pause = 10000; /* microseconds */
    if (comm->size == 1)
        return;
    MPI_Request request;
    int all_are_here = 0;
    site_enter(SITE_barrier, 0);
    MPI_Ibarrier(comm->mpi->world, &request);
    for (;;) {
        MPI_Test(&request, &all_are_here, MPI_STATUS_IGNORE);
        if (all_are_here)
            break;
        usleep(pause);
    }
    site_leave();
}

void communicator_library(char *text, size_t size)
{
    char version[MPI_MAX_LIBRARY_VERSION_STRING];
    int length;
    MPI_Get_library_version(version, &length);
    version[strcspn(version, ",\n")] = '\0';
    for (char *at = version; *at; at++)
        *at = *at == '\t' ? ' ' : *at; /* MPICH */
    snprintf(text, size, "%s", version);
}
