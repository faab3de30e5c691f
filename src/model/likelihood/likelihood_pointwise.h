/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The functions of a family whose outputs do not know of each other and have one variance, from
 * what it says of one target d, z and m, which is o without mean_factor: e^z or, with identity
 * outputs, z. Included by a family's file after it has defined
 *
 *   POINT_LOG_LINK                                if the output function is exp, else identity
 *   struct numbers, prepare(dispersion)           what follows from variance and freedom alone
 *   loglik(c, d, z, m)                            l; ln p(d) is l + log_base(d)
 *   by_z, bend_z (c, d, z, m)                     dl/dz, -d2l/dz2
 *   newton_z(c, d, z, m)                          the curvature for Newton's steps, 0 or more
 *   by_variance, bend_variance, bend_both(c, ...) dl/dv, -d2l/dv2, -d2l/dz dv; v = ln variance
 *   by_freedom, bend_freedom(c, ...)              dl/df, -d2l/df2; f = ln freedom; where it has
 *                                                 one, POINT_HAS_FREEDOM and
 *   bend_z_freedom, bend_variance_freedom(c, ...) -d2l/dz df, -d2l/dv df
 *   log_base(d)                                   -INFINITY of what is no target of the family
 *
 * and, if it has a mean_factor, that function and POINT_FACTOR as its name. Samples that pad a
 * block have d = 0: where that is no target, what is computed of it must be finite all the same.
 */
#include "likelihood_parts.h"

#include "math/moments.h"
#include "math/vector_math.h"

#include <math.h>
#include <string.h>

#ifdef POINT_FACTOR
#define POINT_FACTOR_OF(dispersion) POINT_FACTOR(dispersion)
#else
#define POINT_FACTOR_OF(dispersion) ((void)(dispersion), 1.0)
#endif

#ifdef POINT_LOG_LINK
enum { POINT_OUTPUT = OUTPUT_EXP };

static inline double point_m(double z)
{
    return exp(z);
}

static inline double point_z(double m)
{
    return log(m);
}
#else
enum { POINT_OUTPUT = OUTPUT_IDENTITY };

static inline double point_m(double z)
{
    return z;
}

static inline double point_z(double m)
{
    return m;
}
#endif

LEAF_KERNEL static void point_add(const struct numbers *c, size_t n, const real *restrict d,
                                  const real *restrict z, real *restrict loglik)
{
    const struct numbers own = *c;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        double at = (double)z[i];
        loglik[i] += (real)point_loglik(&own, (double)d[i], at, point_m(at));
    }
}

static void point_forward(const struct likelihood *likelihood, struct dispersion dispersion,
                          size_t stride, const real *d, real *z_to_o, real *loglik, real *square)
{
    const struct output_function *output = &output_functions[POINT_OUTPUT];
    struct numbers c = prepare(dispersion);
    memset(loglik, 0, stride * sizeof(real));
    for (size_t k = 0; k < likelihood->n_outputs; k++)
        point_add(&c, stride, d + k * stride, z_to_o + k * stride, loglik);
    if (output->apply)
        output->apply(likelihood->n_outputs, stride, z_to_o);
    likelihood_scale_outputs(likelihood, dispersion, stride, z_to_o);
    likelihood_squares(likelihood->n_outputs, stride, d, z_to_o, square);
}

LEAF_KERNEL static void point_slope_row(const struct numbers *c, double to_m, size_t n,
                                        const real *restrict d, const real *restrict o,
                                        const real *restrict coefficient, real *restrict d_z)
{
    const struct numbers own = *c;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        double m = to_m * (double)o[i];
        double slope = point_by_z(&own, (double)d[i], point_z(m), m);
        /* What weighs nothing counts for nothing: that is the padding. */
        d_z[i] = coefficient[i] != 0 ? (real)(-(double)coefficient[i] * slope) : 0;
    }
}

