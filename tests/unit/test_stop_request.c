/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/stop_request.h"

#include "base/thread.h"

#include "unit_test.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A process in which a request is raised, and raised again 2.2 s later. */
static pid_t start_child(bool again, bool insists)
{
    pid_t child = fork();
    if (child == 0) {
        stop_request_raise(insists);
        stop_request_raise(insists); /* the same request, passed on twice */
        if (again) {
            usleep(2200000);
            stop_request_raise(insists);
        }
        _exit(stop_request_is_raised() ? 75 : 0);
    }
    return child;
}

static int code_of(pid_t child)
{
    int end = 0;
    assert_int_equal(waitpid(child, &end, 0), child);
    assert_true(WIFEXITED(end));
    return WEXITSTATUS(end);
}

static void only_who_insists_ends_the_process(void **state)
{
    (void)state;
    pid_t once = start_child(false, true), insists = start_child(true, true);
    pid_t repeats = start_child(true, false);
    assert_int_equal(code_of(once), 75);
    assert_int_equal(code_of(insists), STATUS_FAILED);
    assert_int_equal(code_of(repeats), 75);
}

static void interrupts_reading_only_where_it_may(void **state)
{
    (void)state;
    stop_request_interrupts_reading(true);
    assert_false(stop_request_is_raised());
    assert_int_equal(stop_request_check("d.csv"), STATUS_OK);
    stop_request_raise(false);
    assert_true(stop_request_is_raised());
    assert_int_equal(stop_request_check("d.csv"), STATUS_STOPPED);
    assert_non_null(strstr(status_text(), "d.csv"));
    stop_request_interrupts_reading(false);
    assert_int_equal(stop_request_check("d.csv"), STATUS_OK);
}

static pthread_t seen_in;
static volatile sig_atomic_t n_seen;

static void on_signal(int number)
{
    (void)number;
    seen_in = pthread_self();
    n_seen = n_seen + 1;
}

static void *wait_a_while(void *context)
{
    usleep(100000);
    return context;
}

/* The main thread has it blocked for a while: only the other one could take it. */
static void threads_take_no_signals(void **state)
{
    (void)state;
    const int numbers[] = {SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU, SIGHUP, SIGINT, SIGALRM};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        pthread_t thread;
        sigset_t own, before;
        n_seen = 0;
        sigaction(numbers[i], &(struct sigaction){.sa_handler = on_signal}, NULL);
        assert_true(thread_start(&thread, wait_a_while, NULL));
        sigemptyset(&own);
        sigaddset(&own, numbers[i]);
        pthread_sigmask(SIG_BLOCK, &own, &before);
        kill(getpid(), numbers[i]);
        usleep(50000);
        assert_int_equal(n_seen, 0);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        assert_int_equal(n_seen, 1);
        assert_true(pthread_equal(seen_in, pthread_self()));
        pthread_join(thread, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_who_insists_ends_the_process),
        cmocka_unit_test(threads_take_no_signals),
        cmocka_unit_test(interrupts_reading_only_where_it_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
