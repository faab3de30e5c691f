/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TESTS_UNIT_TEST_H
#define COTERIE_TESTS_UNIT_TEST_H

/* cmocka and what it wants included before it; it knows nothing of C11's headers. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "base/message.h"

/* Tests read messages as the program's users do. */
__attribute__((constructor)) static void speak_as_the_program(void)
{
    message_name_options(true);
}

/* For integers; assert_in_range takes signed ones in some versions of cmocka only. */
#define assert_between(value, least, most)                                                         \
    assert_between_at((long long)(value), (long long)(least), (long long)(most), #value, __FILE__, \
                      __LINE__)

static inline void assert_between_at(long long value, long long least, long long most,
                                     const char *text, const char *file, int line)
{
    if (value < least || value > most) {
        print_error("%s is %lld, not from %lld to %lld\n", text, value, least, most);
        _fail(file, line);
    }
}

#endif
