/* SPDX-License-Identifier: BSD-3-Clause */
#include "shared_file.h"

#include "communicator_mpi.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { PLACE_MEMORY, PLACE_SHM, PLACE_TMPDIR, PLACE_TMP, PLACE_VAR_TMP, N_PLACES };
enum { LONGEST_PATH = 512, LONGEST_REASON = 600 };

/* What one place has to offer, as the first rank of the host finds it. */
struct offer {
    int file;      /* -1: it does not do */
    bool has_name; /* to be removed once all have it open */
    struct {
        uint64_t device, inode;  /* the same path may be another file in another container */
        char path[LONGEST_PATH]; /* by which the others open it; "" if it does not do */
    } shown;
};

static bool identify(int file, uint64_t *device, uint64_t *inode)
{
    struct stat about;
    bool known = fstat(file, &about) == 0;
    *device = known ? (uint64_t)about.st_dev : 0;
    *inode = known ? (uint64_t)about.st_ino : 0;
    return known;
}

/* -1 with errno if the leader's file is not to be seen from here. */
static int open_shown(const struct offer *offer)
{
    uint64_t device, inode;
    int file = open(offer->shown.path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (file < 0 || (identify(file, &device, &inode) && device == offer->shown.device &&
                     inode == offer->shown.inode))
        return file;
    close(file);
    errno = ENOENT;
    return -1;
}

static const char *folder_of(int place)
{
    static const char *const folders[N_PLACES] = {
        [PLACE_SHM] = "/dev/shm", [PLACE_TMP] = "/tmp", [PLACE_VAR_TMP] = "/var/tmp"};
    return place == PLACE_TMPDIR ? getenv("TMPDIR") : folders[place];
}

static void add_reason(char reasons[LONGEST_REASON], const char *place, const char *what)
{
    size_t used = strlen(reasons);
    snprintf(reasons + used, LONGEST_REASON - used, "%s%s: %s", used ? "; " : "", place, what);
}

/* Memory without a name and without a file system's limit, opened by way of /proc. */
static void offer_memory(struct offer *offer)
{
    offer->file = memfd_create("coterie", MFD_CLOEXEC);
    if (offer->file >= 0)
        snprintf(offer->shown.path, sizeof offer->shown.path, "/proc/%d/fd/%d", (int)getpid(),
                 offer->file);
}

/*
 * MPI has its own files in /dev/shm, which it fills as it goes, and would crash where there is no
 * room: some is left to it.
 */
static size_t room_for_mpi(const struct communicator *comm, int place, size_t bytes)
{
    const size_t small = (size_t)1 << 20, of_a_rank = (size_t)4 << 20;
    return place == PLACE_SHM && bytes > small ? of_a_rank * (size_t)(comm->node_size + 1) : 0;
}

static void offer_file(const struct communicator *comm, int place, size_t bytes,
                       struct offer *offer, char reasons[LONGEST_REASON])
{
    const char *folder = folder_of(place);
    struct statvfs about;
    char what[128];
    if (!folder || !*folder)
        return;
    if (statvfs(folder, &about) != 0) {
        add_reason(reasons, folder, strerror(errno));
        return;
    }
    double room = (double)about.f_bavail * (double)about.f_frsize;
    if (room < (double)bytes + (double)room_for_mpi(comm, place, bytes)) {
        snprintf(what, sizeof what, "%.1f MiB free", room / 0x1p20);
        add_reason(reasons, folder, what);
        return;
    }
    if (snprintf(offer->shown.path, sizeof offer->shown.path, "%s/coterie-XXXXXX", folder) <
        LONGEST_PATH)
        offer->file = mkostemp(offer->shown.path, O_CLOEXEC);
    offer->has_name = offer->file >= 0;
    if (!offer->has_name) {
        offer->shown.path[0] = '\0';
        add_reason(reasons, folder, strerror(errno));
    }
}

/*
 * Each rank reserves its share, so that the pages lie near all of them; in pieces, which a signal
 * interrupts without a loss. Returns 0 or an error.
 */
static int reserve(const struct communicator *comm, int file, size_t bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), piece = (size_t)64 << 20;
    size_t pages = (bytes + page - 1) / page, n = (size_t)comm->node_size;
    size_t begin = pages * (size_t)comm->node_rank / n * page;
    size_t end = pages * ((size_t)comm->node_rank + 1) / n * page;
    int error = 0;
    while (begin < end && (error == 0 || error == EINTR)) {
        size_t length = end - begin < piece ? end - begin : piece;
        error = posix_fallocate(file, (off_t)begin, (off_t)length);
        begin += error == 0 ? length : 0;
    }
    return error;
}

