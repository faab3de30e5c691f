/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/fresh_file.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static status cannot_write(const struct fresh_file *file)
{
    return status_set(STATUS_FAILED, "cannot write %s: %s", file->path, strerror(errno));
}

status fresh_file_open(struct fresh_file *file, const char *path)
{
    int length = snprintf(file->unfinished, sizeof file->unfinished, "%s.tmp", path);
    snprintf(file->path, sizeof file->path, "%s", path);
    errno = ENAMETOOLONG;
    file->stream = length < (int)sizeof file->unfinished ? fopen(file->unfinished, "we") : NULL;
    return file->stream ? STATUS_OK : cannot_write(file);
}

status fresh_file_publish(struct fresh_file *file, status written)
{
    status outcome = written;
    bool lost = ferror(file->stream) != 0; /* of a buffer that went out earlier */
    lost = fflush(file->stream) != 0 || lost;
    if (outcome == STATUS_OK && (lost || fsync(fileno(file->stream)) != 0))
        outcome = cannot_write(file);
    if (fclose(file->stream) != 0 && outcome == STATUS_OK)
        outcome = cannot_write(file);
    file->stream = NULL;
    if (outcome == STATUS_OK && rename(file->unfinished, file->path) != 0)
        outcome = cannot_write(file);
    if (outcome != STATUS_OK)
        unlink(file->unfinished);
    return outcome;
}
