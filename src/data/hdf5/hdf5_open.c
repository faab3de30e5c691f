/* SPDX-License-Identifier: BSD-3-Clause */
#include "hdf5_internal.h"

#include "base/memory.h"
#include "base/pointer.h"
#include "base/site.h"
#include "data/hdf5/hdf5_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static status new_file(const char *path, hid_t id, bool writable, struct hdf5_file **out)
{
    struct hdf5_file *file = NULL;
    status outcome = memory_alloc(&file, 1, sizeof *file, "an HDF5 file");
    if (outcome == STATUS_OK && !(file->path = memory_strdup(path)))
        outcome = status_set(STATUS_FAILED, "%s: not enough memory to open it", path);
    if (outcome != STATUS_OK) {
        memory_free(&file);
        H5Fclose(id);
        return outcome;
    }
    file->id = id;
    file->writable = writable;
    *out = file;
    return STATUS_OK;
}

/* Closing the file closes what is open in it, also after a failure half-way. */
static hid_t file_access(bool locks, H5F_close_degree_t degree)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
#if H5_VERSION_GE(1, 12, 1) || (H5_VERSION_GE(1, 10, 7) && !H5_VERSION_GE(1, 12, 0))
    if (!locks)
        H5Pset_file_locking(access, false, true);
#else
    (void)locks;
#endif
    H5Pset_fclose_degree(access, degree);
    H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110);
    return access;
}

static bool lock_is_missing(const char *cause)
{
    return strstr(cause, "unable to lock") != NULL;
}

/* < 0, and why, if it fails. */
static hid_t create_file(const char *path, bool locks, char cause[256])
{
    hid_t access = file_access(locks, H5F_CLOSE_STRONG), creation = H5Pcreate(H5P_FILE_CREATE);
    /* Times in the object headers would make equal content give different files. */
    H5Pset_obj_track_times(creation, false);
    hid_t id = H5Fcreate(path, H5F_ACC_EXCL, creation, access);
    hdf5_innermost_error(cause);
    H5Pclose(creation);
    H5Pclose(access);
    return id;
}

/* Whether the file system has locks at all: some refuse each with an error of their own. */
static bool has_locks(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    bool works = file < 0 || flock(file, LOCK_SH | LOCK_NB) == 0 || errno == EWOULDBLOCK;
    if (file >= 0)
        close(file);
    return works;
}

static hid_t open_file(const char *path, bool locks, H5F_close_degree_t degree, char cause[256])
{
    hid_t access = file_access(locks, degree);
    hid_t id = H5Fopen(path, H5F_ACC_RDONLY, access);
    hdf5_innermost_error(cause);
    H5Pclose(access);
    return id;
}

/* What a file takes beside numbers and names (its head and tables of contents), and a block. */
enum { ROOM_BESIDE = 1 << 15, ROOM_STEP = 1 << 12 };

/*
 * 0, or why the file of this descriptor cannot have all bytes from .. to - 1. Its size stays: what
 * is reserved lies behind its end.
 */
static int reserve_bytes(int descriptor, uint64_t from, uint64_t to)
{
    struct rlimit most;
    if (getrlimit(RLIMIT_FSIZE, &most) == 0 && most.rlim_cur != RLIM_INFINITY && to > most.rlim_cur)
        return EFBIG;
    int error;
    do
        error = fallocate(descriptor, FALLOC_FL_KEEP_SIZE, (off_t)from, (off_t)(to - from)) == 0
                    ? 0
                    : errno;
    while (error == EINTR);
    return error == ENOSPC || error == EDQUOT || error == EFBIG ? error : 0;
}

static status no_room(const char *path, int error)
{
    return status_set(STATUS_FAILED,
                      "%s: cannot be written: %s%s; free some space, or choose another disk", path,
                      error == ENOSPC ? "the disk is full: " : "", strerror(error));
}

