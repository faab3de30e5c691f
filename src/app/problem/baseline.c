/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/problem/baseline.h"

#include "base/memory.h"
#include "data/source/source_blocks.h"

#include <math.h>

/* What is added up over samples: one entry for each class or target. */
struct tally {
    const struct source_info *info;
    const uint64_t *rows; /* (n), ascending; NULL: the first n */
    size_t n, next;
    size_t width; /* targets */
    double weight;
    double *count; /* (classes or targets) weight of those with this class or largest target */
    double *above; /* (width) weight of those above 1/2 */
    double *mean, *square; /* (width) of the targets, and sum of squares about it */
};

static status tally_init(struct tally *tally, const struct source_info *info, const uint64_t *rows,
                         size_t n)
{
    size_t width = info->n_targets;
    *tally = (struct tally){.info = info, .rows = rows, .n = n, .width = width};
    struct {
        double **array;
        size_t n;
    } arrays[] = {{&tally->count, info->has_labels ? info->classes.n : width},
                  {&tally->above, width},
                  {&tally->mean, width},
                  {&tally->square, width}};
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

static void add_sample(void *context, size_t sample, const double *x, const double *y)
{
    struct tally *tally = context;
    const struct source_info *info = tally->info;
    (void)x;
    if (tally->next == tally->n || (tally->rows && tally->rows[tally->next] != sample))
        return;
    tally->next++;
    double weight = info->weight ? info->weight[sample] : 1;
    if (weight == 0)
        return;
    tally->weight += weight;
    if (info->has_labels)
        tally->count[info->label[sample]] += weight;
    else if (tally->width > 0)
        add_targets(tally, y, weight);
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
    status outcome = tally_init(&tally, info, rows, n);
    if (outcome == STATUS_OK)
        outcome = source_visit(source, true, add_sample, &tally);
    bool known = outcome == STATUS_OK && tally.weight > 0;
    if (known && config->has_accuracy && (info->has_labels || tally.width > 0))
        baseline->accuracy =
            accuracy(&tally, info->has_labels ? info->classes.n : tally.width,
                     !info->has_labels && output_functions[problem->model.output].decides_each);
    if (known && config->has_rmse && tally.width > 0) {
        double sum = 0;
        for (size_t k = 0; k < tally.width; k++)
            sum += tally.square[k] / tally.weight;
        baseline->rmse = sqrt(sum / (double)tally.width);
    }
    tally_release(&tally);
    return outcome;
}
