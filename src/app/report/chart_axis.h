/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_REPORT_CHART_AXIS_H
#define COTERIE_APP_REPORT_CHART_AXIS_H

#include <stdbool.h>
#include <stddef.h>

enum { CHART_TICKS = 8 };

struct chart_axis {
    const char *label;
    double least,
        most; /* chart_begin widens them to whole ticks where is_tidy, or if they are equal */
    bool is_log, is_tidy;
    size_t n_ticks;
    double tick[CHART_TICKS];
    char text[CHART_TICKS][24];
};

/*
 * Makes the range of an axis one that can be drawn, and chooses at most `most_ticks` round numbers
 * in it, with their texts. Local.
 */
void chart_axis_ticks(struct chart_axis *axis, size_t most_ticks);

/* Characters of the longest of the texts. */
size_t chart_axis_longest(const struct chart_axis *axis);

#endif
