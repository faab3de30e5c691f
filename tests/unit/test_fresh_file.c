/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/fresh_file.h"

#include "unit_test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char folder[] = "/tmp/coterie-fresh-XXXXXX";
static char path[64];
static int folder_sync_error; /* 0: the system's own answer */

/* In the place of the library's: what some file systems say of folders. */
int fsync(int descriptor)
{
    struct stat about;
    if (folder_sync_error && fstat(descriptor, &about) == 0 && S_ISDIR(about.st_mode)) {
        errno = folder_sync_error;
        return -1;
    }
    return (int)syscall(SYS_fsync, descriptor);
}

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/coterie-fresh-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/file", folder);
    folder_sync_error = 0;
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

/* Each process, and each file of one, has a name of its own to write to. */
static void two_at_once(void **state)
{
    (void)state;
    struct fresh_file one = {0}, two = {0};
    assert_int_equal(fresh_file_open(&one, path), STATUS_OK);
    assert_int_equal(fresh_file_open(&two, path), STATUS_OK);
    fputs("one\n", one.stream);
    fputs("two\n", two.stream);
    assert_int_equal(fresh_file_publish(&two, STATUS_OK), STATUS_OK);
    assert_holds("two\n");
    assert_int_equal(fresh_file_publish(&one, STATUS_OK), STATUS_OK);
    assert_holds("one\n");
}

static void new_one_replaces_nothing(void **state)
{
    (void)state;
    struct fresh_file file;
    assert_int_equal(fresh_file_begin(&file, path), STATUS_OK);
    FILE *stream = fopen(file.unfinished, "w");
    assert_non_null(stream);
    fclose(stream);
    assert_int_equal(write_text("first\n", 1), STATUS_OK);
    assert_int_equal(fresh_file_commit(&file, FRESH_FILE_IS_NEW), STATUS_USAGE);
    assert_non_null(strstr(status_text(), path));
    assert_holds("first\n");
    unlink(path);
    assert_int_equal(fresh_file_begin(&file, path), STATUS_OK);
    stream = fopen(file.unfinished, "w");
    assert_non_null(stream);
    fclose(stream);
    assert_int_equal(fresh_file_commit(&file, FRESH_FILE_IS_NEW), STATUS_OK);
    assert_holds("");
}

static void folders_that_cannot_be_synced(void **state)
{
    (void)state;
    const int not_offered[] = {EINVAL, ENOTSUP, EBADF, ENOSYS};
    for (size_t i = 0; i < sizeof not_offered / sizeof not_offered[0]; i++) {
        folder_sync_error = not_offered[i];
        assert_int_equal(write_text("new\n", 1), STATUS_OK);
        assert_holds("new\n");
    }
    folder_sync_error = EIO;
    assert_int_equal(write_text("lost\n", 1), STATUS_FAILED);
    assert_non_null(strstr(status_text(), "Input/output error"));
}

/* Longer than any buffer for names of before: nothing is cut off, and nothing else removed. */
static void long_names(void **state)
{
    (void)state;
    char deep[1024], victim[1024];
    snprintf(deep, sizeof deep, "%s", folder);
    for (int i = 0; i < 3; i++) {
        size_t length = strlen(deep);
        snprintf(deep + length, sizeof deep - length, "/%0200d", i);
        assert_int_equal(mkdir(deep, 0777), 0);
    }
    snprintf(victim, sizeof victim, "%s/file", deep);
    struct fresh_file file = {0};
    assert_int_equal(fresh_file_open(&file, victim), STATUS_OK);
    assert_int_equal(fresh_file_publish(&file, STATUS_OK), STATUS_OK);
    assert_int_equal(unlink(victim), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rmdir(deep), 0);
        *strrchr(deep, '/') = '\0';
    }
}

static status fails_to_close(void)
{
    return status_set(STATUS_FAILED, "closing");
}

static void first_failure_is_told(void **state)
{
    (void)state;
    struct status_kept kept;
    status_keep(status_set(STATUS_USAGE, "writing"), &kept);
    assert_int_equal(status_restore(&kept, fails_to_close()), STATUS_USAGE);
    assert_string_equal(status_text(), "writing");
    status_keep(STATUS_OK, &kept);
    assert_int_equal(status_restore(&kept, fails_to_close()), STATUS_FAILED);
    assert_string_equal(status_text(), "closing");
    assert_int_equal(status_restore(&kept, STATUS_OK), STATUS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(replaces, set_up, tear_down),
        cmocka_unit_test_setup_teardown(old_one_stays_until_published, set_up, tear_down),
        cmocka_unit_test_setup_teardown(old_one_stays_if_there_is_no_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_what_cannot_be_made, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(new_one_replaces_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(folders_that_cannot_be_synced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_names, set_up, tear_down),
        cmocka_unit_test(first_failure_is_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
