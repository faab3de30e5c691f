/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_LIKELIHOOD_H
#define COTERIE_MODEL_LIKELIHOOD_H

#include "base/real.h"
#include "base/rng.h"
#include "model/likelihood/output.h"
#include "model/mixture/count_mixture.h"
#include "model/mixture/dispersion.h"
#include "model/mixture/mixture_quantile.h"
#include "model/mixture/target_mixture.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * What an expert says of a sample: its output o from z, the log-likelihood of the target d, and the
 * way back. Blocks are (outputs, samples), rows `stride` apart. All functions are Local.
 *
 * Squared error q = |d - o|^2 is always formed; it is what `expected_square` averages.
 */

/* ROW(enumerator, name of the struct likelihood_<name>, word for --likelihood) */
#define LIKELIHOODS(ROW)                                                                           \
    ROW(LIKELIHOOD_GAUSSIAN, gaussian, "gaussian")                                                 \
    ROW(LIKELIHOOD_BERNOULLI, bernoulli, "bernoulli")                                              \
    ROW(LIKELIHOOD_CATEGORICAL, categorical, "categorical")                                        \
    ROW(LIKELIHOOD_POISSON, poisson, "poisson")                                                    \
    ROW(LIKELIHOOD_STUDENT, student, "student")                                                    \
    ROW(LIKELIHOOD_GAMMA, gamma, "gamma")                                                          \
    ROW(LIKELIHOOD_LOGNORMAL, lognormal, "lognormal")                                              \
    ROW(LIKELIHOOD_NEGATIVE_BINOMIAL, negative_binomial, "negative-binomial")                      \
    ROW(LIKELIHOOD_ZERO_INFLATED_POISSON, zero_inflated_poisson, "zero-inflated-poisson")

#define ENUMERATOR(KIND, name, word) KIND,
enum likelihood_kind { LIKELIHOODS(ENUMERATOR) LIKELIHOOD_KINDS };
#undef ENUMERATOR

struct likelihood {
    enum likelihood_kind kind;
    enum output_kind output;
    size_t n_outputs;
};

enum { OUTPUT_ANY = -1 };

/*
 * How the log density of samples bends, for standard errors: by the C numbers a of an expert, which
 * are z_1 .. z_O and, where the family has them, ln of variance and freedom. Rows are n long.
 */
struct likelihood_bend {
    double *loglik;    /* (n) l as `forward` has it */
    double *slope;     /* (C, n) dl/da */
    double *curvature; /* (C (C+1) / 2, n) -d2l/da db for (0,0), (0,1), ..., (1,1), ... */
};

/* Sums over samples, and derivatives: by ln variance, by ln freedom. */
struct dispersion_sums {
    double value, slope[N_DISPERSIONS], curvature[N_DISPERSIONS]; /* minus the second ones */
};

/*
 * What EM's Newton steps of linear experts need: sums in double over n samples with weights s and
 * targets d, of one output.
 */
struct likelihood_newton {
    /* sum s l, without what does not depend on z; z becomes o */
    double (*value)(const struct likelihood *likelihood, struct dispersion dispersion, size_t n,
                    const double *s, const double *d, double *z_to_o);
    /* r = s dl/dz */
    void (*slope)(const struct likelihood *likelihood, struct dispersion dispersion, size_t n,
                  const double *s, const double *d, const double *o, double *r);
    /*
     * a = -s d2l/dz2, its expectation, or Gauss and Newton's part of it: above 0 where s is, and
     * without what the variance scales all of the sum by, if `value` leaves it out
     */
    void (*curvature)(const struct likelihood *likelihood, struct dispersion dispersion, size_t n,
                      const double *s, const double *d, const double *o, double *a);
    /*
     * Adds the sums of s l and of its derivatives by the logarithms of variance and freedom, of
     * one output with z. NULL: the variance that fits best is the mean of q / O.
     */
    void (*dispersion)(struct dispersion dispersion, size_t n, const double *s, const double *d,
                       const double *z, struct dispersion_sums *sums);
};

/* Residuals are rounded to 1e-16: a curvature below this would make a step of nothing but rounding.
 */
static const double likelihood_least_curvature = 1e-14;

/* One sample and expert, in double; rows of outputs `stride` apart. */
struct likelihood_sample {
    size_t n_outputs, stride;
    struct dispersion dispersion;
    const double *z, *o; /* z as output_function.predict leaves it */
};

/* What targets a family is for. */
enum target_domain { TARGETS_ANY_NUMBER, TARGETS_COUNTS, TARGETS_POSITIVE };

/* How tables show an expert's variance: value(ln variance), and its derivative. */
struct dispersion_row {
    const char *name;
    bool has_unit; /* that of the target */
    double (*value)(double log_variance);
    double (*slope)(double log_variance);
};

/* A family of distributions of a target given an expert's output: a file each, likelihood_<name>.c.
 */
