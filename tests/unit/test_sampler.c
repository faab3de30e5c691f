#include "coterie/data/sampler.h"

#include "data_fixture.h"

enum { N = 103, BATCH = 10 };

static void collect(const struct sampler *sampler, uint64_t *order, size_t n, size_t batch)
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
    assert_ok(sampler_init(&sampler, N, BATCH, 7));
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
    assert_ok(sampler_init(&a, N, BATCH, 7));
    assert_ok(sampler_init(&b, N, 25, 7));
    assert_ok(sampler_init(&other, N, BATCH, 8));
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
        assert_ok(sampler_init(&sampler, N, sizes[i], 7));
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
    assert_ok(sampler_init(&sampler, 20, 10, 1));
    assert_int_equal(sampler.n_batches, 2);
    assert_int_equal(sampler_batch(&sampler, 1, &rows, &first), 10);
    sampler_release(&sampler);
    assert_ok(sampler_init(&sampler, 1, 1, 1));
    assert_int_equal(sampler.n_batches, 1);
    sampler_release(&sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_epoch_takes_every_sample_once),
        cmocka_unit_test(order_depends_on_seed_and_epoch_only),
        cmocka_unit_test(full_batches_keep_the_order),
        cmocka_unit_test(the_last_batch_may_be_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
