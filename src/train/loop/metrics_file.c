/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/clock.h"
#include "base/fresh_file.h"
#include "base/json_number.h"
#include "base/site.h"
#include "train/loop/run_directory.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file of a start; the final one if only one is tried. */
static void metrics_path(const struct run_directory *directory, int64_t start, bool several,
                         char *path, size_t size)
{
    if (several)
        snprintf(path, size, "%s/starts/%lld.jsonl", directory->path, (long long)start);
    else
        snprintf(path, size, "%s/metrics.jsonl", directory->path);
}

static status cannot_write(const char *path)
{
    return status_set(STATUS_FAILED, "cannot write %s: %s", path, strerror(errno));
}

static bool write_line(FILE *file, const struct metrics_record *record)
{
    struct metrics_record copy = *record;
    json_t *line = json_object();
    json_object_set_new(line, "epoch", json_integer(record->epoch));
    json_object_set_new(line, "step", json_integer(record->step));
    for (int i = 0; i < RECORD_N_VALUES; i++)
        json_object_set_new(line, metrics_record_name(i),
                            json_number(*metrics_record_value(&copy, i)));
    json_object_set_new(line, "seconds", json_number(record->seconds));
    bool written = json_dumpf(line, file, JSON_REAL_PRECISION(17)) == 0 && fputc('\n', file) != EOF;
    json_decref(line);
    return written;
}

/* The folder of a start's event files: one beside starts/<k>.jsonl, or the run directory. */
static void events_folder(const struct run_directory *directory, int64_t start, bool several,
                          char *path, size_t size)
{
    if (several)
        snprintf(path, size, "%s/starts/%lld", directory->path, (long long)start);
    else
        snprintf(path, size, "%s", directory->path);
}

static status open_events(struct run_directory *directory, int64_t start, bool several,
                          const struct history *history)
{
    char folder[PATH_MAX];
    if (!directory->has_events)
        return STATUS_OK;
    events_folder(directory, start, several, folder, sizeof folder);
    if (several && mkdir(folder, 0777) != 0 && errno != EEXIST)
        return cannot_write(folder);
    return event_file_open(&directory->events, folder, history);
}

/* The whole file anew: what a killed run wrote behind its last checkpoint is gone. */
static status write_history(const char *path, const struct history *history)
{
    struct fresh_file file = {0};
    status outcome = fresh_file_open(&file, path);
    if (outcome != STATUS_OK)
        return outcome;
    for (size_t i = 0; i < history->n && outcome == STATUS_OK; i++)
        if (!write_line(file.stream, &history->record[i]))
            outcome = cannot_write(path);
    return fresh_file_publish(&file, outcome);
}

status run_directory_open_metrics(struct run_directory *directory, int64_t start, bool several,
                                  const struct history *history)
{
    char path[PATH_MAX], folder[PATH_MAX];
    if (directory->metrics)
        fclose(directory->metrics);
    directory->metrics = NULL;
    snprintf(folder, sizeof folder, "%s/starts", directory->path);
    if (several && mkdir(folder, 0777) != 0 && errno != EEXIST)
        return cannot_write(folder);
    metrics_path(directory, start, several, path, sizeof path);
    status outcome = write_history(path, history);
    if (outcome != STATUS_OK)
        return outcome;
    directory->metrics = fopen(path, "a");
    directory->last_flush = clock_seconds();
    if (!directory->metrics)
        return cannot_write(path);
    int64_t last = history->n > 0 ? history->record[history->n - 1].epoch : -1;
    outcome = run_directory_open_use(directory, start, several, last);
    return outcome == STATUS_OK ? open_events(directory, start, several, history) : outcome;
}

status run_directory_add_metrics(struct run_directory *directory,
                                 const struct metrics_record *record)
{
    status outcome = site_file(SITE_metrics_write, "metrics.jsonl");
    if (outcome != STATUS_OK)
        return outcome;
    if (!write_line(directory->metrics, record))
        return cannot_write("metrics.jsonl");
    if (directory->events.stream)
        outcome = event_file_add(&directory->events, record);
    if (outcome == STATUS_OK && clock_seconds() - directory->last_flush > 1)
        return run_directory_flush(directory);
    return outcome;
}

status run_directory_flush(struct run_directory *directory)
{
    directory->last_flush = clock_seconds();
    if (directory->metrics && fflush(directory->metrics) != 0)
        return cannot_write("metrics.jsonl");
    status outcome = event_file_flush(&directory->events);
    return outcome == STATUS_OK ? run_directory_flush_use(directory) : outcome;
}

void run_directory_forget_start(struct run_directory *directory, int64_t start)
{
    char path[PATH_MAX];
    metrics_path(directory, start, true, path, sizeof path);
    if (directory->metrics)
        fclose(directory->metrics);
    directory->metrics = NULL;
    event_file_close(&directory->events);
    unlink(path);
    run_directory_keep_use(directory, start);
    events_folder(directory, start, true, path, sizeof path);
    event_file_remove_all(path);
}
