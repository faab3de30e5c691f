/* SPDX-License-Identifier: BSD-3-Clause */
#include "math/semidefinite.h"

#include "base/memory.h"
#include "math/blas.h"

#include <limits.h>
#include <math.h>
#include <string.h>

/*
 * LAPACK as Fortran has it, which OpenBLAS brings along; its C interface is another package. The
 * last arguments are the lengths of the strings.
 */
extern void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info, size_t);
extern void dpotrs_(const char *uplo, const int *n, const int *nrhs, const double *a,
                    const int *lda, double *b, const int *ldb, int *info, size_t);
extern void dpocon_(const char *uplo, const int *n, const double *a, const int *lda,
                    const double *norm, double *rcond, double *work, int *iwork, int *info, size_t);
extern void dpotri_(const char *uplo, const int *n, double *a, const int *lda, int *info, size_t);
extern void dtrtri_(const char *uplo, const char *diag, const int *n, double *a, const int *lda,
                    int *info, size_t, size_t);
extern void dsyevd_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda,
                    double *w, double *work, const int *lwork, int *iwork, const int *liwork,
                    int *info, size_t, size_t);

static const double singular = 1e-12;

/* An unknown has a part in a direction if the square of its cosine is more than this. */
static const double part_of_direction = 1e-8;

/* Rows of ours are columns of Fortran's: our lower triangle is its upper one. */
#define LOWER "U"

static size_t work_size(size_t n)
{
    return 1 + 7 * n + 2 * n * n;
}

static size_t int_work_size(size_t n)
{
    return 3 + 5 * n;
}

status semidefinite_init(struct semidefinite *system, size_t n_max)
{
    memset(system, 0, sizeof *system);
    system->n_max = n_max;
    if (n_max > 20000)
        return status_set(STATUS_USAGE,
                          "a system of %zu unknowns is more than EM can solve at once{; use "
                          "@optimizer adam, or fewer inputs}",
                          n_max);
    status outcome = memory_alloc(&system->scale, n_max, sizeof(double), "a linear system");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&system->factor, n_max * n_max, sizeof(double), "a linear system");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&system->work, work_size(n_max), sizeof(double), "a linear system");
    if (outcome == STATUS_OK)
        outcome =
            memory_alloc(&system->int_work, int_work_size(n_max), sizeof(int), "a linear system");
    return outcome;
}

void semidefinite_release(struct semidefinite *system)
{
    memory_free(&system->scale);
    memory_free(&system->factor);
    memory_free(&system->work);
    memory_free(&system->int_work);
}

/* factor = S A S with S such that its diagonal is 1; an empty row stays one of the identity. */
static void scale_matrix(struct semidefinite *system, size_t n, const double *a)
{
    double *scale = system->scale, *factor = system->factor;
    for (size_t i = 0; i < n; i++)
        scale[i] = a[i * n + i] > 0 ? 1 / sqrt(a[i * n + i]) : 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++)
            factor[i * n + j] = factor[j * n + i] = scale[i] * a[i * n + j] * scale[j];
        factor[i * n + i] = 1;
    }
}

static double largest_row_sum(size_t n, const double *a)
{
    double largest = 0;
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t j = 0; j < n; j++)
            sum += fabs(a[i * n + j]);
        largest = fmax(largest, sum);
    }
    return largest;
}

/* True if the scaled matrix could be factored and is far enough from singular. */
static bool factor_cholesky(struct semidefinite *system, int n)
{
    int info;
    double norm = largest_row_sum((size_t)n, system->factor), reciprocal = 0;
    dpotrf_(LOWER, &n, system->factor, &n, &info, 1);
    if (info != 0)
        return false;
    dpocon_(LOWER, &n, system->factor, &n, &norm, &reciprocal, system->work, system->int_work,
            &info, 1);
    return info == 0 && reciprocal >= singular;
}

/* b = V diag(1/value) V^T b over the directions that the scaled matrix knows. */
static void solve_by_eigenvalues(struct semidefinite *system, int n, size_t n_rhs, double *b)
{
    size_t size = (size_t)n;
    int lwork = (int)(work_size(size) - size), liwork = (int)int_work_size(size), info;
    double *value = system->work + lwork, *vector = system->factor;
    dsyevd_("V", LOWER, &n, vector, &n, value, system->work, &lwork, system->int_work, &liwork,
            &info, 1, 1);
    double least = info == 0 ? singular * value[size - 1] : INFINITY;
    for (size_t r = 0; r < n_rhs; r++) {
        double *row = b + r * size, *sum = system->work;
        memset(sum, 0, size * sizeof *sum);
        for (size_t v = 0; v < size; v++) {
            double share = 0;
            if (!(value[v] > least))
                continue;
            for (size_t i = 0; i < size; i++)
                share += vector[v * size + i] * row[i];
            for (size_t i = 0; i < size; i++)
                sum[i] += share / value[v] * vector[v * size + i];
        }
        memcpy(row, sum, size * sizeof *sum);
    }
}

static void scale_rows(const struct semidefinite *system, size_t n, size_t n_rhs, double *b)
{
    for (size_t r = 0; r < n_rhs; r++)
        for (size_t i = 0; i < n; i++)
            b[r * n + i] *= system->scale[i];
}

