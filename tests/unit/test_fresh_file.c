/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/fresh_file.h"

#include "unit_test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/coterie-fresh-XXXXXX";
static char path[64], unfinished[64];

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/coterie-fresh-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/file", folder);
    snprintf(unfinished, sizeof unfinished, "%s/file.tmp", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder); /* nothing else is left in it */
}

static status write_text(const char *text, size_t times)
{
    struct fresh_file file = {0};
    assert_int_equal(fresh_file_open(&file, path), STATUS_OK);
    for (size_t i = 0; i < times; i++)
        fputs(text, file.stream);
    return fresh_file_publish(&file, STATUS_OK);
}

static void assert_holds(const char *text)
{
    char found[64] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fread(found, 1, sizeof found - 1, file), strlen(text));
    assert_string_equal(found, text);
    fclose(file);
}

static void replaces(void **state)
{
    (void)state;
    assert_int_equal(write_text("a: 1\n", 2), STATUS_OK);
    assert_holds("a: 1\na: 1\n");
    assert_int_equal(write_text("b\n", 1), STATUS_OK);
    assert_holds("b\n");
}

static void old_one_stays_until_published(void **state)
{
    (void)state;
    struct fresh_file file = {0};
    assert_int_equal(write_text("old\n", 1), STATUS_OK);
    assert_int_equal(fresh_file_open(&file, path), STATUS_OK);
    fputs("new\n", file.stream);
    fflush(file.stream);
    assert_holds("old\n");
    assert_int_equal(fresh_file_publish(&file, STATUS_USAGE), STATUS_USAGE);
    assert_holds("old\n");
    assert_int_equal(access(unfinished, F_OK), -1);
}

/* As on a full disk, but for the errno. */
static void old_one_stays_if_there_is_no_room(void **state)
{
    (void)state;
    struct rlimit before, small;
    assert_int_equal(write_text("old\n", 1), STATUS_OK);
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 4096;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    status outcome = write_text("new\n", 10000);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(outcome, STATUS_FAILED);
    assert_non_null(strstr(status_text(), "File too large"));
    assert_non_null(strstr(status_text(), path));
    assert_holds("old\n");
}

static void names_what_cannot_be_made(void **state)
{
    (void)state;
    struct fresh_file file = {0};
    char nowhere[96];
    snprintf(nowhere, sizeof nowhere, "%s/none/file", folder);
    assert_int_equal(fresh_file_open(&file, nowhere), STATUS_FAILED);
    assert_non_null(strstr(status_text(), nowhere));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(replaces, set_up, tear_down),
        cmocka_unit_test_setup_teardown(old_one_stays_until_published, set_up, tear_down),
        cmocka_unit_test_setup_teardown(old_one_stays_if_there_is_no_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_what_cannot_be_made, set_up, tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
