/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/csv/csv.h"

#include "base/memory.h"

#include <csv.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct csv_writer {
    FILE *file;
    char *path;
    bool row_begun;
};

static status write_failure(const struct csv_writer *writer)
{
    return status_set(STATUS_FAILED, "%s: cannot be written: %s", writer->path,
                      errno ? strerror(errno) : "an earlier part of it was lost");
}

status csv_writer_create(const char *path, struct csv_writer **out)
{
    struct csv_writer *writer = NULL;
    *out = NULL;
    status outcome = memory_alloc(&writer, 1, sizeof *writer, "a CSV writer");
    if (outcome == STATUS_OK && !(writer->path = memory_strdup(path)))
        outcome = status_set(STATUS_FAILED, "%s: not enough memory to write it", path);
    if (outcome == STATUS_OK && !(writer->file = fopen(path, "wxe")))
        outcome = errno == EEXIST
                      ? status_set(STATUS_USAGE,
                                   "%s: exists already; remove it or choose another name", path)
                      : status_set(STATUS_FAILED,
                                   "%s: the file cannot be made: %s; check that its folder exists "
                                   "and can be written",
                                   path, strerror(errno));
    if (outcome != STATUS_OK) {
        if (writer)
            memory_free(&writer->path);
        memory_free(&writer);
        return outcome;
    }
    *out = writer;
    return STATUS_OK;
}

static status begin_cell(struct csv_writer *writer)
{
    if (writer->row_begun && fputc(',', writer->file) == EOF)
        return write_failure(writer);
    writer->row_begun = true;
    return STATUS_OK;
}

/* Readers take blanks around a cell away, and an empty cell for a missing value. */
static bool needs_quotes(const char *text)
{
    size_t length = strlen(text);
    return length == 0 || strpbrk(text, ",\"\r\n") || strchr(" \t", text[0]) ||
           strchr(" \t", text[length - 1]);
}

status csv_writer_text(struct csv_writer *writer, const char *text)
{
    status outcome = begin_cell(writer);
    if (outcome != STATUS_OK)
        return outcome;
    int error = needs_quotes(text) ? csv_fwrite(writer->file, text, strlen(text))
                                   : fputs(text, writer->file);
    return error == EOF ? write_failure(writer) : STATUS_OK;
}

status csv_writer_double(struct csv_writer *writer, double number)
{
    status outcome = begin_cell(writer);
    if (outcome == STATUS_OK && fprintf(writer->file, "%.17g", number) < 0)
        outcome = write_failure(writer);
    return outcome;
}

status csv_writer_end_row(struct csv_writer *writer)
{
    writer->row_begun = false;
    return fputc('\n', writer->file) == EOF ? write_failure(writer) : STATUS_OK;
}

status csv_writer_close(struct csv_writer **writer)
{
    status outcome = STATUS_OK;
    struct csv_writer *closing = *writer;
    if (!closing)
        return STATUS_OK;
    errno = 0; /* that of an earlier failure is not known any more */
    if (ferror(closing->file) || fflush(closing->file) != 0 || fsync(fileno(closing->file)) != 0)
        outcome = write_failure(closing);
    if (fclose(closing->file) != 0 && outcome == STATUS_OK)
        outcome = write_failure(closing);
    memory_free(&closing->path);
    memory_free(writer);
    return outcome;
}

status csv_writer_close_after(struct csv_writer **writer, status written)
{
    struct status_kept kept;
    status_keep(written, &kept);
    return status_restore(&kept, csv_writer_close(writer));
}
