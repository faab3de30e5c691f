/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_PREDICT_WHITENER_H
#define COTERIE_PREDICT_WHITENER_H

#include <stddef.h>

/*
 * A component alpha N(x; m, S) of a Gaussian gate in the form that predictions take: its logit is
 * constant - 1/2 |W (x - m)|^2. Local.
 */

/* Doubles of work space for n inputs. */
size_t whitener_work(size_t n);

/*
 * W (n, n), lower, with W S W^T = 1, from the covariance S (n, n). Returns the constant, ln alpha -
 * 1/2 ln |S|. An input without variance does not count; an S that is not positive definite gets the
 * smallest ridge of 1e-7, 1e-6 .. (of its diagonal) that makes it so.
 */
double whitener_form(size_t n, double alpha, const double *covariance, double *work,
                     double *whitener);

#endif
