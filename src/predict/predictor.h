/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_PREDICT_PREDICTOR_H
#define COTERIE_PREDICT_PREDICTOR_H

#include "base/status.h"
#include "checkpoint/checkpoint.h"
#include "model/model_config.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * A trained mixture in one process, for prediction: without MPI, BLAS, threads or output. What it
 * computes is the same to the last bit for any number of samples and any division of them into
 * calls. It is read-only once it is open, so many threads may use one. All functions are Local.
 */
struct predictor;

/*
 * Opens the checkpoint at `path`, or in a run directory checkpoints/best or else /latest. All
 * checksums are verified.
 */
status predictor_open(const char *path, struct predictor **out);
/*
 * The same from parameters in memory, which are copied, in the precision of the program; it has no
 * record, so its samples are those of predictor_compute_scaled.
 */
status predictor_create(const struct model_shape *shape, const struct networks *networks,
                        struct predictor **out);
void predictor_destroy(struct predictor **predictor);

const struct run_record *predictor_record(const struct predictor *predictor);
const struct model_config *predictor_config(const struct predictor *predictor);

/*
 * Inputs that are columns of the data: all D, but for those that tell where a column has no value.
 * These come last, and predictor_tell_gaps makes them: in a sample x (D), of which the columns are
 * filled in, NAN where there is no value. False if a number is not finite where the model has
 * learned nothing of missing ones.
 */
size_t predictor_n_columns(const struct predictor *predictor);
bool predictor_tell_gaps(const struct predictor *predictor, double *x);

/* Whether y are probabilities, and of what: classes, or targets between 0 and 1. */
bool predictor_is_classifier(const struct predictor *predictor);
const struct string_list *predictor_class_names(const struct predictor *predictor);

/*
 * What a mixture says of some samples: numbers of the scaled targets, or probabilities. Element
 * (row, i) of a block lies at row * stride + i.
 */
struct predicted {
    size_t n, stride;
    double *g, *log_g; /* (E, stride) */
    double *o;         /* (E, O, stride) outputs of the experts */
    double *z;         /* (E, O, stride) before the output function; may be o */
    double *y;         /* (O, stride) sum_e g_e o_e */
    double *variance;  /* (O, stride), set by predictor_variance */
    double *spare;     /* (3, E), for the caller */
};

/* Samples that predictor_compute takes at once. */
enum { PREDICTOR_TILE = 32 };

/*
 * Bytes of work space for n samples at once (1 to PREDICTOR_TILE). It needs no alignment. Where
 * there is less, fewer samples at once give the same bits.
 */
size_t predictor_work_bytes(const struct predictor *predictor, size_t n);

/*
 * x (n, D), finite or NAN, which is a missing value, in the units of the data, n as the work space
 * allows. The result lies in `work`.
 */
void predictor_compute(const struct predictor *predictor, size_t n, const double *x, void *work,
                       struct predicted *out);
/* The same for x that are scaled, as numbers of the model's precision. */
void predictor_compute_scaled(const struct predictor *predictor, size_t n, const double *x,
                              void *work, struct predicted *out);

/*
 * Sets `variance` of the scaled targets: the law of total variance, sum_e g_e (sigma_e^2 +
 * (o_e - y)^2). For regression.
 */
void predictor_variance(const struct predictor *predictor, const struct predicted *predicted);
/* Of samples held out, for conformal.h; none of a predictor that was made of parameters. */
const struct conformal_scores *predictor_scores(const struct predictor *predictor);
/* (E), of the scaled targets. */
const struct dispersion *predictor_dispersion(const struct predictor *predictor);

/*
 * ln p(d | x) of the scaled targets d (O) of sample i, constants included. h (E): the posterior
 * proportions.
 */
double predictor_log_density(const struct predictor *predictor, const struct predicted *predicted,
                             size_t i, const double *d, double *h);

/* dy/dx (O, D) at one sample x (D), in the units of the data; work as for one sample and more. */
size_t predictor_jacobian_bytes(const struct predictor *predictor);
void predictor_jacobian(const struct predictor *predictor, const double *x, void *work,
                        double *jacobian);
/* The same of scaled targets by scaled inputs, at scaled x. */
void predictor_jacobian_scaled(const struct predictor *predictor, const double *x, void *work,
                               double *jacobian);

#endif
