/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_OUTPUT_H
#define COTERIE_MODEL_OUTPUT_H

#include "base/real.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Output functions: an expert's output o from z, the last layer of its network. Blocks are
 * (outputs, samples), rows `stride` apart. Everything here is Local.
 */

/* ROW(enumerator, name as in --expert-output) */
#define OUTPUT_FUNCTIONS(ROW)                                                                      \
    ROW(OUTPUT_IDENTITY, "identity")                                                               \
    ROW(OUTPUT_LOGISTIC, "logistic")                                                               \
    ROW(OUTPUT_SOFTMAX, "softmax")                                                                 \
    ROW(OUTPUT_EXP, "exp")

#define ENUMERATOR(KIND, name) KIND,
enum output_kind { OUTPUT_FUNCTIONS(ENUMERATOR) OUTPUT_KINDS };
#undef ENUMERATOR

struct output_function {
    double bound; /* of |o|; 0: there is none */
    size_t least; /* outputs that it needs */
    double flops; /* for each sample and output, in operations of a product; measured, roughly */
    bool is_redundant; /* the same number added to all z changes nothing: outputs know of others */
    bool decides_each; /* as a classifier, each output is a decision of its own, about 1/2 */
    bool is_unit_free; /* o may be of targets in any units: they may be scaled */
    bool is_log_link;  /* z = ln o: experts begin at the mean of the targets */
    void (*apply)(size_t n_outputs, size_t stride, real *z_to_o); /* NULL: o is z */
    /* d_o becomes d_z = d_o * do/dz; NULL: d_z is d_o */
    void (*chain)(size_t n_outputs, size_t stride, const real *o, real *d_o_to_d_z);
    /* The same in double, for EM: of one output, n samples. NULL: o is z, or is_redundant. */
    void (*apply_row)(size_t n, double *z_to_o);
    void (*slope_row)(size_t n, const double *o, double *slope); /* do/dz */
    /*
     * The same in double, with equal bits in program and library, for predictions; z may change by
     * what is redundant. work (2 stride). NULL: o is z.
     */
    void (*predict)(size_t n_outputs, size_t stride, double *z, double *o, double *work);
    /* Slopes of z (O, D) with respect to D inputs become those of o (O) of one sample; mean (D) is
     * work space. NULL: they are the same. */
    void (*jacobian)(size_t n_outputs, size_t n_inputs, const double *o, double *slope,
                     double *mean);
};

/* By enum output_kind. */
extern const struct output_function output_functions[];
extern const char *const output_names[];

#endif
