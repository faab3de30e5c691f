/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/fresh_file.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/site.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* `cause`: of errno, 0 if it is not known any more. */
static status cannot_write(const struct fresh_file *file, int cause)
{
    return status_set(STATUS_FAILED, "cannot write %s: %s", file->path,
                      cause ? strerror(cause) : "an earlier part of it was lost");
}

/* A few letters for this host: processes of several may write to one folder. */
static unsigned host_number(void)
{
    char host[256] = "";
    unsigned hash = 2166136261u;
    gethostname(host, sizeof host - 1);
    for (const char *at = host; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    return hash & 0xffffu;
}

/* The file that this process writes, for the handler below; owned by its struct fresh_file. */
static _Atomic(char *) being_written;
static atomic_int writer;

static void remove_and_end(int number)
{
    char *name = atomic_load(&being_written);
    /* Not in a process that was forked from the one that writes. */
    if (name && atomic_load(&writer) == (int)getpid())
        unlink(name);
    raise(number); /* as without this handler, which was for once */
}

/* Who handles these signals cleans up as well, or keeps what was written for going on. */
static void watch_for_end(struct fresh_file *file)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
    char *none = NULL;
    if (!atomic_compare_exchange_strong(&being_written, &none, file->unfinished))
        return;
    atomic_store(&writer, (int)getpid());
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct sigaction now, wanted = {.sa_handler = remove_and_end};
        wanted.sa_flags = (int)(SA_RESETHAND | SA_NODEFER);
        if (sigaction(ends[i], NULL, &now) == 0 && !(now.sa_flags & SA_SIGINFO) &&
            now.sa_handler == SIG_DFL)
            sigaction(ends[i], &wanted, NULL);
    }
}

status fresh_file_begin(struct fresh_file *file, const char *path)
{
    static atomic_uint count;
    size_t size = strlen(path) + 48;
    *file = (struct fresh_file){.path = memory_strdup(path), .unfinished = malloc(size)};
    if (!file->path || !file->unfinished) {
        fresh_file_cancel(file);
        return status_set(STATUS_FAILED, "not enough memory to write %s", path);
    }
    snprintf(file->unfinished, size, "%s.%04x%d-%u.tmp", path, host_number(), (int)getpid(),
             atomic_fetch_add(&count, 1));
    unlink(file->unfinished); /* of a process that had this number before and was killed */
    watch_for_end(file);
    return STATUS_OK;
}

static void forget(struct fresh_file *file)
{
    char *own = file->unfinished;
    if (own)
        atomic_compare_exchange_strong(&being_written, &own, NULL);
    memory_free(&file->path);
    memory_free(&file->unfinished);
}

void fresh_file_cancel(struct fresh_file *file)
{
    if (file->stream)
        fclose(file->stream);
    file->stream = NULL;
    if (file->unfinished)
        unlink(file->unfinished);
    forget(file);
}

/* 0 or the error of errno. */
static int sync_path(const char *path, int flags)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | flags);
    int cause = descriptor < 0 ? errno : 0;
    if (descriptor >= 0 && fsync(descriptor) != 0)
        cause = errno;
    if (descriptor >= 0)
        close(descriptor);
    return cause;
}

/* SMB, sshfs and other file systems of user space have no fsync of folders. */
static bool is_not_offered(int cause)
{
    return cause == EINVAL || cause == ENOTSUP || cause == ENOSYS || cause == EBADF ||
           cause == ENOTTY;
}

status fresh_file_sync_folder(const char *path)
{
    static atomic_flag said = ATOMIC_FLAG_INIT;
    status outcome = site_file(SITE_folder_sync, path);
    if (outcome != STATUS_OK)
        return outcome;
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) + (slash == path) : 1;
    char *folder = strndup(slash ? path : ".", length);
    int cause = folder ? sync_path(folder, O_DIRECTORY) : ENOMEM;
    if (is_not_offered(cause)) {
        if (!atomic_flag_test_and_set(&said))
            log_warning("the file system of %s cannot sync a folder: after a loss of power a file "
                        "written last may be missing; the older ones stay",
                        folder);
        cause = 0;
    }
    free(folder);
    return cause == 0 ? STATUS_OK
                      : status_set(STATUS_FAILED, "cannot sync the folder of %s: %s", path,
                                   strerror(cause));
}