static void point_backward(const struct likelihood *likelihood, struct dispersion dispersion,
                           size_t stride, const real *d, const real *o, const real *coefficient,
                           real *d_z)
{
    struct numbers c = prepare(dispersion);
    for (size_t k = 0; k < likelihood->n_outputs; k++)
        point_slope_row(&c, 1 / POINT_FACTOR_OF(dispersion), stride, d + k * stride, o + k * stride,
                        coefficient, d_z + k * stride);
}

static void point_dispersion_gradient(const struct likelihood *likelihood,
                                      struct dispersion dispersion, size_t stride, const real *d,
                                      const real *o, const real *square, const real *coefficient,
                                      double sum[N_DISPERSIONS])
{
    struct numbers c = prepare(dispersion);
    double to_m = 1 / POINT_FACTOR_OF(dispersion);
    (void)square;
    sum[BY_VARIANCE] = sum[BY_FREEDOM] = 0;
    for (size_t k = 0; k < likelihood->n_outputs; k++)
        for (size_t i = 0; i < stride; i++) {
            double target = (double)d[k * stride + i], m = to_m * (double)o[k * stride + i];
            double share = (double)coefficient[i];
            if (share == 0)
                continue;
            sum[BY_VARIANCE] -= share * point_by_variance(&c, target, point_z(m), m);
            sum[BY_FREEDOM] -= share * point_by_freedom(&c, target, point_z(m), m);
        }
}

/* ---- EM */

static double point_value(const struct likelihood *likelihood, struct dispersion dispersion,
                          size_t n, const double *s, const double *d, double *z_to_m)
{
    struct numbers c = prepare(dispersion);
    double value = 0;
    (void)likelihood;
    for (size_t i = 0; i < n; i++) {
        double m = point_m(z_to_m[i]);
        value += s[i] != 0 ? s[i] * point_loglik(&c, d[i], z_to_m[i], m) : 0;
        z_to_m[i] = m;
    }
    return value;
}

LEAF_KERNEL static void point_residual_row(const struct numbers *c, size_t n,
                                           const double *restrict s, const double *restrict d,
                                           const double *restrict m, double *restrict r)
{
    const struct numbers own = *c;
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        r[i] = s[i] != 0 ? s[i] * point_by_z(&own, d[i], point_z(m[i]), m[i]) : 0;
}

static void point_slope(const struct likelihood *likelihood, struct dispersion dispersion, size_t n,
                        const double *s, const double *d, const double *m, double *r)
{
    struct numbers c = prepare(dispersion);
    (void)likelihood;
    point_residual_row(&c, n, s, d, m, r);
}

LEAF_KERNEL static void point_curvature_row(const struct numbers *c, size_t n,
                                            const double *restrict s, const double *restrict d,
                                            const double *restrict m, double *restrict a)
{
    const struct numbers own = *c;
    double least = likelihood_least_curvature;
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        a[i] = s[i] != 0 ? s[i] * (point_newton_z(&own, d[i], point_z(m[i]), m[i]) + least) : 0;
}

static void point_curvature(const struct likelihood *likelihood, struct dispersion dispersion,
                            size_t n, const double *s, const double *d, const double *m, double *a)
{
    struct numbers c = prepare(dispersion);
    (void)likelihood;
    point_curvature_row(&c, n, s, d, m, a);
}

static void point_dispersion(struct dispersion dispersion, size_t n, const double *s,
                             const double *d, const double *z, struct dispersion_sums *sums)
{
    struct numbers c = prepare(dispersion);
    for (size_t i = 0; i < n; i++) {
        double m = point_m(z[i]);
        if (s[i] == 0)
            continue;
        sums->value += s[i] * point_loglik(&c, d[i], z[i], m);
        sums->slope[BY_VARIANCE] += s[i] * point_by_variance(&c, d[i], z[i], m);
        sums->curvature[BY_VARIANCE] += s[i] * point_bend_variance(&c, d[i], z[i], m);
        sums->slope[BY_FREEDOM] += s[i] * point_by_freedom(&c, d[i], z[i], m);
        sums->curvature[BY_FREEDOM] += s[i] * point_bend_freedom(&c, d[i], z[i], m);
    }
}

