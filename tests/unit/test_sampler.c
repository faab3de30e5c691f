/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/samples/sampler.h"

#include "data_fixture.h"

enum { N = 103, BATCH = 10 };

static void collect(struct sampler *sampler, uint64_t *order, size_t n, size_t batch)
{
    size_t done = 0;
    for (size_t b = 0; b < sampler->n_batches; b++) {
        const uint64_t *rows;
        size_t first, size = sampler_batch(sampler, b, &rows, &first);
        assert_non_null(rows);
        assert_true(size == batch || b + 1 == sampler->n_batches);
        for (size_t i = 0; i < size; i++)
            order[done++] = rows[i];
    }
    assert_int_equal(done, n);
}

static void each_epoch_takes_every_sample_once(void **state)
{
    (void)state;
    struct sampler sampler;
    assert_ok(sampler_init(&sampler, N, BATCH, 0, 7));
    assert_int_equal(sampler.n_batches, 11);
    for (uint64_t epoch = 0; epoch < 5; epoch++) {
        uint64_t order[N];
        int seen[N] = {0};
        sampler_start_epoch(&sampler, epoch);
        collect(&sampler, order, N, BATCH);
        for (size_t i = 0; i < N; i++) {
            assert_true(order[i] < N);
            seen[order[i]]++;
        }
        for (size_t i = 0; i < N; i++)
            assert_int_equal(seen[i], 1);
    }
    sampler_release(&sampler);
}

static void order_depends_on_seed_and_epoch_only(void **state)
{
    (void)state;
    struct sampler a, b, other;
    uint64_t order_a[N], order_b[N], order_next[N], order_other[N], order_far[N];
    assert_ok(sampler_init(&a, N, BATCH, 0, 7));
    assert_ok(sampler_init(&b, N, 25, 0, 7));
    assert_ok(sampler_init(&other, N, BATCH, 0, 8));
    for (uint64_t epoch = 0; epoch <= 3; epoch++)
        sampler_start_epoch(&a, epoch);
    sampler_start_epoch(&b, 9);
    sampler_start_epoch(&b, 3); /* as after a restart */
    sampler_start_epoch(&other, 3);
    collect(&a, order_a, N, BATCH);
    collect(&b, order_b, N, 25);
    collect(&other, order_other, N, BATCH);
    sampler_start_epoch(&a, 4);
    collect(&a, order_next, N, BATCH);
    sampler_start_epoch(&a, 4 + (UINT64_C(1) << 32));
    collect(&a, order_far, N, BATCH);
    assert_memory_equal(order_a, order_b, sizeof order_a);
    assert_memory_not_equal(order_a, order_other, sizeof order_a);
    assert_memory_not_equal(order_a, order_next, sizeof order_a);
    assert_memory_not_equal(order_next, order_far, sizeof order_a);
    sampler_release(&a);
    sampler_release(&b);
    sampler_release(&other);
}

static void full_batches_keep_the_order(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, N, N + 1, 10 * N};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct sampler sampler;
        const uint64_t *rows;
        size_t first;
        assert_ok(sampler_init(&sampler, N, sizes[i], 0, 7));
        sampler_start_epoch(&sampler, 2);
        assert_int_equal(sampler.n_batches, 1);
        assert_int_equal(sampler_batch(&sampler, 0, &rows, &first), N);
        assert_null(rows);
        assert_int_equal(first, 0);
        sampler_release(&sampler);
    }
}

static void the_last_batch_may_be_full(void **state)
{
    (void)state;
    struct sampler sampler;
    const uint64_t *rows;
    size_t first;
    assert_ok(sampler_init(&sampler, 20, 10, 0, 1));
    assert_int_equal(sampler.n_batches, 2);
    assert_int_equal(sampler_batch(&sampler, 1, &rows, &first), 10);
    sampler_release(&sampler);
    assert_ok(sampler_init(&sampler, 1, 1, 0, 1));
    assert_int_equal(sampler.n_batches, 1);
    sampler_release(&sampler);
}

