/* SPDX-License-Identifier: BSD-3-Clause */
#include "doctor_internal.h"

#include "base/memory.h"
#include "base/string_list.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/*
 * Files in shared memory, most of them Open MPI's, stay behind when a job is killed hard, and hold
 * memory until the next reboot. A file is dead if no process maps it. Those of other users cannot
 * be judged: we must not look into their processes.
 */

static const char shm[] = "/dev/shm";

static bool is_of_a_job(const char *name)
{
    static const char *const beginnings[] = {"vader_segment.", "sm_segment.", "osc_sm.",
                                             "coterie-"};
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
        if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
}

/* A job maps its files a moment after making them. */
static bool is_new(const struct stat *about)
{
    return about->st_mtime + 5 > time(NULL);
}

/* The files of one's own (for root: all) that could be leftovers. */
static status list_candidates(struct string_list *names)
{
    DIR *folder = opendir(shm);
    struct dirent *entry;
    status outcome = STATUS_OK;
    while (folder && outcome == STATUS_OK && (entry = readdir(folder)) != NULL) {
        struct stat about;
        if (!is_of_a_job(entry->d_name) ||
            fstatat(dirfd(folder), entry->d_name, &about, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (S_ISREG(about.st_mode) && (geteuid() == 0 || about.st_uid == geteuid()) &&
            !is_new(&about))
            outcome = string_list_add(names, entry->d_name);
    }
    if (folder)
        closedir(folder);
    return outcome;
}

/* Marks the names that a process maps. */
static void mark_mapped(const char *pid, const struct string_list *names, bool *is_alive)
{
    char path[64 + 256], line[4096];
    snprintf(path, sizeof path, "/proc/%.64s/maps", pid);
    FILE *maps = fopen(path, "r");
    while (maps && fgets(line, sizeof line, maps)) {
        const char *at = strstr(line, "/dev/shm/");
        if (!at)
            continue;
        at += sizeof shm;
        size_t length = strcspn(at, " \n");
        for (size_t i = 0; i < names->n; i++)
            if (strlen(names->item[i]) == length && strncmp(names->item[i], at, length) == 0)
                is_alive[i] = true;
    }
    if (maps)
        fclose(maps);
}

static void mark_alive(const struct string_list *names, bool *is_alive)
{
    DIR *folder = opendir("/proc");
    struct dirent *entry;
    while (folder && (entry = readdir(folder)) != NULL)
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
            mark_mapped(entry->d_name, names, is_alive);
    if (folder)
        closedir(folder);
}

/* The length of the name without its last part, the rank: one job has the rest in common. */
static size_t job_length(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? (size_t)(dot + 1 - name) : strlen(name);
}

static bool is_same_job(const char *a, const char *b)
{
    size_t length = job_length(a);
    return length == job_length(b) && strncmp(a, b, length) == 0;
}

/* One pattern a job, and only if all its files are dead. */
static void note_job(struct host_facts *facts, const struct string_list *names,
                     const bool *is_alive, size_t which)
{
    const char *name = names->item[which];
    for (size_t i = 0; i < names->n; i++)
        if ((i < which || is_alive[i]) && is_same_job(names->item[i], name))
            return;
    size_t used = strlen(facts->leftovers), room = sizeof facts->leftovers - used;
    if (strlen(name) + sizeof shm + 3 < room) /* else it is for the next visit */
        snprintf(facts->leftovers + used, room, " %s/%.*s*", shm, (int)job_length(name), name);
}

static void note_dead(struct host_facts *facts, const struct string_list *names,
                      const bool *is_alive)
{
    for (size_t i = 0; i < names->n; i++) {
        char path[512];
        struct stat about;
        snprintf(path, sizeof path, "%s/%s", shm, names->item[i]);
        if (is_alive[i] || lstat(path, &about) != 0)
            continue;
        facts->n_leftovers++;
        facts->leftover_bytes += (int64_t)about.st_blocks * 512;
        note_job(facts, names, is_alive, i);
    }
}

void examine_leftovers(struct host_facts *facts)
{
    struct string_list names = {0};
    bool *is_alive = NULL;
    /* Without memory nothing is found, and the check of memory says why. */
    if (list_candidates(&names) == STATUS_OK && names.n > 0 &&
        memory_alloc(&is_alive, names.n, sizeof(bool), "names") == STATUS_OK) {
        mark_alive(&names, is_alive);
        note_dead(facts, &names, is_alive);
    }
    memory_free(&is_alive);
    string_list_release(&names);
}