struct likelihood_family {
    const char *label;     /* in tables and reports */
    int output;            /* the enum output_kind that it needs, or OUTPUT_ANY */
    bool is_classifier;    /* targets are labels, or probabilities of classes */
    bool has_variance;     /* a variance (or what stands in its place), which may be learned */
    bool has_freedom;      /* degrees of freedom, likewise */
    bool is_closed_form;   /* linear experts: EM's M-step is weighted least squares */
    double minus_constant; /* what l leaves out for each output: -ln p(d) is minus_constant - l */
    enum target_domain targets;
    bool learns; /* variance and freedom are learned unless options say otherwise */
    const struct dispersion_row *row; /* NULL: it has no variance */
    const char *link; /* what z is, before a target's name in tables; NULL: o, or odds of it */
    /* |dl/do|, or of a log link |dl/dz|, of a typical target with this mean: how far rounding of o
     * moves l. NULL: at most 1. */
    double (*steepness)(struct dispersion dispersion, double mean);
    /* What l leaves out of ln p(d) that depends on one target alone; NULL: minus_constant is all.
     */
    double (*log_base)(double d);
    /* With targets: z becomes o, and loglik (stride) is written. */
    void (*forward)(const struct likelihood *likelihood, struct dispersion dispersion,
                    size_t stride, const real *d, real *z_to_o, real *loglik, real *square);
    /*
     * The mean of a target is this times what the output function makes of z, and that is what o is
     * wherever an expert's output is asked for. NULL: 1.
     */
    double (*mean_factor)(struct dispersion dispersion);
    /* sum[] = -sum of coefficient * dl/d ln of variance and freedom; with has_variance */
    void (*dispersion_gradient)(const struct likelihood *likelihood, struct dispersion dispersion,
                                size_t stride, const real *d, const real *o, const real *square,
                                const real *coefficient, double sum[N_DISPERSIONS]);
    /* d_z = -coefficient * d l / d z */
    void (*backward)(const struct likelihood *likelihood, struct dispersion dispersion,
                     size_t stride, const real *d, const real *o, const real *coefficient,
                     real *d_z);
    /*
     * In double in both programs, from d and z (O, n), with OUTPUT_ANY of identity outputs. NULL:
     * the family has no second derivatives, and a summary of it no standard errors.
     */
    void (*bend)(const struct likelihood *likelihood, struct dispersion dispersion, size_t n,
                 const double *d, const double *z, const struct likelihood_bend *bend);
    /* Draws a target d (O) of one sample, for the bootstrap, with the same outputs. NULL: as
     * `bend`. */
    void (*draw)(const struct likelihood *likelihood, struct dispersion dispersion, const double *z,
                 struct rng *rng, double *d);
    const struct likelihood_newton *newton; /* NULL: softmax outputs */
    /* ln p(d), constants included; d (n_outputs) */
    double (*log_density)(const struct likelihood_sample *sample, const double *d);
    struct variance_terms (*variance_terms)(struct dispersion dispersion); /* of a target */
    /* How the targets of an expert are spread: one of the two; both NULL: classes. */
    const struct continuous_component *continuous;
    const struct count_component *counts;
};

/* By enum likelihood_kind. */
extern const struct likelihood_family *const likelihood_families[];
extern const char *const likelihood_names[];

static inline const struct likelihood_family *likelihood_family(enum likelihood_kind kind)
{
    return likelihood_families[kind];
}

/* Whether targets are numbers, which have the two functions below. */
static inline bool likelihood_has_quantiles(const struct likelihood_family *family)
{
    return family->continuous || family->counts;
}

/* Of one target, of all experts together: P(d <= t). */
double likelihood_cdf(const struct likelihood_family *family, const struct target_mixture *mixture,
                      double t);
/* The least t with P(d <= t) >= p, 0 < p < 1. NAN if an expert that counts is not finite. */
double likelihood_quantile(const struct likelihood_family *family,
                           const struct target_mixture *mixture, double p);

/* Whether the variance that fits best is the mean of q / O. */
static inline bool likelihood_is_of_squares(enum likelihood_kind kind)
{
    const struct likelihood_family *family = likelihood_family(kind);
    return family->has_variance && !family->newton->dispersion;
}

/* C of struct likelihood_bend; 0 if these outputs of this family have no second derivatives. */
static inline size_t likelihood_n_bends(const struct likelihood *likelihood)
{
    const struct likelihood_family *family = likelihood_family(likelihood->kind);
    if (!family->bend || (family->output == OUTPUT_ANY && likelihood->output != OUTPUT_IDENTITY))
        return 0;
    return likelihood->n_outputs + (family->has_variance ? 1 : 0) + (family->has_freedom ? 1 : 0);
}

/* z becomes o; loglik and square (stride each) are written. d NULL: only o is formed. */
void likelihood_forward(const struct likelihood *likelihood, struct dispersion dispersion,
                        size_t stride, const real *d, real *z_to_o, real *loglik, real *square);

/*
 * d_z = -coefficient * d l / d z, where coefficient (stride) is the weight of each sample: for the
 * mixture error the posterior h times the sample's share of the batch.
 */
void likelihood_backward(const struct likelihood *likelihood, struct dispersion dispersion,
                         size_t stride, const real *d, const real *o, const real *coefficient,
                         real *d_z);

/*
 * The same for a squared error: d_z = -coefficient * (d - prediction) * do/dz. prediction is o for
 * the competitive error (1.2) and the combined output y for the cooperative one (1.1).
 */
void likelihood_backward_square(const struct likelihood *likelihood, size_t stride, const real *d,
                                const real *prediction, const real *o, const real *coefficient,
                                real *d_z);

/* The gradient of the error with respect to the logarithms of variance and freedom, sum. */
static inline void likelihood_dispersion_gradient(const struct likelihood *likelihood,
                                                  struct dispersion dispersion, size_t stride,
                                                  const real *d, const real *o, const real *square,
                                                  const real *coefficient,
                                                  double sum[N_DISPERSIONS])
{
    likelihood_family(likelihood->kind)
        ->dispersion_gradient(likelihood, dispersion, stride, d, o, square, coefficient, sum);
}

/*
 * agreement[n] = (d - y)^T (o - y): with it the gate's gradient of the cooperative error is
 * -2 g_e agreement_e.
 */
void likelihood_agreement(const struct likelihood *likelihood, size_t stride, const real *d,
                          const real *o, const real *y, real *agreement);

#endif
