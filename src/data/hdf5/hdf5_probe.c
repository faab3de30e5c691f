/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/hdf5/hdf5_probe.h"

#include "base/memory.h"
#include "base/stop_request.h"
#include "data/hdf5/hdf5_file.h"
#include "data/hdf5/hdf5_meaning.h"
#include "data/hdf5/hdf5_storage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CPU_SECONDS = 5,        /* without progress of the other process: a loop without end */
    CPU_MOST = 3600,        /* of all of it */
    LEAST_OBJECT = 16,      /* bytes that an object takes at least: there are no more in a file */
    NUMBERS_READ = 1 << 23, /* in all; of larger files only the first and last rows are read */
    BLOCK = 1 << 18,        /* numbers read at a time */
    NOT_ALL_OPENED = 1,     /* exit code of the other process */
    KNOWN_FILES = 8
};

/* A file as it was when it was found to be harmless. */
struct identity {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
};

static char program[PATH_MAX];
static struct identity known[KNOWN_FILES];
static unsigned n_known;

void hdf5_probe_enable(void)
{
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length > 0 ? length : 0] = '\0';
}

static bool identify(const char *path, struct identity *identity)
{
    struct stat about;
    memset(identity, 0, sizeof *identity);
    if (stat(path, &about) != 0)
        return false;
    identity->device = about.st_dev;
    identity->inode = about.st_ino;
    identity->size = about.st_size;
    identity->modified = about.st_mtim;
    return true;
}

static bool is_known(const struct identity *identity)
{
    for (unsigned i = 0; i < KNOWN_FILES && i < n_known; i++)
        if (memcmp(&known[i], identity, sizeof *identity) == 0)
            return true;
    return false;
}

void hdf5_probe_trust(const char *path)
{
    struct identity identity;
    if (identify(path, &identity) && !is_known(&identity))
        known[n_known++ % KNOWN_FILES] = identity;
}

/*
 * Starts the other process, without a word of its own; it shares nothing with MPI. What batch
 * systems and launchers send to all processes of a job, to ask for an end, is none of its business.
 */
