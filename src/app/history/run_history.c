/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/history/run_history.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A line has about 400 bytes, and never as many as WINDOW. */
enum { LINE = 400, WINDOW = 4096 };

/* The newest of starts/<k>.jsonl. */
static bool newest_start(const char *run, char *path, size_t size)
{
    char folder[PATH_MAX];
    struct timespec newest = {0};
    bool found = false;
    snprintf(folder, sizeof folder, "%s/starts", run);
    DIR *entries = opendir(folder);
    struct dirent *entry;
    while (entries && (entry = readdir(entries)) != NULL) {
        char name[PATH_MAX + 300];
        struct stat about;
        snprintf(name, sizeof name, "%s/%s", folder, entry->d_name);
        if (fnmatch("*.jsonl", entry->d_name, 0) != 0 || stat(name, &about) != 0)
            continue;
        bool is_newer =
            about.st_mtim.tv_sec > newest.tv_sec ||
            (about.st_mtim.tv_sec == newest.tv_sec && about.st_mtim.tv_nsec >= newest.tv_nsec);
        if (!is_newer)
            continue;
        newest = about.st_mtim;
        found = snprintf(path, size, "%s", name) < (int)size;
    }
    if (entries)
        closedir(entries);
    return found;
}

bool run_history_path(const char *run, char *path, size_t size)
{
    return (snprintf(path, size, "%s/metrics.jsonl", run) < (int)size && access(path, F_OK) == 0) ||
           newest_start(run, path, size);
}

/* Of null, which stands for what is not finite, NAN. */
static double number_of(const json_t *line, const char *key)
{
    const json_t *value = json_object_get(line, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static status add_line(struct history *history, const char *text, size_t length)
{
    struct metrics_record record = {0};
    json_t *line = json_loadb(text, length, 0, NULL);
    const json_t *epoch = json_object_get(line, "epoch");
    status outcome = STATUS_OK;
    if (json_is_integer(epoch)) {
        record.epoch = json_integer_value(epoch);
        record.step = json_integer_value(json_object_get(line, "step"));
        for (int i = 0; i < RECORD_N_VALUES; i++)
            *metrics_record_value(&record, i) = number_of(line, metrics_record_name(i));
        record.seconds = number_of(line, "seconds");
        bool is_next = history->n == 0 || history->record[history->n - 1].epoch < record.epoch;
        outcome = is_next ? history_add(history, &record) : STATUS_OK;
    }
    json_decref(line);
    return outcome;
}

/* The whole lines of a text, the first of which begins at its beginning. */
static status add_lines(struct history *history, const char *text, size_t length, size_t most)
{
    status outcome = STATUS_OK;
    const char *end = NULL;
    for (; most > 0 && outcome == STATUS_OK && (end = memchr(text, '\n', length)); most--) {
        outcome = add_line(history, text, (size_t)(end - text));
        length -= (size_t)(end + 1 - text);
        text = end + 1;
    }
    return outcome;
}

static status read_all(int file, size_t size, struct history *history)
{
    char *text;
    status outcome = memory_alloc(&text, size, 1, "the metrics");
    if (outcome != STATUS_OK)
        return outcome;
    ssize_t length = pread(file, text, size, 0);
    outcome = add_lines(history, text, length > 0 ? (size_t)length : 0, SIZE_MAX);
    memory_free(&text);
    return outcome;
}

/* The line that begins behind `at`, or at 0; at the end the last whole one. */
static status read_at(int file, size_t at, bool is_last, struct history *history)
{
    char window[WINDOW];
    ssize_t length = pread(file, window, sizeof window, (off_t)at);
    const char *text = window, *end;
    if (length <= 0)
        return STATUS_OK;
    if (at > 0 && !(text = memchr(window, '\n', (size_t)length)))
        return STATUS_OK;
    text += at > 0;
    size_t left = (size_t)(window + length - text);
    if (is_last && (end = memrchr(text, '\n', left))) {
        const char *before = memrchr(text, '\n', (size_t)(end - text));
        text = before ? before + 1 : text;
        left = (size_t)(end + 1 - text);
    }
    return add_lines(history, text, left, 1);
}

status run_history_read(const char *path, size_t most, struct history *history, bool *is_whole)
{
    struct stat about;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &about) != 0) {
        status outcome = status_set(STATUS_USAGE, "%s cannot be read: %s", path, strerror(errno));
        if (file >= 0)
            close(file);
        return outcome;
    }
    size_t size = about.st_size > 0 ? (size_t)about.st_size : 0;
    status outcome = STATUS_OK;
    *is_whole = size <= most * LINE;
    if (*is_whole)
        outcome = read_all(file, size, history);
    else
        for (size_t i = 0; i < most && outcome == STATUS_OK; i++) {
            bool is_last = i + 1 == most;
            size_t at = is_last ? size - WINDOW : i * (size - WINDOW) / (most - 1);
            outcome = read_at(file, at, is_last, history);
        }
    close(file);
    return outcome;
}
