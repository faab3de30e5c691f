/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/samples/data_survey.h"

#include "base/memory.h"
#include "base/real.h"
#include "data/source/fingerprint.h"
#include "data/source/source_blocks.h"

#include <math.h>
#include <string.h>

/*
 * Means and squared deviations of columns (inputs, then targets) in one pass.
 * Sums of TOGETHER samples are taken about the mean of all before them, and put together as in
 * Chan, Golub & LeVeque, The American Statistician 37 (1983), (2.1): no digits are lost where the
 * mean is large, and it does not matter how samples lie in the file.
 */
enum { TOGETHER = 256 };

enum { N_ARRAYS = 7 };

static void list_arrays(struct survey_moments *moments, double **array[N_ARRAYS])
{
    double **all[N_ARRAYS] = {&moments->mean,      &moments->square, &moments->least,
                              &moments->largest,   &moments->centre, &moments->sum,
                              &moments->sum_square};
    memcpy(array, all, sizeof all);
}

static void release_moments(struct survey_moments *moments)
{
    double **array[N_ARRAYS];
    list_arrays(moments, array);
    for (int i = 0; i < N_ARRAYS; i++)
        memory_free(array[i]);
    memory_free(&moments->gaps_old);
    memory_free(&moments->gaps_new);
}

static status init_moments(struct survey_moments *moments, size_t n_inputs, size_t n)
{
    *moments = (struct survey_moments){.n_inputs = n_inputs, .n = n};
    double **array[N_ARRAYS];
    list_arrays(moments, array);
    status outcome = STATUS_OK;
    for (int i = 0; i < N_ARRAYS && outcome == STATUS_OK; i++)
        outcome = memory_alloc(array[i], n, sizeof(double), "statistics of the data");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&moments->gaps_old, n, sizeof(size_t), "statistics of the data");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&moments->gaps_new, n, sizeof(size_t), "statistics of the data");
    for (size_t c = 0; c < n && outcome == STATUS_OK; c++) {
        moments->least[c] = INFINITY;
        moments->largest[c] = -INFINITY;
    }
    return outcome;
}

LEAF_KERNEL static void add_row(struct survey_moments *moments, size_t first, size_t width,
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

/* A number less itself is 0, but for NAN; those that are infinite have been refused. */
LEAF_KERNEL static bool are_all_there(size_t n, const double *number)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += number[i] - number[i];
    return sum == 0;
}

/* Numbers that are missing say nothing; the first one that is there may be the centre. */
static void add_row_with_gaps(struct survey_moments *moments, size_t first, size_t width,
                              const double *number)
{
    for (size_t i = 0; i < width; i++) {
        size_t c = first + i;
        if (isnan(number[i])) {
            moments->gaps_new[c]++;
            continue;
        }
        if (isnan(moments->centre[c]))
            moments->centre[c] = number[i];
        double deviation = number[i] - moments->centre[c];
        moments->sum[c] += deviation;
        moments->sum_square[c] += deviation * deviation;
        moments->least[c] = fmin(moments->least[c], number[i]);
        moments->largest[c] = fmax(moments->largest[c], number[i]);
    }
}

static void put_together(struct survey_moments *moments)
{
    if (moments->n_new == 0)
        return;
    for (size_t c = 0; c < moments->n; c++) {
        double old = (double)(moments->n_old - moments->gaps_old[c]);
        double new = (double)(moments->n_new - moments->gaps_new[c]), all = old + new;
        moments->gaps_old[c] += moments->gaps_new[c];
        moments->gaps_new[c] = 0;
        if (new == 0)
            continue;
        double shift = moments->sum[c] / new;
        double square = moments->sum_square[c] - shift * moments->sum[c];
        double distance = moments->centre[c] + shift - moments->mean[c];
        moments->mean[c] += distance * (new / all);
        moments->square[c] += square + distance * distance * (old * new / all);
    }
    moments->n_old += moments->n_new;
    moments->n_new = 0;
}

