/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/site.h"
#include "fletcher32.h"
#include "hdf5_internal.h"

#include <string.h>

/* A whole chunk, with its checksum verified if it has one. */
static status read_chunk(const struct hdf5_file *file, const char *name, struct hdf5_stored *stored,
                         uint64_t chunk, unsigned char *data)
{
    size_t bytes = (size_t)stored->chunk_rows * stored->row_bytes;
    unsigned char end[CHECKSUM_BYTES] = {0};
    status outcome = hdf5_read_bytes(file, name, stored, stored->chunk[chunk], bytes, data,
                                     stored->has_checksums ? CHECKSUM_BYTES : 0, end);
    if (outcome != STATUS_OK || !stored->has_checksums)
        return outcome;
    uint32_t expected =
        (uint32_t)end[0] | (uint32_t)end[1] << 8 | (uint32_t)end[2] << 16 | (uint32_t)end[3] << 24;
    if (fletcher32_same(expected, fletcher32(data, bytes)))
        return STATUS_OK;
    return status_set(STATUS_USAGE,
                      "%s, '%s': cannot be read; it is damaged (the checksum of a chunk is wrong)",
                      file->path, name);
}

/* Of a chunk with a checksum all is read, also if some of its rows are wanted: it is kept. */
static status cache_chunk(const struct hdf5_file *file, const char *name,
                          struct hdf5_stored *stored, uint64_t chunk)
{
    if (stored->cached_chunk == chunk)
        return STATUS_OK;
    stored->cached_chunk = UINT64_MAX;
    status outcome = read_chunk(file, name, stored, chunk, stored->cached);
    if (outcome == STATUS_OK)
        stored->cached_chunk = chunk;
    return outcome;
}

static status read_part(const struct hdf5_file *file, const char *name, struct hdf5_stored *stored,
                        uint64_t chunk, uint64_t row, size_t bytes, unsigned char *data)
{
    if (!stored->has_checksums)
        return hdf5_read_bytes(file, name, stored, stored->chunk[chunk] + row * stored->row_bytes,
                               bytes, data, 0, NULL);
    status outcome = cache_chunk(file, name, stored, chunk);
    if (outcome == STATUS_OK)
        memcpy(data, stored->cached + row * stored->row_bytes, bytes);
    return outcome;
}

static status read_chunked(const struct hdf5_file *file, const char *name,
                           struct hdf5_stored *stored, uint64_t first, uint64_t n,
                           unsigned char *data)
{
    status outcome = STATUS_OK;
    while (n > 0 && outcome == STATUS_OK) {
        uint64_t chunk = first / stored->chunk_rows, row = first % stored->chunk_rows;
        uint64_t rows = stored->chunk_rows - row < n ? stored->chunk_rows - row : n;
        size_t bytes = (size_t)rows * stored->row_bytes;
        outcome = rows == stored->chunk_rows && stored->cached_chunk != chunk
                      ? read_chunk(file, name, stored, chunk, data)
                      : read_part(file, name, stored, chunk, row, bytes, data);
        data += bytes;
        first += rows;
        n -= rows;
    }
    return outcome;
}

static status read_rows(const struct hdf5_file *file, const char *name, struct hdf5_stored *stored,
                        uint64_t first, uint64_t n, void *data)
{
    if (stored->chunk_rows)
        return read_chunked(file, name, stored, first, n, data);
    return hdf5_read_bytes(file, name, stored, stored->offset + first * stored->row_bytes,
                           (size_t)n * stored->row_bytes, data, 0, NULL);
}

static status find_rows(struct hdf5_file *file, const char *name, uint64_t first, uint64_t n,
                        struct hdf5_stored **stored)
{
    status outcome = site_file(SITE_hdf5_read, file->path);
    if (outcome == STATUS_OK)
        outcome = hdf5_find_stored(file, name, stored);
    if (outcome != STATUS_OK)
        return outcome;
    COTERIE_ASSERT((*stored)->usable);
    if (first <= (*stored)->n_rows && n <= (*stored)->n_rows - first)
        return STATUS_OK;
    return status_set(STATUS_USAGE, "%s, '%s': rows %llu to %llu were expected, but it has %llu",
                      file->path, name, (unsigned long long)first, (unsigned long long)(first + n),
                      (unsigned long long)(*stored)->n_rows);
}

