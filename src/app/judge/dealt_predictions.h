/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_DEALT_PREDICTIONS_H
#define COTERIE_APP_DEALT_PREDICTIONS_H

#include "app/judge/loaded_model.h"
#include "base/status.h"
#include "comm/communicator.h"
#include "predict/predictor.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Predictions by src/predict, which the library computes with, too: the same bits. The samples of a
 * micro-batch are dealt over the ranks, each of which has the whole model; since a sample's numbers
 * do not depend on the others, they are the same for any number of ranks.
 */
struct dealt_predictions {
    struct predictor *predictor;
    bool has_all; /* not y alone */
    bool has_h, has_o;
    size_t share; /* samples of a rank at most */
    size_t width; /* numbers of a sample */
    /* Where in them y (O), variance (O), g (E), h (E) and o (E, O) begin. */
    struct {
        size_t y, variance, g, h, o;
    } at;
    double *values; /* root: (samples, width) of the micro-batch; targets are scaled */
    const struct dispersion *dispersion; /* (E) of the likelihood, scaled; not owned */
    double *own, *rows, *target;         /* work space */
    void *work;
};

/*
 * Collective. `loaded` must have been opened. has_all: y, variance and g, and with has_h and has_o
 * the posterior (where there are targets) and the experts' outputs; otherwise y alone.
 */
status dealt_predictions_init(struct dealt_predictions *dealt, const struct communicator *comm,
                              struct loaded_model *loaded, bool has_all, bool has_h, bool has_o);
void dealt_predictions_release(struct dealt_predictions *dealt);

/* Collective. For the micro-batch that is loaded, the same on all ranks: sets values. */
void dealt_predictions_compute(struct dealt_predictions *dealt, const struct communicator *comm,
                               const struct batch *batch);

#endif