/* This rank's part in one place: 0, or the error that speaks against it. */
static int take(const struct communicator *comm, const struct offer *offer, size_t bytes,
                void **base)
{
    int file = comm->node_rank == 0 ? offer->file : open_shown(offer);
    if (file < 0)
        return errno;
    int error = reserve(comm, file, bytes);
    void *mapped =
        error ? MAP_FAILED : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (!error && mapped == MAP_FAILED)
        error = errno;
    if (comm->node_rank != 0)
        close(file);
    *base = mapped == MAP_FAILED ? NULL : mapped;
    return error;
}

/* One place, tried by all ranks of the host; true on all of them if it does. */
static bool try_place(const struct communicator *comm, int place, size_t bytes, void **base,
                      char reasons[LONGEST_REASON])
{
    struct offer offer = {.file = -1};
    if (comm->node_rank == 0 && place == PLACE_MEMORY)
        offer_memory(&offer);
    else if (comm->node_rank == 0)
        offer_file(comm, place, bytes, &offer, reasons);
    if (offer.file >= 0)
        identify(offer.file, &offer.shown.device, &offer.shown.inode);
    MPI_Bcast(&offer.shown, sizeof offer.shown, MPI_BYTE, 0, comm->mpi->node);
    if (!offer.shown.path[0])
        return false;
    int error = take(comm, &offer, bytes, base);
    MPI_Allreduce(MPI_IN_PLACE, &error, 1, MPI_INT, MPI_MAX, comm->mpi->node);
    if (offer.has_name)
        unlink(offer.shown.path);
    if (offer.file >= 0)
        close(offer.file);
    if (error && *base)
        munmap(*base, bytes);
    if (error && comm->node_rank == 0 && place != PLACE_MEMORY)
        add_reason(reasons, folder_of(place), strerror(error));
    *base = error ? NULL : *base;
    return error == 0;
}

/* A file on a disk does as well while there is memory to hold it, but should not be a surprise. */
static void say_once(const struct communicator *comm, int place, const char *reasons)
{
    static bool said;
    if (comm->node_rank == 0 && place > PLACE_SHM && !said)
        log_from_any_rank("warning: what the ranks of host %s share lies in files in %s (%s); "
                          "more room in /dev/shm (docker run --shm-size=2g) can be faster",
                          comm->host, folder_of(place), reasons);
    said = said || place > PLACE_SHM;
}

status shared_file_map(const struct communicator *comm, size_t bytes, void **base)
{
    char reasons[LONGEST_REASON] = "";
    struct rlimit limit;
    *base = NULL;
    /* Beyond it the process would be killed (SIGXFSZ). */
    int is_limited = getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
                     limit.rlim_cur < bytes;
    MPI_Allreduce(MPI_IN_PLACE, &is_limited, 1, MPI_INT, MPI_MAX, comm->mpi->node);
    if (is_limited)
        return status_set(STATUS_FAILED,
                          "%.1f MiB of memory that the ranks of host %s share count as a file, and "
                          "files are limited to less; ulimit -f unlimited, or one rank a host",
                          (double)bytes / 0x1p20, comm->host);
    for (int place = 0; place < N_PLACES; place++)
        if (try_place(comm, place, bytes, base, reasons)) {
            say_once(comm, place, reasons);
            return STATUS_OK;
        }
    return status_set(STATUS_FAILED,
                      "%.1f MiB that the ranks of host %s share have no room (%s); give /dev/shm "
                      "more (docker run --shm-size=2g), set TMPDIR to a folder with room, or use "
                      "one rank a host",
                      (double)bytes / 0x1p20, comm->host, reasons);
}
