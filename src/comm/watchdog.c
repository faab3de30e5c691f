/* SPDX-License-Identifier: BSD-3-Clause */
#include "comm/watchdog.h"

#include "ancestry.h"
#include "communicator_mpi.h"

#include "base/clock.h"
#include "base/fresh_file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/site.h"
#include "base/thread.h"
#include "comm/shared_memory.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What the ranks of a host share. */
struct board {
    _Atomic int reported; /* a thread of this host has taken the report on itself */
    struct beacon beacon[];
};

/* A host as the others know it. */
struct host {
    char name[64];
    int first_rank;
};

struct watchdog {
    const struct communicator *comm;
    double timeout;
    char *directory;     /* where notes are left; the main thread replaces it */
    char *own_directory; /* the watching thread's copy */
    int *rank_of;        /* (node_size) */
    struct host *host;   /* (n_nodes) */
    struct shared_memory memory;
    struct board *board;
    struct ancestry ancestry;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool stopping, running;
};

/* A rank as it is seen when the run stands still. */
struct sighting {
    int rank;
    char host[64];
    uint64_t count, shape;
    int64_t step;
    enum site site;
    int is_stopped; /* its thread does not run either */
};

static void sight(const struct watchdog *watchdog, int node_rank, struct sighting *sighting)
{
    const struct beacon *beacon = &watchdog->board->beacon[node_rank];
    memset(sighting, 0, sizeof *sighting);
    sighting->rank = watchdog->rank_of[node_rank];
    memcpy(sighting->host, watchdog->comm->host, sizeof sighting->host);
    sighting->count = atomic_load(&beacon->count);
    sighting->shape = atomic_load(&beacon->shape);
    sighting->step = atomic_load(&beacon->step);
    sighting->site = (enum site)atomic_load(&beacon->site);
}

/* Of two ranks the one that is to blame: stopped, behind, or not in a collective. */
static bool is_later(const struct sighting *a, const struct sighting *b)
{
    if (a->is_stopped != b->is_stopped)
        return a->is_stopped;
    if (a->count != b->count)
        return a->count < b->count;
    return a->site == SITE_compute && b->site != SITE_compute;
}

static const char *place_of(const struct sighting *sighting)
{
    return sighting->site == SITE_compute ? "computing, outside any collective"
                                          : site_name(sighting->site);
}

/* It waits for others as they wait for it: there is nothing to see in the process itself. */
static bool only_waits(const struct sighting *late)
{
    return late->site != SITE_compute && !late->is_stopped;
}

static void describe(const struct sighting *late, const struct sighting *other, double timeout,
                     char *text, size_t size)
{
    if (only_waits(late))
        message_print(
            text, size,
            "ranks do not meet: rank %d on %s is in %s (%" PRIu64 " bytes) and rank %d on %s in "
            "%s (%" PRIu64 " bytes), step %" PRId64 ", for %.0f s (@hang-timeout); a network "
            "that is cut does this{ (continue with @resume auto)}, else please report it",
            late->rank, late->host, place_of(late), late->shape, other->rank, other->host,
            place_of(other), other->shape, late->step, timeout);
    else
        message_print(
            text, size,
            "rank %d on %s hangs%s: it is %s at step %" PRId64 ", while rank %d on %s waits in "
            "%s, for %.0f s (@hang-timeout); look at that host{, then continue with @resume auto}",
            late->rank, late->host, late->is_stopped ? ", its process is stopped" : "",
            place_of(late), late->step, other->rank, other->host, place_of(other), timeout);
}

/* A host that says nothing: it is down or cut off, and the ranks of the others wait for it. */
static void describe_silent(const struct host *silent, const char *directory,
                            const struct sighting *other, double timeout, char *text, size_t size)
{
    message_print(
        text, size,
        "host %s, of rank %d, does not answer (by a file in %s), while rank %d on %s waits in "
        "%s at step %" PRId64 ", for %.0f s (@hang-timeout); it is down, cut off or does not "
        "see that folder: look at it{, then continue with @resume auto}",
        silent->name, silent->first_rank, directory, other->rank, other->host, place_of(other),
        other->step, timeout);
}

