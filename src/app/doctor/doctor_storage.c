/* SPDX-License-Identifier: BSD-3-Clause */
#include "doctor_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Checks of memory and files. */

static const double mebibyte = 0x1p20, gibibyte = 0x1p30;

void check_output(const struct survey *survey, struct finding *finding)
{
    const struct output_facts *output = &survey->output;
    if (output->can_write) {
        finding_set(finding, VERDICT_OK,
                    "an HDF5 file was written, synced, read back and renamed in %s",
                    output->folder);
        return;
    }
    finding_set(finding, VERDICT_FIX, "no checkpoint can be written: %s", output->error);
    if (access(output->folder, W_OK | X_OK) != 0)
        finding_fix(finding,
                    "choose a folder of yours: --output DIR; %s belongs to someone else, is "
                    "read-only or is no folder: ls -ld %s",
                    output->folder, output->folder);
    else
        finding_fix(finding, "choose another folder: --output DIR; or make room: df -h %s",
                    output->folder);
}

void check_locks(const struct survey *survey, struct finding *finding)
{
    const struct output_facts *output = &survey->output;
    if (output->lock_error) {
        finding_set(finding, VERDICT_ADVICE,
                    "%s has no locks (fcntl: %s): nothing will notice a second run in a run "
                    "directory",
                    output->folder, strerror(output->lock_error));
        finding_fix(finding, "start no second run there, choose another folder: --output DIR; or "
                             "have it mounted with locks (Lustre: -o flock; NFS: rpc.statd must "
                             "run)");
    } else if (output->flock_error) {
        finding_set(finding, VERDICT_ADVICE,
                    "flock does not work in %s (%s): coterie writes its HDF5 files without, other "
                    "programs may refuse to open them",
                    output->folder, strerror(output->flock_error));
        finding_fix(finding, "for those: export HDF5_USE_FILE_LOCKING=FALSE");
    } else {
        finding_set(finding, VERDICT_OK, output->can_write ? "they work" : "not tried");
    }
}

void check_links(const struct survey *survey, struct finding *finding)
{
    const struct output_facts *output = &survey->output;
    if (output->link_error && output->can_write) {
        finding_set(finding, VERDICT_ADVICE,
                    "no symbolic links in %s (%s): `latest` and `best` will be text files with the "
                    "names of the checkpoints",
                    output->folder, strerror(output->link_error));
        finding_fix(finding, "nothing, if only coterie reads them; else choose another folder: "
                             "--output DIR");
    } else {
        finding_set(finding, VERDICT_OK, output->can_write ? "they work" : "not tried");
    }
}

void check_durability(const struct survey *survey, struct finding *finding)
{
    const struct output_facts *output = &survey->output;
    if (output->replace_error && output->can_write) {
        finding_set(finding, VERDICT_FIX,
                    "in %s no file can take the place of another (rename: %s)", output->folder,
                    strerror(output->replace_error));
        finding_fix(finding, "choose another folder: --output DIR; or for sshfs: -o "
                             "workaround=rename");
    } else if (output->folder_error && output->can_write) {
        finding_set(finding, VERDICT_ADVICE,
                    "folders cannot be synced in %s (%s): after a crash of the host the newest "
                    "checkpoint may be missing",
                    output->folder, strerror(output->folder_error));
        finding_fix(finding, "leave --keep at 2 or more, or choose another folder: --output DIR");
    } else {
        finding_set(finding, VERDICT_OK,
                    output->can_write ? "files are replaced as a whole, and folders synced"
                                      : "not tried");
    }
}

void check_file_system(const struct survey *survey, struct finding *finding)
{
    const struct output_facts *output = &survey->output;
    switch (output->kind) {
    case FILE_SYSTEM_LOCAL:
        finding_set(finding, VERDICT_OK, "%s is on %s", output->folder, output->system);
        break;
    case FILE_SYSTEM_MEMORY:
        finding_set(finding, VERDICT_ADVICE, "%s is on %s: lost at reboot, and it takes memory",
                    output->folder, output->system);
        finding_fix(finding, "choose a folder on a disk: --output DIR");
        break;
    case FILE_SYSTEM_LAYER:
        finding_set(finding, VERDICT_ADVICE, "%s is on %s: lost with the container", output->folder,
                    output->system);
        finding_fix(finding, "mount a folder of the host into the container (docker run -v "
                             "/data:/data) and use --output /data/run");
        break;
    case FILE_SYSTEM_NET:
        finding_set(finding, VERDICT_ADVICE,
                    "%s is on %s: after a crash the newest file there may be incomplete",
                    output->folder, output->system);
        finding_fix(finding, "leave --keep at 2 or more; coterie inspect DIR --verify tells which "
                             "checkpoints are whole");
        break;
    }
}

