/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_REPORT_RESPONSE_H
#define COTERIE_APP_REPORT_RESPONSE_H

#include "report_internal.h"

/*
 * What the model says of chosen points: of a plane, and as partial dependence (Friedman 2001, The
 * Annals of Statistics 29, section 8.2): the mean prediction over samples in which one input is
 * set to a value. All functions are Local, on the root.
 */
enum { RESPONSE_GRID = 25, REGION_GRID = 40 };

struct response {
    struct report *report;
    void *work;
    double *x;   /* (PREDICTOR_TILE, D) */
    size_t base; /* samples that a mean is taken over */
};

status response_init(struct response *response, struct report *report);
void response_release(struct response *response);

/* The least and the largest value of input j among the samples. */
void response_range(const struct report *report, size_t j, double *least, double *most);

/*
 * Values of input j (RESPONSE_GRID) between its least and most, and the mean predictions there
 * (RESPONSE_GRID, O) in the units of the data.
 */
void response_of_input(struct response *response, size_t j, double *values, double *means);

/* first (REGION_GRID, REGION_GRID), row by row of the second of two inputs: the expert with the
 * largest share in the middle of each cell of the samples' range. */
void response_regions(struct response *response, size_t *first);

#endif