void semidefinite_solve(struct semidefinite *system, size_t n, const double *a, size_t n_rhs,
                        double *b)
{
    COTERIE_ASSERT(n <= system->n_max && n_rhs <= INT_MAX);
    int order = (int)n, columns = (int)n_rhs, info;
    scale_matrix(system, n, a);
    scale_rows(system, n, n_rhs, b);
    if (factor_cholesky(system, order)) {
        dpotrs_(LOWER, &order, &columns, system->factor, &order, b, &order, &info, 1);
    } else {
        scale_matrix(system, n, a);
        solve_by_eigenvalues(system, order, n_rhs, b);
    }
    scale_rows(system, n, n_rhs, b);
}

/* inverse += V diag(1/value) V^T over the positive eigenvalues of the scaled matrix. */
static struct semidefinite_rank invert_by_eigenvalues(struct semidefinite *system, int n,
                                                      double *inverse, bool *known)
{
    struct semidefinite_rank rank = {0, 0};
    size_t size = (size_t)n;
    int lwork = (int)(work_size(size) - size), liwork = (int)int_work_size(size), info;
    double *value = system->work + lwork, *vector = system->factor;
    dsyevd_("V", LOWER, &n, vector, &n, value, system->work, &lwork, system->int_work, &liwork,
            &info, 1, 1);
    double least = info == 0 ? singular * value[size - 1] : INFINITY;
    memset(inverse, 0, size * size * sizeof *inverse);
    for (size_t v = 0; v < size; v++) {
        const double *direction = vector + v * size;
        if (value[v] > least) {
            for (size_t i = 0; i < size; i++)
                blas_add_scaled(i + 1, direction[i] / value[v], direction, inverse + i * size);
            continue;
        }
        rank.n_unknown++;
        rank.n_negative += value[v] < -least;
        for (size_t i = 0; i < size; i++)
            known[i] = known[i] && direction[i] * direction[i] <= part_of_direction;
    }
    return rank;
}

struct semidefinite_rank semidefinite_invert(struct semidefinite *system, size_t n, const double *a,
                                             double *inverse, bool *known)
{
    COTERIE_ASSERT(n <= system->n_max);
    struct semidefinite_rank rank = {0, 0};
    int order = (int)n, info;
    for (size_t i = 0; i < n; i++)
        known[i] = true;
    scale_matrix(system, n, a);
    if (factor_cholesky(system, order)) {
        dpotri_(LOWER, &order, system->factor, &order, &info, 1);
        memcpy(inverse, system->factor, n * n * sizeof *inverse);
    } else {
        scale_matrix(system, n, a);
        rank = invert_by_eigenvalues(system, order, inverse, known);
    }
    for (size_t i = 0; i < n; i++) {
        if (!(a[i * n + i] > 0)) {
            known[i] = false;
            rank.n_unknown++;
            rank.n_negative += a[i * n + i] < 0;
        }
        for (size_t j = 0; j <= i; j++)
            inverse[i * n + j] = inverse[j * n + i] =
                system->scale[i] * inverse[i * n + j] * system->scale[j];
    }
    return rank;
}

double semidefinite_whiten(struct semidefinite *system, size_t n, const double *a, double *w)
{
    COTERIE_ASSERT(n <= system->n_max);
    double *factor = system->factor, ridge = 0, log_det = 0;
    int order = (int)n, info = 1;
    for (int attempt = 0; attempt < 12 && info != 0; attempt++) {
        scale_matrix(system, n, a);
        for (size_t i = 0; i < n; i++)
            factor[i * n + i] += ridge;
        dpotrf_(LOWER, &order, factor, &order, &info, 1);
        ridge = ridge > 0 ? 10 * ridge : 1e-7;
    }
    for (size_t i = 0; i < n; i++)
        log_det += system->scale[i] > 0 ? 2 * log(factor[i * n + i] / system->scale[i]) : 0;
    dtrtri_(LOWER, "N", &order, factor, &order, &info, 1, 1);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            bool counts = j <= i && system->scale[i] > 0;
            w[i * n + j] = counts ? factor[i * n + j] * system->scale[j] : 0;
        }
    return log_det;
}

/* True if no eigenvalue of a is below floor. */
static bool is_above(struct semidefinite *system, size_t n, double floor, const double *a)
{
    int order = (int)n, info;
    memcpy(system->factor, a, n * n * sizeof *a);
    for (size_t i = 0; i < n; i++)
        system->factor[i * n + i] -= floor;
    dpotrf_(LOWER, &order, system->factor, &order, &info, 1);
    return info == 0;
}

void semidefinite_raise(struct semidefinite *system, size_t n, double floor, double *a)
{
    COTERIE_ASSERT(n <= system->n_max);
    if (is_above(system, n, floor, a))
        return;
    int order = (int)n, info;
    int lwork = (int)(work_size(n) - n), liwork = (int)int_work_size(n);
    double *value = system->work + lwork, *vector = system->factor;
    memcpy(vector, a, n * n * sizeof *a);
    dsyevd_("V", LOWER, &order, vector, &order, value, system->work, &lwork, system->int_work,
            &liwork, &info, 1, 1);
    memset(a, 0, n * n * sizeof *a);
    for (size_t v = 0; v < n; v++) {
        double raised = fmax(value[v], floor);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j <= i; j++)
                a[i * n + j] += raised * vector[v * n + i] * vector[v * n + j];
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            a[j * n + i] = a[i * n + j];
}
