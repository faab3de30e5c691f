/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/clock.h"

#include "unit_test.h"

#include <string.h>
#include <time.h>

static void seconds_advance(void **state)
{
    (void)state;
    double before = clock_seconds();
    for (int i = 0; i < 1000; i++)
        assert_true(clock_seconds() >= before);
    const struct timespec pause = {0, 20000000};
    nanosleep(&pause, NULL);
    double passed = clock_seconds() - before;
    assert_true(passed >= 0.02 && passed < 30);
}

static void start_is_noted(void **state)
{
    (void)state;
    assert_true(clock_since_start() == 0);
    double before = clock_seconds();
    clock_start();
    double passed = clock_since_start();
    assert_true(passed >= 0 && passed <= clock_seconds() - before);
}

static void timestamp_is_the_time_of_day(void **state)
{
    (void)state;
    char text[21];
    struct tm utc;
    memset(&utc, 0, sizeof utc);
    clock_timestamp(text, sizeof text);
    assert_int_equal(strlen(text), 20);
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    assert_non_null(end);
    assert_string_equal(end, "");
    assert_between(time(NULL) - timegm(&utc), 0, 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seconds_advance),
        cmocka_unit_test(start_is_noted),
        cmocka_unit_test(timestamp_is_the_time_of_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
