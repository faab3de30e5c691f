/* SPDX-License-Identifier: BSD-3-Clause */
#include "doctor_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A container or a batch system limits memory and time by a cgroup, or by one that holds it. In
 * version 2 there is one tree for all, in version 1 one for each controller.
 */

/* The first words of a file of the kernel; false if there is none. */
static bool read_line(const char *path, char *line, int size)
{
    FILE *file = fopen(path, "r");
    bool found = file && fgets(line, size, file);
    if (file)
        fclose(file);
    return found;
}

/* Whether `controller` is one of "cpu,cpuacct". */
static bool is_listed(const char *list, const char *controller)
{
    size_t length = strlen(controller);
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, controller, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return true;
    return false;
}

/* This process's folder below the controller's tree ("" for version 2); false if not in one. */
static bool own_folder(const char *controller, char *folder, size_t size)
{
    FILE *file = fopen("/proc/self/cgroup", "r");
    char line[1024];
    bool found = false;
    while (file && !found && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = '\0';
        list++;
        found = *controller ? is_listed(list, controller) : *list == '\0';
        if (found)
            snprintf(folder, size, "%s", path);
    }
    if (file)
        fclose(file);
    return found;
}

/* The smallest of ask(folder) for the own folder of the controller's tree and all that hold it. */
static double least(const char *controller, double (*ask)(const char *folder))
{
    char own[1024], path[1200];
    double smallest = -1;
    if (!own_folder(controller, own, sizeof own))
        return smallest;
    for (;;) {
        snprintf(path, sizeof path, "/sys/fs/cgroup%s%s%s", *controller ? "/" : "", controller,
                 strcmp(own, "/") == 0 ? "" : own);
        double limit = ask(path);
        if (limit >= 0 && (smallest < 0 || limit < smallest))
            smallest = limit;
        char *end = strrchr(own, '/');
        if (!end)
            return smallest;
        *end = '\0';
    }
}

static double read_number(const char *folder, const char *name)
{
    char path[1400], line[64];
    char *end;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (!read_line(path, line, sizeof line))
        return -1;
    double number = strtod(line, &end);
    return end == line ? -1 : number; /* "max" is no number */
}

static double memory_v1(const char *folder)
{
    return read_number(folder, "memory.limit_in_bytes");
}

static double memory_v2(const char *folder)
{
    return read_number(folder, "memory.max");
}

static double quota_v1(const char *folder)
{
    double quota = read_number(folder, "cpu.cfs_quota_us");
    double period = read_number(folder, "cpu.cfs_period_us");
    return quota > 0 && period > 0 ? quota / period : -1;
}

static double quota_v2(const char *folder)
{
    char path[1400], line[64];
    double quota, period;
    snprintf(path, sizeof path, "%s/cpu.max", folder);
    if (!read_line(path, line, sizeof line) || sscanf(line, "%lf %lf", &quota, &period) != 2)
        return -1;
    return period > 0 ? quota / period : -1;
}

static double smaller(double a, double b)
{
    if (a < 0 || b < 0)
        return a < 0 ? b : a;
    return a < b ? a : b;
}

int64_t cgroup_memory_limit(void)
{
    const double none = 0x1p60; /* version 1 says "none" by a number almost as large as any */
    double limit = smaller(least("memory", memory_v1), least("", memory_v2));
    return limit < 0 || limit > none ? INT64_MAX : (int64_t)limit;
}

double cgroup_cpu_quota(void)
{
    double quota = smaller(least("cpu", quota_v1), least("", quota_v2));
    return quota < 0 ? 0 : quota;
}
