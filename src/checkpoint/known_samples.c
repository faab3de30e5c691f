/* SPDX-License-Identifier: BSD-3-Clause */
#include "checkpoint/known_samples.h"

#include "base/memory.h"

#include <stdbool.h>

#define SCORES "/conformal/scores"
#define MEAN "/novelty/mean"
#define COVARIANCE "/novelty/covariance"

status conformal_scores_init(struct conformal_scores *scores, size_t n, size_t n_outputs)
{
    *scores = (struct conformal_scores){.n = n, .n_outputs = n_outputs};
    return memory_alloc(&scores->score, n * n_outputs, sizeof *scores->score, "conformal scores");
}

void conformal_scores_release(struct conformal_scores *scores)
{
    memory_free(&scores->score);
    scores->n = 0;
}

status input_spread_init(struct input_spread *spread, size_t n_inputs)
{
    *spread = (struct input_spread){.n_inputs = n_inputs};
    status outcome =
        memory_alloc(&spread->mean, n_inputs, sizeof *spread->mean, "the spread of inputs");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&spread->covariance, n_inputs * n_inputs, sizeof *spread->covariance,
                               "the spread of inputs");
    return outcome;
}

void input_spread_release(struct input_spread *spread)
{
    memory_free(&spread->mean);
    memory_free(&spread->covariance);
    spread->n_inputs = 0;
}

static status write_matrix(struct hdf5_file *file, const char *name, int rank, uint64_t rows,
                           uint64_t columns, const double *values)
{
    const uint64_t dims[2] = {rows, columns};
    status outcome = hdf5_create_dataset(file, name, HDF5_AS_DOUBLE, rank, dims, rows);
    return outcome == STATUS_OK ? hdf5_write_rows(file, name, 0, rows, HDF5_AS_DOUBLE, values)
                                : outcome;
}

static status read_matrix(struct hdf5_file *file, const char *name, int rank, uint64_t rows,
                          uint64_t columns, double *values)
{
    struct hdf5_shape shape;
    status outcome = hdf5_shape(file, name, &shape);
    bool fits = outcome == STATUS_OK && shape.rank == rank && shape.dims[0] == rows &&
                (rank == 1 || shape.dims[1] == columns);
    if (outcome == STATUS_OK && !fits)
        outcome =
            status_set(STATUS_USAGE, "%s in %s does not have the shape that the model asks for",
                       name, hdf5_path(file));
    return outcome == STATUS_OK ? hdf5_read_rows(file, name, 0, rows, HDF5_AS_DOUBLE, values)
                                : outcome;
}

status conformal_scores_write(struct hdf5_file *file, const struct conformal_scores *scores)
{
    return scores->n == 0
               ? STATUS_OK
               : write_matrix(file, SCORES, 2, scores->n_outputs, scores->n, scores->score);
}

status input_spread_write(struct hdf5_file *file, const struct input_spread *spread)
{
    uint64_t n = spread->n_inputs;
    if (n == 0)
        return STATUS_OK;
    status outcome = write_matrix(file, MEAN, 1, n, 1, spread->mean);
    return outcome == STATUS_OK ? write_matrix(file, COVARIANCE, 2, n, n, spread->covariance)
                                : outcome;
}

status conformal_scores_read(struct hdf5_file *file, size_t n_outputs,
                             struct conformal_scores *scores)
{
    struct hdf5_shape shape;
    *scores = (struct conformal_scores){0};
    if (!hdf5_exists(file, SCORES))
        return STATUS_OK;
    status outcome = hdf5_shape(file, SCORES, &shape);
    if (outcome == STATUS_OK && (shape.rank != 2 || shape.dims[1] > CONFORMAL_MOST_ROWS))
        outcome = status_set(STATUS_USAGE, "%s in %s has no rows of at most %d numbers", SCORES,
                             hdf5_path(file), CONFORMAL_MOST_ROWS);
    if (outcome == STATUS_OK)
        outcome = conformal_scores_init(scores, shape.dims[1], n_outputs);
    return outcome == STATUS_OK ? read_matrix(file, SCORES, 2, n_outputs, scores->n, scores->score)
                                : outcome;
}

status input_spread_read(struct hdf5_file *file, size_t n_inputs, struct input_spread *spread)
{
    *spread = (struct input_spread){0};
    if (n_inputs > SPREAD_MOST_INPUTS || !hdf5_exists(file, MEAN))
        return STATUS_OK;
    status outcome = input_spread_init(spread, n_inputs);
    if (outcome == STATUS_OK)
        outcome = read_matrix(file, MEAN, 1, n_inputs, 1, spread->mean);
    return outcome == STATUS_OK
               ? read_matrix(file, COVARIANCE, 2, n_inputs, n_inputs, spread->covariance)
               : outcome;
}
