/* SPDX-License-Identifier: BSD-3-Clause */
#include "same_program.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/real.h"

#include <fcntl.h>
#include <math.h>
#include <mpi.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

/* Texts end with a zero. The layout is fixed for all versions to come. */
struct identity {
    char mark[32];
    char host[64];
    char version[96]; /* program, version, precision */
    char build[32];   /* of the bytes of the executable; "" where they cannot be read */
    char path[256];   /* of the executable */
    char line[32];    /* of all words of the command line but the first */
    char words[512];  /* these words, each behind a newline, as far as there is room */
};

_Static_assert(sizeof(struct identity) == 1024, "older versions send and expect 1024 bytes");

enum { TAG = 1991 };

static const char mark[] = "coterie: who is this rank";
static const double patience = 30; /* seconds after MPI's own start, which waits for all ranks */

static void hash_text(uint64_t hash, char text[32])
{
    snprintf(text, 32, "%016llx", (unsigned long long)hash);
}

/* The file that this process was started from, also if another one has taken its place since. */
static void describe_executable(struct identity *own)
{
    struct stat about;
    ssize_t length = readlink("/proc/self/exe", own->path, sizeof own->path - 1);
    own->path[length > 0 ? length : 0] = '\0';
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return;
    size_t bytes = fstat(file, &about) == 0 ? (size_t)about.st_size : 0;
    void *image = bytes > 0 ? mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, file, 0) : MAP_FAILED;
    close(file);
    if (image == MAP_FAILED)
        return;
    hash_text(XXH3_64bits(image, bytes), own->build);
    munmap(image, bytes);
}

static void describe_words(int argc, char **argv, struct identity *own)
{
    uint64_t hash = 0;
    size_t used = 0, room = sizeof own->words;
    for (int i = 1; i < argc; i++) {
        hash = XXH3_64bits_withSeed(argv[i], strlen(argv[i]) + 1, hash);
        if (used < room)
            used += (size_t)snprintf(own->words + used, room - used, "\n%s", argv[i]);
    }
    hash_text(hash, own->line);
}

static void describe(int argc, char **argv, const char *host, struct identity *own)
{
    memset(own, 0, sizeof *own);
    snprintf(own->mark, sizeof own->mark, "%s", mark);
    snprintf(own->host, sizeof own->host, "%.63s", host);
    snprintf(own->version, sizeof own->version, "%s %s",
             sizeof(real) == sizeof(double) ? "coterie_d" : "coterie", COTERIE_VERSION);
    describe_executable(own);
    describe_words(argc, argv, own);
}

/* Waits for a message; false if it does not come. A process that stands still does not count. */
static bool arrives(MPI_Request *request, double most)
{
    double waited = 0, before = clock_seconds();
    for (int looks = 0, done = 0;; looks++) {
        MPI_Test(request, &done, MPI_STATUS_IGNORE);
        if (done)
            return true;
        if (looks > 1000)
            usleep(500);
        double now = clock_seconds();
        waited += fmin(now - before, 1);
        before = now;
        if (waited > most)
            return false;
    }
}

_Noreturn static void give_up(int rank)
{
    log_from_any_rank("error: rank %d does not say which program it runs: another one than the "
                      "other ranks, or a version of coterie too old to be asked; start all ranks "
                      "with the same program",
                      rank);
    MPI_Abort(MPI_COMM_WORLD, STATUS_USAGE);
    _exit(STATUS_USAGE);
}

/* The word behind the newline at `at`, cut to what a message can show. */
static void copy_word(const char *at, char word[80])
{
    int length = *at ? (int)strcspn(at + 1, "\n") : 0;
    snprintf(word, 80, *at ? "'%.*s'" : "nothing", length < 70 ? length : 70, at + 1);
}

static status refuse_words(int rank, const struct identity *own, const struct identity *other)
{
    const char *a = own->words, *b = other->words;
    char here[80], there[80];
    while (*a && *b) {
        size_t length = 1 + strcspn(a + 1, "\n");
        if (length != 1 + strcspn(b + 1, "\n") || strncmp(a, b, length) != 0)
            break;
        a += length;
        b += length;
    }
    copy_word(a, here);
    copy_word(b, there);
    bool shown = *a || *b; /* else they differ behind what was sent */
    return status_set(STATUS_USAGE,
                      "rank %d on %s was started with other options than rank 0 on %s%s%s%s%s; "
                      "start all ranks with the same command line",
                      rank, other->host, own->host, shown ? ": " : "", shown ? there : "",
                      shown ? " in place of " : "", shown ? here : "");
}

/* Root. */
static status compare(int rank, const struct identity *own, const struct identity *other)
{
    if (strcmp(other->mark, mark) != 0)
        return status_set(STATUS_USAGE,
                          "rank %d runs another program than rank 0, and not coterie; start all "
                          "ranks with the same program",
                          rank);
    if (strcmp(own->version, other->version) != 0 || strcmp(own->build, other->build) != 0)
        return status_set(STATUS_USAGE,
                          "the ranks run different programs: rank %d on %s %s (%s, build %s), rank "
                          "0 on %s %s (%s, build %s); start all with the same one, installed alike "
                          "on all hosts",
                          rank, other->host, other->version, other->path, other->build, own->host,
                          own->version, own->path, own->build);
    if (strcmp(own->line, other->line) != 0)
        return refuse_words(rank, own, other);
    return STATUS_OK;
}

/* Root. One rank after the other, so that no more than one identity takes memory. */
static status collect(int size, const struct identity *own)
{
    status outcome = STATUS_OK;
    for (int rank = 1; rank < size; rank++) {
        struct identity other;
        MPI_Request request;
        MPI_Irecv(&other, (int)sizeof other, MPI_BYTE, rank, TAG, MPI_COMM_WORLD, &request);
        if (!arrives(&request, patience))
            give_up(rank);
        if (outcome == STATUS_OK)
            outcome = compare(rank, own, &other);
    }
    return outcome;
}

status same_program_check(int argc, char **argv, const char *host)
{
    int rank, size;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (size == 1)
        return STATUS_OK;
    struct identity own;
    struct {
        char code, text[1023];
    } verdict = {0};
    describe(argc, argv, host, &own);
    MPI_Request request;
    if (rank == 0) {
        verdict.code = (char)collect(size, &own);
        snprintf(verdict.text, sizeof verdict.text, "%s", verdict.code ? status_text() : "");
    } else {
        MPI_Isend(&own, (int)sizeof own, MPI_BYTE, 0, TAG, MPI_COMM_WORLD, &request);
        if (!arrives(&request, 2 * patience))
            give_up(0);
    }
    MPI_Ibcast(&verdict, (int)sizeof verdict, MPI_BYTE, 0, MPI_COMM_WORLD, &request);
    if (!arrives(&request, 2 * patience))
        give_up(0);
    return verdict.code ? status_set((status)verdict.code, "%s", verdict.text) : STATUS_OK;
}
