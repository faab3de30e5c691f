/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_TRUST_H
#define COTERIE_APP_TRUST_H

#include "app/judge/expert_outputs.h"

#include "app/judge/loaded_model.h"
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Whether a model knows how wrong it is, measured on samples with known targets. Means are weighted
 * by the samples' weights. All functions are Root.
 */
enum { TRUST_BINS = 10, TRUST_SHOWN = 5, TRUST_LEVELS = 2 };

/* A sample about which gate and targets have different opinions. */
struct disagreement {
    double divergence; /* sum_e h_e ln(h_e / g_e) */
    uint64_t sample;   /* of the data, from 0 */
    size_t gate;       /* the expert with the largest g, */
    size_t posterior;  /* with the largest h */
};

/* What a classifier said of one sample. */
struct confidence {
    double probability; /* of the class it chose: the largest */
    double weight, right;
};

struct trust {
    bool has_classes, has_density; /* which of the following two is measured */
    struct confidence *confidence; /* (n) */
    double covered[TRUST_LEVELS],
        weight; /* weights of targets in their central intervals, of all */
    size_t n;   /* samples so far */
    size_t n_shown;
    struct disagreement shown[TRUST_SHOWN]; /* the largest divergences, falling */
    double *mixture;                        /* (2 E) work space */
};

/* The probabilities of the intervals whose coverage is measured. */
extern const double trust_levels[TRUST_LEVELS];

status trust_init(struct trust *trust, const struct loaded_model *loaded);
void trust_release(struct trust *trust);

/*
 * Adds the micro-batch that step_forward has just computed. posterior (E, stride) and log_sum
 * (stride) as softmax_posterior makes them; outputs are needed where has_density is set. first: the
 * number of its first sample in `rows`.
 */
void trust_add(struct trust *trust, const struct step *step, const struct expert_outputs *outputs,
               const real *posterior, const double *log_sum, const uint64_t *rows, size_t first);

/*
 * The expected calibration error of a classifier: samples in the order of their confidence, in ten
 * bins of equal number; the mean over bins of |mean confidence - share that is right|. Sorts.
 */
double trust_calibration_error(struct trust *trust);

/* The share of targets in the central interval of level i. */
double trust_coverage(const struct trust *trust, int i);

#endif
