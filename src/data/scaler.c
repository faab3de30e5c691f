#include "coterie/data/scaler.h"

#include "coterie/base/memory.h"
#include "coterie/base/real.h"
#include "row_blocks.h"

#include <math.h>
#include <string.h>

status scaler_init(struct scaler *scaler, size_t n_inputs, size_t n_targets)
{
    memset(scaler, 0, sizeof *scaler);
    scaler->n_inputs = n_inputs;
    scaler->n_targets = n_targets;
    double **array[4] = {&scaler->x_mean, &scaler->x_scale, &scaler->y_mean, &scaler->y_scale};
    size_t length[4] = {n_inputs, n_inputs, n_targets, n_targets};
    status outcome = STATUS_OK;
    for (int i = 0; i < 4 && outcome == STATUS_OK; i++)
        outcome = memory_alloc(array[i], length[i], sizeof(double), "the scaling");
    if (outcome != STATUS_OK) {
        scaler_release(scaler);
        return outcome;
    }
    for (size_t c = 0; c < n_inputs; c++)
        scaler->x_scale[c] = 1;
    for (size_t c = 0; c < n_targets; c++)
        scaler->y_scale[c] = 1;
    return STATUS_OK;
}

void scaler_release(struct scaler *scaler)
{
    memory_free(&scaler->x_mean);
    memory_free(&scaler->x_scale);
    memory_free(&scaler->y_mean);
    memory_free(&scaler->y_scale);
    scaler->n_inputs = scaler->n_targets = 0;
}

/* Columns of the inputs, then (where they are scaled) of the targets. */
struct moments {
    size_t n_inputs, n; /* columns */
    double *sum, *mean, *square, *least, *largest;
};

/* What a pass adds for n rows of `width` numbers, the columns from `first` on. */
typedef void add_rows(struct moments *moments, size_t first, size_t width, const double *number,
                      size_t n);

LEAF_KERNEL static void add_sums(struct moments *moments, size_t first, size_t width,
                                 const double *restrict number, size_t n)
{
    double *restrict sum = moments->sum + first, *restrict least = moments->least + first;
    double *restrict largest = moments->largest + first;
    for (size_t i = 0; i < n; i++, number += width)
#pragma omp simd
        for (size_t c = 0; c < width; c++) {
            sum[c] += number[c];
            least[c] = number[c] < least[c] ? number[c] : least[c];
            largest[c] = number[c] > largest[c] ? number[c] : largest[c];
        }
}

LEAF_KERNEL static void add_squares(struct moments *moments, size_t first, size_t width,
                                    const double *restrict number, size_t n)
{
    const double *restrict mean = moments->mean + first;
    double *restrict square = moments->square + first;
    for (size_t i = 0; i < n; i++, number += width)
#pragma omp simd
        for (size_t c = 0; c < width; c++) {
            double deviation = number[c] - mean[c];
            square[c] += deviation * deviation;
        }
}

static status pass_over(struct moments *moments, add_rows *add, struct source *source,
                        const uint64_t *rows, size_t n_rows)
{
    struct row_blocks blocks;
    const size_t n_inputs = moments->n_inputs, n_targets = moments->n - n_inputs;
    status outcome = row_blocks_init(&blocks, source, ROWS_AS_DOUBLE, rows, n_rows);
    while (row_blocks_next(&blocks, &outcome))
        for (size_t i = 0, n; i < blocks.n; i += n) {
            n = row_blocks_run(&blocks, i);
            add(moments, 0, n_inputs, row_blocks_x(&blocks, i), n);
            if (n_targets)
                add(moments, n_inputs, n_targets, row_blocks_y(&blocks, i), n);
        }
    return outcome;
}

static status take_moments(struct scaler *scaler, const struct source_info *info,
                           const struct moments *moments, size_t n_rows)
{
    for (size_t c = 0; c < moments->n; c++) {
        bool is_input = c < moments->n_inputs;
        size_t place = is_input ? c : c - moments->n_inputs;
        double mean = moments->mean[c];
        double scale = sqrt(moments->square[c] / (double)n_rows);
        /* Rounding gives even a constant column a tiny deviation, which would blow it up. */
        if (moments->least[c] == moments->largest[c]) {
            mean = moments->least[c];
            scale = 1;
        }
        if (!isfinite(mean) || !isfinite(scale) || scale == 0)
            return status_set(STATUS_USAGE,
                              "column '%s': its numbers, %g to %g, are too large or too close "
                              "together to be standardised; rescale them or use --scale none",
                              is_input ? info->input_names.item[place]
                                       : info->target_names.item[place],
                              moments->least[c], moments->largest[c]);
        (is_input ? scaler->x_mean : scaler->y_mean)[place] = mean;
        (is_input ? scaler->x_scale : scaler->y_scale)[place] = scale;
    }
    return STATUS_OK;
}

static status standardise(struct scaler *scaler, struct source *source, const uint64_t *rows,
                          size_t n_rows, bool scale_targets)
{
    struct moments moments = {.n_inputs = scaler->n_inputs,
                              .n = scaler->n_inputs + (scale_targets ? scaler->n_targets : 0)};
    double **array[5] = {&moments.sum, &moments.mean, &moments.square, &moments.least,
                         &moments.largest};
    status outcome = STATUS_OK;
    for (int i = 0; i < 5 && outcome == STATUS_OK; i++)
        outcome = memory_alloc(array[i], moments.n, sizeof(double), "the scaling");
    for (size_t c = 0; c < moments.n && outcome == STATUS_OK; c++) {
        moments.least[c] = INFINITY;
        moments.largest[c] = -INFINITY;
    }
    if (outcome == STATUS_OK)
        outcome = pass_over(&moments, add_sums, source, rows, n_rows);
    for (size_t c = 0; c < moments.n && outcome == STATUS_OK; c++)
        moments.mean[c] = moments.sum[c] / (double)n_rows;
    if (outcome == STATUS_OK)
        outcome = pass_over(&moments, add_squares, source, rows, n_rows);
    if (outcome == STATUS_OK)
        outcome = take_moments(scaler, source_info(source), &moments, n_rows);
    for (int i = 0; i < 5; i++)
        memory_free(array[i]);
    return outcome;
}

status scaler_fit(struct scaler *scaler, struct source *source, const uint64_t *rows, size_t n_rows,
                  enum scaling scaling, double number, bool scale_targets)
{
    const struct source_info *info = source_info(source);
    status outcome = STATUS_OK;
    COTERIE_ASSERT(n_rows > 0);
    if (scaling == SCALING_NUMBER && (number == 0 || !isfinite(number)))
        return status_set(STATUS_USAGE, "--scale %g: inputs cannot be divided by that", number);
    outcome = scaler_init(scaler, info->n_inputs, info->n_targets);
    if (outcome == STATUS_OK && scaling == SCALING_STANDARD)
        outcome = standardise(scaler, source, rows, n_rows, scale_targets);
    for (size_t c = 0; c < scaler->n_inputs && outcome == STATUS_OK && scaling == SCALING_NUMBER;
         c++)
        scaler->x_scale[c] = number;
    if (outcome != STATUS_OK)
        scaler_release(scaler);
    return outcome;
}