/*
 * Blocks of 3 in 103 samples are 35 blocks, the last of one sample, in one window; blocks of 1 are
 * 103 blocks in two windows.
 */
static void blocks_are_taken_whole(void **state)
{
    (void)state;
    static const size_t blocks[] = {1, 2, 3, 50, 102};
    for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++) {
        struct sampler sampler, other;
        uint64_t order[N], again[N];
        size_t block = blocks[b], window = block * EPOCH_WINDOW_BLOCKS;
        assert_ok(sampler_init(&sampler, N, BATCH, block, 7));
        assert_ok(sampler_init(&other, N, 7, block, 7));
        for (uint64_t epoch = 0; epoch < 40; epoch++) {
            int seen[N] = {0};
            size_t blocks_seen = 0, taken[N] = {0};
            sampler_start_epoch(&sampler, epoch);
            sampler_start_epoch(&other, epoch);
            collect(&sampler, order, N, BATCH);
            collect(&other, again, N, 7);
            assert_memory_equal(order, again, sizeof order); /* whatever the batch */
            for (size_t i = 0; i < N; i++) {
                assert_true(order[i] < N);
                assert_int_equal(seen[order[i]]++, 0);
            }
            /* The first window takes 64 blocks, each of them whole. */
            size_t n_first = sampler.n_batches && window < N
                                 ? epoch_window(&sampler.order, &sampler.blocks, 0).n
                                 : N;
            for (size_t i = 0; i < n_first; i++)
                blocks_seen += taken[order[i] / block]++ == 0;
            assert_int_equal(blocks_seen, window < N ? EPOCH_WINDOW_BLOCKS : (N - 1) / block + 1);
            for (size_t k = 0; k <= (N - 1) / block; k++)
                assert_true(taken[k] == 0 ||
                            taken[k] == (N - k * block < block ? N - k * block : block));
        }
        sampler_release(&sampler);
        sampler_release(&other);
    }
}

/* Any two samples come in either order equally often: 2000 epochs, five standard deviations. */
static void the_shuffle_has_no_preference(void **state)
{
    (void)state;
    enum { EPOCHS = 2000 };
    struct sampler sampler;
    uint64_t order[N];
    int before[4] = {0};
    double mean = 0;
    assert_ok(sampler_init(&sampler, N, BATCH, 1, 7));
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        size_t at[N];
        sampler_start_epoch(&sampler, epoch);
        collect(&sampler, order, N, BATCH);
        for (size_t i = 0; i < N; i++)
            at[order[i]] = i;
        before[0] += at[0] < at[1];
        before[1] += at[0] < at[N - 1];
        before[2] += at[50] < at[51];
        before[3] += at[64] < at[3];
        mean += (double)at[N - 1] / EPOCHS;
    }
    for (int k = 0; k < 4; k++)
        assert_between(before[k], EPOCHS / 2 - 112, EPOCHS / 2 + 112);
    assert_true(mean > 51 - 3.4 && mean < 51 + 3.4); /* deviation 29.7 / sqrt(2000) = 0.66 */
    sampler_release(&sampler);
}

/* Two lists of a batch, one of a window (here all samples) and one of blocks, 8 bytes a number. */
static void bytes_of_the_lists(void **state)
{
    (void)state;
    assert_true(sampler_bytes(1000, 100, 0) == 8.0 * (100 + 100 + 1000 + 1));
    assert_true(sampler_bytes(1000, 0, 0) == 0);
    assert_true(sampler_bytes(1000, 1000, 10) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_epoch_takes_every_sample_once),
        cmocka_unit_test(order_depends_on_seed_and_epoch_only),
        cmocka_unit_test(full_batches_keep_the_order),
        cmocka_unit_test(the_last_batch_may_be_full),
        cmocka_unit_test(blocks_are_taken_whole),
        cmocka_unit_test(the_shuffle_has_no_preference),
        cmocka_unit_test(bytes_of_the_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
