/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_REPORT_CHART_H
#define COTERIE_APP_REPORT_CHART_H

#include "chart_axis.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * A figure with two axes, as SVG in a page: <figure> with a title and a description for those who
 * do not see it, and a legend below. Colours, dashes and fonts are those of report.css; series k
 * has the class s<k>, and its own dashes besides its colour. All functions are Local.
 */
enum { CHART_SERIES = 7 };

struct chart {
    FILE *page;
    const char *name;                /* a word for ids, unique in the page */
    const char *title, *description; /* texts: what it shows; what is to be seen in it */
    struct chart_axis x, y;
    double left, right, top, bottom; /* of the area of the data, in units of the picture */
};

/* Draws the frame. The members of the caller: page, name, title, description, and of the axes
 * label, least, most, is_log, is_tidy. */
void chart_begin(struct chart *chart);
/* A line through n points; it breaks where a number is not finite. */
void chart_line(struct chart *chart, size_t series, size_t n, const double *x, const double *y);
/* Dots; those that are not finite or outside are left out. */
void chart_dots(struct chart *chart, const char *css_class, size_t n, const double *x,
                const double *y);
/* A rectangle between two corners, with a class of the style. */
void chart_box(struct chart *chart, const char *css_class, double x0, double y0, double x1,
               double y1);
/* A thin line from edge to edge: of the same height, or what would be perfect. */
void chart_guide(struct chart *chart, double x0, double y0, double x1, double y1);
/* A word in the area of the data, centred. */
void chart_word(struct chart *chart, double x, double y, const char *text);
/*
 * Ends the picture, and lists the n series below it by name (n 0: no legend). `are_areas`: they are
 * areas, not lines. The figure stays open for more, until chart_end.
 */
void chart_legend(struct chart *chart, size_t n, const char *const *names, bool are_areas);
void chart_end(struct chart *chart);

/* Where numbers lie in the picture; for what must not lie on each other. */
double chart_at_x(const struct chart *chart, double x);
double chart_at_y(const struct chart *chart, double y);

/* Widens least .. most by the finite ones of n numbers (begin with INFINITY, -INFINITY). */
void chart_range(size_t n, const double *numbers, double *least, double *most);

#endif
