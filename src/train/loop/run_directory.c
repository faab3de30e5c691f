/* SPDX-License-Identifier: BSD-3-Clause */
#include "train/loop/run_directory.h"

#include "base/clock.h"
#include "base/fresh_file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/pointer.h"
#include "base/site.h"
#include "base/stop_request.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Seconds that a second run waits for the first. That of a requeued Slurm job may have been left
 * behind on a host that the network or Slurm has lost: it is asked to give way, or the file system
 * has to find out that its host is gone.
 */
static const double lock_patience = 10, lock_patience_restarted = 300;
/* Seconds between two looks for the file `stop`. */
static const double stop_interval = 2;

static bool has_entry(const char *path, const char *name)
{
    char full[PATH_MAX];
    struct stat info;
    snprintf(full, sizeof full, "%s/%s", path, name);
    return stat(full, &info) == 0;
}

bool run_directory_holds_run(const char *path)
{
    char checkpoints[PATH_MAX];
    snprintf(checkpoints, sizeof checkpoints, "%s/checkpoints", path);
    struct string_list names = {0};
    bool has_checkpoint =
        run_directory_generations(checkpoints, &names) == STATUS_OK && names.n > 0;
    string_list_release(&names);
    return has_checkpoint || has_entry(path, "config.yaml") || has_entry(path, "metrics.jsonl");
}

status run_directory_check(const char *path)
{
    if (run_directory_holds_run(path))
        return STATUS_OK;
    return status_set(
        STATUS_USAGE,
        "%s is no run directory (no config.yaml, metrics.jsonl or checkpoints){: name "
        "the folder that `coterie train @output` wrote}",
        path);
}

status run_directory_make_folder(const char *path)
{
    char part[PATH_MAX];
    snprintf(part, sizeof part, "%s", path);
    for (char *at = part + 1;; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        char end = *at;
        *at = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return status_set(STATUS_USAGE,
                              "cannot make the run directory %s: %s{; choose another with @output}",
                              part, strerror(errno));
        *at = end;
        if (end == '\0')
            return STATUS_OK;
    }
}

/* The note of whoever holds the lock. */
static void read_holder(int file, char *holder, size_t size)
{
    ssize_t length = pread(file, holder, size - 1, 0);
    holder[length > 0 ? length : 0] = '\0';
    holder[strcspn(holder, "\n")] = '\0';
}

enum lock_answer { LOCK_TAKEN, LOCK_HELD, LOCK_NONE };

/*
 * Asks for the lock once. LOCK_HELD: the other run's note is in `holder`. LOCK_NONE, with errno:
 * the file system has no locks (Lustre without -o flock, some of FUSE), or not now (NFS).
 */
static enum lock_answer try_lock(int file, char *holder, size_t size)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    holder[0] = '\0';
    if (fcntl(file, F_SETLK, &whole) == 0)
        return LOCK_TAKEN;
    if (errno != EACCES && errno != EAGAIN && errno != EINTR)
        return LOCK_NONE;
    read_holder(file, holder, size);
    return LOCK_HELD;
}

enum run_presence run_directory_presence(const char *path, char *holder, size_t size)
{
    char lock[PATH_MAX];
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    snprintf(lock, sizeof lock, "%s/lock", path);
    int file = open(lock, O_RDONLY | O_CLOEXEC);
    holder[0] = '\0';
    if (file < 0)
        return errno == ENOENT ? RUN_IS_GONE : RUN_MAY_BE_THERE;
    bool is_known = fcntl(file, F_GETLK, &whole) == 0, is_held = whole.l_type != F_UNLCK;
    if (is_known && is_held)
        read_holder(file, holder, size);
    close(file);
    if (!is_known)
        return RUN_MAY_BE_THERE;
    return is_held ? RUN_IS_THERE : RUN_IS_GONE;
}

/* "Slurm job 17", or "" outside Slurm. */
static void job_text(char *text, size_t size)
{
    const char *job = getenv("SLURM_JOB_ID");
    snprintf(text, size, job ? "Slurm job %s" : "%s", job ? job : "");
}

/* This is a Slurm job that has been requeued. */
static bool is_restarted(void)
{
    const char *count = getenv("SLURM_RESTART_COUNT");
    return count && atoi(count) > 0;
}

static void stop_path(const struct run_directory *directory, char *path, size_t size)
{
    snprintf(path, size, "%s/stop", directory->path);
}

/* The earlier start of this very job still runs somewhere: asks it to save and end. */
static void ask_to_give_way(const struct run_directory *directory, const char *holder)
{
    char path[PATH_MAX], job[64];
    job_text(job, sizeof job);
    stop_path(directory, path, sizeof path);
    const char *found = *job ? strstr(holder, job) : NULL;
    if (!found || found[strlen(job)] != '\0')
        return;
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (file >= 0)
        close(file);
}

