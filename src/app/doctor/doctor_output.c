/* SPDX-License-Identifier: BSD-3-Clause */
#include "doctor_internal.h"

#include "base/real.h"
#include "data/hdf5/hdf5_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

/* The folder itself or, as a run would make it, the last part of its path that exists. */
static void find_folder(const char *path, char folder[static PATH_MAX])
{
    struct stat about;
    snprintf(folder, PATH_MAX, "%s", path);
    while (stat(folder, &about) != 0 && errno == ENOENT) {
        char *slash = strrchr(folder, '/');
        if (!slash) {
            strcpy(folder, ".");
            return;
        }
        slash[slash == folder] = '\0';
        if (strcmp(folder, "/") == 0)
            return;
    }
}

static status failure(const char *what, const char *path)
{
    return status_set(STATUS_FAILED, "%s %s: %s", what, path, strerror(errno));
}

/* A small file of the kind that a checkpoint is. */
static status write_file(const char *path)
{
    enum { N = 1024 };
    static const uint64_t dims[] = {N};
    static const double numbers[N];
    struct hdf5_file *file = NULL;
    status outcome = hdf5_create(path, &file);
    if (outcome != STATUS_OK)
        return outcome;
    outcome = hdf5_create_dataset(file, "/x", HDF5_AS_DOUBLE, 1, dims, N);
    if (outcome == STATUS_OK)
        outcome = hdf5_write_rows(file, "/x", 0, N, HDF5_AS_DOUBLE, numbers);
    if (outcome == STATUS_OK)
        outcome = hdf5_sync(file);
    return hdf5_close_after(&file, outcome);
}

static status read_file(const char *path)
{
    struct hdf5_file *file = NULL;
    double first;
    status outcome = hdf5_open(path, &file);
    if (outcome != STATUS_OK)
        return outcome;
    outcome = hdf5_read_rows(file, "/x", 0, 1, HDF5_AS_DOUBLE, &first);
    return hdf5_close_after(&file, outcome);
}

/* 0, or the error. */
static int sync_folder(const char *folder)
{
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return errno;
    int error = fsync(descriptor) == 0 ? 0 : errno;
    close(descriptor);
    return error;
}

/* What a run does: its own lock is of fcntl, the HDF5 library's of flock. */
static void try_locks(const char *path, struct output_facts *facts)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor < 0)
        return;
    facts->lock_error = fcntl(descriptor, F_SETLK, &whole) == 0 ? 0 : errno;
    /* On NFS both are the same lock, and of the same process: no conflict. */
    facts->flock_error = flock(descriptor, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    close(descriptor);
    unlink(path);
}

/* A link that takes the place of another one, as `latest` does. */
static void try_links(const char *first, const char *second, struct output_facts *facts)
{
    facts->link_error = symlink("nowhere", first) == 0 ? 0 : errno;
    unlink(first);
    int one = open(first, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    int two = open(second, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (one >= 0 && two >= 0)
        facts->replace_error = rename(first, second) == 0 ? 0 : errno;
    if (one >= 0)
        close(one);
    if (two >= 0)
        close(two);
    unlink(first);
    unlink(second);
}

static status try_files(struct output_facts *facts)
{
    char path[PATH_MAX + 64], renamed[PATH_MAX + 64];
    int pid = (int)getpid();
    snprintf(path, sizeof path, "%s/.coterie-doctor-%d.tmp", facts->folder, pid);
    snprintf(renamed, sizeof renamed, "%s/.coterie-doctor-%d.h5", facts->folder, pid);
    try_locks(path, facts);
    try_links(path, renamed, facts);
    status outcome = write_file(path);
    if (outcome == STATUS_OK)
        outcome = read_file(path);
    if (outcome == STATUS_OK && rename(path, renamed) != 0)
        outcome = failure("cannot rename", path);
    facts->folder_error = sync_folder(facts->folder);
    unlink(path);
    unlink(renamed);
    return outcome;
}

void examine_output(const char *path, struct output_facts *facts)
{
    struct statfs about;
    find_folder(path, facts->folder);
    facts->kind = file_system_of(facts->folder, facts->system, sizeof facts->system);
    facts->free = -1;
    if (statfs(facts->folder, &about) == 0)
        facts->free = (int64_t)about.f_bavail * (int64_t)about.f_bsize;
    facts->can_write = try_files(facts) == STATUS_OK;
    if (!facts->can_write)
        snprintf(facts->error, sizeof facts->error, "%s", status_text());
}
