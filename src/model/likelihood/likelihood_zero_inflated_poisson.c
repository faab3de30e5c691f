/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counts that are 0 with probability pi, else Poisson with mean m = e^z (Lambert 1992). What stands
 * in the place of a variance are the odds w = pi / (1 - pi); the mean is o = m / (1 + w).
 * l = ln((w + e^-m) / (1 + w)) of d = 0, else d z - m - (d ln d - d) - ln(1 + w).
 */
#define POINT_LOG_LINK
#define POINT_FACTOR mean_factor

#include "model/likelihood/likelihood.h"

#include <math.h>

struct numbers {
    double odds, pi, log_rest; /* -ln(1 + w) */
};

static struct numbers prepare(struct dispersion dispersion)
{
    double odds = dispersion.variance;
    return (struct numbers){odds, odds / (1 + odds), -log1p(odds)};
}

static double mean_factor(struct dispersion dispersion)
{
    return 1 / (1 + dispersion.variance);
}

static inline double point_loglik(const struct numbers *c, double d, double z, double m)
{
    double none = log(c->odds + exp(-m));
    double some = d * (z - log(d > 0 ? d : 1)) + (d - m);
    return c->log_rest + (d > 0 ? some : none);
}

/* That a 0 is one of the Poisson distribution. */
static inline double point_share(const struct numbers *c, double m)
{
    double none = exp(-m);
    return none / (c->odds + none);
}

static inline double point_by_z(const struct numbers *c, double d, double z, double m)
{
    (void)z;
    return d > 0 ? d - m : -m * point_share(c, m);
}

static inline double point_bend_z(const struct numbers *c, double d, double z, double m)
{
    double h = point_share(c, m);
    (void)z;
    return d > 0 ? m : m * h * (1 - m * (1 - h));
}

/* As if it were known which of the 0s are of the Poisson distribution. */
static inline double point_newton_z(const struct numbers *c, double d, double z, double m)
{
    (void)z;
    return d > 0 ? m : m * point_share(c, m);
}

static inline double point_by_variance(const struct numbers *c, double d, double z, double m)
{
    (void)z;
    return (d > 0 ? 0 : 1 - point_share(c, m)) - c->pi;
}

static inline double point_bend_variance(const struct numbers *c, double d, double z, double m)
{
    double h = point_share(c, m);
    (void)z;
    return c->pi * (1 - c->pi) - (d > 0 ? 0 : h * (1 - h));
}

static inline double point_bend_both(const struct numbers *c, double d, double z, double m)
{
    double h = point_share(c, m);
    (void)z;
    return d > 0 ? 0 : -m * h * (1 - h);
}

#define point_by_freedom(c, d, z, m) 0.0
#define point_bend_freedom(c, d, z, m) 0.0
#define point_base likelihood_count_base

#include "likelihood_pointwise.h"

static struct variance_terms variance_terms(struct dispersion dispersion)
{
    return (struct variance_terms){.linear = 1, .square = dispersion.variance};
}

static double count_cdf(struct dispersion dispersion, double o, double t)
{
    double odds = dispersion.variance;
    return t < 0 ? 0 : (odds + poisson_cdf(o * (1 + odds), t)) / (1 + odds);
}

static const struct count_component component = {count_cdf, variance_terms};

static double steepness(struct dispersion dispersion, double mean)
{
    (void)dispersion;
    return sqrt(1 + mean);
}

static double probability(double log_odds)
{
    return 1 / (1 + exp(-log_odds));
}

static double probability_slope(double log_odds)
{
    return probability(log_odds) * probability(-log_odds);
}

static const struct dispersion_row row = {"extra zeros", false, probability, probability_slope};

const struct likelihood_family likelihood_zero_inflated_poisson = {
    .label = "zero-inflated Poisson",
    .link = "log Poisson mean of ",
    .output = OUTPUT_EXP,
    .has_variance = true,
    .targets = TARGETS_COUNTS,
    .learns = true,
    .row = &row,
    .steepness = steepness,
    .log_base = point_base,
    .mean_factor = mean_factor,
    .forward = point_forward,
    .backward = point_backward,
    .dispersion_gradient = point_dispersion_gradient,
    .bend = point_bend,
    .newton = &point_newton,
    .log_density = point_sample_density,
    .variance_terms = variance_terms,
    .counts = &component};
