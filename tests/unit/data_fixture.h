/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TESTS_DATA_FIXTURE_H
#define COTERIE_TESTS_DATA_FIXTURE_H

#include "base/status.h"

#include "unit_test.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A folder for the files of one test program, and checks of failures. */
static char fixture_folder[64];

static inline int fixture_setup(void **state)
{
    (void)state;
    strcpy(fixture_folder, "/tmp/coterie_data_XXXXXX");
    return mkdtemp(fixture_folder) ? 0 : -1;
}

static inline int fixture_remove(const char *path, const struct stat *about, int type,
                                 struct FTW *place)
{
    (void)about, (void)type, (void)place;
    return remove(path);
}

static inline int fixture_teardown(void **state)
{
    (void)state;
    return nftw(fixture_folder, fixture_remove, 8, FTW_DEPTH | FTW_PHYS);
}

/* The full path of a file in the folder; one of four buffers. */
static inline const char *fixture_path(const char *name)
{
    static char path[4][256];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", fixture_folder, name);
    return path[next];
}

static inline void fixture_write_bytes(const char *name, const void *bytes, size_t length)
{
    FILE *file = fopen(fixture_path(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static inline void fixture_write(const char *name, const char *text)
{
    fixture_write_bytes(name, text, strlen(text));
}

/* The whole file, with a zero behind it; to be freed. */
static inline char *fixture_read(const char *name, size_t *length)
{
    FILE *file = fopen(fixture_path(name), "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *length = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*length + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *length, file), *length);
    bytes[*length] = '\0';
    fclose(file);
    return bytes;
}

/* The outcome, and that the message is one line that holds every given part. */
static inline void check_failure(status outcome, status expected, const char *const *parts,
                                 const char *file, int line)
{
    if (outcome != expected) {
        print_error("outcome %d, text: %s\n", (int)outcome, status_text());
        _assert_int_equal((unsigned)outcome, (unsigned)expected, file, line);
    }
    for (size_t i = 0; parts[i]; i++)
        if (!strstr(status_text(), parts[i])) {
            print_error("\"%s\" lacks \"%s\"\n", status_text(), parts[i]);
            _fail(file, line);
        }
    _assert_true(strchr(status_text(), '\n') == NULL, "one line", file, line);
}

#define assert_usage(outcome, ...)                                                                 \
    check_failure((outcome), STATUS_USAGE, (const char *const[]){__VA_ARGS__, NULL}, __FILE__,     \
                  __LINE__)

static inline void check_ok(status outcome, const char *file, int line)
{
    if (outcome != STATUS_OK) {
        print_error("failed: %s\n", status_text());
        _fail(file, line);
    }
}

#define assert_ok(outcome) check_ok((outcome), __FILE__, __LINE__)

#endif
