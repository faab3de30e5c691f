/* SPDX-License-Identifier: BSD-3-Clause */
#include "chart_axis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A number that is neither too small to be told apart nor spoilt. */
static void mend_range(struct chart_axis *axis)
{
    if (!(axis->least <= axis->most)) { /* nothing finite was seen */
        axis->least = axis->is_log ? 1 : 0;
        axis->most = axis->is_log ? 10 : 1;
    }
    double middle = fmax(fabs(axis->least), fabs(axis->most));
    if (axis->most - axis->least <= 1e-9 * middle || axis->most == axis->least) {
        double half = middle > 0 ? 0.5 * middle : 0.5;
        axis->least -= half;
        axis->most += half;
    }
    if (axis->is_log && !(axis->least > 0))
        axis->is_log = false;
}

/* 1, 2 or 5 times a power of ten, at least `step`. */
static double round_step(double step)
{
    double power = pow(10, floor(log10(step)));
    double factor = step / power;
    return power * (factor <= 1.0001 ? 1 : factor <= 2.0001 ? 2 : factor <= 5.0001 ? 5 : 10);
}

static void add_tick(struct chart_axis *axis, double value, double step)
{
    if (axis->n_ticks == CHART_TICKS)
        return;
    double largest = fmax(fabs(axis->least), fabs(axis->most));
    int decimals = step >= 1 ? 0 : (int)ceil(-log10(step) - 1e-9);
    char *text = axis->text[axis->n_ticks];
    if (largest >= 1e6 || step < 1e-4)
        snprintf(text, sizeof axis->text[0], "%.4g", value);
    else
        snprintf(text, sizeof axis->text[0], "%.*f", decimals, value);
    axis->tick[axis->n_ticks++] = value;
}

static void linear_ticks(struct chart_axis *axis, size_t most_ticks)
{
    double step = round_step((axis->most - axis->least) / (double)(most_ticks - 1));
    if (axis->is_tidy) {
        axis->least = floor(axis->least / step + 1e-9) * step;
        axis->most = ceil(axis->most / step - 1e-9) * step;
    }
    double first = ceil(axis->least / step - 1e-9);
    for (size_t i = 0; (first + (double)i) * step <= axis->most + 1e-9 * step; i++)
        add_tick(axis, (first + (double)i) * step, step);
}

static void log_ticks(struct chart_axis *axis, size_t most_ticks)
{
    double first = floor(log10(axis->least) + 1e-9), last = ceil(log10(axis->most) - 1e-9);
    axis->least = pow(10, first);
    axis->most = pow(10, last);
    double step = ceil((last - first) / (double)(most_ticks - 1));
    size_t count = (size_t)((last - first) / fmax(step, 1)) + 1;
    for (size_t i = 0; i < count && axis->n_ticks < CHART_TICKS; i++) {
        double at = pow(10, first + (double)i * fmax(step, 1));
        axis->tick[axis->n_ticks] = at;
        snprintf(axis->text[axis->n_ticks++], sizeof axis->text[0], "%g", at);
    }
}

void chart_axis_ticks(struct chart_axis *axis, size_t most_ticks)
{
    axis->n_ticks = 0;
    mend_range(axis);
    if (axis->is_log)
        log_ticks(axis, most_ticks);
    else
        linear_ticks(axis, most_ticks);
}

size_t chart_axis_longest(const struct chart_axis *axis)
{
    size_t longest = 0;
    for (size_t i = 0; i < axis->n_ticks; i++)
        if (strlen(axis->text[i]) > longest)
            longest = strlen(axis->text[i]);
    return longest;
}
