/* SPDX-License-Identifier: BSD-3-Clause */
#include "hdf5_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

/*
 * What devices ask of direct reading: place, length and memory are multiples of the unit. Room in
 * one large page is one piece of memory to the device, not hundreds.
 */
enum { DIRECT_UNIT = 4096, DIRECT_ROOM = 1 << 20, LARGE_PAGE = 1 << 21 };
enum { MOST_SEEN = DIRECT_ROOM - DIRECT_UNIT }; /* wherever it begins */

static status cannot_be_read(const struct hdf5_file *file, const char *name)
{
    return status_set(STATUS_USAGE, "%s, '%s': cannot be read: %s", file->path, name,
                      strerror(errno));
}

static status is_too_short(const struct hdf5_file *file, const char *name)
{
    return status_set(STATUS_USAGE, "%s, '%s': damaged, its end is missing; make or copy it again",
                      file->path, name);
}

status hdf5_direct_open(const char *path, struct hdf5_direct *direct)
{
    int descriptor = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
    /* Some file systems have no direct reading. */
    if (descriptor < 0)
        return STATUS_OK;
    void *room =
        mmap(NULL, 2 * LARGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED) {
        close(descriptor);
        return status_set(STATUS_FAILED, "%s: not enough memory to read it", path);
    }
    direct->room = room;
    direct->bytes = direct->room + LARGE_PAGE - (uintptr_t)room % LARGE_PAGE;
    madvise(direct->bytes, LARGE_PAGE, MADV_HUGEPAGE);
    direct->descriptor = descriptor;
    direct->in_use = true;
    return STATUS_OK;
}

void hdf5_direct_close(struct hdf5_direct *direct)
{
    if (direct->in_use) {
        close(direct->descriptor);
        munmap(direct->room, 2 * LARGE_PAGE);
    }
    *direct = (struct hdf5_direct){0};
}

/* Reads on from what is there already of the bytes that begin at `begin`; as pread. */
static ssize_t read_on(struct hdf5_direct *direct, uint64_t begin, size_t wanted)
{
    size_t kept = 0;
    if (begin >= direct->begin && begin < direct->end) {
        kept = (size_t)(direct->end - begin) / DIRECT_UNIT * DIRECT_UNIT;
        memmove(direct->bytes, direct->bytes + (begin - direct->begin), kept);
    }
    direct->begin = begin;
    direct->end = begin + kept;
    ssize_t part;
    do
        part = pread(direct->descriptor, direct->bytes + kept, wanted - kept, (off_t)direct->end);
    while (part < 0 && errno == EINTR);
    direct->end += part > 0 ? (uint64_t)part : 0;
    return part;
}

/* The n bytes at `offset`, at most MOST_SEEN, where they were read to with what is expected next.
 */
static status see_directly(const struct hdf5_file *file, const char *name,
                           struct hdf5_direct *direct, uint64_t offset, size_t n,
                           const unsigned char **bytes)
{
    uint64_t begin = offset - offset % DIRECT_UNIT, end = offset + n;
    uint64_t last = direct->expected_end > end ? direct->expected_end : end;
    size_t wanted = last - begin < DIRECT_ROOM ? (size_t)(last - begin) : DIRECT_ROOM;
    wanted = (wanted + DIRECT_UNIT - 1) / DIRECT_UNIT * DIRECT_UNIT;
    while (offset < direct->begin || end > direct->end) {
        /* Of another window: where that one ends says nothing about this one. */
        uint64_t before = direct->begin == begin ? direct->end : 0;
        ssize_t part = read_on(direct, begin, wanted);
        if (part < 0)
            return cannot_be_read(file, name);
        if (part == 0 || direct->end == before)
            return is_too_short(file, name);
    }
    *bytes = direct->bytes + (offset - direct->begin);
    return STATUS_OK;
}

static status read_directly(const struct hdf5_file *file, const char *name,
                            struct hdf5_direct *direct, uint64_t offset, size_t n,
                            unsigned char *data)
{
    const unsigned char *bytes = NULL;
    status outcome = STATUS_OK;
    for (size_t done = 0, part; done < n && outcome == STATUS_OK; done += part) {
        part = n - done < MOST_SEEN ? n - done : MOST_SEEN;
        outcome = see_directly(file, name, direct, offset + done, part, &bytes);
        if (outcome == STATUS_OK)
            memcpy(data + done, bytes, part);
    }
    return outcome;
}

static status read_buffered(const struct hdf5_file *file, const char *name, int descriptor,
                            uint64_t offset, struct iovec place[2])
{
    while (place[0].iov_len + place[1].iov_len > 0) {
        ssize_t part = preadv(descriptor, place, 2, (off_t)offset);
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            return cannot_be_read(file, name);
        if (part == 0)
            return is_too_short(file, name);
        offset += (uint64_t)part;
        for (int i = 0; i < 2 && part > 0; i++) {
            size_t taken = (size_t)part < place[i].iov_len ? (size_t)part : place[i].iov_len;
            place[i].iov_base = (unsigned char *)place[i].iov_base + taken;
            place[i].iov_len -= taken;
            part -= (ssize_t)taken;
        }
    }
    return STATUS_OK;
}

status hdf5_read_bytes(const struct hdf5_file *file, const char *name, struct hdf5_stored *stored,
                       uint64_t offset, size_t n, void *data, size_t n_after, void *after)
{
    struct iovec place[2] = {{data, n}, {after, n_after}};
    if (!stored->direct.in_use)
        return read_buffered(file, name, stored->descriptor, offset, place);
    status outcome = read_directly(file, name, &stored->direct, offset, n, data);
    return outcome == STATUS_OK
               ? read_directly(file, name, &stored->direct, offset + n, n_after, after)
               : outcome;
}

status hdf5_view_bytes(const struct hdf5_file *file, const char *name, struct hdf5_stored *stored,
                       uint64_t offset, size_t n, void *room, const unsigned char **bytes)
{
    if (stored->direct.in_use && n <= MOST_SEEN)
        return see_directly(file, name, &stored->direct, offset, n, bytes);
    *bytes = room;
    return hdf5_read_bytes(file, name, stored, offset, n, room, 0, NULL);
}
