/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit_test.h"

#include "base/rng.h"
#include "math/moments.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 72, LD = 80, MOST_ROWS = 7, MOST_WIDTH = 7, MOST_SUMS = 28 };

struct samples {
    _Alignas(64) double a[MOST_ROWS * LD];
    _Alignas(64) double z[MOST_WIDTH * LD];
};

static void draw(struct samples *samples)
{
    struct rng rng;
    rng_init(&rng, 7, RNG_SPLIT, 0, 0);
    for (size_t i = 0; i < MOST_ROWS * LD; i++)
        samples->a[i] = rng_uniform(&rng);
    for (size_t i = 0; i < MOST_WIDTH * LD; i++)
        samples->z[i] = 2 * rng_uniform(&rng) - 1;
}

static double sum_of(const struct samples *samples, size_t r, size_t u, size_t v)
{
    double sum = 0;
    for (size_t i = 0; i < N; i++)
        sum += samples->a[r * LD + i] * samples->z[u * LD + i] * samples->z[v * LD + i];
    return sum;
}

/* Every moment of every shape is the sum that its name says, added to what was there. */
static void test_sums(void **state)
{
    (void)state;
    struct samples samples;
    draw(&samples);
    for (size_t width = 1; width <= MOST_WIDTH; width++)
        for (size_t left = 1; left <= width; left++) {
            double sums[MOST_ROWS * MOST_SUMS];
            size_t count = moments_count(left, width);
            assert_true(count <= MOST_SUMS);
            for (size_t i = 0; i < MOST_ROWS * MOST_SUMS; i++)
                sums[i] = 3;
            moments_add(MOST_ROWS, left, width, N, samples.a, LD, samples.z, LD, sums, count);
            for (size_t r = 0; r < MOST_ROWS; r++)
                for (size_t u = 0; u < left; u++)
                    for (size_t v = u; v < width; v++) {
                        double found = sums[r * count + moments_at(width, u, v)];
                        assert_true(fabs(found - 3 - sum_of(&samples, r, u, v)) < 1e-13);
                    }
            for (size_t i = MOST_ROWS * count; i < MOST_ROWS * MOST_SUMS; i++)
                assert_true(sums[i] == 3);
        }
}

/* A row of weights has the same bits alone, first, or last of several. */
static void test_rows_do_not_know_of_each_other(void **state)
{
    (void)state;
    struct samples samples;
    double together[MOST_ROWS * MOST_SUMS] = {0};
    size_t left = 6, width = 7, count = moments_count(left, width);
    draw(&samples);
    moments_add(MOST_ROWS, left, width, N, samples.a, LD, samples.z, LD, together, count);
    for (size_t first = 0; first < MOST_ROWS; first++)
        for (size_t n = 1; first + n <= MOST_ROWS; n++) {
            double some[MOST_ROWS * MOST_SUMS] = {0};
            moments_add(n, left, width, N, samples.a + first * LD, LD, samples.z, LD, some, count);
            assert_memory_equal(some, together + first * count, n * count * sizeof *some);
        }
}

static void test_unfold(void **state)
{
    (void)state;
    const double sums[] = {1, 2, 9, 3, 9}, expected[] = {1, 2, 2, 3};
    double matrix[4];
    moments_unfold(2, 3, sums, matrix);
    assert_memory_equal(matrix, expected, sizeof matrix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sums),
                                       cmocka_unit_test(test_rows_do_not_know_of_each_other),
                                       cmocka_unit_test(test_unfold)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
