/* SPDX-License-Identifier: BSD-3-Clause */
#include "math/gamma_functions.h"

#include <float.h>
#include <math.h>

/* From here on the asymptotic series have the digits of a double. */
static const double asymptotic_from = 10;

double digamma(double a)
{
    double sum = 0;
    while (a < asymptotic_from) {
        sum -= 1 / a;
        a++;
    }
    double y = 1 / (a * a);
    double series =
        y * (1.0 / 12 -
             y * (1.0 / 120 -
                  y * (1.0 / 252 - y * (1.0 / 240 - y * (1.0 / 132 - y * (691.0 / 32760))))));
    return sum + log(a) - 0.5 / a - series;
}

double trigamma(double a)
{
    double sum = 0;
    while (a < asymptotic_from) {
        sum += 1 / (a * a);
        a++;
    }
    double y = 1 / (a * a);
    double series =
        y * (1.0 / 6 - y * (1.0 / 30 -
                            y * (1.0 / 42 - y * (1.0 / 30 - y * (5.0 / 66 - y * (691.0 / 2730))))));
    return sum + (1 + 0.5 / a + series) / a;
}

/* ln(x^a e^-x / Gamma(a)); for large a of small differences, as a saddle point has it. */
static double log_gamma_term(double a, double x)
{
    const double large = 100;
    if (a < large)
        return a * log(x) - x - lgamma(a);
    double relative = (x - a) / a;
    double y = 1 / (a * a), stirling = (1.0 / 12 - y * (1.0 / 360 - y / 1260)) / a;
    return -a * (relative - log1p(relative)) + 0.5 * log(a / (2 * M_PI)) - stirling;
}

/* P: 6.5.29, for x below about a. */
static double gamma_series(double a, double x)
{
    double term = 1 / a, sum = term;
    for (double n = a + 1; term > 0.1 * DBL_EPSILON * sum; n++) {
        term *= x / n;
        sum += term;
    }
    return sum;
}

/* Q: 6.5.31 in its even part, from the left (Lentz's method). */
static double gamma_fraction(double a, double x)
{
    const double tiny = 1e-300;
    double b = x + 1 - a, c = 1 / tiny, d = 1 / b, product = d;
    for (double n = 1;; n++) {
        double numerator = -n * (n - a);
        b += 2;
        d = numerator * d + b;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = b + numerator / c;
        c = fabs(c) < tiny ? tiny : c;
        product *= d * c;
        if (!(fabs(d * c - 1) > DBL_EPSILON))
            return product;
    }
}

struct two_tails incomplete_gamma(double a, double x)
{
    if (isnan(a) || isnan(x))
        return (struct two_tails){NAN, NAN};
    if (!(x > 0))
        return (struct two_tails){0, 1};
    if (isinf(x))
        return (struct two_tails){1, 0};
    double term = exp(log_gamma_term(a, x));
    if (x < a + 1) {
        double below = fmin(term * gamma_series(a, x), 1);
        return (struct two_tails){below, 1 - below};
    }
    double above = term > 0 ? fmin(term * gamma_fraction(a, x), 1) : 0;
    return (struct two_tails){1 - above, above};
}

/* 26.5.8 without its first factor, by Lentz's method. */
static double beta_fraction(double a, double b, double x)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double product = d;
    for (double m = 1;; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 + even * d;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = 1 + even / c;
        c = fabs(c) < tiny ? tiny : c;
        product *= c * d;
        d = 1 + odd * d;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = 1 + odd / c;
        c = fabs(c) < tiny ? tiny : c;
        product *= c * d;
        if (!(fabs(c * d - 1) > DBL_EPSILON))
            return product;
    }
}

struct two_tails incomplete_beta(double a, double b, double x, double y)
{
    if (isnan(a) || isnan(b) || isnan(x) || isnan(y))
        return (struct two_tails){NAN, NAN};
    if (!(x > 0))
        return (struct two_tails){0, 1};
    if (!(y > 0))
        return (struct two_tails){1, 0};
    double factor = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(y));
    if (x < (a + 1) / (a + b + 2)) {
        double below = fmin(factor * beta_fraction(a, b, x) / a, 1);
        return (struct two_tails){below, 1 - below};
    }
    double above = fmin(factor * beta_fraction(b, a, y) / b, 1);
    return (struct two_tails){1 - above, above};
}
