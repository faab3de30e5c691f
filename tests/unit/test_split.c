/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/samples/split.h"

#include "data_fixture.h"

enum { N = 50 };

/* Ascending, no sample twice, none left out. */
static void check_partition(const struct split *split, size_t n)
{
    size_t t = 0, v = 0;
    assert_int_equal(split->n_train + split->n_valid, n);
    for (uint64_t i = 0; i < n; i++)
        if (t < split->n_train && split->train[t] == i)
            t++;
        else {
            assert_true(v < split->n_valid);
            assert_int_equal(split->valid[v++], i);
        }
}

static void samples_are_split_by_fraction(void **state)
{
    (void)state;
    struct split split, again, other;
    assert_ok(split_init(&split, N, NULL, 0, 0.3, 5));
    assert_int_equal(split.n_valid, 15);
    check_partition(&split, N);
    assert_ok(split_init(&again, N, NULL, 0, 0.3, 5));
    assert_memory_equal(split.valid, again.valid, 15 * sizeof(uint64_t));
    assert_ok(split_init(&other, N, NULL, 0, 0.3, 6));
    assert_memory_not_equal(split.valid, other.valid, 15 * sizeof(uint64_t));
    /* A draw, not the first or last samples: 15 in a row of 50 would be a miracle. */
    assert_true(split.valid[14] - split.valid[0] > 14);
    split_release(&split);
    split_release(&again);
    split_release(&other);
}

static void fraction_0_trains_on_all(void **state)
{
    (void)state;
    struct split split;
    assert_ok(split_init(&split, N, NULL, 0, 0, 5));
    assert_int_equal(split.n_train, N);
    assert_int_equal(split.n_valid, 0);
    check_partition(&split, N);
    split_release(&split);
    assert_ok(split_init(&split, 1, NULL, 0, 0, 5));
    assert_int_equal(split.n_train, 1);
    split_release(&split);
}

static void groups_stay_whole(void **state)
{
    (void)state;
    int32_t group[N];
    for (int i = 0; i < N; i++)
        group[i] = i % 7; /* 7 groups */
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct split split;
        int valid_groups = 0, in_train[7] = {0}, in_valid[7] = {0};
        assert_ok(split_init(&split, N, group, 7, 0.4, seed)); /* round(2.8) = 3 groups */
        check_partition(&split, N);
        for (size_t i = 0; i < split.n_train; i++)
            in_train[group[split.train[i]]] = 1;
        for (size_t i = 0; i < split.n_valid; i++)
            in_valid[group[split.valid[i]]] = 1;
        for (int g = 0; g < 7; g++) {
            assert_int_equal(in_train[g] + in_valid[g], 1);
            valid_groups += in_valid[g];
        }
        assert_int_equal(valid_groups, 3);
        split_release(&split);
    }
}

static void at_least_one_group_and_not_all(void **state)
{
    (void)state;
    int32_t group[6] = {0, 0, 1, 1, 2, 2};
    struct split split;
    assert_ok(split_init(&split, 6, group, 3, 0.01, 1));
    assert_int_equal(split.n_valid, 2);
    split_release(&split);
    assert_ok(split_init(&split, 6, group, 3, 0.99, 1));
    assert_int_equal(split.n_valid, 4);
    split_release(&split);
}

static void what_cannot_be_split_is_refused(void **state)
{
    (void)state;
    int32_t group[3] = {0, 0, 0};
    struct split split;
    assert_usage(split_init(&split, 3, group, 1, 0.5, 1), "--valid", "1 group");
    assert_usage(split_init(&split, 1, NULL, 0, 0.5, 1), "--valid", "1 sample");
    assert_usage(split_init(&split, 3, NULL, 0, 1, 1), "--valid 1");
    assert_usage(split_init(&split, 3, NULL, 0, -0.1, 1), "--valid -0.1");
    assert_usage(split_init(&split, 3, NULL, 0, 0.0 / 0.0, 1), "--valid");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_split_by_fraction),
        cmocka_unit_test(fraction_0_trains_on_all),
        cmocka_unit_test(groups_stay_whole),
        cmocka_unit_test(at_least_one_group_and_not_all),
        cmocka_unit_test(what_cannot_be_split_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
