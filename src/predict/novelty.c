/* SPDX-License-Identifier: BSD-3-Clause */
#include "predict/novelty.h"

#include "base/memory.h"
#include "predict/whitener.h"

#include <math.h>
#include <string.h>

size_t novelty_most_rows(size_t n_inputs)
{
    const size_t most = 10000, most_products = (size_t)1 << 30;
    size_t rows = most_products / (n_inputs * n_inputs);
    return n_inputs > SPREAD_MOST_INPUTS ? 0 : rows < most ? rows : most;
}

static void add_mean(const struct dataset *samples, double *mean)
{
    size_t n = samples->shape.n, inputs = samples->shape.n_inputs;
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < inputs; c++)
            mean[c] += (double)samples->x[i * inputs + c];
    for (size_t c = 0; c < inputs; c++)
        mean[c] /= (double)n;
}

/* The lower triangle of the sum of squares about the mean. */
static void add_squares(const struct dataset *samples, const double *mean, double *deviation,
                        double *square)
{
    size_t inputs = samples->shape.n_inputs;
    for (size_t i = 0; i < samples->shape.n; i++) {
        for (size_t c = 0; c < inputs; c++)
            deviation[c] = (double)samples->x[i * inputs + c] - mean[c];
        for (size_t c = 0; c < inputs; c++)
            for (size_t b = 0; b <= c; b++)
                square[c * inputs + b] += deviation[c] * deviation[b];
    }
}

status novelty_measure(const struct dataset *samples, struct input_spread *spread)
{
    size_t inputs = samples->shape.n_inputs;
    double *deviation = NULL;
    status outcome = input_spread_init(spread, inputs);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&deviation, inputs, sizeof *deviation, "the spread of inputs");
    if (outcome == STATUS_OK) {
        add_mean(samples, spread->mean);
        add_squares(samples, spread->mean, deviation, spread->covariance);
    }
    for (size_t c = 0; c < inputs && outcome == STATUS_OK; c++)
        for (size_t b = 0; b <= c; b++) {
            double mean = spread->covariance[c * inputs + b] / (double)samples->shape.n;
            spread->covariance[c * inputs + b] = spread->covariance[b * inputs + c] = mean;
        }
    memory_free(&deviation);
    return outcome;
}

status novelty_init(struct novelty *novelty, const struct input_spread *spread)
{
    const double ridge = 1e-6;
    size_t n = spread->n_inputs;
    double *room = NULL; /* the covariance with its ridge, and work space */
    *novelty = (struct novelty){.n_inputs = n, .mean = spread->mean};
    status outcome = memory_alloc(&novelty->whitener, n * n, sizeof(double), "novelty");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&novelty->deviation, n, sizeof(double), "novelty");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&room, n * n + whitener_work(n), sizeof *room, "novelty");
    if (outcome == STATUS_OK) {
        memcpy(room, spread->covariance, n * n * sizeof *room);
        for (size_t c = 0; c < n; c++) {
            double *variance = &room[c * n + c];
            *variance = *variance > 0 ? *variance * (1 + ridge) : ridge;
        }
        whitener_form(n, 1, room, room + n * n, novelty->whitener);
    }
    memory_free(&room);
    return outcome;
}

void novelty_release(struct novelty *novelty)
{
    memory_free(&novelty->whitener);
    memory_free(&novelty->deviation);
}

double novelty_of(const struct novelty *novelty, const real *x)
{
    size_t n = novelty->n_inputs;
    double square = 0;
    for (size_t c = 0; c < n; c++)
        novelty->deviation[c] = (double)x[c] - novelty->mean[c];
    for (size_t c = 0; c < n; c++) {
        double sum = 0;
        for (size_t b = 0; b <= c; b++)
            sum += novelty->whitener[c * n + b] * novelty->deviation[b];
        square += sum * sum;
    }
    return sqrt(square / (double)n);
}
