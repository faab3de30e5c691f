/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_EXPORT_EXPORTED_MODEL_H
#define COTERIE_EXPORT_EXPORTED_MODEL_H

#include "base/status.h"
#include "checkpoint/checkpoint.h"
#include "data/source/gap_inputs.h"
#include "model/model_config.h"

#include <stdbool.h>
#include <stddef.h>

/* A layer of n networks: weight (n, out, in), bias (n, out). */
struct exported_layer {
    size_t in, out;
    double *weight, *bias; /* owned */
};

struct exported_network {
    size_t n; /* 1 gate, or E experts */
    int n_layers;
    struct exported_layer layer[MLP_MAX_LAYERS];
};

/*
 * What a checkpoint holds, for writers of other formats. Parameters are doubles, which hold those
 * of either precision. All are finite.
 */
struct exported_model {
    struct hdf5_file *file;
    struct run_record record;
    struct model_config config;
    struct gap_inputs gaps; /* n_own inputs are asked for; the others tell where they are missing */
    size_t *told_by;        /* (gaps.n_own): see gap_inputs_spread */
    bool is_double;         /* trained by coterie_d */
    bool is_classifier;     /* outputs are probabilities */
    bool has_class;         /* and one class is the answer */
    bool two_in_one;        /* one output is the probability of the second of two */
    const struct string_list *names;  /* of what is predicted: targets, or classes */
    struct exported_network gate;     /* no layers if the gate is Gaussian, then: */
    double *constant, *mean, *whiten; /* (E), (E, D), (E, D, D): see predict/whitener.h */
    struct exported_network experts;
    struct variance_terms *variance; /* (E) of the scaled targets */
    double *factor; /* (E) what an expert's output is multiplied with; NULL: nothing */
};

/* Opens and verifies the checkpoint. With `parameters`, reads gate and experts too. */
status exported_model_open(const char *path, bool parameters, struct exported_model *model);
void exported_model_release(struct exported_model *model);

/* Of the widest layer, inputs and outputs included. */
size_t exported_network_width(const struct exported_network *network);

#endif