bool run_directory_asks_to_stop(struct run_directory *directory)
{
    char path[PATH_MAX];
    double now = clock_seconds();
    if (now - directory->looked < stop_interval)
        return false;
    directory->looked = now;
    stop_path(directory, path, sizeof path);
    return access(path, F_OK) == 0;
}

/* Waits for a run that holds the lock. */
static status wait_for_lock(const struct run_directory *directory, const char *path)
{
    char holder[256] = "";
    double patience = is_restarted() ? lock_patience_restarted : lock_patience;
    double started = clock_seconds();
    bool said = false;
    for (;;) {
        status outcome = site_file(SITE_lock, path);
        if (outcome != STATUS_OK)
            return outcome;
        enum lock_answer answer = try_lock(directory->lock, holder, sizeof holder);
        if (answer == LOCK_NONE)
            log_warning("%s cannot be locked (%s): nothing will notice a second run in this "
                        "directory; start none",
                        directory->path, strerror(errno));
        if (answer != LOCK_HELD)
            return STATUS_OK;
        if (stop_request_is_raised())
            return status_set(STATUS_STOPPED,
                              "stopped on request while waiting for another run in %s (%s)",
                              directory->path, holder);
        if (clock_seconds() - started > patience)
            return status_set(STATUS_USAGE,
                              "%s is in use by another run (%s); wait for it, stop it, or choose "
                              "another directory{ with @output}",
                              directory->path, holder[0] ? holder : "it has left no name");
        if (is_restarted() && !said) {
            log_info("waiting for an earlier run in %s to end (%s)", directory->path, holder);
            ask_to_give_way(directory, holder);
            said = true;
        }
        usleep(100000);
    }
}

static status take_lock(struct run_directory *directory)
{
    char path[PATH_MAX], stop[PATH_MAX], note[256], host[64] = "", job[64];
    snprintf(path, sizeof path, "%s/lock", directory->path);
    directory->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (directory->lock < 0)
        return status_set(STATUS_USAGE,
                          "cannot write in the run directory %s: %s{; choose another with @output}",
                          directory->path, strerror(errno));
    status outcome = wait_for_lock(directory, path);
    if (outcome != STATUS_OK)
        return outcome;
    stop_path(directory, stop, sizeof stop);
    unlink(stop);
    gethostname(host, sizeof host - 1);
    job_text(job, sizeof job);
    int length = snprintf(note, sizeof note, "host %s, process %d%s%s\n", host, (int)getpid(),
                          *job ? ", " : "", job);
    if (ftruncate(directory->lock, 0) != 0 ||
        pwrite(directory->lock, note, (size_t)length, 0) != length)
        return status_set(STATUS_FAILED, "cannot write %s: %s", path, strerror(errno));
    return STATUS_OK;
}

/* Removes the files of a folder whose names match, but not `kept` (NULL: none is kept). */
static void remove_matching(const char *folder, const char *pattern, const char *kept)
{
    DIR *entries = opendir(folder);
    struct dirent *entry;
    while (entries && (entry = readdir(entries)) != NULL) {
        char path[PATH_MAX + 300];
        if (fnmatch(pattern, entry->d_name, 0) != 0 || (kept && strcmp(entry->d_name, kept) == 0))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        unlink(path);
    }
    if (entries)
        closedir(entries);
}

/* What a run that was killed while it wrote has left. */
static void remove_all_unfinished(const struct run_directory *directory)
{
    char starts[PATH_MAX];
    snprintf(starts, sizeof starts, "%s/starts", directory->path);
    remove_matching(directory->path, "*.tmp", NULL);
    remove_matching(directory->path, "hang-*", NULL); /* notes of the watchdog */
    remove_matching(directory->checkpoints, "*.tmp", NULL);
    remove_matching(starts, "*.tmp", NULL);
}

status run_directory_open(struct run_directory *directory, const char *path)
{
    memset(directory, 0, sizeof *directory);
    directory->lock = -1;
    size_t size = strlen(path) + sizeof "/checkpoints";
    directory->path = memory_strdup(path);
    directory->checkpoints = malloc(size);
    if (!directory->path || !directory->checkpoints)
        return status_set(STATUS_FAILED, "not enough memory for the run directory's name");
    snprintf(directory->checkpoints, size, "%s/checkpoints", path);
    status outcome = run_directory_make_folder(directory->path);
    if (outcome == STATUS_OK)
        outcome = run_directory_make_folder(directory->checkpoints);
    if (outcome == STATUS_OK)
        outcome = take_lock(directory);
    if (outcome == STATUS_OK)
        remove_all_unfinished(directory);
    return outcome;
}

