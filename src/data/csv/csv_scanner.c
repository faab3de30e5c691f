/* SPDX-License-Identifier: BSD-3-Clause */
#include "csv_scanner.h"

#include "base/memory.h"
#include "base/stop_request.h"

#include <errno.h>
#include <string.h>

enum { BLOCK_SIZE = 1 << 20 };

/* Room behind what is there, and more of the file in it. */
static status fill(struct csv_scanner *scanner)
{
    status outcome = STATUS_OK;
    size_t kept = scanner->end - scanner->begin;
    if (scanner->begin > 0)
        memmove(scanner->buffer, scanner->buffer + scanner->begin, kept);
    scanner->begin = 0;
    scanner->end = kept;
    if (!scanner->buffer || kept == scanner->capacity) {
        size_t capacity = scanner->capacity ? 2 * scanner->capacity : BLOCK_SIZE;
        outcome = memory_grow(&scanner->buffer, kept, capacity + 1, 1, "a block of a CSV file");
        if (outcome != STATUS_OK)
            return outcome;
        scanner->capacity = capacity;
    }
    size_t room = scanner->capacity - kept;
    size_t got = fread(scanner->buffer + kept, 1, room, scanner->file);
    scanner->end += got;
    scanner->at_end = got < room;
    if (ferror(scanner->file))
        return status_set(STATUS_FAILED, "%s: cannot be read: %s", scanner->path, strerror(errno));
    return stop_request_check(scanner->path);
}

static status begin(struct csv_scanner *scanner)
{
    status outcome = fill(scanner);
    if (outcome == STATUS_OK && !scanner->has_layout)
        outcome = csv_layout_find(scanner->path, scanner->buffer, scanner->end, scanner->at_end,
                                  &scanner->layout);
    scanner->has_layout = true;
    scanner->begin = scanner->layout.skip < scanner->end ? scanner->layout.skip : scanner->end;
    scanner->line = scanner->layout.first_line;
    return outcome;
}

status csv_scanner_open(struct csv_scanner *scanner, const char *path,
                        const struct csv_layout *layout)
{
    *scanner = (struct csv_scanner){.path = path};
    if (layout) {
        scanner->layout = *layout;
        scanner->has_layout = true;
    }
    scanner->file = fopen(path, "rb");
    if (!scanner->file)
        return status_set(STATUS_USAGE, "%s: %s", path,
                          errno == ENOENT   ? "no such file; check the path"
                          : errno == EACCES ? "no permission to read it; ask its owner or chmod"
                                            : strerror(errno));
    return begin(scanner);
}

void csv_scanner_close(struct csv_scanner *scanner)
{
    if (scanner->file)
        fclose(scanner->file);
    scanner->file = NULL;
    memory_free(&scanner->buffer);
    csv_row_release(&scanner->row);
}

static status fault(const struct csv_scanner *scanner, enum csv_row_kind kind)
{
    return status_set(STATUS_USAGE, "%s, line %zu: %s", scanner->path, scanner->line,
                      kind == CSV_ROW_QUOTE_OPEN
                          ? "a quote is opened here and never closed"
                          : "a quote stands inside a cell; put the whole cell into quotes and "
                            "double the quotes in it");
}

/* Splits the row at `begin`, after reading on where its end is not there. */
static status split_next(struct csv_scanner *scanner, enum csv_row_kind *kind)
{
    status outcome = STATUS_OK;
    for (;;) {
        bool is_header = !scanner->has_header && scanner->line == scanner->layout.header_line;
        *kind = csv_row_split(&scanner->row, &scanner->layout, scanner->buffer + scanner->begin,
                              scanner->buffer + scanner->end, scanner->at_end, is_header);
        if (*kind != CSV_ROW_PART)
            return outcome == STATUS_OK ? scanner->row.outcome : outcome;
        outcome = fill(scanner);
        if (outcome != STATUS_OK)
            return outcome;
    }
}

static status check_row(const struct csv_scanner *scanner)
{
    const struct csv_row *row = &scanner->row;
    for (size_t c = 0; c < row->n; c++)
        if (memchr(row->cell[c].text, '\0', row->cell[c].length))
            return status_set(STATUS_USAGE,
                              "%s, line %zu: holds a NUL character; is this a CSV file?",
                              scanner->path, scanner->row_line);
    return STATUS_OK;
}

status csv_scanner_next(struct csv_scanner *scanner, bool *more)
{
    enum csv_row_kind kind;
    *more = false;
    while (scanner->begin < scanner->end || !scanner->at_end) {
        status outcome = split_next(scanner, &kind);
        if (outcome != STATUS_OK)
            return outcome;
        if (kind == CSV_ROW_QUOTE_INSIDE || kind == CSV_ROW_QUOTE_OPEN)
            return fault(scanner, kind);
        scanner->row_line = scanner->line;
        scanner->begin += scanner->row.size;
        scanner->line += scanner->row.n_lines;
        if (kind == CSV_ROW_BLANK && scanner->has_header && scanner->blank_line == 0)
            scanner->blank_line = scanner->row_line;
        if (kind == CSV_ROW_REMARK && scanner->n_remarks++ == 0)
            scanner->first_remark = scanner->row_line;
        if (kind != CSV_ROW)
            continue;
        scanner->has_header = true;
        *more = true;
        return check_row(scanner);
    }
    return STATUS_OK;
}
