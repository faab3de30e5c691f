/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Numbers d > 0 with mean o = e^z and variance phi o^2, phi = 1/a, a the shape. With t = d / o,
 * ln p(d) = a ln a - ln Gamma(a) + a (ln t - t) - ln d (McCullagh & Nelder 1989, chapter 8).
 */
#define POINT_LOG_LINK

#include "math/gamma_functions.h"
#include "model/likelihood/likelihood.h"

#include <math.h>

struct numbers {
    double a, constant; /* a ln a - ln Gamma(a) */
    double by_a, bend_a;
};

static struct numbers prepare(struct dispersion dispersion)
{
    double a = 1 / dispersion.variance;
    return (struct numbers){.a = a,
                            .constant = a * log(a) - lgamma(a),
                            .by_a = log(a) + 1 - digamma(a),
                            .bend_a = trigamma(a) - 1 / a};
}

/* ln t - t; 0 is no target, but pads blocks. */
static inline double point_excess(double d, double z, double m)
{
    return log(d > 0 ? d : 1) - z - d / m;
}

static inline double point_loglik(const struct numbers *c, double d, double z, double m)
{
    return c->constant + c->a * point_excess(d, z, m);
}

static inline double point_by_z(const struct numbers *c, double d, double z, double m)
{
    (void)z;
    return c->a * (d / m - 1);
}

static inline double point_bend_z(const struct numbers *c, double d, double z, double m)
{
    (void)z;
    return c->a * d / m;
}

#define point_newton_z point_bend_z

/* v = -ln a */
static inline double point_by_variance(const struct numbers *c, double d, double z, double m)
{
    return -c->a * (c->by_a + point_excess(d, z, m));
}

static inline double point_bend_variance(const struct numbers *c, double d, double z, double m)
{
    return -c->a * (c->by_a + point_excess(d, z, m)) + c->a * c->a * c->bend_a;
}

static inline double point_bend_both(const struct numbers *c, double d, double z, double m)
{
    (void)z;
    return c->a * (d / m - 1);
}

#define point_by_freedom(c, d, z, m) 0.0
#define point_bend_freedom(c, d, z, m) 0.0

static double point_base(double d)
{
    return d > 0 ? -log(d) : -INFINITY;
}

#include "likelihood_pointwise.h"

static struct variance_terms variance_terms(struct dispersion dispersion)
{
    return (struct variance_terms){.square = dispersion.variance};
}

/* ---- quantiles, of u = ln d */

static void add(const struct target_mixture *mixture, size_t e, double u, struct tails *sum)
{
    double a = 1 / mixture->dispersion[e].variance, g = mixture->g[e];
    double log_x = u - log(mixture->o[e] / a), x = exp(log_x);
    struct two_tails tails = incomplete_gamma(a, x);
    sum->below += g * tails.below;
    sum->above += g * tails.above;
    sum->density += g * exp(a * log_x - x - lgamma(a));
}

/* The lower tail is below (x^a / Gamma(a + 1)), the upper one hardly more than e^-x. */
static void bracket(const struct target_mixture *mixture, size_t e, double p, double *low,
                    double *high)
{
    double variance = mixture->dispersion[e].variance, a = 1 / variance;
    double at = log(mixture->o[e]), least = log(fmin(p, 1 - p)) - 1;
    *low = at + fmin((least + lgamma(a + 1)) / a - log(a), 0);
    *high = at + log(1 - 4 * least * (sqrt(variance) + variance));
}

static const struct continuous_component component = {true, add, bracket};

static double steepness(struct dispersion dispersion, double mean)
{
    (void)mean;
    return 1 / sqrt(dispersion.variance);
}

static double shape(double log_variance)
{
    return exp(-log_variance);
}

static double shape_slope(double log_variance)
{
    return -exp(-log_variance);
}

static const struct dispersion_row row = {"shape", false, shape, shape_slope};

const struct likelihood_family likelihood_gamma = {.label = "gamma",
                                                   .link = "log mean of ",
                                                   .output = OUTPUT_EXP,
                                                   .has_variance = true,
                                                   .targets = TARGETS_POSITIVE,
                                                   .learns = true,
                                                   .row = &row,
                                                   .steepness = steepness,
                                                   .log_base = point_base,
                                                   .forward = point_forward,
                                                   .backward = point_backward,
                                                   .dispersion_gradient = point_dispersion_gradient,
                                                   .bend = point_bend,
                                                   .newton = &point_newton,
                                                   .log_density = point_sample_density,
                                                   .variance_terms = variance_terms,
                                                   .continuous = &component};
