/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Student's t about o = z with scale s and nu degrees of freedom (Lange, Little & Taylor 1989):
 * with u = (d - z)^2 / (nu s2), l = ln Gamma((nu+1)/2) - ln Gamma(nu/2) - 1/2 ln(nu pi s2)
 * - (nu+1)/2 ln(1 + u). Newton's curvature is that of EM, (nu+1) / (nu s2 (1 + u)): each step is
 * least squares with weights that are small far away.
 */
#define POINT_HAS_FREEDOM

#include "math/gamma_functions.h"
#include "model/likelihood/likelihood.h"

#include <math.h>

struct numbers {
    double nu, half;                 /* (nu + 1) / 2 */
    double inverse;                  /* 1 / (nu s2) */
    double constant;                 /* l where u is 0 */
    double by_freedom, bend_freedom; /* the parts of the derivatives that do not depend on u */
};

static struct numbers prepare(struct dispersion dispersion)
{
    double nu = dispersion.freedom, half = 0.5 * (nu + 1);
    double constant = lgamma(half) - lgamma(0.5 * nu) - 0.5 * log(nu * M_PI * dispersion.variance);
    double first = 0.5 * (digamma(half) - digamma(0.5 * nu) - 1 / nu);
    double second = 0.5 * (0.5 * trigamma(half) - 0.5 * trigamma(0.5 * nu) + 1 / (nu * nu));
    return (struct numbers){nu, half, 1 / (nu * dispersion.variance), constant, first, second};
}

static inline double point_u(const struct numbers *c, double d, double z)
{
    return (d - z) * (d - z) * c->inverse;
}

static inline double point_loglik(const struct numbers *c, double d, double z, double m)
{
    (void)m;
    return c->constant - c->half * log1p(point_u(c, d, z));
}

static inline double point_by_z(const struct numbers *c, double d, double z, double m)
{
    (void)m;
    return 2 * c->half * c->inverse * (d - z) / (1 + point_u(c, d, z));
}

static inline double point_newton_z(const struct numbers *c, double d, double z, double m)
{
    (void)m;
    return 2 * c->half * c->inverse / (1 + point_u(c, d, z));
}

static inline double point_bend_z(const struct numbers *c, double d, double z, double m)
{
    double u = point_u(c, d, z);
    (void)m;
    return 2 * c->half * c->inverse * (1 - u) / ((1 + u) * (1 + u));
}

static inline double point_by_variance(const struct numbers *c, double d, double z, double m)
{
    double u = point_u(c, d, z);
    (void)m;
    return c->half * u / (1 + u) - 0.5;
}

static inline double point_bend_variance(const struct numbers *c, double d, double z, double m)
{
    double u = point_u(c, d, z);
    (void)m;
    return c->half * u / ((1 + u) * (1 + u));
}

static inline double point_bend_both(const struct numbers *c, double d, double z, double m)
{
    double u = point_u(c, d, z);
    (void)m;
    return 2 * c->half * c->inverse * (d - z) / ((1 + u) * (1 + u));
}

/* f = ln nu */
static inline double point_by_freedom(const struct numbers *c, double d, double z, double m)
{
    double u = point_u(c, d, z);
    (void)m;
    return c->nu * (c->by_freedom - 0.5 * log1p(u)) + c->half * u / (1 + u);
}

static inline double point_bend_freedom(const struct numbers *c, double d, double z, double m)
{
    double u = point_u(c, d, z), share = u / (1 + u), nu = c->nu;
    double second = c->bend_freedom + 0.5 * share / nu - 0.5 * share / (nu * nu) -
                    c->half * share / (nu * nu * (1 + u));
    return -point_by_freedom(c, d, z, m) - nu * nu * second;
}

static inline double point_bend_z_freedom(const struct numbers *c, double d, double z, double m)
{
    double u = point_u(c, d, z);
    (void)m;
    return c->inverse * (d - z) * (1 - c->nu * u) / ((1 + u) * (1 + u));
}

static inline double point_bend_variance_freedom(const struct numbers *c, double d, double z,
                                                 double m)
{
    double u = point_u(c, d, z);
    (void)m;
    return c->half * u / ((1 + u) * (1 + u)) - 0.5 * c->nu * u / (1 + u);
}

static double point_base(double d)
{
    return isfinite(d) ? 0 : -INFINITY;
}

#include "likelihood_pointwise.h"

/* Without two degrees of freedom there is none. */
static struct variance_terms variance_terms(struct dispersion dispersion)
{
    double nu = dispersion.freedom;
    return (struct variance_terms){.constant = nu > 2 ? dispersion.variance * nu / (nu - 2)
                                                      : (double)INFINITY};
}

/* P(|T| > |t|) / 2 with nu degrees of freedom. */
static double tail(double nu, double t)
{
    double all = nu + t * t;
    return 0.5 * incomplete_beta(0.5 * nu, 0.5, nu / all, t * t / all).below;
}

static void add(const struct target_mixture *mixture, size_t e, double t, struct tails *sum)
{
    struct dispersion dispersion = mixture->dispersion[e];
    double sigma = sqrt(dispersion.variance), g = mixture->g[e];
    double at = (t - mixture->o[e]) / sigma, outer = tail(dispersion.freedom, at);
    double nu = dispersion.freedom;
    double log_density = lgamma(0.5 * (nu + 1)) - lgamma(0.5 * nu) - 0.5 * log(nu * M_PI) -
                         0.5 * (nu + 1) * log1p(at * at / nu);
    sum->below += g * (at < 0 ? outer : 1 - outer);
    sum->above += g * (at < 0 ? 1 - outer : outer);
    sum->density += g * exp(log_density) / sigma;
}

static void bracket(const struct target_mixture *mixture, size_t e, double p, double *low,
                    double *high)
{
    double away = 2;
    while (tail(mixture->dispersion[e].freedom, away) >= 0.5 * fmin(p, 1 - p))
        away *= 2;
    away *= sqrt(mixture->dispersion[e].variance);
    *low = mixture->o[e] - away;
    *high = mixture->o[e] + away;
}

static const struct continuous_component component = {false, add, bracket};

static double steepness(struct dispersion dispersion, double mean)
{
    (void)mean;
    return 1 / sqrt(dispersion.variance);
}

const struct likelihood_family likelihood_student = {.label = "Student's t",
                                                     .output = OUTPUT_IDENTITY,
                                                     .has_variance = true,
                                                     .has_freedom = true,
                                                     .learns = true,
                                                     .row = &likelihood_sigma,
                                                     .steepness = steepness,
                                                     .forward = point_forward,
                                                     .backward = point_backward,
                                                     .dispersion_gradient =
                                                         point_dispersion_gradient,
                                                     .bend = point_bend,
                                                     .newton = &point_newton,
                                                     .log_density = point_sample_density,
                                                     .variance_terms = variance_terms,
                                                     .continuous = &component};