status hdf5_read_stored(struct hdf5_file *file, const char *name, uint64_t first, uint64_t n,
                        void *data)
{
    struct hdf5_stored *stored = NULL;
    status outcome = find_rows(file, name, first, n, &stored);
    return outcome == STATUS_OK ? read_rows(file, name, stored, first, n, data) : outcome;
}

/* Where rows of one chunk, or of a data set in one piece, are had without copying them. */
static status view_rows(const struct hdf5_file *file, const char *name, struct hdf5_stored *stored,
                        uint64_t first, uint64_t n, void *room, const unsigned char **rows)
{
    uint64_t chunk = 0, row = first, offset = stored->offset;
    if (stored->chunk_rows) {
        chunk = first / stored->chunk_rows;
        row = first % stored->chunk_rows;
        offset = stored->chunk[chunk];
    }
    if (stored->has_checksums) {
        *rows = stored->cached + row * stored->row_bytes;
        return cache_chunk(file, name, stored, chunk);
    }
    return hdf5_view_bytes(file, name, stored, offset + row * stored->row_bytes,
                           (size_t)n * stored->row_bytes, room, rows);
}

status hdf5_view_stored(struct hdf5_file *file, const char *name, uint64_t first, uint64_t n,
                        void *room, const void **numbers)
{
    struct hdf5_stored *stored = NULL;
    const unsigned char *rows = room;
    status outcome = find_rows(file, name, first, n, &stored);
    if (outcome != STATUS_OK)
        return outcome;
    bool together = n > 0 && (!stored->chunk_rows ||
                              first / stored->chunk_rows == (first + n - 1) / stored->chunk_rows);
    outcome = together ? view_rows(file, name, stored, first, n, room, &rows)
                       : read_rows(file, name, stored, first, n, room);
    *numbers = rows;
    /* In a file numbers may lie anywhere. */
    if (outcome == STATUS_OK && (uintptr_t)rows % hdf5_number_size(stored->number) != 0)
        *numbers = memcpy(room, rows, (size_t)n * stored->row_bytes);
    return outcome;
}

status hdf5_chunk_rows(struct hdf5_file *file, const char *name, uint64_t *rows)
{
    struct hdf5_stored *stored = NULL;
    status outcome = hdf5_find_stored(file, name, &stored);
    *rows = outcome == STATUS_OK && stored->usable ? stored->chunk_rows : 0;
    return outcome;
}

void hdf5_read_directly(struct hdf5_file *file, uint64_t least)
{
    file->reads_directly = true;
    file->direct_from = least;
}

/* Chunks mostly follow each other in the file; else each is read by itself. */
static uint64_t end_of_run(const struct hdf5_stored *stored, uint64_t begin, uint64_t last)
{
    if (!stored->chunk_rows)
        return stored->offset + (last + 1) * stored->row_bytes;
    uint64_t bytes =
        stored->chunk_rows * stored->row_bytes + (stored->has_checksums ? CHECKSUM_BYTES : 0);
    uint64_t from = begin / stored->chunk_rows, to = last / stored->chunk_rows;
    return stored->chunk[to] == stored->chunk[from] + (to - from) * bytes
               ? stored->chunk[to] + bytes
               : 0;
}

status hdf5_expect(struct hdf5_file *file, const char *name, uint64_t first, uint64_t n)
{
    struct hdf5_stored *stored = NULL;
    status outcome = hdf5_find_stored(file, name, &stored);
    if (outcome == STATUS_OK && stored->usable && n > 0 && first + n <= stored->n_rows)
        stored->direct.expected_end = end_of_run(stored, first, first + n - 1);
    return outcome;
}
