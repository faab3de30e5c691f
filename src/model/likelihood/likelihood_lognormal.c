/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Numbers d > 0 whose logarithm is normal with mean z and variance s2:
 * ln p(d) = -(ln d - z)^2 / (2 s2) - 1/2 ln(2 pi s2) - ln d. The mean is o = e^(z + s2/2).
 */
#define POINT_LOG_LINK
#define POINT_FACTOR mean_factor

#include "model/likelihood/likelihood.h"
#include "model/mixture/normal_mixture.h"

#include <math.h>

struct numbers {
    double precision, constant;
};

static struct numbers prepare(struct dispersion dispersion)
{
    const double log_2_pi = 1.8378770664093454836;
    return (struct numbers){1 / dispersion.variance, -0.5 * (log_2_pi + log(dispersion.variance))};
}

static double mean_factor(struct dispersion dispersion)
{
    return exp(0.5 * dispersion.variance);
}

/* ln d - z; 0 is no target, but pads blocks. */
static inline double point_residual(double d, double z)
{
    return log(d > 0 ? d : 1) - z;
}

static inline double point_loglik(const struct numbers *c, double d, double z, double m)
{
    double residual = point_residual(d, z);
    (void)m;
    return c->constant - 0.5 * c->precision * residual * residual;
}

static inline double point_by_z(const struct numbers *c, double d, double z, double m)
{
    (void)m;
    return c->precision * point_residual(d, z);
}

static inline double point_bend_z(const struct numbers *c, double d, double z, double m)
{
    (void)d, (void)z, (void)m;
    return c->precision;
}

#define point_newton_z point_bend_z

static inline double point_bend_variance(const struct numbers *c, double d, double z, double m)
{
    double residual = point_residual(d, z);
    (void)m;
    return 0.5 * c->precision * residual * residual;
}

static inline double point_by_variance(const struct numbers *c, double d, double z, double m)
{
    return point_bend_variance(c, d, z, m) - 0.5;
}

#define point_bend_both point_by_z
#define point_by_freedom(c, d, z, m) 0.0
#define point_bend_freedom(c, d, z, m) 0.0

static double point_base(double d)
{
    return d > 0 ? -log(d) : -INFINITY;
}

#include "likelihood_pointwise.h"

static struct variance_terms variance_terms(struct dispersion dispersion)
{
    return (struct variance_terms){.square = expm1(dispersion.variance)};
}

/* ---- quantiles, of u = ln d */

static double centre(const struct target_mixture *mixture, size_t e)
{
    return log(mixture->o[e]) - 0.5 * mixture->dispersion[e].variance;
}

static void add(const struct target_mixture *mixture, size_t e, double u, struct tails *sum)
{
    normal_add(mixture, e, centre(mixture, e), u, sum);
}

static void bracket(const struct target_mixture *mixture, size_t e, double p, double *low,
                    double *high)
{
    (void)p;
    normal_bracket(mixture, e, centre(mixture, e), low, high);
}

static const struct continuous_component component = {true, add, bracket};

static double steepness(struct dispersion dispersion, double mean)
{
    (void)mean;
    return 1 / sqrt(dispersion.variance);
}

static double sigma_of_log(double log_variance)
{
    return exp(0.5 * log_variance);
}

static double sigma_slope(double log_variance)
{
    return 0.5 * exp(0.5 * log_variance);
}

static const struct dispersion_row row = {"sigma of logarithms", false, sigma_of_log, sigma_slope};

const struct likelihood_family likelihood_lognormal = {.label = "lognormal",
                                                       .link = "mean logarithm of ",
                                                       .output = OUTPUT_EXP,
                                                       .has_variance = true,
                                                       .targets = TARGETS_POSITIVE,
                                                       .learns = true,
                                                       .row = &row,
                                                       .steepness = steepness,
                                                       .log_base = point_base,
                                                       .mean_factor = mean_factor,
                                                       .forward = point_forward,
                                                       .backward = point_backward,
                                                       .dispersion_gradient =
                                                           point_dispersion_gradient,
                                                       .bend = point_bend,
                                                       .newton = &point_newton,
                                                       .log_density = point_sample_density,
                                                       .variance_terms = variance_terms,
                                                       .continuous = &component};
