/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_OUTPUT_DOUBLE_H
#define COTERIE_MODEL_OUTPUT_DOUBLE_H

#include <stddef.h>

/* The parts of the table of output functions that are double in both programs. */
void logistic_apply_row(size_t n, double *z_to_o);
void logistic_slope_row(size_t n, const double *o, double *slope);
void logistic_predict(size_t n_outputs, size_t stride, double *z, double *o, double *work);
void logistic_jacobian(size_t n_outputs, size_t n_inputs, const double *o, double *slope,
                       double *mean);
void exp_apply_row(size_t n, double *z_to_o);
void exp_slope_row(size_t n, const double *o, double *slope);
void exp_predict(size_t n_outputs, size_t stride, double *z, double *o, double *work);
void exp_jacobian(size_t n_outputs, size_t n_inputs, const double *o, double *slope, double *mean);
void softmax_predict(size_t n_outputs, size_t stride, double *z, double *o, double *work);
void softmax_jacobian(size_t n_outputs, size_t n_inputs, const double *o, double *slope,
                      double *mean);

#endif
