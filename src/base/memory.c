/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/memory.h"

#include "base/real.h"
#include "memory_cgroup.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static status out_of_memory(size_t count, size_t size, const char *what)
{
    return status_set(
        STATUS_FAILED,
        "not enough memory for %s (%zu elements of %zu bytes){; use more nodes, fewer "
        "experts or a smaller @micro-batch}",
        what, count, size);
}

/*
 * Strides through an array in large pages miss fewer addresses. What is larger than the arrays of a
 * step is a table of data, passed over in order; and a virtual machine may have to get every large
 * page from its host first, 1.5 s a gibibyte.
 */
enum { LARGE_PAGE = 1 << 21, LARGE_FROM = 2 * LARGE_PAGE, LARGE_TO = 1 << 27 };

status memory_alloc(void *out, size_t count, size_t size, const char *what)
{
    void **pointer = out;
    *pointer = NULL;
    if (size != 0 && count > (SIZE_MAX - REAL_ALIGNMENT) / size)
        return out_of_memory(count, size, what);
    size_t bytes = (count * size + REAL_ALIGNMENT) / REAL_ALIGNMENT * REAL_ALIGNMENT;
    bool large = bytes >= LARGE_FROM && bytes <= LARGE_TO;
    if (posix_memalign(pointer, large ? LARGE_PAGE : REAL_ALIGNMENT, bytes) != 0) {
        *pointer = NULL;
        return out_of_memory(count, size, what);
    }
    /* Only a hint; ignored where the kernel has no large pages. */
    if (large)
        (void)madvise(*pointer, bytes / LARGE_PAGE * LARGE_PAGE, MADV_HUGEPAGE);
    memset(*pointer, 0, bytes);
    return STATUS_OK;
}

status memory_grow(void *in_out, size_t old_count, size_t count, size_t size, const char *what)
{
    void **pointer = in_out;
    void *larger;
    status outcome = memory_alloc(&larger, count, size, what);
    if (outcome != STATUS_OK)
        return outcome;
    if (*pointer)
        memcpy(larger, *pointer, (old_count < count ? old_count : count) * size);
    free(*pointer);
    *pointer = larger;
    return STATUS_OK;
}

void memory_free(void *in_out)
{
    void **pointer = in_out;
    free(*pointer);
    *pointer = NULL;
}

char *memory_strdup(const char *text)
{
    return text ? strdup(text) : NULL;
}

static size_t meminfo_available(void)
{
    FILE *file = fopen("/proc/meminfo", "r");
    char line[128];
    size_t kilobytes = 0;
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %zu kB", &kilobytes) == 1)
            break;
    if (file)
        fclose(file);
    if (kilobytes == 0)
        return (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
    return kilobytes * 1024;
}

size_t memory_available(void)
{
    size_t host = meminfo_available(), group = memory_cgroup_available();
    return host < group ? host : group;
}
