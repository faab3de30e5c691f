/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit_test.h"

#include "base/rng.h"
#include "data/hdf5/fletcher32.h"

#include <string.h>

/* Words with the high byte first, one by one; an odd byte at the end is the high one of a word. */
static uint32_t by_definition(const unsigned char *data, size_t n)
{
    uint32_t first = 0, second = 0;
    for (size_t i = 0; i < n; i += 2) {
        uint32_t word = (uint32_t)data[i] << 8 | (i + 1 < n ? data[i + 1] : 0U);
        first = (first + word) % 65535;
        second = (second + first) % 65535;
    }
    return second << 16 | first;
}

static void sums_are_those_of_the_definition(void **state)
{
    (void)state;
    enum { MOST = 70001 };
    static unsigned char data[MOST];
    struct rng rng;
    rng_init(&rng, 5, RNG_START, 0, 0);
    for (size_t i = 0; i < MOST; i++)
        data[i] = (unsigned char)(256 * rng_uniform(&rng));
    for (size_t n = 0; n < 300; n++)
        assert_int_equal(fletcher32(data + n % 7, n), by_definition(data + n % 7, n));
    for (size_t n = MOST - 100; n <= MOST; n++)
        assert_int_equal(fletcher32(data, n), by_definition(data, n));
    /* The largest sums there can be. */
    memset(data, 0xFF, MOST);
    assert_true(fletcher32_same(fletcher32(data, MOST), by_definition(data, MOST)));
    memset(data, 0, MOST);
    assert_int_equal(fletcher32(data, MOST), 0);
}

static void zero_is_65535(void **state)
{
    (void)state;
    assert_true(fletcher32_same(0x0000FFFF, 0xFFFF0000));
    assert_false(fletcher32_same(0x00010000, 0x00000001));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sums_are_those_of_the_definition),
                                       cmocka_unit_test(zero_is_65535)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
