/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/status.h"

#include "base/log.h"
#include "unit_test.h"

#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void set_returns_the_code_and_keeps_the_text(void **state)
{
    (void)state;
    assert_string_equal(status_text(), "");
    assert_int_equal(status_set(STATUS_USAGE, "%s: line %d", "a.csv", 7), STATUS_USAGE);
    assert_string_equal(status_text(), "a.csv: line 7");
}

static void the_old_text_may_be_part_of_the_new_one(void **state)
{
    (void)state;
    status_set(STATUS_FAILED, "disk full");
    status_set(STATUS_FAILED, "saving: %s", status_text());
    assert_string_equal(status_text(), "saving: disk full");
    assert_int_equal(status_prefix(STATUS_STOPPED, "rank 3"), STATUS_STOPPED);
    assert_string_equal(status_text(), "rank 3: saving: disk full");
}

static void a_long_text_is_cut(void **state)
{
    (void)state;
    char text[10000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    status_set(STATUS_FAILED, "%s", text);
    assert_between(strlen(status_text()), 1000, sizeof text - 2);
}

static void first_prefers_the_first_failure(void **state)
{
    (void)state;
    assert_int_equal(status_first(STATUS_OK, STATUS_OK), STATUS_OK);
    assert_int_equal(status_first(STATUS_OK, STATUS_USAGE), STATUS_USAGE);
    assert_int_equal(status_first(STATUS_FAILED, STATUS_USAGE), STATUS_FAILED);
}

static void *text_of_new_thread(void *argument)
{
    *(int *)argument = (int)strlen(status_text());
    status_set(STATUS_FAILED, "elsewhere");
    return NULL;
}

static void each_thread_has_its_text(void **state)
{
    (void)state;
    status_set(STATUS_FAILED, "here");
    pthread_t thread;
    int length = -1;
    assert_int_equal(pthread_create(&thread, NULL, text_of_new_thread, &length), 0);
    pthread_join(thread, NULL);
    assert_int_equal(length, 0);
    assert_string_equal(status_text(), "here");
}

static void messages_name_options_in_the_program_only(void **state)
{
    (void)state;
    char text[100], odd[] = "a@b{c}\x1b";
    const char *name = "top-k";
    status_set(STATUS_USAGE, "@top-k %d is more than the %d experts{; raise @experts}", 5, 3);
    assert_string_equal(status_text(), "--top-k 5 is more than the 3 experts; raise --experts");
    status_set(STATUS_USAGE, "@%s in %s{: use %s}", name, odd, "less");
    assert_string_equal(status_text(), "--top-k in a@b{c}\\x1b: use less");
    message_name_options(false);
    status_set(STATUS_USAGE, "@top-k %d is more than the %d experts{; raise @experts}", 5, 3);
    assert_string_equal(status_text(), "top-k 5 is more than the 3 experts");
    message_print(text, sizeof text, "{first }@%s in %s{: use %s}", name, odd, "less");
    assert_string_equal(text, "top-k in a@b{c}\\x1b");
    message_print(text, sizeof text, "a brace alone {is the end");
    assert_string_equal(text, "a brace alone ");
    assert_int_equal(status_advise(STATUS_USAGE, "{use @experts}"), STATUS_USAGE);
    assert_string_equal(status_text(), "top-k 5 is more than the 3 experts");
    status_advise(STATUS_USAGE, "take less{ by @experts}");
    assert_string_equal(status_text(), "top-k 5 is more than the 3 experts; take less");
    message_name_options(true);
    status_set(STATUS_USAGE, "%s", odd);
    status_advise(STATUS_USAGE, "take less{ by @experts}");
    assert_string_equal(status_text(), "a@b{c}\\x1b; take less by --experts");
    assert_int_equal(status_advise(STATUS_OK, "nothing"), STATUS_OK);
    assert_string_equal(status_text(), "a@b{c}\\x1b; take less by --experts");
}

static void exit_with_77(void)
{
    _exit(77);
}

static void a_failed_assertion_says_where_and_calls_the_handler(void **state)
{
    (void)state;
    int ends[2], code;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        log_set_rank(5);
        status_set_abort_handler(exit_with_77);
        COTERIE_ASSERT(1 + 1 == 2);
        COTERIE_ASSERT(1 + 1 == 3);
        _exit(0);
    }
    close(ends[1]);
    char text[1000];
    ssize_t length = read(ends[0], text, sizeof text - 1);
    close(ends[0]);
    waitpid(child, &code, 0);
    assert_true(WIFEXITED(code) && WEXITSTATUS(code) == 77);
    assert_true(length > 0);
    text[length] = '\0';
    assert_non_null(strstr(text, "rank 5"));
    assert_non_null(strstr(text, "test_status.c:"));
    assert_non_null(strstr(text, "1 + 1 == 3"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_returns_the_code_and_keeps_the_text),
        cmocka_unit_test(the_old_text_may_be_part_of_the_new_one),
        cmocka_unit_test(a_long_text_is_cut),
        cmocka_unit_test(first_prefers_the_first_failure),
        cmocka_unit_test(each_thread_has_its_text),
        cmocka_unit_test(messages_name_options_in_the_program_only),
        cmocka_unit_test(a_failed_assertion_says_where_and_calls_the_handler),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
