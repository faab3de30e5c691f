/* SPDX-License-Identifier: BSD-3-Clause */
#include "train/step/schedule.h"

#include <math.h>

double schedule_factor(const struct schedule *schedule, uint64_t epoch, uint64_t epochs)
{
    switch (schedule->kind) {
    case SCHEDULE_COSINE:
        return epochs > 0 ? 0.5 * (1 + cos(3.14159265358979323846 * (double)epoch / (double)epochs))
                          : 1;
    case SCHEDULE_STEP:
        return pow(schedule->factor, floor((double)epoch / (double)schedule->every));
    case SCHEDULE_EXPONENTIAL:
        return pow(schedule->factor, (double)epoch);
    case SCHEDULE_WARMUP:
        return epoch < schedule->every ? (double)(epoch + 1) / (double)schedule->every : 1;
    case SCHEDULE_CONSTANT:
        break;
    }
    return 1;
}

double anneal_beta(const struct anneal *anneal, uint64_t epoch)
{
    if (anneal->from == 1 || epoch >= anneal->epochs)
        return 1;
    return pow(anneal->from, 1 - (double)epoch / (double)anneal->epochs);
}