/* Looks twice: a process whose thread does not count in between is stopped. */
static void sight_host(const struct watchdog *watchdog, struct sighting *sightings)
{
    int n = watchdog->comm->node_size;
    uint64_t before[n];
    for (int i = 0; i < n; i++)
        before[i] = atomic_load(&watchdog->board->beacon[i].alive);
    sleep(2);
    /* This thread was busy with sleeping. */
    atomic_fetch_add(&watchdog->board->beacon[watchdog->comm->node_rank].alive, 1);
    for (int i = 0; i < n; i++) {
        sight(watchdog, i, &sightings[i]);
        sightings[i].is_stopped = atomic_load(&watchdog->board->beacon[i].alive) == before[i];
    }
}

/* The first of the latest and the first of the others. */
static void find_late(const struct sighting *sightings, int n, const struct sighting **late,
                      const struct sighting **other)
{
    *late = *other = &sightings[0];
    for (int i = 1; i < n; i++)
        if (is_later(&sightings[i], *late))
            *late = &sightings[i];
    for (int i = 0; i < n; i++)
        if (*other == *late || is_later(*other, &sightings[i]))
            *other = &sightings[i];
}

static void note_path(const struct watchdog *watchdog, int node, char *path, size_t size)
{
    snprintf(path, size, "%s/hang-%d", watchdog->own_directory, node);
}

/* Leaves this host's latest rank and one other for the host that speaks; whole or not at all. */
static void leave_note(const struct watchdog *watchdog, const struct sighting *late,
                       const struct sighting *other)
{
    char path[PATH_MAX];
    struct fresh_file file;
    note_path(watchdog, watchdog->comm->node, path, sizeof path);
    if (fresh_file_open(&file, path) != STATUS_OK)
        return;
    bool written = fwrite(late, sizeof *late, 1, file.stream) == 1;
    written = fwrite(other, sizeof *other, 1, file.stream) == 1 && written;
    (void)fresh_file_publish(&file, written ? STATUS_OK : STATUS_FAILED);
}

/* Waits until all hosts have left a note, or the time is over. */
static void wait_for_notes(const struct watchdog *watchdog, double seconds)
{
    for (double end = clock_seconds() + seconds; clock_seconds() < end; usleep(100000)) {
        int n = 0;
        for (int node = 0; node < watchdog->comm->n_nodes; node++) {
            char path[PATH_MAX];
            note_path(watchdog, node, path, sizeof path);
            n += access(path, F_OK) == 0;
        }
        if (n == watchdog->comm->n_nodes)
            return;
    }
}

/* The number of sightings; *silent is the first host that has left none, -1 if all have. */
static int read_notes(const struct watchdog *watchdog, struct sighting *sightings, int *silent)
{
    int n = 0;
    *silent = -1;
    for (int node = 0; node < watchdog->comm->n_nodes; node++) {
        char path[PATH_MAX];
        size_t found = 0;
        note_path(watchdog, node, path, sizeof path);
        FILE *file = fopen(path, "rb");
        if (file) {
            found = fread(&sightings[n], sizeof *sightings, 2, file);
            fclose(file);
            unlink(path);
        }
        n += (int)found;
        if (found == 0 && *silent < 0)
            *silent = node;
    }
    return n;
}

/*
 * What all hosts have seen, as text. The first host speaks; each other gives those before it time,
 * and speaks if they are the ones that are dead.
 */
static void describe_all(const struct watchdog *watchdog, const struct sighting *own_late,
                         const struct sighting *own_other, char *text, size_t size)
{
    /* Hosts do not see a hang at the same moment, but within a step. */
    const double patience = fmin(30, fmax(4, watchdog->timeout / 20));
    const struct communicator *comm = watchdog->comm;
    const struct sighting *late = own_late, *other = own_other;
    struct sighting all[2 * comm->n_nodes];
    int silent = -1;
    leave_note(watchdog, own_late, own_other);
    if (comm->node == 0)
        wait_for_notes(watchdog, patience);
    else
        sleep((unsigned)patience + 3 * (unsigned)comm->node);
    int n = read_notes(watchdog, all, &silent);
    if (n > 0)
        find_late(all, n, &late, &other);
    if (silent >= 0 && n > 0 && !late->is_stopped && late->site != SITE_compute)
        describe_silent(&watchdog->host[silent], watchdog->own_directory, late, watchdog->timeout,
                        text, size);
    else
        describe(late, other, watchdog->timeout, text, size);
}