void check_space(const struct survey *survey, struct finding *finding)
{
    const struct output_facts *output = &survey->output;
    const double least = 100 * mebibyte, comfortable = gibibyte;
    double space = (double)output->free;
    if (output->free < 0) {
        finding_set(finding, VERDICT_ADVICE, "the space in %s is unknown", output->folder);
        finding_fix(finding, "df -h %s", output->folder);
    } else if (space >= comfortable) {
        finding_set(finding, VERDICT_OK, "%.1f GiB free in %s", space / gibibyte, output->folder);
    } else {
        finding_set(finding, space < least ? VERDICT_FIX : VERDICT_ADVICE,
                    "only %.0f MiB free in %s", space / mebibyte, output->folder);
        finding_fix(finding, "make room, choose another --output DIR, or keep fewer checkpoints: "
                             "--keep 2");
    }
}

void check_shared_memory(const struct survey *survey, struct finding *finding)
{
    const double least = 64 * mebibyte, comfortable = 512 * mebibyte;
    const struct rank_facts *worst = &survey->rank[0];
    struct host_list hosts = {0};
    char text[HOST_TEXT];
    for (int i = 0; i < survey->n_ranks; i = survey_host_end(survey, i)) {
        const struct rank_facts *rank = &survey->rank[i];
        if (rank->host_facts.shm_free < worst->host_facts.shm_free)
            worst = rank;
        if ((double)rank->host_facts.shm_free < comfortable)
            host_list_add(&hosts, rank);
    }
    double space = (double)worst->host_facts.shm_free;
    if (space >= comfortable) {
        finding_set(finding, VERDICT_OK, "%.1f GiB free in /dev/shm", space / gibibyte);
        return;
    }
    if (space < 0)
        finding_set(finding, VERDICT_FIX, "/dev/shm is missing or cannot be written%s",
                    host_list_text(survey, &hosts, text));
    else
        finding_set(finding, space < least ? VERDICT_FIX : VERDICT_ADVICE,
                    "only %.0f MiB free in /dev/shm%s: the messages of the ranks of a host go "
                    "through it",
                    space / mebibyte, host_list_text(survey, &hosts, text));
    finding_fix(finding, "docker run --shm-size=2g ..., or as root: mount -o remount,size=50%% "
                         "/dev/shm");
}

void check_leftovers(const struct survey *survey, struct finding *finding)
{
    const struct rank_facts *first = NULL;
    struct host_list hosts = {0};
    char text[HOST_TEXT];
    for (int i = 0; i < survey->n_ranks; i = survey_host_end(survey, i)) {
        if (survey->rank[i].host_facts.n_leftovers == 0)
            continue;
        host_list_add(&hosts, &survey->rank[i]);
        first = first ? first : &survey->rank[i];
    }
    if (!first) {
        finding_set(finding, VERDICT_OK, "none of dead jobs in /dev/shm");
        return;
    }
    const struct host_facts *facts = &first->host_facts;
    finding_set(finding, VERDICT_ADVICE, "%d %s of dead jobs in /dev/shm%s, %.3g MiB of memory%s",
                facts->n_leftovers, facts->n_leftovers == 1 ? "file" : "files",
                hosts.n > 1 ? " of the first host" : "", (double)facts->leftover_bytes / mebibyte,
                host_list_text(survey, &hosts, text));
    finding_fix(finding, "%s%s%srm%s", survey->n_hosts > 1 ? "on " : "",
                survey->n_hosts > 1 ? first->host : "", survey->n_hosts > 1 ? ": " : "",
                facts->leftovers);
}

void check_temporary(const struct survey *survey, struct finding *finding)
{
    enum { LONGEST = 80 }; /* a socket's path has 108 characters, and Open MPI adds its own */
    const struct rank_facts *bad = NULL;
    struct host_list hosts = {0};
    char text[HOST_TEXT];
    if (!has_open_mpi(&survey->rank[0])) {
        finding_set(finding, VERDICT_OK, "%s needs none", survey->rank[0].mpi);
        return;
    }
    for (int i = 0; i < survey->n_ranks; i = survey_host_end(survey, i)) {
        const struct host_facts *facts = &survey->rank[i].host_facts;
        if (facts->tmp_length <= LONGEST && facts->tmp_is_usable &&
            facts->tmp_kind != FILE_SYSTEM_NET)
            continue;
        host_list_add(&hosts, &survey->rank[i]);
        bad = bad ? bad : &survey->rank[i];
    }
    const struct host_facts *facts = &(bad ? bad : &survey->rank[0])->host_facts;
    const char *where = host_list_text(survey, &hosts, text);
    if (!bad) {
        finding_set(finding, VERDICT_OK, "in %s, on %s", facts->tmp, facts->tmp_system);
        return;
    }
    if (!facts->tmp_is_usable)
        finding_set(finding, VERDICT_FIX, "Open MPI cannot write in %s%s", facts->tmp, where);
    else if (facts->tmp_length > LONGEST)
        finding_set(finding, VERDICT_ADVICE,
                    "the path has %d characters, too many for Open MPI's sockets: %s%s",
                    facts->tmp_length, facts->tmp, where);
    else
        finding_set(finding, VERDICT_ADVICE,
                    "%s is on %s: Open MPI's session, shared by the ranks of a host, is slow there "
                    "or fails%s",
                    facts->tmp, facts->tmp_system, where);
    finding_fix(finding, "export TMPDIR=/tmp");
}

