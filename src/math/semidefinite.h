/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MATH_SEMIDEFINITE_H
#define COTERIE_MATH_SEMIDEFINITE_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Symmetric positive semidefinite systems in double, by LAPACK: the normal equations of least
 * squares, the Newton steps and the covariances of EM. Local.
 */
struct semidefinite {
    size_t n_max;
    double *scale, *factor, *work; /* owned */
    int *int_work;                 /* owned */
};

/* Work space for systems of up to n_max unknowns. */
status semidefinite_init(struct semidefinite *system, size_t n_max);
void semidefinite_release(struct semidefinite *system);

/*
 * Solves A x = b for each of the n_rhs rows of `b` (n_rhs, n), in place. A is (n, n), of which the
 * lower triangle is read. It is scaled to a diagonal of ones and factored (Cholesky); if it is
 * singular, or nearly (reciprocal condition below 1e-12), x is the shortest of the least-squares
 * solutions, in the scaled unknowns, and has no part in directions of which A knows nothing.
 */
void semidefinite_solve(struct semidefinite *system, size_t n, const double *a, size_t n_rhs,
                        double *b);

/*
 * For a covariance A (n, n): W (n, n), lower triangular, with W A W^T = 1, and ln |A|. It is scaled
 * to a diagonal of ones first; if rounding has made it indefinite, as little as helps, from 1e-7,
 * is added to that diagonal. An input of variance 0 gets rows and columns of zeros.
 */
double semidefinite_whiten(struct semidefinite *system, size_t n, const double *a, double *w);

/* What semidefinite_invert has found: directions of which A knows nothing, or bends the other way.
 */
struct semidefinite_rank {
    size_t n_unknown, n_negative;
};

/*
 * The inverse of A (n, n), of which the lower triangle is read, in full: a covariance from an
 * information. It is scaled to a diagonal of ones first. If it is singular, or nearly (as above),
 * or not positive, the inverse is that on the directions whose eigenvalues are positive, and
 * known[i] is false for every unknown that has a part in the others, or a diagonal of 0 or less.
 */
struct semidefinite_rank semidefinite_invert(struct semidefinite *system, size_t n, const double *a,
                                             double *inverse, bool *known);

/*
 * Raises the eigenvalues of A (n, n) to `floor` where they are lower, in place. Of all covariances
 * with eigenvalues of at least `floor` that is the most likely one for samples of covariance A.
 */
void semidefinite_raise(struct semidefinite *system, size_t n, double floor, double *a);

#endif
