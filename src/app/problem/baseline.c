/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/problem/baseline.h"

#include "base/memory.h"

#include <math.h>

/* What is added up over samples: one entry for each class or target. */
struct tally {
    size_t width; /* targets */
    double weight;
    double *count; /* (classes or targets) weight of those with this class or largest target */
    double *above; /* (width) weight of those above 1/2 */
    double *mean, *square; /* (width) of the targets, and sum of squares about it */
    double *block;         /* targets on their way */
};

enum { BLOCK = 4096 };

static status tally_init(struct tally *tally, const struct source_info *info)
{
    size_t width = info->n_targets;
    *tally = (struct tally){.width = width};
    struct {
        double **array;
        size_t n;
    } arrays[] = {{&tally->count, info->has_labels ? info->classes.n : width},
                  {&tally->above, width},
                  {&tally->mean, width},
                  {&tally->square, width},
                  {&tally->block, BLOCK * width}};
    status outcome = STATUS_OK;
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0] && outcome == STATUS_OK; i++)
        outcome = memory_alloc(arrays[i].array, arrays[i].n, sizeof(double), "the baseline");
    return outcome;
}

static void tally_release(struct tally *tally)
{
    memory_free(&tally->count);
    memory_free(&tally->above);
    memory_free(&tally->mean);
    memory_free(&tally->square);
    memory_free(&tally->block);
}

/* Mean and squares as West 1979 adds them up. */
static void add_targets(struct tally *tally, const double *y, double weight)
{
    size_t largest = 0;
    for (size_t k = 0; k < tally->width; k++) {
        double before = y[k] - tally->mean[k];
        tally->mean[k] += weight / tally->weight * before;
        tally->square[k] += weight * before * (y[k] - tally->mean[k]);
        tally->above[k] += y[k] > 0.5 ? weight : 0;
        largest = y[k] > y[largest] ? k : largest;
    }
    tally->count[largest] += weight;
}

static status add_samples(struct tally *tally, struct source *source, const uint64_t *rows,
                          size_t n)
{
    const struct source_info *info = source_info(source);
    size_t first = 0, end = 0; /* of the block */
    status outcome = STATUS_OK;
    for (size_t i = 0; i < n && outcome == STATUS_OK; i++) {
        size_t row = rows ? rows[i] : i;
        double weight = info->weight ? info->weight[row] : 1;
        if (row >= end && tally->width > 0) {
            first = row;
            end = info->n - first < BLOCK ? info->n : first + BLOCK;
            outcome = source_read(source, first, end - first, NULL, tally->block);
        }
        if (outcome != STATUS_OK || weight == 0)
            continue;
        tally->weight += weight;
        if (info->has_labels)
            tally->count[info->label[row]] += weight;
        else if (tally->width > 0)
            add_targets(tally, tally->block + (row - first) * tally->width, weight);
    }
    return outcome;
}

static double accuracy(const struct tally *tally, size_t n_classes, bool each_output)
{
    double most = 0;
    for (size_t c = 0; c < n_classes && !each_output; c++)
        most = fmax(most, tally->count[c]);
    for (size_t k = 0; k < tally->width && each_output; k++)
        most += fmax(tally->above[k], tally->weight - tally->above[k]) / (double)tally->width;
    return most / tally->weight;
}

status baseline_measure(struct source *source, const uint64_t *rows, size_t n,
                        const struct problem *problem, const struct metrics_config *config,
                        struct baseline *baseline)
{
    const struct source_info *info = source_info(source);
    struct tally tally;
    *baseline = (struct baseline){NAN, NAN};
    status outcome = tally_init(&tally, info);
    if (outcome == STATUS_OK)
        outcome = add_samples(&tally, source, rows, n);
    bool known = outcome == STATUS_OK && tally.weight > 0;
    if (known && config->has_accuracy && (info->has_labels || tally.width > 0))
        baseline->accuracy =
            accuracy(&tally, info->has_labels ? info->classes.n : tally.width,
                     !info->has_labels && problem->model.output == OUTPUT_LOGISTIC);
    if (known && config->has_rmse && tally.width > 0) {
        double sum = 0;
        for (size_t k = 0; k < tally.width; k++)
            sum += tally.square[k] / tally.weight;
        baseline->rmse = sqrt(sum / (double)tally.width);
    }
    tally_release(&tally);
    return outcome;
}
