#include "coterie/data/dataset.h"

#include "coterie/base/memory.h"
#include "row_blocks.h"

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
    dataset->x = place_array(block, &offset, shape->n, shape->n_inputs, sizeof(real));
    dataset->y = place_array(block, &offset, shape->n, shape->n_targets, sizeof(real));
    dataset->label = place_array(block, &offset, shape->n, shape->has_labels, sizeof(int32_t));
    dataset->weight = place_array(block, &offset, shape->n, shape->has_weights, sizeof(real));
}

static status too_large(const char *path, const char *column, uint64_t row, double value)
{
    return status_set(STATUS_USAGE,
                      "%s, column '%s', row %llu (from 0): %g is too large for " REAL_NAME
                      " after scaling; use --scale standard%s",
                      path, column, (unsigned long long)row, value,
                      sizeof(real) == sizeof(double) ? "" : " or the program coterie_d");
}

/* False if a result is not finite: its difference from itself is not 0 then. */
LEAF_KERNEL static bool scale_values(const double *from, const double *mean, const double *scale,
                                     size_t n, real *to)
{
    real sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t c = 0; c < n; c++) {
        real scaled = (real)((from[c] - mean[c]) / scale[c]);
        to[c] = scaled;
        sum += scaled - scaled;
    }
    return sum == 0;
}

static status scale_row(const char *path, const double *from, const double *mean,
                        const double *scale, const struct string_list *names, size_t n,
                        uint64_t row, real *to)
{
    if (scale_values(from, mean, scale, n, to))
        return STATUS_OK;
    size_t c = 0;
    while (isfinite(to[c]))
        c++;
    return too_large(path, names->item[c], row, from[c]);
}

/* Labels and weights are in memory already. */
status dataset_copy_labels(struct dataset *dataset, const struct source_info *info,
                           const uint64_t *rows)
{
    double sum = 0;
    for (size_t i = 0; dataset->label && i < dataset->shape.n; i++)
        dataset->label[i] = info->label[rows ? rows[i] : i];
    if (!dataset->weight)
        return STATUS_OK;
    for (size_t i = 0; i < dataset->shape.n; i++) {
        size_t row = rows ? (size_t)rows[i] : i;
        dataset->weight[i] = (real)info->weight[row];
        sum += (double)dataset->weight[i];
        if (!isfinite(dataset->weight[i]))
            return too_large(info->path, "weight", row, info->weight[row]);
    }
    return sum > 0 ? STATUS_OK
                   : status_set(STATUS_USAGE, "%s: the weights of all %zu samples chosen are 0",
                                info->path, dataset->shape.n);
}

status dataset_fill(struct dataset *dataset, struct source *source, const struct scaler *scaler,
                    const uint64_t *rows)
{
    const struct source_info *info = source_info(source);
    const struct dataset_shape *shape = &dataset->shape;
    COTERIE_ASSERT(shape->n_inputs == info->n_inputs && scaler->n_inputs == info->n_inputs);
    COTERIE_ASSERT(!shape->n_targets ||
                   (shape->n_targets == info->n_targets && scaler->n_targets == info->n_targets));
    COTERIE_ASSERT(!shape->has_labels || info->label);
    COTERIE_ASSERT(!shape->has_weights || info->weight);
    struct row_blocks blocks;
    status outcome = row_blocks_init(&blocks, source, rows, shape->n);
    while (row_blocks_next(&blocks, &outcome))
        for (size_t i = 0; i < blocks.n && outcome == STATUS_OK; i++) {
            size_t at = blocks.begin + i;
            outcome = scale_row(info->path, row_blocks_x(&blocks, i), scaler->x_mean,
                                scaler->x_scale, &info->input_names, shape->n_inputs, rows[at],
                                dataset->x + at * shape->n_inputs);
            if (outcome == STATUS_OK && shape->n_targets)
                outcome = scale_row(info->path, row_blocks_y(&blocks, i), scaler->y_mean,
                                    scaler->y_scale, &info->target_names, shape->n_targets,
                                    rows[at], dataset->y + at * shape->n_targets);
        }
    row_blocks_release(&blocks);
    return outcome == STATUS_OK ? dataset_copy_labels(dataset, info, rows) : outcome;
}