status hdf5_reserve(struct hdf5_file *file, uint64_t bytes)
{
    file->wanted += bytes;
    uint64_t end = (file->wanted + ROOM_BESIDE + ROOM_STEP - 1) / ROOM_STEP * ROOM_STEP;
    int *descriptor = NULL;
    if (end <= file->room || H5Fget_vfd_handle(file->id, H5P_DEFAULT, (void **)&descriptor) < 0 ||
        !descriptor)
        return STATUS_OK;
    int error = reserve_bytes(*descriptor, file->room, end);
    if (error != 0)
        return no_room(file->path, error);
    file->room = end;
    return STATUS_OK;
}

/* Gives back what was reserved and not used. */
static void give_back(const char *path)
{
    struct stat about;
    if (stat(path, &about) == 0 && truncate(path, about.st_size) != 0)
        return; /* the file is whole; it takes more of the disk than it need */
}

/* Before the library makes a file, which it could not even close on a full disk. */
static status check_room(const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return STATUS_OK; /* the library says it better */
    int error = reserve_bytes(file, 0, ROOM_BESIDE);
    close(file);
    unlink(path);
    return error == 0 ? STATUS_OK : no_room(path, error);
}

status hdf5_create(const char *path, struct hdf5_file **out)
{
    HDF5_LOCKED;
    struct stat existing;
    hdf5_start_library();
    *out = NULL;
    if (lstat(path, &existing) == 0)
        return status_set(STATUS_USAGE, "%s: exists already; remove it or choose another name",
                          path);
    status outcome = site_file(SITE_hdf5_create, path);
    if (outcome == STATUS_OK)
        outcome = check_room(path);
    if (outcome != STATUS_OK)
        return outcome;
    char cause[256];
    hid_t id = create_file(path, true, cause);
    /* Nobody else can have locked a file that has just been made. */
    if (id < 0 && lock_is_missing(cause) && unlink(path) == 0)
        id = create_file(path, false, cause);
    if (id < 0) {
        outcome = status_set(STATUS_FAILED, "%s: the file cannot be made; %s (HDF5: %s)", path,
                             strstr(cause, strerror(ENOSPC))
                                 ? "the disk is full: free some space, or choose another one"
                                 : "check that its folder exists and can be written",
                             cause);
    }
    if (outcome == STATUS_OK)
        outcome = new_file(path, id, true, out);
    if (outcome == STATUS_OK && (outcome = hdf5_reserve(*out, 0)) != STATUS_OK) {
        outcome = hdf5_close_after(out, outcome);
        unlink(path);
    }
    return outcome;
}

bool hdf5_is_hdf5(const char *asked)
{
    char path[PATH_MAX];
    pointer_follow(asked, path);
    static const unsigned char signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
    struct stat about;
    if (stat(path, &about) != 0 || !S_ISREG(about.st_mode))
        return false;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return false;
    bool found = false;
    /* A user block (Matlab writes one) moves the signature to 512, 1024, 2048, ... */
    for (off_t at = 0; !found && at <= 1 << 20 && at < about.st_size; at = at ? 2 * at : 512) {
        char head[8];
        found = pread(descriptor, head, sizeof head, at) == (ssize_t)sizeof head &&
                memcmp(head, signature, sizeof head) == 0;
    }
    close(descriptor);
    return found;
}

/* What can be told without the library. */
static status check_readable(const char *path)
{
    struct stat about;
    if (stat(path, &about) != 0) {
        if (errno == ENOENT)
            return status_set(STATUS_USAGE, "%s: no such file; check the path", path);
        return status_set(STATUS_USAGE, "%s: cannot be opened: %s", path, strerror(errno));
    }
    if (S_ISDIR(about.st_mode))
        return status_set(STATUS_USAGE, "%s: is a folder, but an HDF5 file was expected", path);
    if (!S_ISREG(about.st_mode))
        return status_set(STATUS_USAGE, "%s: is not a regular file", path);
    if (access(path, R_OK) != 0)
        return status_set(STATUS_USAGE, "%s: no permission to read it; ask its owner or chmod",
                          path);
    if (about.st_size == 0)
        return status_set(STATUS_USAGE, "%s: is empty, but an HDF5 file was expected", path);
    if (!hdf5_is_hdf5(path))
        return status_set(STATUS_USAGE, "%s: is not an HDF5 file", path);
    return STATUS_OK;
}