/* A link refuses a name that is taken, at once; a rename does not. 0 or the error of errno. */
static int give_new_name(const char *from, const char *to)
{
    if (link(from, to) == 0) {
        unlink(from);
        return 0;
    }
    if (errno == EEXIST)
        return EEXIST;
    /* No hard links here: the moment between the two calls is left. */
    if (access(to, F_OK) == 0)
        return EEXIST;
    return rename(from, to) == 0 ? 0 : errno;
}

/* Some file systems rename only to names that are free: the older file steps aside first. */
static int replace_by_way_of(const char *from, const char *to, const char *aside)
{
    unlink(aside); /* left by a process that was killed between the calls below */
    if (rename(to, aside) != 0)
        return errno;
    if (rename(from, to) == 0) {
        unlink(aside);
        return 0;
    }
    int cause = errno;
    rename(aside, to);
    return cause;
}

int fresh_file_replace(const char *from, const char *to)
{
    static atomic_flag said = ATOMIC_FLAG_INIT;
    if (rename(from, to) == 0)
        return 0;
    int cause = errno;
    struct stat about; /* of a link itself, wherever it leads */
    bool is_refused = cause == EEXIST || cause == EPERM || cause == EACCES;
    size_t size = strlen(to) + sizeof ".old";
    char *aside = is_refused && lstat(to, &about) == 0 ? malloc(size) : NULL;
    if (!aside)
        return cause;
    snprintf(aside, size, "%s.old", to);
    bool is_done = replace_by_way_of(from, to, aside) == 0;
    free(aside);
    if (!is_done)
        return cause;
    if (!atomic_flag_test_and_set(&said))
        log_warning("the file system of %s lets no file take the place of another (rename: %s): "
                    "the older is renamed to NAME.old first; if the machine stops in that moment, "
                    "rename it back",
                    to, strerror(cause));
    return 0;
}

status fresh_file_commit(struct fresh_file *file, enum fresh_file_mode mode)
{
    int cause = sync_path(file->unfinished, 0);
    if (cause == 0)
        cause = mode == FRESH_FILE_IS_NEW ? give_new_name(file->unfinished, file->path)
                                          : fresh_file_replace(file->unfinished, file->path);
    status outcome = STATUS_OK;
    if (cause == EEXIST && mode == FRESH_FILE_IS_NEW)
        outcome = status_set(STATUS_USAGE,
                             "%s has been made by another process meanwhile; it stays as it is: "
                             "choose another name",
                             file->path);
    else if (cause != 0)
        outcome = cannot_write(file, cause);
    if (outcome != STATUS_OK) {
        fresh_file_cancel(file);
        return outcome;
    }
    outcome = fresh_file_sync_folder(file->path);
    forget(file);
    return outcome;
}

status fresh_file_end(struct fresh_file *file, enum fresh_file_mode mode, status written)
{
    if (written == STATUS_OK)
        return fresh_file_commit(file, mode);
    fresh_file_cancel(file);
    return written;
}

status fresh_file_open(struct fresh_file *file, const char *path)
{
    status outcome = fresh_file_begin(file, path);
    if (outcome != STATUS_OK)
        return outcome;
    file->stream = fopen(file->unfinished, "we");
    if (!file->stream) {
        outcome = cannot_write(file, errno);
        fresh_file_cancel(file);
    }
    return outcome;
}

status fresh_file_publish(struct fresh_file *file, status written)
{
    status outcome = written;
    errno = 0; /* that of an earlier failure is not known any more */
    bool lost = ferror(file->stream) != 0;
    lost = fflush(file->stream) != 0 || lost;
    if (outcome == STATUS_OK && lost)
        outcome = cannot_write(file, errno);
    if (fclose(file->stream) != 0 && outcome == STATUS_OK)
        outcome = cannot_write(file, errno);
    file->stream = NULL;
    return fresh_file_end(file, FRESH_FILE_REPLACES, outcome);
}
