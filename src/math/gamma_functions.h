/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MATH_GAMMA_FUNCTIONS_H
#define COTERIE_MATH_GAMMA_FUNCTIONS_H

/*
 * Functions about the gamma function that C's library lacks (Abramowitz & Stegun 1964, chapters 6
 * and 26), to 1e-13, and incomplete ones to 1e-10 where a or b is large. All are Local, in double,
 * with the same bits in program and library.
 */

/* psi(a) = d ln Gamma(a) / da and its derivative, a > 0: 6.3.5 and 6.3.18, 6.4.6 and 6.4.12. */
double digamma(double a);
double trigamma(double a);

/* Both sides of a distribution: the smaller of the two keeps its digits. */
struct two_tails {
    double below, above;
};

/* The regularised incomplete gamma function, a > 0, x >= 0: P(a, x) and Q(a, x). */
struct two_tails incomplete_gamma(double a, double x);

/* The regularised incomplete beta function, a, b > 0: I_x(a, b) and I_y(b, a), y = 1 - x. */
struct two_tails incomplete_beta(double a, double b, double x, double y);

#endif
