/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/hdf5/hdf5_probe.h"

#include "base/stop_request.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KNOWN_FILES = 8 };

/* A file as it was when it was found to be harmless. */
struct identity {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
};

static char program[PATH_MAX];
static bool (*is_sound_file)(const char *path);
static struct identity known[KNOWN_FILES];
static unsigned n_known;
static pthread_mutex_t known_lock = PTHREAD_MUTEX_INITIALIZER; /* the saver opens files, too */

void hdf5_probe_enable(bool (*is_sound)(const char *path))
{
    is_sound_file = is_sound;
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
    bool found = false;
    pthread_mutex_lock(&known_lock);
    for (unsigned i = 0; i < KNOWN_FILES && i < n_known && !found; i++)
        found = memcmp(&known[i], identity, sizeof *identity) == 0;
    pthread_mutex_unlock(&known_lock);
    return found;
}

void hdf5_probe_trust(const char *path)
{
    struct identity identity;
    if (!identify(path, &identity) || is_known(&identity))
        return;
    pthread_mutex_lock(&known_lock);
    known[n_known++ % KNOWN_FILES] = identity;
    pthread_mutex_unlock(&known_lock);
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
    if (is_sound_file && is_sound_file(path)) {
        hdf5_probe_trust(path);
        return STATUS_OK;
    }
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
    if (WIFEXITED(end) && WEXITSTATUS(end) == HDF5_NOT_ALL_OPENED)
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
