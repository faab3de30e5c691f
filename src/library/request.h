/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_LIBRARY_REQUEST_H
#define COTERIE_LIBRARY_REQUEST_H

#include "predict/predictor.h"

#include <stddef.h>

/* What the library's functions share that ask a model about many samples. All are Local. */

/* What is done with each block of samples, from sample `first` on; COTERIE_OK or what is wrong. */
typedef int block_function(const struct predictor *predictor, const struct predicted *block,
                           size_t first, void *context);

struct request {
    const struct predictor *predictor;
    size_t n;
    const double *x;
    const float *x_float; /* one of the two */
    block_function *visit;
    void *context;
};

/* Predicts in blocks, in the work space or on the stack. */
int request_run(const struct request *request, void *workspace);

/* A handle of coterie.h is the predictor itself. */
struct coterie_model;
static inline const struct predictor *of(const struct coterie_model *model)
{
    return (const struct predictor *)model;
}

/* In the units of the data: mean + scale * value. */
static inline double unscaled(const struct predictor *predictor, size_t k, double value)
{
    const struct scaler *scaler = &predictor_record(predictor)->scaler;
    return scaler->y_mean[k] + scaler->y_scale[k] * value;
}

#endif
