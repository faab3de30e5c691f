/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counts d = 0, 1, ... with mean o = e^z and variance o + alpha o^2, alpha = 1 / theta (NB2, Hilbe
 * 2011): ln p(d) = ln Gamma(d + theta) - ln Gamma(theta) - ln d! + d ln(alpha o)
 * - (d + theta) ln(1 + alpha o). Of it l has not d ln d - d - ln d!, which leaves small numbers.
 */
#define POINT_LOG_LINK

#include "math/gamma_functions.h"
#include "model/likelihood/likelihood.h"

#include <math.h>

struct numbers {
    double alpha, theta;
    double log_theta, log_gamma, digamma, trigamma; /* of theta */
};

static struct numbers prepare(struct dispersion dispersion)
{
    double theta = 1 / dispersion.variance;
    return (struct numbers){dispersion.variance, theta,          log(theta),
                            lgamma(theta),       digamma(theta), trigamma(theta)};
}

static inline double point_loglik(const struct numbers *c, double d, double z, double m)
{
    double of_theta = lgamma(d + c->theta) - c->log_gamma - d * c->log_theta;
    return of_theta - (d + c->theta) * log1p(c->alpha * m) + d * (z - log(d > 0 ? d : 1) + 1);
}

static inline double point_by_z(const struct numbers *c, double d, double z, double m)
{
    (void)z;
    return (d - m) / (1 + c->alpha * m);
}

static inline double point_bend_z(const struct numbers *c, double d, double z, double m)
{
    double spread = 1 + c->alpha * m;
    (void)z;
    return m * (1 + c->alpha * d) / (spread * spread);
}

#define point_newton_z point_bend_z

/* v = -ln theta; theta times dl/dtheta */
static inline double point_by_log_theta(const struct numbers *c, double d, double m)
{
    double slope = digamma(d + c->theta) - c->digamma - log1p(c->alpha * m);
    return c->theta * slope + (m - d) / (1 + c->alpha * m);
}

static inline double point_by_variance(const struct numbers *c, double d, double z, double m)
{
    (void)z;
    return -point_by_log_theta(c, d, m);
}

static inline double point_bend_variance(const struct numbers *c, double d, double z, double m)
{
    double spread = 1 + c->alpha * m, theta = c->theta;
    double bend = trigamma(d + theta) - c->trigamma;
    (void)z;
    return -point_by_log_theta(c, d, m) - theta * theta * bend - m / spread +
           (m - d) / (spread * spread);
}

static inline double point_bend_both(const struct numbers *c, double d, double z, double m)
{
    double spread = 1 + c->alpha * m;
    (void)z;
    return c->alpha * m * (d - m) / (spread * spread);
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
    double spread = 1 + dispersion.variance * o;
    if (t < 0)
        return 0;
    return incomplete_beta(1 / dispersion.variance, t + 1, 1 / spread,
                           dispersion.variance * o / spread)
        .below;
}

static const struct count_component component = {count_cdf, variance_terms};

static double steepness(struct dispersion dispersion, double mean)
{
    return sqrt(1 + mean / (1 + dispersion.variance * mean));
}

static double theta(double log_variance)
{
    return exp(-log_variance);
}

static double theta_slope(double log_variance)
{
    return -exp(-log_variance);
}

static const struct dispersion_row row = {"theta", false, theta, theta_slope};

const struct likelihood_family likelihood_negative_binomial = {.label = "negative binomial",
                                                               .link = "log mean of ",
                                                               .output = OUTPUT_EXP,
                                                               .has_variance = true,
                                                               .targets = TARGETS_COUNTS,
                                                               .learns = true,
                                                               .row = &row,
                                                               .steepness = steepness,
                                                               .log_base = point_base,
                                                               .forward = point_forward,
                                                               .backward = point_backward,
                                                               .dispersion_gradient =
                                                                   point_dispersion_gradient,
                                                               .bend = point_bend,
                                                               .newton = &point_newton,
                                                               .log_density = point_sample_density,
                                                               .variance_terms = variance_terms,
                                                               .counts = &component};
