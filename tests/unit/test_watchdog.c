/* SPDX-License-Identifier: BSD-3-Clause */
#include "comm/watchdog.h"

#include "unit_test.h"

#include <math.h>

static void time_without_progress_adds_up(void **state)
{
    (void)state;
    struct idle_clock clock = {.looked = 100, .progress = 7};
    double now = 100, idle = 0;
    for (int i = 0; i < 20; i++)
        idle = idle_clock_look(&clock, now += 0.5, 7);
    assert_true(fabs(idle - 10) < 1e-9);
    assert_true(idle_clock_look(&clock, now += 0.5, 8) == 0);
    assert_true(fabs(idle_clock_look(&clock, now += 0.5, 8) - 0.5) < 1e-9);
}

/* SIGSTOP to all ranks for an hour, then SIGCONT. */
static void time_of_a_suspended_job_does_not(void **state)
{
    (void)state;
    struct idle_clock clock = {.looked = 100, .progress = 7};
    idle_clock_look(&clock, 100.5, 7);
    assert_true(idle_clock_look(&clock, 3700.5, 7) <= 1.5);
    assert_true(idle_clock_look(&clock, 3701, 7) <= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(time_without_progress_adds_up),
                                       cmocka_unit_test(time_of_a_suspended_job_does_not)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
