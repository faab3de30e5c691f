/* SPDX-License-Identifier: BSD-3-Clause */
#include "run_state.h"

#include "app/history/run_history.h"
#include "app/options/options.h"
#include "base/pointer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static double age_of(const char *path)
{
    struct stat about;
    struct timespec now;
    if (stat(path, &about) != 0)
        return NAN;
    clock_gettime(CLOCK_REALTIME, &now);
    double age = (double)(now.tv_sec - about.st_mtim.tv_sec) +
                 1e-9 * (double)(now.tv_nsec - about.st_mtim.tv_nsec);
    return fmax(age, 0); /* the clock of a file server may be ahead */
}

/* The first line of a small file, "" without one. */
static void read_line(const char *run, const char *name, char *text, int size)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", run, name);
    FILE *file = fopen(path, "re");
    if (!file || !fgets(text, size, file))
        text[0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    if (file)
        fclose(file);
}

/* Every process of a run adds to the log, and begins with such a line: the last one counts. */
static void read_log(struct run_state *state)
{
    char path[PATH_MAX], line[sizeof state->begun];
    snprintf(path, sizeof path, "%s/log.txt", state->run);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "coterie ", 8) == 0 && strstr(line, ", started ")) {
            line[strcspn(line, "\n")] = '\0';
            memcpy(state->begun, line, sizeof line);
        }
    if (file)
        fclose(file);
}

static status read_options(struct run_state *state)
{
    char path[PATH_MAX];
    struct options options;
    snprintf(path, sizeof path, "%s/config.yaml", state->run);
    status outcome = options_init(&options, COMMAND_TRAIN);
    if (outcome == STATUS_OK && options_read_yaml(&options, path) == STATUS_OK) {
        state->epochs = options.epochs;
        state->starts = options.starts;
    }
    options_release(&options);
    return outcome;
}

static status read_metrics(struct run_state *state, size_t most)
{
    char path[PATH_MAX];
    long long start;
    if (!run_history_path(state->run, path, sizeof path))
        return STATUS_OK;
    if (sscanf(strrchr(path, '/'), "/%lld.jsonl", &start) == 1)
        state->start = start;
    else if (state->starts > 0)
        state->start = state->starts - 1; /* the best of them, which goes on as the only one */
    state->metrics_age = age_of(path);
    status outcome = run_history_read(path, most, &state->history, &state->is_whole);
    return outcome == STATUS_USAGE ? STATUS_OK : outcome;
}

static void read_checkpoints(struct run_state *state)
{
    char folder[PATH_MAX], path[2 * PATH_MAX];
    snprintf(folder, sizeof folder, "%s/checkpoints", state->run);
    pointer_get(folder, "latest", state->latest);
    pointer_get(folder, "best", state->best);
    snprintf(path, sizeof path, "%s/%s", folder, state->latest);
    state->latest_age = state->latest[0] ? age_of(path) : NAN;
}

status run_state_read(const char *run, size_t most, struct run_state *state)
{
    *state = (struct run_state){.run = run, .metrics_age = NAN, .latest_age = NAN};
    /* Before the mark is looked for, which is made under the lock. */
    state->presence = run_directory_presence(run, state->holder, sizeof state->holder);
    read_line(run, "finished", state->finished, sizeof state->finished);
    read_log(state);
    read_checkpoints(state);
    status outcome = read_options(state);
    return outcome == STATUS_OK ? read_metrics(state, most) : outcome;
}

void run_state_release(struct run_state *state)
{
    history_release(&state->history);
}

static uint64_t mixed(uint64_t stamp, const char *path)
{
    struct stat about = {0};
    if (stat(path, &about) == 0) {
        const uint64_t parts[] = {(uint64_t)about.st_mtim.tv_sec, (uint64_t)about.st_mtim.tv_nsec,
                                  (uint64_t)about.st_size, (uint64_t)about.st_ino};
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
            stamp = (stamp ^ parts[i]) * 0x100000001b3u; /* FNV-1a, a word at a time */
    }
    return stamp * 31;
}

uint64_t run_state_stamp(const char *run)
{
    static const char *const names[] = {"finished", "log.txt", "config.yaml", "checkpoints"};
    char path[PATH_MAX], holder[256];
    uint64_t stamp = 0xcbf29ce484222325u;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", run, names[i]);
        stamp = mixed(stamp, path);
    }
    if (run_history_path(run, path, sizeof path))
        stamp = mixed(stamp, path);
    return stamp + (uint64_t)run_directory_presence(run, holder, sizeof holder);
}

bool run_state_goes_on(const struct run_state *state)
{
    return state->presence == RUN_IS_THERE ||
           (state->presence == RUN_MAY_BE_THERE && !state->finished[0]);
}

double run_state_seconds_left(const struct run_state *state)
{
    const struct history *history = &state->history;
    size_t n = history->n;
    if (n < 2 || state->epochs == 0)
        return NAN;
    const struct metrics_record *last = &history->record[n - 1];
    const struct metrics_record *before = &history->record[n - 1 - (n + 4) / 5];
    double pace = (last->seconds - before->seconds) / (double)(last->epoch - before->epoch);
    double epochs = (double)(state->epochs - last->epoch);
    if (state->starts > 1)
        epochs += (double)(state->epochs * (state->starts - 1 - state->start));
    return fmax(pace * epochs - state->metrics_age, 0);
}
