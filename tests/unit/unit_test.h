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

#endif
