/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Preloaded (LD_PRELOAD) it makes system calls fail as on file systems that do not have them. The
 * variable COTERIE_TEST_WITHOUT holds pairs of a call and the number of an error, as in
 * symlink:1,fcntl:38 for EPERM and ENOSYS: symlink, fcntl (locks), flock, fsync_folder,
 * memfd_create, replace (renaming to a name that is not free).
 *
 * With COTERIE_TEST_SYNCS=FILE it writes there, in their order, what is synced, renamed, linked and
 * removed: a line of the call's name, the size of the file and the time of its last change, its
 * name, and the new name, with tabs between.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The error that a call is to fail with, 0: it is as ever. */
static int error_of(const char *call)
{
    const char *at = getenv("COTERIE_TEST_WITHOUT");
    size_t length = strlen(call);
    while (at && *at) {
        if (strncmp(at, call, length) == 0 && at[length] == ':')
            return atoi(at + length + 1);
        at = strchr(at, ',');
        at = at ? at + 1 : NULL;
    }
    return 0;
}

static void note(const char *call, const struct stat *about, const char *name, const char *to)
{
    const char *path = getenv("COTERIE_TEST_SYNCS");
    FILE *list = path ? fopen(path, "ae") : NULL;
    if (!list)
        return;
    fprintf(list, "%s\t%lld\t%lld.%09ld\t%s\t%s\n", call, (long long)about->st_size,
            (long long)about->st_mtim.tv_sec, about->st_mtim.tv_nsec, name, to);
    fclose(list);
}

/* Of a function pointer, without a cast that ISO C knows nothing of. */
static void find(const char *name, void *pointer)
{
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(pointer, &found, sizeof found);
}

int symlink(const char *target, const char *path)
{
    int (*real)(const char *, const char *);
    find("symlink", &real);
    errno = error_of("symlink");
    return errno ? -1 : real(target, path);
}

int flock(int file, int operation)
{
    int (*real)(int, int);
    find("flock", &real);
    errno = error_of("flock");
    return errno ? -1 : real(file, operation);
}

int memfd_create(const char *name, unsigned flags)
{
    int (*real)(const char *, unsigned);
    find("memfd_create", &real);
    errno = error_of("memfd_create");
    return errno ? -1 : real(name, flags);
}

int fsync(int file)
{
    struct stat about;
    int (*real)(int);
    find("fsync", &real);
    int error = fstat(file, &about) == 0 && S_ISDIR(about.st_mode) ? error_of("fsync_folder") : 0;
    int outcome = error ? -1 : real(file);
    char link[64], name[4096] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    if (outcome == 0 && readlink(link, name, sizeof name - 1) > 0)
        note("fsync", &about, name, "");
    errno = error ? error : errno;
    return outcome;
}

int rename(const char *from, const char *to)
{
    struct stat about;
    int (*real)(const char *, const char *);
    find("rename", &real);
    int error = lstat(to, &about) == 0 ? error_of("replace") : 0;
    if (!error && lstat(from, &about) == 0)
        note("rename", &about, from, to);
    errno = error;
    return error ? -1 : real(from, to);
}

int link(const char *from, const char *to)
{
    struct stat about;
    int (*real)(const char *, const char *);
    find("link", &real);
    if (lstat(from, &about) == 0)
        note("link", &about, from, to);
    return real(from, to);
}

int unlink(const char *path)
{
    struct stat about;
    int (*real)(const char *);
    find("unlink", &real);
    if (lstat(path, &about) == 0)
        note("unlink", &about, path, "");
    return real(path);
}

static int lock(const char *name, int file, int command, void *argument)
{
    int (*real)(int, int, void *);
    find(name, &real);
    int is_lock = command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK;
    errno = is_lock ? error_of("fcntl") : 0;
    return errno ? -1 : real(file, command, argument);
}

int fcntl(int file, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return lock("fcntl", file, command, argument);
}

int fcntl64(int file, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return lock("fcntl64", file, command, argument);
}
