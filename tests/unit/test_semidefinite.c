/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit_test.h"

#include "base/rng.h"
#include "math/semidefinite.h"

#include <math.h>
#include <string.h>

enum { N = 12, N_RHS = 3 };

static double uniform(struct rng *rng)
{
    return 2 * rng_uniform(rng) - 1;
}

/* The lower triangle of G G^T with G (N, rank), its columns' sizes far apart; the rest is NaN. */
static void draw_matrix(size_t rank, double *lower, double *full)
{
    double g[N * N];
    struct rng rng;
    rng_init(&rng, 3, RNG_SPLIT, 0, (uint32_t)rank);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < rank; j++)
            g[i * rank + j] = uniform(&rng) * pow(10, (double)i - 6);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++) {
            full[i * N + j] = 0;
            for (size_t r = 0; r < rank; r++)
                full[i * N + j] += g[i * rank + r] * g[j * rank + r];
            lower[i * N + j] = j <= i ? full[i * N + j] : NAN;
        }
}

/* b = A x for a known x, so that a solution exists whatever the rank. */
static void check_rank(size_t rank)
{
    double lower[N * N], full[N * N], b[N_RHS * N], known[N_RHS * N];
    struct semidefinite system;
    struct rng rng;
    rng_init(&rng, 4, RNG_SPLIT, 0, 0);
    assert_int_equal(semidefinite_init(&system, N + 3), STATUS_OK);
    draw_matrix(rank, lower, full);
    memset(b, 0, sizeof b);
    for (size_t r = 0; r < N_RHS; r++)
        for (size_t i = 0; i < N; i++)
            known[r * N + i] = uniform(&rng) * pow(10, 6 - (double)i);
    for (size_t r = 0; r < N_RHS; r++)
        for (size_t i = 0; i < N; i++)
            for (size_t j = 0; j < N; j++)
                b[r * N + i] += full[i * N + j] * known[r * N + j];
    double x[N_RHS * N];
    memcpy(x, b, sizeof x);
    semidefinite_solve(&system, N, lower, N_RHS, x);
    for (size_t r = 0; r < N_RHS; r++)
        for (size_t i = 0; i < N; i++) {
            double sum = 0, size = 0;
            for (size_t j = 0; j < N; j++) {
                sum += full[i * N + j] * x[r * N + j];
                size += fabs(full[i * N + j] * known[r * N + j]);
            }
            assert_true(fabs(sum - b[r * N + i]) <= 1e-9 * size);
            if (rank == N)
                assert_true(fabs(x[r * N + i] - known[r * N + i]) <=
                            1e-6 * fabs(known[r * N + i]) + 1e-6 * pow(10, 6 - (double)i));
        }
    semidefinite_release(&system);
}

static void test_regular(void **state)
{
    (void)state;
    check_rank(N);
}

static void test_singular(void **state)
{
    (void)state;
    for (size_t rank = 1; rank < N; rank++)
        check_rank(rank);
}

/* Unknowns of which the matrix says nothing get 0, and so does everything if it holds a NaN. */
static void test_empty_rows(void **state)
{
    (void)state;
    double matrix[4] = {0, 0, 0, 2}, b[2] = {5, 3}, bad[4] = {NAN, 0, NAN, 1}, c[2] = {1, 1};
    struct semidefinite system;
    assert_int_equal(semidefinite_init(&system, 2), STATUS_OK);
    semidefinite_solve(&system, 2, matrix, 1, b);
    assert_true(b[0] == 0 && fabs(b[1] - 1.5) < 1e-15);
    semidefinite_solve(&system, 2, bad, 1, c);
    assert_true(isfinite(c[0]) && isfinite(c[1]));
    semidefinite_release(&system);
}

