/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_DISPERSION_H
#define COTERIE_MODEL_DISPERSION_H

#include <stdbool.h>

/* What an expert has beside its network: numbers above 0, which may be learned. */
struct dispersion {
    double variance; /* sigma^2 of scaled targets, or what a family has in its place */
    double freedom;  /* degrees of freedom, where a family has them */
};

enum { BY_VARIANCE, BY_FREEDOM, N_DISPERSIONS };

static inline double *dispersion_number(struct dispersion *dispersion, int which)
{
    return which == BY_VARIANCE ? &dispersion->variance : &dispersion->freedom;
}

/* The variance of a target as an expert's output o has it: constant + linear o + square o^2. */
struct variance_terms {
    double constant, linear, square;
};

static inline double variance_at(struct variance_terms terms, double o)
{
    return terms.constant + (terms.linear + terms.square * o) * o;
}

/* Where the experts' numbers begin, and which of them are learned. */
struct dispersion_start {
    struct dispersion at;
    bool variance_is_learned, freedom_is_learned;
};

/* Learned degrees of freedom stay between these: a Cauchy and about a normal distribution. */
#define FREEDOM_LEAST 1.0
#define FREEDOM_MOST 1000.0

#endif
