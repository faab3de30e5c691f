/* SPDX-License-Identifier: BSD-3-Clause */
#include "checkpoint_internal.h"

#include "base/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

/*
 * What follows the HDF5 file: 16 letters and the hash of all bytes before in 16 digits. HDF5 does
 * not look behind its own end, so readers see nothing of it.
 */
#define SEAL_NAME "coterie xxh3-64 "
enum { SEAL_NAME_LENGTH = sizeof SEAL_NAME - 1, SEAL_LENGTH = SEAL_NAME_LENGTH + 16 };

static status cannot(const char *what, const char *path)
{
    return status_set(STATUS_FAILED, "%s: cannot be %s: %s", path, what, strerror(errno));
}

/* The seal that belongs to the first `size` bytes of a file. */
static status make_seal(FILE *file, const char *path, long size, char seal[SEAL_LENGTH + 1])
{
    enum { BLOCK = 1 << 20 };
    char *block;
    XXH3_state_t *state = XXH3_createState();
    status outcome = memory_alloc(&block, BLOCK, 1, "a checksum");
    if (outcome == STATUS_OK && !state)
        outcome = status_set(STATUS_FAILED, "not enough memory for a checksum");
    if (outcome == STATUS_OK)
        XXH3_64bits_reset(state);
    for (long left = size; left > 0 && outcome == STATUS_OK;) {
        size_t n = left < BLOCK ? (size_t)left : BLOCK;
        errno = EIO;
        if (fread(block, 1, n, file) != n)
            outcome = cannot("read", path);
        else
            XXH3_64bits_update(state, block, n);
        left -= (long)n;
    }
    if (outcome == STATUS_OK)
        snprintf(seal, SEAL_LENGTH + 1, SEAL_NAME "%016" PRIx64,
                 (uint64_t)XXH3_64bits_digest(state));
    XXH3_freeState(state);
    memory_free(&block);
    return outcome;
}

static long size_of(FILE *file)
{
    long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    return fseek(file, 0, SEEK_SET) == 0 ? size : -1;
}

status checkpoint_seal(const char *path)
{
    char seal[SEAL_LENGTH + 1];
    FILE *file = fopen(path, "r+e");
    if (!file)
        return cannot("opened", path);
    long size = size_of(file);
    status outcome = size < 0 ? cannot("read", path) : make_seal(file, path, size, seal);
    if (outcome == STATUS_OK &&
        (fseek(file, 0, SEEK_END) != 0 || fwrite(seal, 1, SEAL_LENGTH, file) != SEAL_LENGTH ||
         fflush(file) != 0))
        outcome = cannot("written", path);
    if (fclose(file) != 0 && outcome == STATUS_OK)
        outcome = cannot("written", path);
    return outcome;
}

/* `size` is that of the file without the seal. Only a file that ends as if sealed is read whole. */
static status compare_seal(FILE *file, const char *path, long size, bool *same)
{
    char seal[SEAL_LENGTH + 1] = "", found[SEAL_LENGTH + 1] = "";
    *same = false;
    if (size <= 0 || fseek(file, size, SEEK_SET) != 0 ||
        fread(found, 1, SEAL_LENGTH, file) != SEAL_LENGTH ||
        memcmp(found, SEAL_NAME, SEAL_NAME_LENGTH) != 0 || fseek(file, 0, SEEK_SET) != 0)
        return STATUS_OK;
    status outcome = make_seal(file, path, size, seal);
    *same = outcome == STATUS_OK && memcmp(seal, found, SEAL_LENGTH) == 0;
    return outcome;
}

status checkpoint_check_seal(const char *path)
{
    bool same;
    FILE *file = fopen(path, "re");
    if (!file)
        return cannot("opened", path);
    status outcome = compare_seal(file, path, size_of(file) - SEAL_LENGTH, &same);
    fclose(file);
    if (outcome != STATUS_OK || same)
        return outcome;
    return status_set(STATUS_USAGE,
                      "%s is damaged: the checksum of the whole file does not match; use an older "
                      "checkpoint{ (@resume auto finds the newest good one)}",
                      path);
}

bool checkpoint_is_sealed(const char *path)
{
    const long most = 64L << 20;
    bool same = false;
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    long size = size_of(file) - SEAL_LENGTH;
    if (size <= most && compare_seal(file, path, size, &same) != STATUS_OK)
        same = false;
    fclose(file);
    return same;
}
