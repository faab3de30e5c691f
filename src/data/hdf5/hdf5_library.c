/* SPDX-License-Identifier: BSD-3-Clause */
/* The library itself: how it starts, its lock, and what it says of failures. */
#include "hdf5_internal.h"

#include "data/hdf5/hdf5_guest.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t library = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

void hdf5_lock(void)
{
    pthread_mutex_lock(&library);
}

void hdf5_unlock(const int *unused)
{
    (void)unused;
    pthread_mutex_unlock(&library);
}

static atomic_bool is_guest;

/* Pointers to functions and to data are of one size wherever dlsym works; C has no cast for it. */
_Static_assert(sizeof(H5E_auto2_t) == sizeof(void *), "a handler fits into a pointer");

void hdf5_guest_enter(struct hdf5_guest *guest)
{
    H5E_auto2_t handler = NULL;
    is_guest = true;
    *guest = (struct hdf5_guest){NULL, NULL};
    H5Eget_auto2(H5E_DEFAULT, &handler, &guest->data);
    memcpy(&guest->function, &handler, sizeof handler);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

void hdf5_guest_leave(const struct hdf5_guest *guest)
{
    H5E_auto2_t handler;
    memcpy(&handler, &guest->function, sizeof handler);
    H5Eset_auto2(H5E_DEFAULT, handler, guest->data);
}

bool hdf5_is_guest(void)
{
    return is_guest;
}

void hdf5_start_library(void)
{
    static bool started;
    if (!started) {
        /* After a failed write the library's own exit handler would crash. */
        if (!hdf5_is_guest())
            H5dont_atexit();
        H5open();
        started = true;
    }
    /* A thread-safe build keeps this for each thread: the one that saves needs it too. */
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

/* Walking upward begins with the innermost line, which is the one that tells the cause. */
static herr_t keep_innermost(unsigned index, const H5E_error2_t *error, void *context)
{
    char *text = context;
    if (index == 0 && error->desc) {
        /* Of a failed system call HDF5 tells time, file and buffer too: what and why are enough. */
        const char *reason = strstr(error->desc, "error message = '");
        int what = reason ? (int)strcspn(error->desc, ":,") : 255;
        snprintf(text, 256, "%.*s%s%s", what, error->desc, reason ? ": " : "",
                 reason ? reason + strlen("error message = '") : "");
        if (reason)
            text[strcspn(text, "'")] = '\0';
    }
    text[strcspn(text, "\n")] = '\0'; /* times are printed with their line end */
    return 0;
}

void hdf5_innermost_error(char text[256])
{
    text[0] = '\0';
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, text);
}

/* As HDF5 says it of superblocks, object headers, layouts, data types, filters, trees, ... */
static bool is_of_newer(const char *cause)
{
    static const char *const words[] = {"version number",         "header version",
                                        "bad superblock version", "unknown datatype class",
                                        "invalid datatype class", "unknown message",
                                        "fail if unknown"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(cause, words[i]))
            return true;
    return false;
}

bool hdf5_failure_is_of_newer(void)
{
    char cause[256];
    hdf5_innermost_error(cause);
    return is_of_newer(cause);
}

static const char of_newer[] =
    "cannot be read by this program (" H5_VERS_INFO "): a newer one wrote it, or it is "
    "damaged; write it again with h5repack --high=2 (HDF5 1.10) or, by h5py, libver='v110'";

status hdf5_failure(const struct hdf5_file *file, const char *object, const char *attribute,
                    const char *what)
{
    char cause[256];
    hdf5_innermost_error(cause);
    if (is_of_newer(cause))
        what = of_newer;
    return status_set(file->writable ? STATUS_FAILED : STATUS_USAGE, "%s%s%s%s%s%s%s: %s%s%s%s",
                      file->path, attribute ? ", attribute '" : "", attribute ? attribute : "",
                      attribute ? "'" : "", object ? ", '" : "", object ? object : "",
                      object ? "'" : "", what, cause[0] ? " (HDF5: " : "", cause,
                      cause[0] ? ")" : "");
}

status hdf5_open_failure(const char *path, const char *cause)
{
    if (strstr(cause, "unable to lock"))
        return status_set(STATUS_USAGE,
                          "%s: cannot be locked: another program is writing it, or the file system "
                          "has no locks; wait for that program, or set "
                          "HDF5_USE_FILE_LOCKING=FALSE (HDF5: %s)",
                          path, cause);
    if (strstr(cause, "already open for"))
        return status_set(STATUS_USAGE,
                          "%s: damaged: the program that wrote it did not finish, or is still "
                          "writing; make it again (HDF5: %s)",
                          path, cause);
    if (is_of_newer(cause))
        return status_set(STATUS_USAGE, "%s: %s (HDF5: %s)", path, of_newer, cause);
    return status_set(STATUS_USAGE, "%s: damaged%s; make or copy it again (HDF5: %s)", path,
                      strstr(cause, "truncated") ? ", its end is missing" : "", cause);
}
