/* SPDX-License-Identifier: BSD-3-Clause */
#include "train/events/event_file.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char prefix[] = "events.out.tfevents.";

static bool is_event_file(const char *name)
{
    return strncmp(name, prefix, sizeof prefix - 1) == 0;
}

void event_file_remove_all(const char *folder)
{
    DIR *entries = opendir(folder);
    struct dirent *entry;
    while (entries && (entry = readdir(entries)) != NULL) {
        char path[PATH_MAX + 300];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (is_event_file(entry->d_name))
            unlink(path);
    }
    if (entries)
        closedir(entries);
    rmdir(folder);
}

void event_file_close(struct event_file *file)
{
    if (file->stream)
        fclose(file->stream);
    file->stream = NULL;
}

#ifdef COTERIE_EVENTS
#include "crc32c.h"

#include <endian.h>
#include <errno.h>
#include <event.pb-c.h>
#include <math.h>
#include <stdbool.h>
#include <time.h>

static status cannot_write(void)
{
    return status_set(STATUS_FAILED, "cannot write the events for TensorBoard: %s",
                      strerror(errno));
}

/* TensorFlow's: a checksum of what holds checksums would tell less. */
static uint32_t masked_checksum(const void *bytes, size_t size)
{
    uint32_t sum = crc32c(bytes, size);
    return htole32((sum >> 15 | sum << 17) + UINT32_C(0xa282ead8));
}

static status write_event(FILE *stream, const CoterieEvents__Event *event)
{
    uint8_t data[4096];
    size_t size = coterie_events__event__get_packed_size(event);
    COTERIE_ASSERT(size <= sizeof data);
    coterie_events__event__pack(event, data);
    uint64_t length = htole64(size);
    uint32_t length_sum = masked_checksum(&length, sizeof length);
    uint32_t data_sum = masked_checksum(data, size);
    bool is_written = fwrite(&length, sizeof length, 1, stream) == 1 &&
                      fwrite(&length_sum, sizeof length_sum, 1, stream) == 1 &&
                      fwrite(data, size, 1, stream) == 1 &&
                      fwrite(&data_sum, sizeof data_sum, 1, stream) == 1;
    return is_written ? STATUS_OK : cannot_write();
}

static double time_of_day(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static status write_record(FILE *stream, const struct metrics_record *record, double wall_time)
{
    CoterieEvents__Summary__Value value[HISTORY_N_COLUMNS], *shown[HISTORY_N_COLUMNS];
    CoterieEvents__Summary summary = COTERIE_EVENTS__SUMMARY__INIT;
    CoterieEvents__Event event = COTERIE_EVENTS__EVENT__INIT;
    summary.value = shown;
    for (int column = 0; column < HISTORY_N_COLUMNS; column++) {
        double number = history_get(record, column);
        if (!isfinite(number))
            continue;
        coterie_events__summary__value__init(&value[column]);
        value[column].tag = (char *)history_column_name(column);
        value[column].has_simple_value = 1;
        value[column].simple_value = (float)number;
        shown[summary.n_value++] = &value[column];
    }
    event.has_wall_time = event.has_step = 1;
    event.wall_time = wall_time;
    event.step = record->step;
    event.summary = &summary;
    return write_event(stream, &event);
}

/* What each file begins with, and then what it says of the files before it. */
static status write_head(FILE *stream, int64_t step, double wall_time)
{
    CoterieEvents__Event version = COTERIE_EVENTS__EVENT__INIT;
    CoterieEvents__Event start = COTERIE_EVENTS__EVENT__INIT;
    CoterieEvents__SessionLog session = COTERIE_EVENTS__SESSION_LOG__INIT;
    char name[] = "brain.Event:2";
    version.has_wall_time = start.has_wall_time = start.has_step = 1;
    version.wall_time = start.wall_time = wall_time;
    version.file_version = name;
    /* Of a start TensorBoard forgets what it has of that step and later ones. */
    session.has_status = 1;
    session.status = COTERIE_EVENTS__SESSION_LOG__SESSION_STATUS__START;
    start.step = step;
    start.session_log = &session;
    status outcome = write_event(stream, &version);
    return outcome == STATUS_OK ? write_event(stream, &start) : outcome;
}

/* The time in the name of the last event file of a folder, 0 without one. */
static long long newest_time(const char *folder)
{
    DIR *entries = opendir(folder);
    struct dirent *entry;
    long long newest = 0;
    while (entries && (entry = readdir(entries)) != NULL) {
        long long time =
            is_event_file(entry->d_name) ? atoll(entry->d_name + sizeof prefix - 1) : 0;
        newest = time > newest ? time : newest;
    }
    if (entries)
        closedir(entries);
    return newest;
}

status event_file_check(void)
{
    return STATUS_OK;
}

status event_file_open(struct event_file *file, const char *folder, const struct history *history)
{
    char path[PATH_MAX], host[64] = "";
    long long before = newest_time(folder), now = (long long)time(NULL);
    event_file_close(file);
    gethostname(host, sizeof host - 1);
    /* TensorBoard reads the files of a folder in the order of their names. */
    snprintf(path, sizeof path, "%s/%s%010lld.%s.%d", folder, prefix,
             now > before ? now : before + 1, host, (int)getpid());
    file->stream = fopen(path, "we");
    if (!file->stream)
        return status_set(STATUS_FAILED, "cannot write %s: %s", path, strerror(errno));
    bool is_first = before == 0, has_history = history->n > 0;
    const struct metrics_record *last = has_history ? &history->record[history->n - 1] : NULL;
    COTERIE_ASSERT(last || !has_history);
    double begun = time_of_day() - (is_first && has_history ? last->seconds : 0);
    status outcome = write_head(file->stream, !is_first && has_history ? last->step + 1 : 0, begun);
    for (size_t i = 0; is_first && i < history->n && outcome == STATUS_OK; i++)
        outcome =
            write_record(file->stream, &history->record[i], begun + history->record[i].seconds);
    return outcome == STATUS_OK ? event_file_flush(file) : outcome;
}

status event_file_add(struct event_file *file, const struct metrics_record *record)
{
    return write_record(file->stream, record, time_of_day());
}

status event_file_flush(struct event_file *file)
{
    return file->stream && fflush(file->stream) != 0 ? cannot_write() : STATUS_OK;
}

#else

status event_file_check(void)
{
    return status_set(STATUS_USAGE, "this build has no protobuf-c, which @tensorboard needs");
}

status event_file_open(struct event_file *file, const char *folder, const struct history *history)
{
    (void)file, (void)folder, (void)history;
    return event_file_check();
}

status event_file_add(struct event_file *file, const struct metrics_record *record)
{
    (void)file, (void)record;
    return event_file_check();
}

status event_file_flush(struct event_file *file)
{
    (void)file;
    return STATUS_OK;
}
#endif