static bool start_walk(const char *path, pid_t *child)
{
    char *const words[] = {program, HDF5_PROBE_COMMAND, (char *)path, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t blocked;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    for (int stream = 0; stream < 3; stream++)
        posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_RDWR, 0);
    sigemptyset(&blocked);
    const int requests[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        sigaddset(&blocked, requests[i]);
    posix_spawnattr_setsigmask(&attributes, &blocked);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    int failed = posix_spawn(child, program, &actions, &attributes, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return failed == 0;
}

static bool was_killed(int end)
{
    return WIFSIGNALED(end) && WTERMSIG(end) == SIGKILL;
}

/* Not by a blocking wait: a request to stop may come just before it. */
static bool wait_for_end(pid_t child, const char *path, int *end)
{
    const useconds_t longest_pause = 20000; /* microseconds */
    useconds_t pause = 50;
    pid_t ended;
    while ((ended = waitpid(child, end, WNOHANG)) == 0 || (ended < 0 && errno == EINTR)) {
        if (stop_request_check(path) != STATUS_OK)
            kill(child, SIGKILL);
        usleep(pause);
        pause = pause * 2 < longest_pause ? pause * 2 : longest_pause;
    }
    return ended == child;
}

/* False if no process could be made, or not waited for. */
static bool let_walk(const char *path, int *end)
{
    pid_t child;
    return start_walk(path, &child) && wait_for_end(child, path, end);
}

status hdf5_probe(const char *path)
{
    struct identity identity;
    int end = 0;
    if (!program[0] || !identify(path, &identity) || is_known(&identity))
        return STATUS_OK;
    /* Where no process can be made there is no protection, but no harm either. */
    if (!let_walk(path, &end))
        return STATUS_OK;
    /* What asks this process to stop may have ended the other one (XCPU). */
    status outcome = stop_request_check(path);
    if (outcome != STATUS_OK)
        return outcome;
    /* From outside, by somebody or for want of memory: that says nothing about the file. */
    if (was_killed(end) && !let_walk(path, &end))
        return STATUS_OK;
    if (WIFEXITED(end) && WEXITSTATUS(end) == 0) {
        hdf5_probe_trust(path);
        return STATUS_OK;
    }
    if (WIFEXITED(end) && WEXITSTATUS(end) == NOT_ALL_OPENED)
        return status_set(STATUS_USAGE,
                          "%s: damaged, not all that is in it can be opened; make or copy it again",
                          path);
    if (was_killed(end))
        return status_set(
            STATUS_USAGE,
            "%s: the process that checks the file was killed twice, perhaps for lack of memory",
            path);
    bool loops = WIFSIGNALED(end) && WTERMSIG(end) == SIGXCPU;
    return status_set(STATUS_USAGE,
                      "%s: damaged so that the HDF5 library %s; make or copy it again", path,
                      loops ? "never finishes reading it" : "crashes on it");
}

struct walk {
    struct hdf5_file *file;
    uint64_t budget;  /* numbers that may still be read */
    uint64_t objects; /* that may still come */
};

/* What is large, or holds many data sets, takes its time: the limit is for each step of the way. */
static void allow_more_time(void)
{
    struct rusage used;
    if (getrusage(RUSAGE_SELF, &used) != 0)
        return;
    rlim_t seconds = (rlim_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + 1 + CPU_SECONDS;
    struct rlimit cpu = {seconds < CPU_MOST ? seconds : CPU_MOST, CPU_MOST};
    setrlimit(RLIMIT_CPU, &cpu);
}

static status skip_attribute(const char *name, const char *value, void *context)
{
    (void)name, (void)value, (void)context;
    return STATUS_OK;
}

static void read_numbers(struct walk *walk, const char *name, const struct hdf5_shape *shape)
{
    uint64_t width = 1, rows = shape->rank > 0 ? shape->dims[0] : 1;
    double *values = NULL;
    for (int d = 1; d < shape->rank; d++)
        if (__builtin_mul_overflow(width, shape->dims[d], &width))
            return;
    if (width == 0 || rows == 0 || width > NUMBERS_READ)
        return;
    bool whole = rows <= walk->budget / width;
    uint64_t most = width < BLOCK ? BLOCK / width : 1, n = rows < most ? rows : most;
    if (memory_alloc(&values, n * width, sizeof *values, "a block of numbers") != STATUS_OK)
        return;
    walk->budget -= whole ? rows * width : 0;
    /* Beyond what cannot be read too: rows may be wanted in another order. */
    for (uint64_t first = 0; whole && first < rows; first += n) {
        allow_more_time();
        hdf5_read_rows(walk->file, name, first, rows - first < n ? rows - first : n, HDF5_AS_DOUBLE,
                       values);
    }
    if (!whole) {
        hdf5_read_rows(walk->file, name, 0, 1, HDF5_AS_DOUBLE, values);
        hdf5_read_rows(walk->file, name, rows - 1, 1, HDF5_AS_DOUBLE, values);
    }
    memory_free(&values);
}

/* What is asked of a data set before it is used. */
static void look_at(struct hdf5_file *file, const char *name)
{
    struct hdf5_meaning meaning;
    hdf5_meaning_find(file, name, &meaning);
    hdf5_meaning_release(&meaning);
    hdf5_check_storage(file, name);
}

/* What cannot be read is for the real reading to complain about. */
static status visit(const char *name, const struct hdf5_shape *shape, void *context)
{
    enum { OBJECTS_PER_STEP = 256 };
    struct walk *walk = context;
    if (walk->objects > 0 && walk->objects-- % OBJECTS_PER_STEP == 0)
        allow_more_time();
    if (shape->rank > 0)
        look_at(walk->file, name);
    hdf5_visit_attributes(walk->file, name, skip_attribute, NULL);
    if (shape->kind == HDF5_FLOAT || shape->kind == HDF5_INTEGER)
        read_numbers(walk, name, shape);
    else if (shape->kind == HDF5_STRING) {
        struct string_list list = {0};
        hdf5_read_strings(walk->file, name, &list);
        string_list_release(&list);
    }
    return STATUS_OK;
}

int hdf5_probe_walk(const char *path)
{
    struct rlimit cpu = {CPU_SECONDS, CPU_MOST}, core = {0, 0};
    struct stat about;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CPU, &cpu);
    setrlimit(RLIMIT_CORE, &core);
    struct walk walk = {.budget = NUMBERS_READ};
    if (stat(path, &about) == 0)
        walk.objects = (uint64_t)about.st_size / LEAST_OBJECT;
    if (hdf5_open(path, &walk.file) != STATUS_OK)
        return 0;
    hdf5_visit_attributes(walk.file, "/", skip_attribute, NULL);
    /* What cannot be listed cannot be looked at, but might be found by its name. */
    status outcome = hdf5_visit(walk.file, "/", visit, &walk);
    hdf5_close(&walk.file);
    return outcome == STATUS_OK ? 0 : NOT_ALL_OPENED;
}
