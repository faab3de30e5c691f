/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_SUMMARY_COEFFICIENTS_H
#define COTERIE_APP_SUMMARY_COEFFICIENTS_H

#include "base/status.h"
#include "data/samples/scaler.h"
#include "train/inference/covariance.h"
#include "train/inference/information.h"

#include <stddef.h>

/* One row of a table; NAN: not determined, or without a meaning. */
struct coefficient {
    double estimate, error; /* the standard error */
    double z, p;            /* estimate / error, and the probability of |z| or more if it were 0 */
    double lower, upper;    /* the confidence interval */
};

/*
 * The coefficients of a model with linear networks in the units of the data, with what their
 * covariance says. With scaled = (value - mean) / scale of inputs (m_j, s_j) and, with identity
 * outputs, targets (m, s), a network w, b of scaled numbers is
 *
 *   slope_j = s w_j / s_j,   intercept = m + s (b - sum_j w_j m_j / s_j)
 *
 * of data; both are linear, so that the delta method is exact. Logits are differences to those of
 * the reference expert, outputs of a softmax to its first. sigma_ek = s_k exp(ln s2_e / 2), whose
 * interval is that of ln s2_e. Row 0 of a network is the intercept, row 1 + j input j. Local.
 */
struct coefficients {
    size_t n_experts, n_outputs, n_units;
    struct coefficient *output;       /* (E, O, W) */
    struct coefficient *logit;        /* (E, W); of one expert NULL */
    struct coefficient *sigma;        /* (E, O) as the family shows it; NULL: it is not learned */
    const struct dispersion_row *row; /* how, and its name */
    struct coefficient *freedom;      /* (E); NULL: it is not learned */
    struct coefficient *rows;         /* all of them, owned */
};

/* How degrees of freedom are shown. */
extern const struct dispersion_row coefficients_freedom;

/* level: the probability of the intervals, above 0 and below 1. */
status coefficients_init(struct coefficients *coefficients, const struct information *information,
                         const struct covariance *covariance, const struct scaler *scaler,
                         double level);
void coefficients_release(struct coefficients *coefficients);

#endif
