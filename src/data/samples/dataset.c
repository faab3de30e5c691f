/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/samples/dataset.h"

#include "base/memory.h"
#include "row_blocks.h"
#include "scaled_columns.h"

#include <math.h>
#include <string.h>
#include <xxhash.h>

enum { DATASET_ALIGNMENT = REAL_ALIGNMENT };

/* Adds an array of a x b elements, padded to whole lines. False if that overflows size_t. */
static bool add_array(size_t *bytes, size_t a, size_t b, size_t size)
{
    size_t length;
    if (__builtin_mul_overflow(a, b, &length) || __builtin_mul_overflow(length, size, &length) ||
        __builtin_add_overflow(length, DATASET_ALIGNMENT - 1, &length))
        return false;
    length -= length % DATASET_ALIGNMENT;
    return !__builtin_add_overflow(*bytes, length, bytes);
}

size_t dataset_bytes(const struct dataset_shape *shape)
{
    size_t bytes = DATASET_ALIGNMENT;
    bool fits = add_array(&bytes, shape->n, shape->n_inputs, sizeof(real)) &&
                add_array(&bytes, shape->n, shape->n_targets, sizeof(real)) &&
                add_array(&bytes, shape->n, shape->has_labels, sizeof(int32_t)) &&
                add_array(&bytes, shape->n, shape->has_weights, sizeof(real));
    return fits ? bytes : 0;
}

size_t dataset_numbers_bytes(const struct dataset_shape *shape)
{
    size_t bytes = 0;
    bool fits = add_array(&bytes, shape->n, shape->n_inputs, sizeof(real)) &&
                add_array(&bytes, shape->n, shape->n_targets, sizeof(real));
    return fits ? bytes : 0;
}

uint64_t dataset_numbers_hash(const struct dataset *dataset)
{
    const struct dataset_shape *shape = &dataset->shape;
    uint64_t hash = XXH3_64bits(dataset->x, shape->n * shape->n_inputs * sizeof(real));
    size_t bytes = shape->n * shape->n_targets * sizeof(real);
    return bytes ? XXH3_64bits_withSeed(dataset->y, bytes, hash) : hash;
}

/* The next array of the block, or NULL if it has no elements. */
static void *place_array(unsigned char *block, size_t *offset, size_t a, size_t b, size_t size)
{
    void *array = block + *offset;
    bool fits = add_array(offset, a, b, size);
    COTERIE_ASSERT(fits);
    return b ? array : NULL;
}

void dataset_map(struct dataset *dataset, const struct dataset_shape *shape, void *block)
{
    size_t offset = 0;
    COTERIE_ASSERT((uintptr_t)block % DATASET_ALIGNMENT == 0);
    dataset->shape = *shape;
    dataset->stream = NULL;
    dataset->fold = NULL;
    dataset->is_unseen = false;
    dataset->x = place_array(block, &offset, shape->n, shape->n_inputs, sizeof(real));
    dataset->y = place_array(block, &offset, shape->n, shape->n_targets, sizeof(real));
    dataset->label = place_array(block, &offset, shape->n, shape->has_labels, sizeof(int32_t));
    dataset->weight = place_array(block, &offset, shape->n, shape->has_weights, sizeof(real));
}

static status too_large(const char *path, const char *column, uint64_t row, double value)
{
    return status_set(STATUS_USAGE,
                      "%s, column '%s', row %llu (from 0): %g is too large for " REAL_NAME
                      " after scaling{; use @scale standard%s}",
                      path, column, (unsigned long long)row, value,
                      sizeof(real) == sizeof(double) ? "" : " or the program coterie_d");
}

/* One row, telling what is wrong with it if anything is; if it `fills`, gaps become 0. */
static status scale_row(const char *path, const double *from, bool fills, const double *mean,
                        const double *scale, const struct string_list *names, size_t n,
                        uint64_t row, real *to)
{
    for (size_t c = 0; c < n; c++) {
        bool is_gap = fills && isnan(from[c]);
        to[c] = is_gap ? 0 : (real)((from[c] - mean[c]) * (1 / scale[c]));
        if (!isfinite(to[c]))
            return too_large(path, names->item[c], row, from[c]);
    }
    return STATUS_OK;
}

