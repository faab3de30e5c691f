/* SPDX-License-Identifier: BSD-3-Clause */
#include "train/feed/batch.h"

#include "base/memory.h"
#include "math/transpose.h"
#include "model/gate/committee.h"
#include "train/feed/stream.h"

#include <math.h>
#include <string.h>

status batch_init(struct batch *batch, size_t n_inputs, size_t n_outputs, size_t max_stride)
{
    memset(batch, 0, sizeof *batch);
    batch->max_stride = max_stride;
    batch->n_outputs = n_outputs;
    status outcome = inputs_init(&batch->inputs, n_inputs, max_stride);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&batch->d, max_stride * n_outputs, sizeof(real), "a micro-batch");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&batch->weight, max_stride, sizeof(real), "a micro-batch");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&batch->w, max_stride, sizeof(real), "a micro-batch");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&batch->fold, max_stride, sizeof *batch->fold, "a micro-batch");
    return outcome;
}

void batch_release(struct batch *batch)
{
    inputs_release(&batch->inputs);
    memory_free(&batch->d);
    memory_free(&batch->weight);
    memory_free(&batch->w);
    memory_free(&batch->fold);
}

static size_t sample(const uint64_t *rows, size_t first, size_t i)
{
    return rows ? (size_t)rows[i] : first + i;
}

/* Samples at .. at+n-1 of the batch: row place[i] (or i) of x and y, counted from `first`. */
struct piece {
    size_t at, n;
    const uint64_t *place;
    size_t first;
};

static size_t row_of(const struct piece *piece, size_t i)
{
    return piece->first + (piece->place ? (size_t)piece->place[i] : i);
}

static void load_inputs(struct batch *batch, const real *x, const struct piece *piece)
{
    size_t width = batch->inputs.n_inputs;
    real *to = batch->inputs.x + piece->at * width;
    if (!piece->place) {
        memcpy(to, x + piece->first * width, piece->n * width * sizeof(real));
        return;
    }
    for (size_t i = 0; i < piece->n; i++)
        memcpy(to + i * width, x + row_of(piece, i) * width, width * sizeof(real));
}

static void load_numbers(struct batch *batch, const real *y, const struct piece *piece)
{
    size_t width = batch->n_outputs, stride = batch->stride;
    if (!piece->place) {
        transpose(piece->n, width, y + piece->first * width, width, batch->d + piece->at, stride);
        return;
    }
    for (size_t i = 0; i < piece->n; i++) {
        size_t row = row_of(piece, i);
        for (size_t k = 0; k < width; k++)
            batch->d[k * stride + piece->at + i] = y[row * width + k];
    }
}

static void load_labels(struct batch *batch, const struct dataset *dataset, const uint64_t *rows,
                        size_t first)
{
    size_t stride = batch->stride;
    for (size_t i = 0; i < batch->n; i++) {
        int32_t label = dataset->label[sample(rows, first, i)];
        if (batch->n_outputs == 1)
            batch->d[i] = (real)label;
        else
            batch->d[(size_t)label * stride + i] = 1;
    }
}

/* d is 0 where nothing will be written: all but the samples' own classes, or behind the samples. */
static void clear_targets(struct batch *batch, bool are_labels)
{
    size_t first = are_labels ? 0 : batch->n;
    for (size_t k = 0; batch->has_targets && k < batch->n_outputs; k++)
        memset(batch->d + k * batch->stride + first, 0, (batch->stride - first) * sizeof(real));
}

/* What cannot be read is NaN, which ends the run at all ranks: see stream_status. */
static void poison(struct batch *batch)
{
    for (size_t i = 0; i < batch->n * batch->inputs.n_inputs; i++)
        batch->inputs.x[i] = (real)NAN;
}

static void load_streamed(struct batch *batch, const struct dataset *dataset, bool shuffled,
                          size_t first)
{
    struct stream_piece next;
    for (size_t at = 0; at < batch->n; at += next.n) {
        if (!stream_next(dataset->stream, shuffled, first + at, batch->n - at, &next)) {
            poison(batch);
            return;
        }
        struct piece piece = {at, next.n, next.place, next.first};
        load_inputs(batch, stream_x(dataset->stream), &piece);
        if (dataset->shape.n_targets)
            load_numbers(batch, stream_y(dataset->stream), &piece);
        stream_done(dataset->stream);
    }
}

static void load_weights(struct batch *batch, const struct dataset *dataset, const uint64_t *rows,
                         size_t first, double total)
{
    size_t n = batch->n, padding = (batch->stride - n) * sizeof(real);
    /* A batch whose weights are all 0 has no gradient. */
    const double share = total > 0 ? 1 / total : 0;
    for (size_t i = 0; dataset->weight && i < n; i++) {
        batch->weight[i] = (real)dataset->weight[sample(rows, first, i)];
        batch->w[i] = (real)((double)batch->weight[i] * share);
    }
    for (size_t i = 0; !dataset->weight && i < n; i++) {
        batch->weight[i] = 1;
        batch->w[i] = (real)share;
    }
    memset(batch->weight + n, 0, padding);
    memset(batch->w + n, 0, padding);
}

static void load_folds(struct batch *batch, const struct dataset *dataset, const uint64_t *rows,
                       size_t first)
{
    memset(batch->fold, FOLD_NONE, batch->stride);
    for (size_t i = 0; dataset->fold && i < batch->n; i++)
        batch->fold[i] = dataset->fold[sample(rows, first, i)];
    batch->is_unseen = dataset->is_unseen;
}

void batch_load(struct batch *batch, const struct dataset *dataset, const uint64_t *rows,
                size_t first, size_t n, double total)
{
    if (!rows && batch->loaded.dataset == dataset && batch->loaded.first == first &&
        batch->loaded.n == n && batch->loaded.total == total)
        return;
    batch->n = n;
    batch->stride = real_padded(n);
    COTERIE_ASSERT(batch->stride <= batch->max_stride);
    batch->has_targets = dataset->shape.n_targets || dataset->label;
    clear_targets(batch, dataset->label != NULL);
    if (dataset->stream) {
        load_streamed(batch, dataset, rows != NULL, first);
    } else {
        struct piece all = {0, n, rows, rows ? 0 : first};
        load_inputs(batch, dataset->x, &all);
        if (dataset->y)
            load_numbers(batch, dataset->y, &all);
    }
    size_t width = batch->inputs.n_inputs;
    memset(batch->inputs.x + n * width, 0, (batch->stride - n) * width * sizeof(real));
    inputs_set(&batch->inputs, batch->stride);
    if (dataset->label)
        load_labels(batch, dataset, rows, first);
    load_weights(batch, dataset, rows, first, total);
    load_folds(batch, dataset, rows, first);
    batch->loaded.dataset = rows ? NULL : dataset;
    batch->loaded.first = first;
    batch->loaded.n = n;
    batch->loaded.total = total;
}

double batch_total(const struct dataset *dataset, const uint64_t *rows, size_t first, size_t n)
{
    if (!dataset->weight)
        return (double)n;
    double total = 0;
    for (size_t i = 0; i < n; i++)
        total += (double)dataset->weight[sample(rows, first, i)];
    return total;
}