/* One thread a host gets here. Does not return. */
static void report(const struct watchdog *watchdog)
{
    const struct communicator *comm = watchdog->comm;
    const struct sighting *late, *other;
    COTERIE_ASSERT(comm->node_size > 0 && comm->n_nodes > 0);
    struct sighting host[comm->node_size];
    char text[1024 + PATH_MAX];
    sight_host(watchdog, host);
    find_late(host, comm->node_size, &late, &other);
    if (comm->n_nodes > 1 && watchdog->own_directory)
        describe_all(watchdog, late, other, text, sizeof text);
    else
        describe(late, other, watchdog->timeout, text, sizeof text);
    log_from_any_rank("error: %s", text);
    if (!has_mpi(comm->mpi))
        _exit(STATUS_FAILED);
    /* MPI_Abort waits for nobody; should it hang too, the alarm ends this process and so the run.
     */
    alarm(5);
    MPI_Abort(MPI_COMM_WORLD, STATUS_FAILED);
}

/*
 * Nobody is left to end the ranks of this host or to hear of their end: each ends by itself. Does
 * not return.
 */
static void leave_orphaned(const struct watchdog *watchdog)
{
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe,
                    NULL); /* who has read what is written here may be gone, too */
    if (watchdog->comm->node_rank == 0)
        log_from_any_rank("error: %s, which started the ranks on %s, is gone: they end{; continue "
                          "with @resume auto}",
                          watchdog->ancestry.launcher, watchdog->comm->host);
    _exit(STATUS_FAILED);
}

static void sleep_or_wake(struct watchdog *watchdog, double seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    long nanoseconds = until.tv_nsec + (long)(seconds * 1e9);
    until.tv_sec += nanoseconds / 1000000000;
    until.tv_nsec = nanoseconds % 1000000000;
    pthread_mutex_lock(&watchdog->mutex);
    if (!watchdog->stopping)
        pthread_cond_timedwait(&watchdog->wake, &watchdog->mutex, &until);
    pthread_mutex_unlock(&watchdog->mutex);
}

/* Grows whenever a rank of this host enters a collective or touches a file. */
static uint64_t total_progress(const struct watchdog *watchdog)
{
    uint64_t total = 0;
    for (int i = 0; i < watchdog->comm->node_size; i++) {
        const struct beacon *beacon = &watchdog->board->beacon[i];
        total += atomic_load(&beacon->count) + atomic_load(&beacon->pulse);
    }
    return total;
}

double idle_clock_look(struct idle_clock *clock, double now, uint64_t progress)
{
    const double longest = 1;
    double passed = fmin(now - clock->looked, longest);
    clock->idle = progress == clock->progress ? clock->idle + passed : 0;
    clock->progress = progress;
    clock->looked = now;
    return clock->idle;
}

static void *watch(void *context)
{
    struct watchdog *watchdog = context;
    struct beacon *own = &watchdog->board->beacon[watchdog->comm->node_rank];
    struct idle_clock clock = {.looked = clock_seconds()};
    for (;;) {
        sleep_or_wake(watchdog, 0.5);
        pthread_mutex_lock(&watchdog->mutex);
        bool stopping = watchdog->stopping;
        double timeout = watchdog->timeout;
        memory_free(&watchdog->own_directory);
        watchdog->own_directory = memory_strdup(watchdog->directory);
        pthread_mutex_unlock(&watchdog->mutex);
        if (stopping)
            return NULL;
        atomic_fetch_add(&own->alive, 1);
        if (ancestry_is_cut(&watchdog->ancestry))
            leave_orphaned(watchdog);
        double idle = idle_clock_look(&clock, clock_seconds(), total_progress(watchdog));
        if (timeout > 0 && idle > timeout && atomic_exchange(&watchdog->board->reported, 1) == 0)
            report(watchdog);
    }
}

