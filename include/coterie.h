/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_H
#define COTERIE_H

/*
 * libcoterie: predictions of mixtures of local experts that `coterie train` has made.
 *
 *     char message[256];
 *     coterie_model *model;
 *     if (coterie_model_open("run", &model, message, sizeof message) != COTERIE_OK)
 *         ...
 *     coterie_predict(model, n, x, &(coterie_prediction){.mean = y}, NULL);
 *     coterie_model_close(model);
 *
 * Opening a model allocates memory and reads a file; nothing else does. The library prints nothing,
 * ends no program, installs no handlers and starts no threads. A model that is open is read-only:
 * any number of threads may use it at the same time. Opening and closing are safe in several
 * threads, too, if the program uses HDF5 itself only from one thread or from a thread-safe build.
 *
 * A sample's results depend on that sample alone, to the last bit: not on how many samples are
 * given together. Those of coterie_predict, coterie_quantile and coterie_conformal_interval have
 * the bits that `predict` of the program writes that trained the model: `coterie` in single
 * precision, `coterie_d` in double. coterie_predict_float rounds the same numbers to floats.
 *
 * Numbers are in the units of the data. Arrays are dense and row-major: x (n, D) holds the D inputs
 * of a sample side by side, in the order of coterie_input_name. D, E, T and C stand for the numbers
 * of inputs, experts, numeric targets and classes.
 */

#include <stddef.h>

#if defined(__GNUC__)
#define COTERIE_API __attribute__((visibility("default")))
#else
#define COTERIE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Releases with the same major number keep these interfaces; see docs/library.md. */
#define COTERIE_VERSION_MAJOR 0
#define COTERIE_VERSION_MINOR 1

enum coterie_status {
    COTERIE_OK = 0,
    COTERIE_FAILED = 1,    /* no memory, or the file cannot be read */
    COTERIE_USAGE = 2,     /* no such file, not a checkpoint, damaged; or a wrong argument */
    COTERIE_WORKSPACE = 3, /* the model is too large for the stack: give a workspace */
    COTERIE_NOT_FINITE = 4 /* an input, or a result, is not a finite number */
};

typedef struct coterie_model coterie_model;

/* "0.1.0": the version that the program runs with. */
COTERIE_API const char *coterie_version(void);

/*
 * Opens a checkpoint, or the best (else the latest) of a run directory; all checksums are verified.
 * *model is NULL on failure, and `message` (size bytes, may be NULL) then says in one line what is
 * wrong and what to do. Close it with coterie_model_close.
 */
COTERIE_API int coterie_model_open(const char *path, coterie_model **model, char *message,
                                   size_t size);
/* NULL is let be. */
COTERIE_API void coterie_model_close(coterie_model *model);

/*
 * The columns of the data that are inputs. One that had missing values in training may be NaN,
 * which is a missing value; of a column of text (hue=blue, hue=red) all are missing if one is. What
 * the model is told of gaps by further inputs, missing(NAME), follows and is not passed.
 */
COTERIE_API size_t coterie_n_inputs(const coterie_model *model);
COTERIE_API size_t coterie_n_experts(const coterie_model *model);
/* Numeric targets; 0 for a classifier. */
COTERIE_API size_t coterie_n_targets(const coterie_model *model);
/* Classes; 0 for numeric targets. */
COTERIE_API size_t coterie_n_classes(const coterie_model *model);

/* The i-th name, which lasts as long as the model; NULL if i is too large. */
COTERIE_API const char *coterie_input_name(const coterie_model *model, size_t i);
COTERIE_API const char *coterie_target_name(const coterie_model *model, size_t i);
COTERIE_API const char *coterie_class_name(const coterie_model *model, size_t i);

/*
 * The unit of the i-th input or target, as the attribute `units` of the HDF5 data that it was
 * trained on tells it; "" if they did not. NULL if i is too large.
 */