static status open_for_reading(const char *asked, H5F_close_degree_t degree, struct hdf5_file **out)
{
    char path[PATH_MAX];
    pointer_follow(asked, path);
    *out = NULL;
    status outcome = site_file(SITE_hdf5_open, path);
    if (outcome == STATUS_OK)
        outcome = check_readable(path);
    if (outcome == STATUS_OK)
        outcome = hdf5_probe(path);
    if (outcome != STATUS_OK)
        return outcome;
    HDF5_LOCKED;
    hdf5_start_library();
    char cause[256];
    hid_t id = open_file(path, true, degree, cause);
    if (id < 0 && lock_is_missing(cause) && !has_locks(path))
        id = open_file(path, false, degree, cause);
    if (id < 0)
        outcome = hdf5_open_failure(path, cause);
    return outcome == STATUS_OK ? new_file(path, id, false, out) : outcome;
}

status hdf5_open(const char *path, struct hdf5_file **out)
{
    return open_for_reading(path, H5F_CLOSE_STRONG, out);
}

status hdf5_open_source(const char *path, struct hdf5_file **out)
{
    return open_for_reading(path, H5F_CLOSE_WEAK, out);
}

/* What the library still holds, to the kernel. */
static status flush(struct hdf5_file *file, int **descriptor)
{
    HDF5_LOCKED;
    if (H5Fflush(file->id, H5F_SCOPE_GLOBAL) < 0)
        return hdf5_failure(file, NULL, NULL, "cannot be written; check the disk's free space");
    if (H5Fget_vfd_handle(file->id, H5P_DEFAULT, (void **)descriptor) < 0 || !*descriptor)
        return hdf5_failure(file, NULL, NULL, "has no file descriptor to sync");
    return STATUS_OK;
}

status hdf5_sync(struct hdf5_file *file)
{
    int *descriptor = NULL;
    status outcome = site_file(SITE_hdf5_sync, file->path);
    if (outcome == STATUS_OK)
        outcome = flush(file, &descriptor);
    if (outcome != STATUS_OK || !descriptor)
        return outcome;
    /* The disk is waited for without the lock. */
    if (fsync(*descriptor) != 0)
        return status_set(STATUS_FAILED, "%s: cannot be written to disk: %s", file->path,
                          strerror(errno));
    return STATUS_OK;
}

status hdf5_close(struct hdf5_file **file)
{
    HDF5_LOCKED;
    if (!*file)
        return STATUS_OK;
    struct hdf5_file *closing = *file;
    status injected = site_file(SITE_hdf5_close, closing->path);
    status outcome = hdf5_close_datasets(closing);
    if (injected != STATUS_OK)
        outcome = injected;
    if (H5Fclose(closing->id) < 0 && outcome == STATUS_OK)
        outcome =
            hdf5_failure(closing, NULL, NULL, "cannot be closed; check the disk's free space");
    if (closing->room > 0)
        give_back(closing->path);
    if (closing->writable)
        hdf5_probe_trust(closing->path);
    memory_free(&closing->path);
    memory_free(file);
    return outcome;
}

status hdf5_close_after(struct hdf5_file **file, status outcome)
{
    struct status_kept kept;
    status_keep(outcome, &kept);
    return status_restore(&kept, hdf5_close(file));
}

const char *hdf5_path(const struct hdf5_file *file)
{
    return file->path;
}

void hdf5_version(char *text, size_t size)
{
    unsigned major = 0, minor = 0, release = 0;
    HDF5_LOCKED;
    hdf5_start_library();
    H5get_libversion(&major, &minor, &release);
    snprintf(text, size, "%u.%u.%u", major, minor, release);
}