static void add_sample(struct survey_moments *moments, const double *x, const double *y)
{
    const size_t n_inputs = moments->n_inputs, n_targets = moments->n - n_inputs;
    if (moments->n_new == 0) {
        size_t bytes = moments->n * sizeof(double);
        memset(moments->sum, 0, bytes);
        memset(moments->sum_square, 0, bytes);
        if (moments->n_old > 0) {
            memcpy(moments->centre, moments->mean, bytes);
            for (size_t c = 0; c < moments->n && moments->lacks_centre; c++)
                if (moments->gaps_old[c] == moments->n_old)
                    moments->centre[c] = NAN;
        } else {
            memcpy(moments->centre, x, n_inputs * sizeof *x);
            memcpy(moments->centre + n_inputs, y, n_targets * sizeof *y);
        }
        moments->lacks_centre = !are_all_there(n_inputs, moments->centre);
    }
    if (moments->may_have_gaps && (moments->lacks_centre || !are_all_there(n_inputs, x)))
        add_row_with_gaps(moments, 0, n_inputs, x);
    else
        add_row(moments, 0, n_inputs, x);
    add_row(moments, n_inputs, n_targets, y);
    if (++moments->n_new == TOGETHER)
        put_together(moments);
}

/* The pass: all samples for fingerprint and facts, the chosen ones for the moments. */
struct pass {
    struct data_survey *survey;
    struct fingerprint print;
    const bool *incomplete; /* (all samples) or NULL */
    const uint64_t *rows;   /* (n_rows), ascending */
    size_t n_rows, next;
};

/* Counts up to 2^24 are exact as float, too. */
static bool is_count(double y)
{
    return y >= 0 && y <= 0x1p24 && y == floor(y);
}

static bool is_positive(double y)
{
    return y > 0;
}

static void note_exception(bool (*is_good)(double y), size_t sample, size_t width, const double *y,
                           struct target_exceptions *exceptions)
{
    for (size_t k = 0; k < width; k++) {
        if (is_good(y[k]))
            continue;
        if (exceptions->n++ == 0) {
            exceptions->first = sample;
            exceptions->target = y[k];
        }
        return;
    }
}

static void add_target(struct target_facts *facts, size_t width, const double *y)
{
    double total = 0;
    for (size_t k = 0; k < width; k++) {
        facts->least = fmin(facts->least, y[k]);
        facts->most = fmax(facts->most, y[k]);
        facts->are_binary = facts->are_binary && (y[k] == 0 || y[k] == 1);
        facts->are_whole = facts->are_whole && y[k] == floor(y[k]);
        total += y[k];
    }
    if (fabs(total - 1) > 1e-4)
        facts->rows_sum_to_1 = false;
}

static void see_sample(void *context, size_t sample, const double *x, const double *y)
{
    struct pass *pass = context;
    struct survey_moments *moments = &pass->survey->moments;
    fingerprint_add(&pass->print, x, y);
    if (pass->incomplete && pass->incomplete[sample])
        return;
    add_target(&pass->survey->targets, moments->n - moments->n_inputs, y);
    note_exception(is_count, sample, moments->n - moments->n_inputs, y,
                   &pass->survey->targets.no_counts);
    note_exception(is_positive, sample, moments->n - moments->n_inputs, y,
                   &pass->survey->targets.no_positive);
    if (pass->next == pass->n_rows || pass->rows[pass->next] != sample)
        return;
    add_sample(moments, x, y);
    pass->next++;
}

status data_survey_take(struct data_survey *survey, struct source *source, const uint64_t *rows,
                        size_t n_rows)
{
    const struct source_info *info = source_info(source);
    struct pass pass = {
        .survey = survey, .incomplete = info->incomplete, .rows = rows, .n_rows = n_rows};
    *survey = (struct data_survey){.targets = {.least = INFINITY,
                                               .most = -INFINITY,
                                               .are_binary = true,
                                               .are_whole = true,
                                               .rows_sum_to_1 = true}};
    status outcome =
        init_moments(&survey->moments, info->n_inputs, info->n_inputs + info->n_targets);
    survey->moments.may_have_gaps = source_asked(source)->codes_gaps;
    if (outcome == STATUS_OK)
        outcome = fingerprint_begin(&pass.print, info);
    if (outcome == STATUS_OK)
        outcome = source_visit(source, false, see_sample, &pass);
    survey->fingerprint = fingerprint_end(&pass.print);
    put_together(&survey->moments);
    return outcome;
}

void data_survey_release(struct data_survey *survey)
{
    release_moments(&survey->moments);
}
