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
enum output_kind { OUTPUT_IDENTITY, OUTPUT_LOGISTIC, OUTPUT_SOFTMAX };

struct output_function {
    const char *name; /* as in --expert-output */
    double bound;     /* of |o|; 0: there is none */
    size_t least;     /* outputs that it needs */
    double flops; /* for each sample and output, in operations of a product; measured, roughly */
    bool is_redundant; /* the same number added to all z changes nothing */
    void (*apply)(size_t n_outputs, size_t stride, real *z_to_o); /* NULL: o is z */
    /* d_o becomes d_z = d_o * do/dz; NULL: d_z is d_o */
    void (*chain)(size_t n_outputs, size_t stride, const real *o, real *d_o_to_d_z);
};

/* By enum output_kind. */
extern const struct output_function output_functions[];

#endif
