/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/rng.h"

#include "unit_test.h"

/* The known answers that come with Random123. */
static void philox_gives_the_known_answers(void **state)
{
    (void)state;
    const struct {
        uint32_t counter[4], key[2], expected[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint32_t out[4];
        rng_philox(known[i].counter, known[i].key, out);
        assert_memory_equal(out, known[i].expected, sizeof out);
    }
}

static void numbers_are_the_blocks_of_the_named_stream(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 0x0123456789abcdef, RNG_EXPERT_WEIGHTS, 7, 11);
    const uint32_t key[2] = {0x89abcdef, 0x01234567};
    for (uint32_t block = 0; block < 3; block++) {
        const uint32_t counter[4] = {block, RNG_EXPERT_WEIGHTS, 7, 11};
        uint32_t expected[4];
        rng_philox(counter, key, expected);
        for (int i = 0; i < 4; i++)
            assert_int_equal(rng_next(&rng), expected[i]);
    }
}

static void streams_differ_in_each_part_of_their_name(void **state)
{
    (void)state;
    struct rng rng[5];
    rng_init(&rng[0], 1, RNG_SHUFFLE, 0, 0);
    rng_init(&rng[1], 2, RNG_SHUFFLE, 0, 0);
    rng_init(&rng[2], 1, RNG_SPLIT, 0, 0);
    rng_init(&rng[3], 1, RNG_SHUFFLE, 1, 0);
    rng_init(&rng[4], 1, RNG_SHUFFLE, 0, 1);
    uint64_t first[5];
    for (int i = 0; i < 5; i++) {
        first[i] = rng_next_u64(&rng[i]);
        for (int j = 0; j < i; j++)
            assert_true(first[i] != first[j]);
    }
}

static void a_long_stream_carries_beside_its_purpose(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 1, RNG_SHUFFLE, 0, 0);
    rng.counter[0] = UINT32_MAX;
    for (int i = 0; i < 4; i++)
        rng_next(&rng);
    const uint32_t counter[4] = {0, RNG_SHUFFLE + (1u << 8), 0, 0}, key[2] = {1, 0};
    uint32_t expected[4];
    rng_philox(counter, key, expected);
    assert_int_equal(rng_next(&rng), expected[0]);
}

static void uniform_stays_in_range_and_has_the_right_moments(void **state)
{
    (void)state;
    enum { N = 100000 };
    struct rng rng;
    rng_init(&rng, 42, RNG_GATE_WEIGHTS, 0, 0);
    double sum = 0, squares = 0;
    for (int i = 0; i < N; i++) {
        double u = rng_uniform(&rng);
        assert_true(u >= 0 && u < 1);
        sum += u;
        squares += u * u;
    }
    /* Five standard errors: sqrt(1/12/N) and sqrt(4/45/N). */
    assert_true(sum / N > 0.5 - 0.0046 && sum / N < 0.5 + 0.0046);
    assert_true(squares / N > 1.0 / 3 - 0.0048 && squares / N < 1.0 / 3 + 0.0048);
}

static void below_stays_in_range_and_is_even(void **state)
{
    (void)state;
    enum { N = 7, DRAWS = 70000 };
    struct rng rng;
    rng_init(&rng, 3, RNG_SPLIT, 0, 0);
    int count[N] = {0};
    for (int i = 0; i < DRAWS; i++) {
        uint64_t number = rng_below(&rng, N);
        assert_true(number < N);
        count[number]++;
    }
    for (int i = 0; i < N; i++)
        assert_between(count[i], DRAWS / N - 500, DRAWS / N + 500); /* over 5 sigma of 93 */
    for (int i = 0; i < 100; i++)
        assert_int_equal(rng_below(&rng, 1), 0);
    /* Just over 2^63 nearly every second number must be drawn again. */
    uint64_t large = (UINT64_C(1) << 63) + 1;
    for (int i = 0; i < 1000; i++)
        assert_true(rng_below(&rng, large) < large);
}

static void permutation_holds_each_number_once(void **state)
{
    (void)state;
    enum { N = 1000 };
    struct rng rng;
    uint64_t order[N], again[N];
    rng_init(&rng, 5, RNG_SHUFFLE, 0, 2);
    rng_permutation(&rng, N, order);
    int seen[N] = {0}, fixed = 0;
    for (uint64_t i = 0; i < N; i++) {
        assert_true(order[i] < N);
        assert_int_equal(seen[order[i]]++, 0);
        fixed += order[i] == i;
    }
    assert_between(fixed, 0, 10); /* on average one */
    rng_init(&rng, 5, RNG_SHUFFLE, 0, 2);
    rng_permutation(&rng, N, again);
    assert_memory_equal(order, again, sizeof order);
    rng_permutation(&rng, 0, again);
    assert_memory_equal(order, again, sizeof order);
}

static void permutations_are_equally_frequent(void **state)
{
    (void)state;
    enum { DRAWS = 60000 };
    struct rng rng;
    rng_init(&rng, 6, RNG_SHUFFLE, 0, 0);
    int count[27] = {0};
    for (int i = 0; i < DRAWS; i++) {
        uint64_t order[3];
        rng_permutation(&rng, 3, order);
        count[order[0] * 9 + order[1] * 3 + order[2]]++;
    }
    int kinds = 0;
    for (int i = 0; i < 27; i++) {
        if (count[i] == 0)
            continue;
        kinds++;
        assert_between(count[i], DRAWS / 6 - 500, DRAWS / 6 + 500);
    }
    assert_int_equal(kinds, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_known_answers),
        cmocka_unit_test(numbers_are_the_blocks_of_the_named_stream),
        cmocka_unit_test(streams_differ_in_each_part_of_their_name),
        cmocka_unit_test(a_long_stream_carries_beside_its_purpose),
        cmocka_unit_test(uniform_stays_in_range_and_has_the_right_moments),
        cmocka_unit_test(below_stays_in_range_and_is_even),
        cmocka_unit_test(permutation_holds_each_number_once),
        cmocka_unit_test(permutations_are_equally_frequent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