COTERIE_API const char *coterie_input_unit(const coterie_model *model, size_t i);
COTERIE_API const char *coterie_target_unit(const coterie_model *model, size_t i);

/*
 * The range of the i-th input in the samples that the model was trained on, in the units of the
 * data. A prediction outside of it is a guess. COTERIE_USAGE if i is too large; NaN for a
 * checkpoint of an older coterie, which does not say.
 */
COTERIE_API int coterie_input_range(const coterie_model *model, size_t i, double *least,
                                    double *most);

/*
 * What can be asked of n samples; each may be NULL. For numeric targets: mean and variance of the
 * predictive distribution, sum_e g_e o_e and sum_e g_e (sigma_e^2 + (o_e - mean)^2). For classes:
 * their probabilities. For both: the mixing proportions, and what each expert says (its mean, or
 * its probabilities). A variance is infinite, with COTERIE_OK, where an expert with a share has
 * none: Student's t with 2 degrees of freedom or fewer.
 */
typedef struct coterie_prediction {
    double *mean;        /* (n, T) */
    double *variance;    /* (n, T) */
    double *probability; /* (n, C) */
    double *proportion;  /* (n, E): g */
    double *expert;      /* (n, E, T) or (n, E, C): o */
} coterie_prediction;

typedef struct coterie_prediction_float {
    float *mean, *variance, *probability, *proportion, *expert; /* as above */
} coterie_prediction_float;

/*
 * Bytes of work space, without alignment, with which a call for n samples is fastest. A call with
 * `workspace` NULL uses the stack, up to COTERIE_STACK bytes; a model for which that is too little
 * (thousands of experts) returns COTERIE_WORKSPACE. Threads must not share a work space.
 */
#define COTERIE_STACK 131072
COTERIE_API size_t coterie_workspace(const coterie_model *model, size_t n);

/*
 * Predicts n samples x (n, D). COTERIE_USAGE if something is asked for that the model does not have
 * (the mean of a classifier). COTERIE_NOT_FINITE if an input is infinite, or is NaN and had
 * no missing values in training: that sample's results are NaN, all others are as they would be
 * without it.
 */
COTERIE_API int coterie_predict(const coterie_model *model, size_t n, const double *x,
                                const coterie_prediction *prediction, void *workspace);
/* The same for floats; the model's precision is what it was trained in, not that of x. */
COTERIE_API int coterie_predict_float(const coterie_model *model, size_t n, const float *x,
                                      const coterie_prediction_float *prediction, void *workspace);

/*
 * density (n): ln p(d | x). d is (n, T) numbers or, for classes, (n) numbers of classes, from 0.
 * COTERIE_USAGE for the number of no class.
 */
COTERIE_API int coterie_log_density(const coterie_model *model, size_t n, const double *x,
                                    const double *d, double *density, void *workspace);

/*
 * quantile (n): where target `target` of the predictive distribution has the probability p,
 * 0 < p < 1, below it. For numeric targets.
 */
COTERIE_API int coterie_quantile(const coterie_model *model, size_t n, const double *x,
                                 size_t target, double p, double *quantile, void *workspace);

/*
 * lower (n) and upper (n): the conformal interval that holds target `target` of new samples with at
 * least the probability p, 0 < p < 1, whatever the model is worth, if they are drawn as those that
 * training held out. COTERIE_USAGE if it held out none, or too few for p: 9 for 0.9, 99 for 0.99.
 */
COTERIE_API int coterie_conformal_interval(const coterie_model *model, size_t n, const double *x,
                                           size_t target, double p, double *lower, double *upper,
                                           void *workspace);

/* jacobian (n, T, D) or (n, C, D): d mean / d x, or d probability / d x; 0 by a missing input. */
COTERIE_API int coterie_jacobian(const coterie_model *model, size_t n, const double *x,
                                 double *jacobian, void *workspace);

#ifdef __cplusplus
}
#endif

#endif