/* Collective. The name and the first rank of every host, to all. */
static void learn_host_names(struct watchdog *watchdog)
{
    const struct communicator *comm = watchdog->comm;
    struct host *host = watchdog->host;
    struct host own = {.first_rank = comm->world_rank};
    memcpy(own.name, comm->host, sizeof own.name);
    host[0] = own;
    if (!has_mpi(comm->mpi))
        return;
    if (comm->node_rank == 0) {
        MPI_Allgather(&own, (int)sizeof own, MPI_BYTE, host, (int)sizeof own, MPI_BYTE,
                      comm->mpi->leaders);
    }
    MPI_Bcast(host, (int)((size_t)comm->n_nodes * sizeof *host), MPI_BYTE, 0, comm->mpi->node);
}

/* Collective. Who is who on this host, and the board that its ranks share. */
static status make_board(struct watchdog *watchdog)
{
    const struct communicator *comm = watchdog->comm;
    size_t bytes = sizeof(struct board) + (size_t)comm->node_size * sizeof(struct beacon);
    status outcome =
        memory_alloc(&watchdog->rank_of, (size_t)comm->node_size, sizeof(int), "the watchdog");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&watchdog->host, (size_t)comm->n_nodes, sizeof *watchdog->host,
                               "the watchdog");
    outcome = communicator_agree(comm, outcome);
    if (outcome == STATUS_OK)
        outcome = shared_memory_create(comm, bytes, &watchdog->memory);
    if (outcome != STATUS_OK)
        return outcome;
    watchdog->rank_of[0] = comm->world_rank;
    if (has_mpi(comm->mpi))
        MPI_Allgather(&comm->world_rank, 1, MPI_INT, watchdog->rank_of, 1, MPI_INT,
                      comm->mpi->node);
    learn_host_names(watchdog);
    watchdog->board = watchdog->memory.base;
    if (comm->node_rank == 0)
        memset(watchdog->board, 0, bytes);
    communicator_barrier(comm);
    site_publish_at(&watchdog->board->beacon[comm->node_rank]);
    communicator_barrier(comm);
    return STATUS_OK;
}

status watchdog_start(struct communicator *comm, double timeout)
{
    struct watchdog *watchdog = NULL;
    status outcome = memory_alloc(&watchdog, 1, sizeof *watchdog, "the watchdog");
    outcome = communicator_agree(comm, outcome);
    if (outcome != STATUS_OK)
        return outcome;
    comm->watchdog = watchdog;
    watchdog->comm = comm;
    watchdog->timeout = timeout;
    ancestry_find(&watchdog->ancestry);
    pthread_mutex_init(&watchdog->mutex, NULL);
    pthread_cond_init(&watchdog->wake, NULL);
    outcome = make_board(watchdog);
    if (outcome != STATUS_OK)
        return outcome;
    watchdog->running = thread_start(&watchdog->thread, watch, watchdog);
    outcome = site_read_faults(comm->rank);
    return communicator_agree(comm, outcome);
}

status watchdog_set(const struct communicator *comm, double timeout, const char *directory)
{
    struct watchdog *watchdog = comm->watchdog;
    if (!watchdog)
        return STATUS_OK;
    char *shared = comm->rank == 0 ? memory_strdup(directory) : NULL;
    status outcome = communicator_broadcast_text(comm, &shared);
    if (outcome != STATUS_OK)
        return outcome;
    pthread_mutex_lock(&watchdog->mutex);
    watchdog->timeout = timeout;
    memory_free(&watchdog->directory);
    watchdog->directory = shared;
    pthread_mutex_unlock(&watchdog->mutex);
    return STATUS_OK;
}

void watchdog_stop(struct communicator *comm)
{
    struct watchdog *own = comm->watchdog;
    if (!own)
        return;
    site_forget_faults();
    pthread_mutex_lock(&own->mutex);
    own->stopping = true;
    pthread_cond_signal(&own->wake);
    pthread_mutex_unlock(&own->mutex);
    if (own->running)
        pthread_join(own->thread, NULL);
    if (own->board) {
        site_publish_at(NULL);
        communicator_barrier(comm);
    }
    shared_memory_release(&own->memory);
    pthread_mutex_destroy(&own->mutex);
    pthread_cond_destroy(&own->wake);
    memory_free(&own->rank_of);
    memory_free(&own->host);
    memory_free(&own->directory);
    memory_free(&own->own_directory);
    memory_free(&comm->watchdog);
}
