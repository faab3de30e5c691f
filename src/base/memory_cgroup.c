/* SPDX-License-Identifier: BSD-3-Clause */
#include "memory_cgroup.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Version 2 has one tree for all controllers, version 1 one for memory. */
struct version {
    const char *controllers; /* in /proc/self/cgroup */
    const char *root, *limit, *used, *cached;
};
static const struct version versions[] = {
    {"memory", "/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_"},
    {"", "/sys/fs/cgroup", "memory.max", "memory.current", ""}};

/* SIZE_MAX if there is no number ("max" included). */
static size_t read_number(const char *folder, const char *name)
{
    char path[1400];
    size_t number = SIZE_MAX;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    if (!file)
        return number;
    if (fscanf(file, "%zu", &number) != 1)
        number = SIZE_MAX;
    fclose(file);
    return number;
}

static size_t read_cached(const char *folder, const char *prefix)
{
    char path[1400], line[128], wanted[2][64];
    size_t cached = 0;
    snprintf(path, sizeof path, "%s/memory.stat", folder);
    snprintf(wanted[0], sizeof wanted[0], "%sinactive_file ", prefix);
    snprintf(wanted[1], sizeof wanted[1], "%sactive_file ", prefix);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        for (int i = 0; i < 2; i++) {
            size_t length = strlen(wanted[i]), number;
            if (strncmp(line, wanted[i], length) == 0 && sscanf(line + length, "%zu", &number) == 1)
                cached += number;
        }
    if (file)
        fclose(file);
    return cached;
}

static size_t left_in(const struct version *version, const char *folder)
{
    size_t limit = read_number(folder, version->limit), used = read_number(folder, version->used);
    if (limit == SIZE_MAX || used == SIZE_MAX)
        return SIZE_MAX;
    size_t cached = read_cached(folder, version->cached);
    used -= cached < used ? cached : used;
    return limit > used ? limit - used : 0;
}

/* The least that the group at `own`, or one that holds it, leaves. */
static size_t left_in_all(const struct version *version, char *own)
{
    char folder[1200];
    size_t least = SIZE_MAX;
    for (;;) {
        snprintf(folder, sizeof folder, "%s%s", version->root, strcmp(own, "/") == 0 ? "" : own);
        size_t left = left_in(version, folder);
        if (left < least)
            least = left;
        char *end = strrchr(own, '/');
        if (!end)
            return least;
        *end = '\0';
    }
}

size_t memory_cgroup_available(void)
{
    FILE *file = fopen("/proc/self/cgroup", "r");
    char line[1024];
    size_t least = SIZE_MAX;
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = '\0';
        for (size_t v = 0; v < sizeof versions / sizeof *versions; v++) {
            size_t left = SIZE_MAX;
            if (strcmp(list + 1, versions[v].controllers) == 0)
                left = left_in_all(&versions[v], path);
            if (left < least)
                least = left;
        }
    }
    if (file)
        fclose(file);
    return least;
}