void check_memory(const struct survey *survey, struct finding *finding)
{
    const double least = 64 * mebibyte, comfortable = 512 * mebibyte; /* per rank */
    const struct rank_facts *worst = &survey->rank[0];
    struct host_list hosts = {0};
    char text[HOST_TEXT], limit[64] = "";
    double smallest = 0;
    for (int i = 0, end; i < survey->n_ranks; i = end) {
        end = survey_host_end(survey, i);
        const struct host_facts *facts = &survey->rank[i].host_facts;
        int64_t bytes = facts->memory < facts->memory_limit ? facts->memory : facts->memory_limit;
        double share = (double)bytes / (end - i);
        if (share < comfortable)
            host_list_add(&hosts, &survey->rank[i]);
        if (i == 0 || share < smallest) {
            worst = &survey->rank[i];
            smallest = share;
        }
    }
    const struct host_facts *facts = &worst->host_facts;
    if (facts->memory_limit != INT64_MAX)
        snprintf(limit, sizeof limit, " (the cgroup's limit is %.1f GiB)",
                 (double)facts->memory_limit / gibibyte);
    if (smallest >= comfortable) {
        finding_set(finding, VERDICT_OK, "%.1f GiB for each rank%s", smallest / gibibyte, limit);
        return;
    }
    finding_set(finding, smallest < least ? VERDICT_FIX : VERDICT_ADVICE,
                "only %.0f MiB for each rank%s%s", smallest / mebibyte, limit,
                host_list_text(survey, &hosts, text));
    finding_fix(finding, "fewer ranks on a host, or more memory (sbatch --mem=0, docker run "
                         "--memory=8g); coterie train --dry-run shows what a run needs");
}

/* The first limit of a host that will hurt; false if there is none. */
static bool judge_limits(const struct host_facts *facts, const char *where, struct finding *finding)
{
    enum { FILES = 1024 };
    if (facts->address_space != INT64_MAX) {
        finding_set(finding, VERDICT_ADVICE,
                    "address space is limited to %.1f GiB: shared memory counts for every rank%s",
                    (double)facts->address_space / gibibyte, where);
        finding_fix(finding, "ulimit -v unlimited");
    } else if (facts->file_size != INT64_MAX) {
        finding_set(finding, VERDICT_ADVICE, "files are limited to %.0f MiB, checkpoints too%s",
                    (double)facts->file_size / mebibyte, where);
        finding_fix(finding, "ulimit -f unlimited");
    } else if (facts->open_files < FILES) {
        finding_set(finding, VERDICT_ADVICE,
                    "only %lld open files for a process: too few for many ranks%s",
                    (long long)facts->open_files, where);
        finding_fix(finding,
                    facts->open_files_most >= FILES
                        ? "ulimit -n %lld"
                        : "raise nofile in /etc/security/limits.conf (now %lld)",
                    facts->open_files_most > 4096 ? 4096LL : (long long)facts->open_files_most);
    } else if (facts->has_fabric && facts->locked != INT64_MAX) {
        finding_set(finding, VERDICT_ADVICE,
                    "locked memory is limited to %.0f MiB: the fast network needs it%s",
                    (double)facts->locked / mebibyte, where);
        finding_fix(finding, "ulimit -l unlimited      (or memlock in /etc/security/limits.conf)");
    } else {
        return false;
    }
    return true;
}

void check_limits(const struct survey *survey, struct finding *finding)
{
    for (int i = 0; i < survey->n_ranks; i = survey_host_end(survey, i)) {
        struct host_list host = {0};
        char text[HOST_TEXT];
        host_list_add(&host, &survey->rank[i]);
        if (judge_limits(&survey->rank[i].host_facts, host_list_text(survey, &host, text), finding))
            return;
    }
    finding_set(finding, VERDICT_OK, "open files, locked memory, file size and address space");
}
