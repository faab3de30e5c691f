#include "coterie/base/clock.h"
#include "coterie/base/site.h"
#include "coterie/train/run_directory.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
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

/* Copies the lines of epochs up to last_epoch; a last line cut short by a crash is dropped. */
static void copy_lines(FILE *from, FILE *to, int64_t last_epoch)
{
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, from) >= 0) {
        json_t *record = json_loads(line, 0, NULL);
        json_int_t epoch = json_integer_value(json_object_get(record, "epoch"));
        bool keep = record && epoch <= last_epoch;
        json_decref(record);
        if (keep && fputs(line, to) < 0)
            break;
    }
    free(line);
}

static status cut_back(const char *path, int64_t last_epoch)
{
    char shorter[PATH_MAX + 8];
    snprintf(shorter, sizeof shorter, "%s.tmp", path);
    FILE *from = fopen(path, "r");
    if (!from)
        return STATUS_OK;
    FILE *to = fopen(shorter, "w");
    if (!to) {
        fclose(from);
        return cannot_write(shorter);
    }
    copy_lines(from, to, last_epoch);
    fclose(from);
    bool written = fflush(to) == 0 && fsync(fileno(to)) == 0;
    if (fclose(to) != 0 || !written || rename(shorter, path) != 0)
        return cannot_write(shorter);
    return STATUS_OK;
}

status run_directory_open_metrics(struct run_directory *directory, int64_t start, bool several,
                                  int64_t last_epoch)
{
    char path[PATH_MAX], folder[PATH_MAX];
    if (directory->metrics)
        fclose(directory->metrics);
    directory->metrics = NULL;
    snprintf(folder, sizeof folder, "%s/starts", directory->path);
    if (several && mkdir(folder, 0777) != 0 && errno != EEXIST)
        return cannot_write(folder);
    metrics_path(directory, start, several, path, sizeof path);
    status outcome = cut_back(path, last_epoch);
    if (outcome != STATUS_OK)
        return outcome;
    directory->metrics = fopen(path, "a");
    directory->last_flush = clock_seconds();
    return directory->metrics ? STATUS_OK : cannot_write(path);
}

/* JSON has no NaN and no infinity: null. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

status run_directory_add_metrics(struct run_directory *directory,
                                 const struct metrics_record *record)
{
    status outcome = site_file(SITE_metrics_write, "metrics.jsonl");
    if (outcome != STATUS_OK)
        return outcome;
    struct metrics_record copy = *record;
    json_t *line = json_object();
    json_object_set_new(line, "epoch", json_integer(record->epoch));
    json_object_set_new(line, "step", json_integer(record->step));
    for (int i = 0; i < RECORD_N_VALUES; i++)
        json_object_set_new(line, metrics_record_name(i), number(*metrics_record_value(&copy, i)));
    json_object_set_new(line, "seconds", number(record->seconds));
    bool written = json_dumpf(line, directory->metrics, JSON_REAL_PRECISION(17)) == 0 &&
                   fputc('\n', directory->metrics) != EOF;
    json_decref(line);
    if (!written)
        return cannot_write("metrics.jsonl");
    if (clock_seconds() - directory->last_flush > 1)
        return run_directory_flush(directory);
    return STATUS_OK;
}

status run_directory_flush(struct run_directory *directory)
{
    directory->last_flush = clock_seconds();
    if (directory->metrics && fflush(directory->metrics) != 0)
        return cannot_write("metrics.jsonl");
    return STATUS_OK;
}

status run_directory_choose_start(struct run_directory *directory, int64_t start)
{
    char from[PATH_MAX], to[PATH_MAX];
    metrics_path(directory, start, true, from, sizeof from);
    metrics_path(directory, start, false, to, sizeof to);
    if (directory->metrics)
        fclose(directory->metrics);
    directory->metrics = NULL;
    if (rename(from, to) != 0 && errno != ENOENT)
        return cannot_write(to);
    return STATUS_OK;
}
