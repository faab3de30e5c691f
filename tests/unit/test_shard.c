/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit_test.h"

#include "comm/shard.h"

/* Every expert has one owner, whatever the numbers: also E not divisible, and idle ranks. */
static void every_expert_has_one_rank(void **state)
{
    (void)state;
    for (size_t n_experts = 1; n_experts <= 23; n_experts++)
        for (int n_ranks = 1; n_ranks <= 12; n_ranks++)
            for (int load = 0; load <= 2; load++) {
                struct shard shard;
                assert_int_equal(shard_init(&shard, n_experts, n_ranks, -1, 1.5 * load), 0);
                size_t next = 0;
                for (int r = 0; r < n_ranks; r++) {
                    assert_int_equal(shard_first(&shard, r), next);
                    for (size_t k = 0; k < shard_count(&shard, r); k++)
                        assert_int_equal(shard_owner(&shard, next + k), r);
                    next += shard_count(&shard, r);
                }
                assert_int_equal(next, n_experts);
            }
}

static void experts_are_dealt_out_evenly(void **state)
{
    (void)state;
    struct shard shard;
    assert_int_equal(shard_init(&shard, 10, 4, -1, 0), 0);
    for (int r = 0; r < 4; r++) {
        assert_true(shard_count(&shard, r) >= 2);
        assert_true(shard_count(&shard, r) <= 3);
    }
}

/* 9 experts and a gate that costs as much as 3 of them: 12 units on 4 ranks are 3 each. */
static void the_gate_counts_as_work_of_the_root(void **state)
{
    (void)state;
    struct shard shard;
    assert_int_equal(shard_init(&shard, 9, 4, -1, 3), 0);
    assert_int_equal(shard_count(&shard, 0), 0);
    for (int r = 1; r < 4; r++)
        assert_int_equal(shard_count(&shard, r), 3);
}

static void the_user_may_choose(void **state)
{
    (void)state;
    struct shard shard;
    assert_int_equal(shard_init(&shard, 9, 3, 1, 0), 0);
    assert_int_equal(shard_count(&shard, 0), 1);
    assert_int_equal(shard_count(&shard, 1), 4);
    assert_int_equal(shard_init(&shard, 9, 3, 10, 0), STATUS_USAGE);
    assert_int_equal(shard_init(&shard, 9, 1, 4, 0), STATUS_USAGE);
}

/* Twice as fast, twice as many; the gate is worth 3 experts; and every expert has one rank. */
static void fast_ranks_get_more(void **state)
{
    (void)state;
    struct shard shard;
    size_t firsts[5];
    const double speed[4] = {1, 2, 1, 2};
    assert_int_equal(shard_init(&shard, 33, 4, -1, 3), 0);
    shard_deal_by_speed(&shard, speed, 3, false, firsts);
    const size_t expected[4] = {3, 12, 6, 12};
    for (int r = 0; r < 4; r++)
        assert_int_equal(shard_count(&shard, r), expected[r]);
    shard_deal_by_speed(&shard, speed, 3, true, firsts);
    assert_int_equal(shard_count(&shard, 0), shard.on_root);
    for (size_t n_experts = 1; n_experts < 40; n_experts++) {
        assert_int_equal(shard_init(&shard, n_experts, 4, -1, 0.7), 0);
        shard_deal_by_speed(&shard, speed, 0.7, n_experts % 2 == 0, firsts);
        size_t next = 0;
        for (int r = 0; r < 4; r++) {
            assert_int_equal(shard_first(&shard, r), next);
            next += shard_count(&shard, r);
        }
        assert_int_equal(next, n_experts);
        assert_int_equal(shard_first(&shard, shard_owner(&shard, n_experts - 1)) <= n_experts - 1,
                         1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_expert_has_one_rank), cmocka_unit_test(experts_are_dealt_out_evenly),
        cmocka_unit_test(the_gate_counts_as_work_of_the_root),
        cmocka_unit_test(the_user_may_choose), cmocka_unit_test(fast_ranks_get_more)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