void run_directory_close(struct run_directory *directory)
{
    if (directory->metrics)
        fclose(directory->metrics);
    directory->metrics = NULL;
    event_file_close(&directory->events);
    if (directory->use)
        fclose(directory->use);
    directory->use = NULL;
    if (directory->lock > 0)
        close(directory->lock);
    directory->lock = -1;
    memory_free(&directory->path);
    memory_free(&directory->checkpoints);
}

/* The step in the name of a generation, -1 if it is the name of something else. */
static long long step_of(const char *name)
{
    int length = -1;
    long long step;
    bool matches = sscanf(name, "step-%lld.h5%n", &step, &length) == 1 && length > 0 &&
                   name[length] == '\0' && step >= 0;
    return matches ? step : -1;
}

void run_directory_generation_path(const char *checkpoints, int64_t generation, char *path,
                                   size_t size)
{
    snprintf(path, size, "%s/step-%09lld.h5", checkpoints, (long long)generation);
}

static int by_step_descending(const void *a, const void *b)
{
    long long step_a = step_of(*(char *const *)a), step_b = step_of(*(char *const *)b);
    return (step_a < step_b) - (step_a > step_b);
}

status run_directory_generations(const char *checkpoints, struct string_list *names)
{
    DIR *folder = opendir(checkpoints);
    if (!folder)
        return status_set(STATUS_USAGE, "cannot read %s: %s", checkpoints, strerror(errno));
    status outcome = STATUS_OK;
    struct dirent *entry;
    while (outcome == STATUS_OK && (entry = readdir(folder)) != NULL)
        if (step_of(entry->d_name) >= 0)
            outcome = string_list_add(names, entry->d_name);
    closedir(folder);
    if (names->n > 1)
        qsort(names->item, names->n, sizeof *names->item, by_step_descending);
    return outcome;
}

static void remove_generation(const char *checkpoints, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", checkpoints, name);
    if (site_file(SITE_prune, path) != STATUS_OK)
        log_warning("cannot remove the old checkpoint: %s", status_text());
    else if (unlink(path) != 0)
        log_warning("cannot remove the old checkpoint %s: %s", path, strerror(errno));
}

/*
 * Generations beyond `latest` are of a run that was given up by resuming an older one, or damaged:
 * --resume auto must not go back to them.
 */
void run_directory_prune(const char *checkpoints, int keep)
{
    struct string_list names = {0};
    char latest[PATH_MAX], best[PATH_MAX], rollback[PATH_MAX];
    int kept = 0;
    pointer_get(checkpoints, "latest", latest);
    pointer_get(checkpoints, "best", best);
    pointer_get(checkpoints, "rollback", rollback);
    long long newest = step_of(latest);
    if (newest >= 0 && run_directory_generations(checkpoints, &names) == STATUS_OK)
        for (size_t i = 0; i < names.n; i++) {
            const char *name = names.item[i];
            bool is_older = step_of(name) <= newest;
            if (is_older && kept++ < keep)
                continue;
            if (strcmp(name, best) != 0 && strcmp(name, rollback) != 0)
                remove_generation(checkpoints, name);
        }
    string_list_release(&names);
}

status run_directory_link(const char *checkpoints, const char *link, const char *name)
{
    static bool said;
    bool as_text = false;
    status outcome = site_file(SITE_link, link);
    if (outcome == STATUS_OK)
        outcome = pointer_set(checkpoints, link, name, &as_text);
    if (outcome == STATUS_OK && as_text && !said)
        log_warning("%s is on a file system without symbolic links: `latest` and `best` there are "
                    "text files with the names of the checkpoints, which coterie reads as such",
                    checkpoints);
    said = said || as_text;
    return outcome;
}

void run_directory_start_path(const struct run_directory *directory, int64_t start, char *path,
                              size_t size)
{
    snprintf(path, size, "%s/starts/%lld.h5", directory->path, (long long)start);
}

void run_directory_remove_lost_starts(const struct run_directory *directory, int64_t best)
{
    char starts[PATH_MAX], kept[32];
    snprintf(starts, sizeof starts, "%s/starts", directory->path);
    snprintf(kept, sizeof kept, "%lld.h5", (long long)best);
    remove_matching(starts, "*.h5", kept);
}

void run_directory_mark_finished(const char *path, const char *name, const char *text)
{
    char full[PATH_MAX];
    struct fresh_file file = {0};
    snprintf(full, sizeof full, "%s/%s", path, name);
    status outcome = fresh_file_open(&file, full);
    if (outcome == STATUS_OK) {
        fprintf(file.stream, "%s\n", text);
        outcome = fresh_file_publish(&file, STATUS_OK);
    }
    if (outcome != STATUS_OK)
        log_warning("%s; a batch script will consider the work unfinished", status_text());
}

void run_directory_unmark_finished(const char *path, const char *name)
{
    char full[PATH_MAX];
    snprintf(full, sizeof full, "%s/%s", path, name);
    unlink(full);
}