/* Labels and weights are in memory already. */
status dataset_copy_labels(struct dataset *dataset, const struct source_info *info,
                           const uint64_t *rows, size_t first)
{
    double sum = 0;
    for (size_t i = 0; dataset->label && i < dataset->shape.n; i++)
        dataset->label[i] = info->label[rows ? rows[first + i] : first + i];
    if (!dataset->weight)
        return STATUS_OK;
    for (size_t i = 0; i < dataset->shape.n; i++) {
        size_t row = rows ? (size_t)rows[first + i] : first + i;
        dataset->weight[i] = (real)info->weight[row];
        sum += (double)dataset->weight[i];
        if (!isfinite(dataset->weight[i]))
            return too_large(info->path, "weight", row, info->weight[row]);
    }
    return sum > 0 ? STATUS_OK
                   : status_set(STATUS_USAGE, "%s: the weights of all %zu samples chosen are 0",
                                info->path, dataset->shape.n);
}

/* The present block once more, where a number is not finite. */
static status fill_slowly(struct dataset *dataset, const struct row_blocks *blocks,
                          const struct scaler *scaler)
{
    const struct source_info *info = source_info(blocks->source);
    const struct dataset_shape *shape = &dataset->shape;
    const size_t end = blocks->begin + blocks->n, first = row_blocks_row(blocks, blocks->begin);
    const size_t span = row_blocks_row(blocks, end - 1) - first + 1;
    double *x = NULL;
    status outcome = memory_alloc(&x, span * (info->n_inputs + info->n_targets), sizeof *x,
                                  "a block of samples");
    double *y = outcome == STATUS_OK ? x + span * info->n_inputs : NULL;
    if (outcome == STATUS_OK)
        outcome = source_read(blocks->source, first, span, x, y);
    for (size_t i = blocks->begin; i < end && outcome == STATUS_OK; i++) {
        const size_t row = row_blocks_row(blocks, i);
        outcome =
            scale_row(info->path, x + (row - first) * info->n_inputs,
                      source_asked(blocks->source)->codes_gaps, scaler->x_mean, scaler->x_scale,
                      &info->input_names, shape->n_inputs, row, dataset->x + i * shape->n_inputs);
        if (outcome == STATUS_OK && shape->n_targets)
            outcome = scale_row(info->path, y + (row - first) * info->n_targets, false,
                                scaler->y_mean, scaler->y_scale, &info->target_names,
                                shape->n_targets, row, dataset->y + i * shape->n_targets);
    }
    memory_free(&x);
    return outcome;
}

/* The present block. */
static status fill_block(struct dataset *dataset, const struct row_blocks *blocks,
                         const struct scaler *scaler, const struct scaled_columns *x,
                         const struct scaled_columns *y)
{
    const size_t width = dataset->shape.n_inputs, n_targets = dataset->shape.n_targets;
    bool finite = true;
    bool fills = source_asked(blocks->source)->codes_gaps && blocks->x_type == HDF5_F64;
    for (size_t i = 0, n; i < blocks->n; i += n) {
        size_t at = blocks->begin + i;
        real *to = dataset->x + at * width;
        n = row_blocks_run(blocks, i);
        finite &=
            fills ? scaled_columns_fill(x, row_blocks_x(blocks, i), n * width, to)
                  : scaled_columns_apply(x, blocks->x_type, row_blocks_x(blocks, i), n * width, to);
        if (n_targets)
            finite &= scaled_columns_apply(y, blocks->y_type, row_blocks_y(blocks, i),
                                           n * n_targets, dataset->y + at * n_targets);
    }
    return finite ? STATUS_OK : fill_slowly(dataset, blocks, scaler);
}

status dataset_fill(struct dataset *dataset, struct source *source, const struct scaler *scaler,
                    const uint64_t *rows, size_t first)
{
    const struct source_info *info = source_info(source);
    const struct dataset_shape *shape = &dataset->shape;
    COTERIE_ASSERT(shape->n_inputs == info->n_inputs && scaler->n_inputs == info->n_inputs);
    COTERIE_ASSERT(!shape->n_targets ||
                   (shape->n_targets == info->n_targets && scaler->n_targets == info->n_targets));
    COTERIE_ASSERT(!shape->has_labels || info->label);
    COTERIE_ASSERT(!shape->has_weights || info->weight);
    struct row_blocks blocks;
    struct scaled_columns x = {0}, y = {0};
    status outcome = row_blocks_init(&blocks, source, rows, first, shape->n);
    if (outcome == STATUS_OK)
        outcome = scaled_columns_init(&x, shape->n_inputs, scaler->x_mean, scaler->x_scale);
    if (outcome == STATUS_OK)
        outcome = scaled_columns_init(&y, shape->n_targets, scaler->y_mean, scaler->y_scale);
    while (row_blocks_next(&blocks, &outcome))
        outcome = fill_block(dataset, &blocks, scaler, &x, &y);
    scaled_columns_release(&x);
    scaled_columns_release(&y);
    return outcome == STATUS_OK ? dataset_copy_labels(dataset, info, rows, first) : outcome;
}
