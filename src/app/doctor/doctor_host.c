/* SPDX-License-Identifier: BSD-3-Clause */
#include "doctor_internal.h"

#include "base/memory.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <unistd.h>

/* Numbers that the kernel gives to kinds of file systems; its headers lack most of them. */
static const struct {
    unsigned long number;
    const char *name;
    enum file_system_kind kind;
} file_systems[] = {
    {0xEF53, "ext4", FILE_SYSTEM_LOCAL},       {0x58465342, "xfs", FILE_SYSTEM_LOCAL},
    {0x9123683E, "btrfs", FILE_SYSTEM_LOCAL},  {0x2FC12FC1, "zfs", FILE_SYSTEM_LOCAL},
    {0xF2F52010, "f2fs", FILE_SYSTEM_LOCAL},   {0x01021994, "tmpfs", FILE_SYSTEM_MEMORY},
    {0x858458F6, "ramfs", FILE_SYSTEM_MEMORY}, {0x794C7630, "overlay", FILE_SYSTEM_LAYER},
    {0x6969, "NFS", FILE_SYSTEM_NET},          {0x0BD00BD0, "Lustre", FILE_SYSTEM_NET},
    {0x47504653, "GPFS", FILE_SYSTEM_NET},     {0x19830326, "BeeGFS", FILE_SYSTEM_NET},
    {0x00C36400, "CephFS", FILE_SYSTEM_NET},   {0xFF534D42, "CIFS", FILE_SYSTEM_NET},
    {0xFE534D42, "SMB", FILE_SYSTEM_NET},      {0x01021997, "9p", FILE_SYSTEM_NET},
    {0xAAD7AAEA, "PanFS", FILE_SYSTEM_NET},    {0x5346414F, "AFS", FILE_SYSTEM_NET},
    {0x65735546, "FUSE", FILE_SYSTEM_NET},     {0x7461636F, "OCFS2", FILE_SYSTEM_NET},
    {0x01161970, "GFS2", FILE_SYSTEM_NET},     {0x20030528, "OrangeFS", FILE_SYSTEM_NET},
};

enum file_system_kind file_system_of(const char *path, char *name, size_t size)
{
    struct statfs about;
    snprintf(name, size, "unknown");
    if (statfs(path, &about) != 0)
        return FILE_SYSTEM_LOCAL;
    /* The field is signed and of 32 or 64 bits, by the architecture. */
    unsigned long number = (unsigned long)about.f_type & 0xFFFFFFFFUL;
    for (size_t i = 0; i < sizeof file_systems / sizeof *file_systems; i++)
        if (file_systems[i].number == number) {
            snprintf(name, size, "%s", file_systems[i].name);
            return file_systems[i].kind;
        }
    snprintf(name, size, "type %#lx", number);
    return FILE_SYSTEM_LOCAL;
}

static int64_t limit_of(int resource)
{
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return INT64_MAX;
    return (int64_t)limit.rlim_cur;
}

static bool has_entries(const char *path)
{
    DIR *folder = opendir(path);
    bool found = false;
    struct dirent *entry;
    while (folder && !found && (entry = readdir(folder)) != NULL)
        found = entry->d_name[0] != '.';
    if (folder)
        closedir(folder);
    return found;
}

static void examine_limits(struct host_facts *facts)
{
    struct rlimit files = {0};
    getrlimit(RLIMIT_NOFILE, &files);
    facts->open_files = files.rlim_cur > INT64_MAX ? INT64_MAX : (int64_t)files.rlim_cur;
    facts->open_files_most = files.rlim_max > INT64_MAX ? INT64_MAX : (int64_t)files.rlim_max;
    facts->locked = limit_of(RLIMIT_MEMLOCK);
    facts->address_space = limit_of(RLIMIT_AS);
    facts->file_size = limit_of(RLIMIT_FSIZE);
    facts->has_fabric = has_entries("/sys/class/infiniband");
}

/* Where Open MPI puts its session, by its own rules. */
static void examine_temporary(struct host_facts *facts)
{
    static const char *const names[] = {"OMPI_MCA_orte_tmpdir_base", "TMPDIR", "TEMP", "TMP"};
    const char *path = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && (!path || !*path); i++)
        path = getenv(names[i]);
    if (!path || !*path)
        path = "/tmp";
    snprintf(facts->tmp, sizeof facts->tmp, "%s", path);
    facts->tmp_length = (int)strlen(path);
    facts->tmp_is_usable = access(path, W_OK | X_OK) == 0;
    facts->tmp_kind = file_system_of(path, facts->tmp_system, sizeof facts->tmp_system);
}

void examine_host(struct host_facts *facts)
{
    struct statfs shm;
    facts->online = (int)sysconf(_SC_NPROCESSORS_ONLN);
    facts->memory_limit = cgroup_memory_limit();
    size_t available = memory_available();
    facts->memory = available > INT64_MAX ? INT64_MAX : (int64_t)available;
    facts->shm_free = -1;
    if (statfs("/dev/shm", &shm) == 0 && access("/dev/shm", W_OK) == 0)
        facts->shm_free = (int64_t)shm.f_bavail * (int64_t)shm.f_bsize;
    examine_limits(facts);
    examine_temporary(facts);
    examine_leftovers(facts);
}
