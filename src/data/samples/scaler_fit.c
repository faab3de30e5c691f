/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/samples/scaler.h"

#include "base/memory.h"
#include "base/real.h"
#include "data/source/fingerprint.h"
#include "data/source/source_blocks.h"

#include <math.h>
#include <string.h>

/*
 * Means and squared deviations of columns (inputs, then targets if they are scaled) in one pass.
 * Sums of TOGETHER samples are taken about the mean of all before them, and put together as in
 * Chan, Golub & LeVeque, The American Statistician 37 (1983), (2.1): no digits are lost where the
 * mean is large, and it does not matter how samples lie in the file.
 */
enum { TOGETHER = 256 };

struct moments {
    size_t n_inputs, n;                /* columns */
    double *mean, *square;             /* of all samples but the last n_new: square, about mean */
    double *least, *largest;           /* of all */
    double *centre, *sum, *sum_square; /* of the last n_new, about centre */
    size_t n_old, n_new;
};

enum { N_ARRAYS = 7 };

static void list_arrays(struct moments *moments, double **array[N_ARRAYS])
{
    double **all[N_ARRAYS] = {&moments->mean,      &moments->square, &moments->least,
                              &moments->largest,   &moments->centre, &moments->sum,
                              &moments->sum_square};
    memcpy(array, all, sizeof all);
}

static void release_moments(struct moments *moments)
{
    double **array[N_ARRAYS];
    list_arrays(moments, array);
    for (int i = 0; i < N_ARRAYS; i++)
        memory_free(array[i]);
}

static status init_moments(struct moments *moments, size_t n_inputs, size_t n)
{
    *moments = (struct moments){.n_inputs = n_inputs, .n = n};
    double **array[N_ARRAYS];
    list_arrays(moments, array);
    status outcome = STATUS_OK;
    for (int i = 0; i < N_ARRAYS && outcome == STATUS_OK; i++)
        outcome = memory_alloc(array[i], n, sizeof(double), "the scaling");
    for (size_t c = 0; c < n && outcome == STATUS_OK; c++) {
        moments->least[c] = INFINITY;
        moments->largest[c] = -INFINITY;
    }
    return outcome;
}

LEAF_KERNEL static void add_row(struct moments *moments, size_t first, size_t width,
                                const double *restrict number)
{
    double *restrict sum = moments->sum + first, *restrict square = moments->sum_square + first;
    double *restrict least = moments->least + first, *restrict largest = moments->largest + first;
    const double *restrict centre = moments->centre + first;
#pragma omp simd
    for (size_t c = 0; c < width; c++) {
        double deviation = number[c] - centre[c];
        sum[c] += deviation;
        square[c] += deviation * deviation;
        least[c] = number[c] < least[c] ? number[c] : least[c];
        largest[c] = number[c] > largest[c] ? number[c] : largest[c];
    }
}

static void put_together(struct moments *moments)
{
    if (moments->n_new == 0)
        return;
    double old = (double)moments->n_old, new = (double)moments->n_new, all = old + new;
    for (size_t c = 0; c < moments->n; c++) {
        double shift = moments->sum[c] / new;
        double square = moments->sum_square[c] - shift * moments->sum[c];
        double distance = moments->centre[c] + shift - moments->mean[c];
        moments->mean[c] += distance * (new / all);
        moments->square[c] += square + distance * distance * (old * new / all);
    }
    moments->n_old += moments->n_new;
    moments->n_new = 0;
}

static void add_sample(struct moments *moments, const double *x, const double *y)
{
    const size_t n_inputs = moments->n_inputs, n_targets = moments->n - n_inputs;
    if (moments->n_new == 0) {
        size_t bytes = moments->n * sizeof(double);
        memset(moments->sum, 0, bytes);
        memset(moments->sum_square, 0, bytes);
        if (moments->n_old > 0) {
            memcpy(moments->centre, moments->mean, bytes);
        } else {
            memcpy(moments->centre, x, n_inputs * sizeof *x);
            memcpy(moments->centre + n_inputs, y, n_targets * sizeof *y);
        }
    }
    add_row(moments, 0, n_inputs, x);
    add_row(moments, n_inputs, n_targets, y);
    if (++moments->n_new == TOGETHER)
        put_together(moments);
}

/* All samples for the fingerprint, the chosen ones for the moments. */
struct survey {
    struct fingerprint print;
    struct moments moments;
    const uint64_t *rows; /* (n_rows), ascending */
    size_t n_rows, next;
};

static void survey_sample(void *context, size_t sample, const double *x, const double *y)
{
    struct survey *survey = context;
    fingerprint_add(&survey->print, x, y);
    if (survey->next == survey->n_rows || survey->rows[survey->next] != sample)
        return;
    add_sample(&survey->moments, x, y);
    survey->next++;
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
        scaler->is_constant[c] = moments->least[c] == moments->largest[c];
        if (scaler->is_constant[c]) {
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
                          size_t n_rows, bool scale_targets, uint64_t *fingerprint)
{
    struct survey survey = {.rows = rows, .n_rows = n_rows};
    status outcome = init_moments(&survey.moments, scaler->n_inputs,
                                  scaler->n_inputs + (scale_targets ? scaler->n_targets : 0));
    if (outcome == STATUS_OK)
        outcome = fingerprint_begin(&survey.print, source_info(source));
    if (outcome == STATUS_OK)
        outcome = source_visit(source, false, survey_sample, &survey);
    *fingerprint = fingerprint_end(&survey.print);
    put_together(&survey.moments);
    if (outcome == STATUS_OK)
        outcome = take_moments(scaler, source_info(source), &survey.moments, n_rows);
    release_moments(&survey.moments);
    return outcome;
}

status scaler_fit(struct scaler *scaler, struct source *source, const uint64_t *rows, size_t n_rows,
                  enum scaling scaling, double number, bool scale_targets, uint64_t *fingerprint)
{
    const struct source_info *info = source_info(source);
    status outcome = STATUS_OK;
    COTERIE_ASSERT(n_rows > 0);
    if (scaling == SCALING_NUMBER && (number == 0 || !isfinite(number)))
        return status_set(STATUS_USAGE, "--scale %g: inputs cannot be divided by that", number);
    outcome = scaler_init(scaler, info->n_inputs, info->n_targets);
    if (outcome == STATUS_OK && scaling == SCALING_STANDARD)
        outcome = standardise(scaler, source, rows, n_rows, scale_targets, fingerprint);
    else if (outcome == STATUS_OK)
        outcome = source_fingerprint(source, fingerprint);
    for (size_t c = 0; c < scaler->n_inputs && outcome == STATUS_OK && scaling == SCALING_NUMBER;
         c++)
        scaler->x_scale[c] = number;
    if (outcome != STATUS_OK)
        scaler_release(scaler);
    return outcome;
}