/* W A W^T is 1, and ln |A| is right, for columns of sizes that are far apart. */
static void test_whiten(void **state)
{
    (void)state;
    double lower[N * N], full[N * N], w[N * N], log_det = 0;
    struct semidefinite system;
    assert_int_equal(semidefinite_init(&system, N), STATUS_OK);
    draw_matrix(N, lower, full);
    double found = semidefinite_whiten(&system, N, full, w);
    for (size_t i = 0; i < N; i++) {
        log_det -= 2 * log(w[i * N + i]);
        for (size_t j = 0; j < N; j++) {
            double sum = 0;
            for (size_t k = 0; k < N; k++)
                for (size_t l = 0; l < N; l++)
                    sum += w[i * N + k] * full[k * N + l] * w[j * N + l];
            assert_true(fabs(sum - (i == j)) < 1e-6);
        }
    }
    assert_true(fabs(found - log_det) < 1e-9);
    const double known[4] = {4, 1, 1, 9};
    assert_true(fabs(semidefinite_whiten(&system, 2, known, w) - log(35)) < 1e-14);
    semidefinite_release(&system);
}

/* Eigenvalues 3 and 1 in turned directions: what is below the floor is raised, directions stay. */
static void test_raise(void **state)
{
    (void)state;
    const double a[4] = {2, 1, 1, 2}, raised[4] = {2.5, 0.5, 0.5, 2.5};
    double b[4];
    struct semidefinite system;
    assert_int_equal(semidefinite_init(&system, 2), STATUS_OK);
    memcpy(b, a, sizeof b);
    semidefinite_raise(&system, 2, 0.5, b);
    assert_memory_equal(a, b, sizeof b);
    semidefinite_raise(&system, 2, 2, b);
    for (int i = 0; i < 4; i++)
        assert_true(fabs(b[i] - raised[i]) < 1e-14);
    semidefinite_release(&system);
}

static void test_too_large(void **state)
{
    (void)state;
    struct semidefinite system;
    assert_int_equal(semidefinite_init(&system, 1000000), STATUS_USAGE);
    semidefinite_release(&system);
}

/* Of a regular matrix A inverse(A) = 1, and all is known. */
static void test_inverse(void **state)
{
    (void)state;
    double lower[N * N], full[N * N], inverse[N * N];
    bool known[N];
    struct semidefinite system;
    assert_int_equal(semidefinite_init(&system, N), STATUS_OK);
    draw_matrix(N, lower, full);
    struct semidefinite_rank rank = semidefinite_invert(&system, N, lower, inverse, known);
    assert_int_equal(rank.n_unknown + rank.n_negative, 0);
    for (size_t i = 0; i < N; i++) {
        assert_true(known[i]);
        for (size_t j = 0; j < N; j++) {
            double sum = 0;
            for (size_t k = 0; k < N; k++)
                sum += full[i * N + k] * inverse[k * N + j];
            /* rows and columns are of sizes 10^(i-6) and 10^(6-j) */
            double size = pow(10, (double)i - (double)j);
            assert_true(fabs(sum - (i == j)) < 1e-7 * size);
        }
    }
    semidefinite_release(&system);
}

/* Two unknowns that only come together, one of no effect, one that bends the other way. */
static void test_inverse_of_part(void **state)
{
    (void)state;
    const double a[16] = {4, 0, 0, 0, 0, 9, 0, 0, 0, 9, 9, 0, 0, 0, 0, 0};
    const double indefinite[9] = {2, 0, 0, 0, 1, 0, 0, 3, 1};
    double inverse[16];
    bool known[4];
    struct semidefinite system;
    assert_int_equal(semidefinite_init(&system, 4), STATUS_OK);
    struct semidefinite_rank rank = semidefinite_invert(&system, 4, a, inverse, known);
    assert_int_equal(rank.n_unknown, 2);
    assert_int_equal(rank.n_negative, 0);
    assert_true(known[0] && !known[1] && !known[2] && !known[3]);
    assert_true(fabs(inverse[0] - 0.25) < 1e-12);
    rank = semidefinite_invert(&system, 3, indefinite, inverse, known);
    assert_int_equal(rank.n_unknown, 1);
    assert_int_equal(rank.n_negative, 1);
    assert_true(known[0] && !known[1] && !known[2]);
    assert_true(fabs(inverse[0] - 0.5) < 1e-12);
    semidefinite_release(&system);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_regular),    cmocka_unit_test(test_singular),
        cmocka_unit_test(test_inverse),    cmocka_unit_test(test_inverse_of_part),
        cmocka_unit_test(test_empty_rows), cmocka_unit_test(test_whiten),
        cmocka_unit_test(test_raise),      cmocka_unit_test(test_too_large)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