static const struct likelihood_newton point_newton = {.value = point_value,
                                                      .slope = point_slope,
                                                      .curvature = point_curvature,
                                                      .dispersion = point_dispersion};

/* ---- standard errors */

/* Of one output: `slope` and `own` by z, `mixed` with v; what is by v alone is added. */
LEAF_KERNEL static void point_bend_row(const struct numbers *c, size_t n, const double *restrict d,
                                       const double *restrict z, double *restrict loglik,
                                       double *restrict slope, double *restrict own,
                                       double *restrict mixed, double *restrict slope_v,
                                       double *restrict own_v)
{
    const struct numbers of = *c;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        double m = point_m(z[i]);
        loglik[i] += point_loglik(&of, d[i], z[i], m);
        slope[i] = point_by_z(&of, d[i], z[i], m);
        own[i] = point_bend_z(&of, d[i], z[i], m);
        mixed[i] = point_bend_both(&of, d[i], z[i], m);
        slope_v[i] += point_by_variance(&of, d[i], z[i], m);
        own_v[i] += point_bend_variance(&of, d[i], z[i], m);
    }
}

#ifdef POINT_HAS_FREEDOM
/* What is added by f = ln freedom, the last of the numbers. */
static void point_bend_freedom_rows(const struct numbers *c, size_t outputs, size_t n,
                                    const double *d, const double *z,
                                    const struct likelihood_bend *bend)
{
    size_t n_bends = outputs + 2;
    double *slope = bend->slope + (outputs + 1) * n;
    double *with_v = bend->curvature + moments_at(n_bends, outputs, outputs + 1) * n;
    double *own = bend->curvature + moments_at(n_bends, outputs + 1, outputs + 1) * n;
    for (size_t k = 0; k < outputs; k++) {
        double *with_z = bend->curvature + moments_at(n_bends, k, outputs + 1) * n;
        for (size_t i = 0; i < n; i++) {
            double target = d[k * n + i], at = z[k * n + i], m = point_m(at);
            slope[i] += point_by_freedom(c, target, at, m);
            own[i] += point_bend_freedom(c, target, at, m);
            with_v[i] += point_bend_variance_freedom(c, target, at, m);
            with_z[i] = point_bend_z_freedom(c, target, at, m);
        }
    }
}
#endif

static void point_bend(const struct likelihood *likelihood, struct dispersion dispersion, size_t n,
                       const double *d, const double *z, const struct likelihood_bend *bend)
{
    size_t outputs = likelihood->n_outputs, n_bends = likelihood_n_bends(likelihood);
    double *at = bend->curvature, *slope_v = bend->slope + outputs * n;
    double *own_v = at + moments_at(n_bends, outputs, outputs) * n;
    struct numbers c = prepare(dispersion);
    memset(bend->loglik, 0, n * sizeof *at);
    memset(slope_v, 0, (n_bends - outputs) * n * sizeof *at);
    memset(at, 0, n_bends * (n_bends + 1) / 2 * n * sizeof *at);
    for (size_t k = 0; k < outputs; k++) {
        double *mixed = at + (outputs - k) * n;
        point_bend_row(&c, n, d + k * n, z + k * n, bend->loglik, bend->slope + k * n, at, mixed,
                       slope_v, own_v);
        at += (n_bends - k) * n;
    }
#ifdef POINT_HAS_FREEDOM
    point_bend_freedom_rows(&c, outputs, n, d, z, bend);
#endif
}

/* ---- predictions: here exp and log must be no vector functions */

__attribute__((noinline)) static double point_log_density(const struct numbers *c, double d,
                                                          double z)
{
    return point_loglik(c, d, z, point_m(z));
}

static double point_sample_density(const struct likelihood_sample *sample, const double *d)
{
    struct numbers c = prepare(sample->dispersion);
    double sum = 0;
    for (size_t k = 0; k < sample->n_outputs; k++) {
        double base = point_base(d[k]);
        if (base == -INFINITY)
            return base;
        sum += base + point_log_density(&c, d[k], sample->z[k * sample->stride]);
    }
    return sum;
}
