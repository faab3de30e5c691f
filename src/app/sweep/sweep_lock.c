/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/sweep/sweep_internal.h"

#include "train/loop/run_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

/* The kernel keeps locks in a list: more would take seconds, and these meet those of another. */
enum { MOST_LOCKED = 4096 };

/* The byte of the file that stands for a run: by its name, which is the same in another grid. */
static off_t byte_of(const struct sweep *sweep, size_t run)
{
    char name[512];
    sweep_run_name(sweep, run, name, sizeof name);
    return (off_t)(XXH3_64bits(name, strlen(name)) >> 2);
}

/* False if somebody else has it. A file system without locks is left at that. */
static bool lock_bytes(int file, off_t start, off_t length)
{
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    return fcntl(file, F_SETLK, &lock) == 0 || (errno != EAGAIN && errno != EACCES);
}

status sweep_lock(const struct sweep *sweep, const size_t *todo, size_t n_todo, int *lock)
{
    const char *output = sweep->options->output;
    char path[PATH_MAX];
    status outcome = run_directory_make_folder(output);
    if (outcome != STATUS_OK)
        return outcome;
    snprintf(path, sizeof path, "%s/lock", output);
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*lock < 0)
        return status_set(STATUS_FAILED, "cannot write %s: %s", path, strerror(errno));
    bool is_ours = sweep->options->array_size > 0 || lock_bytes(*lock, 0, 0);
    if (sweep->options->array_size > 0)
        for (size_t i = 0; i < n_todo && i < MOST_LOCKED && is_ours; i++)
            is_ours = lock_bytes(*lock, byte_of(sweep, todo[i]), 1);
    if (!is_ours)
        return status_set(STATUS_USAGE,
                          "another sweep is at work in %s on the same runs; wait for it, stop it, "
                          "or choose another --output",
                          output);
    return STATUS_OK;
}
