/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/log.h"

#include "unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Standard output and error go to these files while a test speaks. */
struct capture {
    char out[32], err[32], copy[32];
    int saved_out, saved_err;
    char text[8192];
};

static void make_file(char *path)
{
    strcpy(path, "/tmp/coterie-log-XXXXXX");
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
}

static int start(void **state)
{
    struct capture *capture = calloc(1, sizeof *capture);
    *state = capture;
    make_file(capture->out);
    make_file(capture->err);
    make_file(capture->copy);
    fflush(NULL);
    capture->saved_out = dup(STDOUT_FILENO);
    capture->saved_err = dup(STDERR_FILENO);
    if (!freopen(capture->out, "w", stdout) || !freopen(capture->err, "w", stderr))
        return -1;
    return 0;
}

static void stop_capture(struct capture *capture)
{
    fflush(NULL);
    dup2(capture->saved_out, STDOUT_FILENO);
    dup2(capture->saved_err, STDERR_FILENO);
}

static int end(void **state)
{
    struct capture *capture = *state;
    log_set_file(NULL);
    stop_capture(capture);
    log_set_rank(0);
    log_set_quiet(false);
    close(capture->saved_out);
    close(capture->saved_err);
    unlink(capture->out);
    unlink(capture->err);
    unlink(capture->copy);
    free(capture);
    return 0;
}

static const char *content(struct capture *capture, const char *path)
{
    stop_capture(capture); /* a failing assertion must be seen */
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t length = fread(capture->text, 1, sizeof capture->text - 1, file);
    capture->text[length] = '\0';
    fclose(file);
    return capture->text;
}

static void each_kind_goes_to_its_stream_and_the_copy(void **state)
{
    struct capture *capture = *state;
    log_info("before the file");
    assert_true(log_set_file(capture->copy));
    log_info("epoch %d", 3);
    log_warning("slow");
    log_error("bad %s", "file");
    assert_string_equal(content(capture, capture->out), "before the file\nepoch 3\n");
    assert_string_equal(content(capture, capture->err),
                        "coterie: warning: slow\ncoterie: error: bad file\n");
    assert_string_equal(content(capture, capture->copy),
                        "epoch 3\ncoterie: warning: slow\ncoterie: error: bad file\n");
}

static void the_copy_is_appended_to(void **state)
{
    struct capture *capture = *state;
    for (int i = 0; i < 2; i++) {
        assert_true(log_set_file(capture->copy));
        log_info("start %d", i);
        assert_true(log_set_file(NULL));
    }
    assert_string_equal(content(capture, capture->copy), "start 0\nstart 1\n");
    assert_false(log_set_file("/nowhere/log.txt"));
}

static void other_ranks_are_silent(void **state)
{
    struct capture *capture = *state;
    log_set_rank(2);
    assert_int_equal(log_rank(), 2);
    log_info("information");
    log_warning("warning");
    log_error("error");
    log_progress_start(LOG_PROGRESS_ALWAYS, 0);
    log_progress_update(1, 2, "epoch", "");
    log_progress_finish();
    log_from_any_rank("rank %d is late", 2);
    assert_string_equal(content(capture, capture->out), "");
    assert_string_equal(content(capture, capture->err), "coterie: rank 2 is late\n");
}

static void quiet_leaves_warnings_and_the_copy(void **state)
{
    struct capture *capture = *state;
    assert_true(log_set_file(capture->copy));
    log_set_quiet(true);
    log_info("information");
    log_warning("warning");
    log_progress_start(LOG_PROGRESS_ALWAYS, 0);
    log_progress_update(1, 2, "epoch", "");
    log_progress_finish();
    assert_string_equal(content(capture, capture->out), "");
    assert_string_equal(content(capture, capture->err), "coterie: warning: warning\n");
    assert_string_equal(content(capture, capture->copy),
                        "information\ncoterie: warning: warning\n");
}

static void progress_in_a_batch_log_is_a_few_plain_lines(void **state)
{
    struct capture *capture = *state;
    log_progress_start(LOG_PROGRESS_AUTO, 0);
    for (int i = 1; i <= 1000; i++)
        log_progress_update(i, 1000, "epoch", "error 0.5");
    log_progress_finish();
    const char *text = content(capture, capture->out);
    assert_non_null(strstr(text, "epoch 1 of 1000"));
    assert_non_null(strstr(text, "error 0.5"));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    assert_string_equal(content(capture, capture->err), "");
}

static void progress_never_is_silent(void **state)
{
    struct capture *capture = *state;
    log_progress_start(LOG_PROGRESS_NEVER, 0);
    log_progress_update(1, 2, "epoch", "");
    log_progress_finish();
    assert_string_equal(content(capture, capture->out), "");
    assert_string_equal(content(capture, capture->err), "");
}

static void a_very_long_line_is_cut(void **state)
{
    struct capture *capture = *state;
    char text[6000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    log_info("%s", text);
    size_t length = strlen(content(capture, capture->out));
    assert_between(length, 1000, 5000);
    assert_int_equal(capture->text[length - 1], '\n');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_kind_goes_to_its_stream_and_the_copy, start, end),
        cmocka_unit_test_setup_teardown(the_copy_is_appended_to, start, end),
        cmocka_unit_test_setup_teardown(other_ranks_are_silent, start, end),
        cmocka_unit_test_setup_teardown(quiet_leaves_warnings_and_the_copy, start, end),
        cmocka_unit_test_setup_teardown(progress_in_a_batch_log_is_a_few_plain_lines, start, end),
        cmocka_unit_test_setup_teardown(progress_never_is_silent, start, end),
        cmocka_unit_test_setup_teardown(a_very_long_line_is_cut, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
