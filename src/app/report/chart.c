/* SPDX-License-Identifier: BSD-3-Clause */
#include "chart.h"

#include "page.h"

#include <math.h>
#include <string.h>

/* The picture, in units that are pixels on a telephone; letters of 11 are about 6.6 wide. */
enum { WIDTH = 360, HEIGHT = 240 };
static const double letter = 6.6;

void chart_range(size_t n, const double *numbers, double *least, double *most)
{
    for (size_t i = 0; i < n; i++)
        if (isfinite(numbers[i])) {
            *least = fmin(*least, numbers[i]);
            *most = fmax(*most, numbers[i]);
        }
}

static double place(const struct chart_axis *axis, double value)
{
    return axis->is_log ? log(value / axis->least) / log(axis->most / axis->least)
                        : (value - axis->least) / (axis->most - axis->least);
}

double chart_at_x(const struct chart *chart, double x)
{
    return chart->left + place(&chart->x, x) * (chart->right - chart->left);
}

double chart_at_y(const struct chart *chart, double y)
{
    return chart->bottom - place(&chart->y, y) * (chart->bottom - chart->top);
}

/* The first characters of a text, as many as fit, with an ellipsis where some are missing. */
static void put_fitting(FILE *page, const char *text, double width)
{
    char cut[256];
    size_t used = 0;
    double at = 0;
    while (text[used] && used + 5 < sizeof cut) {
        size_t next = used + 1;
        while (((unsigned char)text[next] & 0xc0) == 0x80)
            next++;
        at += next - used > 2 ? 2 * letter : letter; /* Chinese, say, is wide */
        if (at > width || next + 4 > sizeof cut)
            break;
        used = next;
    }
    memcpy(cut, text, used);
    memcpy(cut + used, text[used] ? "…" : "", text[used] ? sizeof "…" : 1);
    page_text(page, cut);
}

static void draw_x_axis(const struct chart *chart)
{
    FILE *page = chart->page;
    for (size_t i = 0; i < chart->x.n_ticks; i++) {
        double x = chart_at_x(chart, chart->x.tick[i]);
        page_raw(page, "<path class=\"tick\" d=\"M%.1f %.1fv4\"/>", x, chart->bottom);
        /* The last one may reach beyond the picture. */
        double end = x + 0.6 * letter * (double)strlen(chart->x.text[i]);
        bool fits = end < WIDTH;
        page_raw(page, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", fits ? x : WIDTH - 1,
                 chart->bottom + 16, fits ? "mid" : "end");
        page_text(page, chart->x.text[i]);
        page_raw(page, "</text>\n");
    }
    page_raw(page, "<text x=\"%.1f\" y=\"%d\" class=\"mid label\">",
             0.5 * (chart->left + chart->right), HEIGHT - 6);
    put_fitting(page, chart->x.label, chart->right - chart->left);
    page_raw(page, "</text>\n");
}

static void draw_y_axis(const struct chart *chart)
{
    FILE *page = chart->page;
    for (size_t i = 0; i < chart->y.n_ticks; i++) {
        double y = chart_at_y(chart, chart->y.tick[i]);
        page_raw(page, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>", chart->left, y,
                 chart->right);
        page_raw(page, "<text x=\"%.1f\" y=\"%.1f\" class=\"end\">", chart->left - 5, y + 4);
        page_text(page, chart->y.text[i]);
        page_raw(page, "</text>\n");
    }
    page_raw(page, "<text x=\"4\" y=\"13\" class=\"label\">");
    put_fitting(page, chart->y.label, WIDTH - 8);
    page_raw(page, "</text>\n");
}

/* Fewer ticks until their texts lie apart. */
static void choose_x_ticks(struct chart *chart)
{
    struct chart_axis asked = chart->x;
    for (size_t most = 7; most >= 2; most--) {
        chart->x = asked;
        chart_axis_ticks(&chart->x, most);
        double room = (chart->right - chart->left) / (double)(chart->x.n_ticks + 1);
        if ((double)chart_axis_longest(&chart->x) * letter + 8 < room)
            return;
    }
}

void chart_begin(struct chart *chart)
{
    FILE *page = chart->page;
    chart_axis_ticks(&chart->y, 6);
    chart->top = 26;
    chart->bottom = HEIGHT - 40;
    chart->left = 12 + letter * (double)chart_axis_longest(&chart->y);
    chart->right = WIDTH - 16;
    choose_x_ticks(chart);
    page_raw(page, "<figure>\n<svg viewBox=\"0 0 %d %d\" role=\"img\" ", WIDTH, HEIGHT);
    page_raw(page, "aria-labelledby=\"%s-t %s-d\">\n<title id=\"%s-t\">", chart->name, chart->name,
             chart->name);
    page_text(page, chart->title);
    page_raw(page, "</title>\n<desc id=\"%s-d\">", chart->name);
    page_text(page, chart->description);
    page_raw(page, "</desc>\n");
    draw_y_axis(chart);
    draw_x_axis(chart);
    page_raw(page, "<path class=\"axis\" d=\"M%.1f %.1fV%.1fH%.1f\"/>\n", chart->left, chart->top,
             chart->bottom, chart->right);
}

static bool is_inside(const struct chart *chart, double x, double y)
{
    return isfinite(x) && isfinite(y) && x >= chart->x.least && x <= chart->x.most &&
           y >= chart->y.least && y <= chart->y.most;
}

void chart_line(struct chart *chart, size_t series, size_t n, const double *x, const double *y)
{
    bool is_open = false;
    for (size_t i = 0; i < n; i++) {
        bool is_drawn = is_inside(chart, x[i], y[i]);
        if (is_drawn && !is_open)
            page_raw(chart->page, "<polyline class=\"line s%zu\" points=\"", series);
        if (is_drawn)
            page_raw(chart->page, "%.1f,%.1f ", chart_at_x(chart, x[i]), chart_at_y(chart, y[i]));
        else if (is_open)
            page_raw(chart->page, "\"/>\n");
        is_open = is_drawn;
    }
    if (is_open)
        page_raw(chart->page, "\"/>\n");
}

void chart_dots(struct chart *chart, const char *css_class, size_t n, const double *x,
                const double *y)
{
    page_raw(chart->page, "<path class=\"dots %s\" d=\"", css_class);
    for (size_t i = 0; i < n; i++)
        if (is_inside(chart, x[i], y[i]))
            page_raw(chart->page, "M%.1f %.1fh0", chart_at_x(chart, x[i]), chart_at_y(chart, y[i]));
    page_raw(chart->page, "\"/>\n");
}

void chart_box(struct chart *chart, const char *css_class, double x0, double y0, double x1,
               double y1)
{
    double left = chart_at_x(chart, x0), right = chart_at_x(chart, x1);
    double top = chart_at_y(chart, y1), bottom = chart_at_y(chart, y0);
    page_raw(chart->page,
             "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
             css_class, left, top, right - left, bottom - top);
}

void chart_guide(struct chart *chart, double x0, double y0, double x1, double y1)
{
    page_raw(chart->page, "<path class=\"guide\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n",
             chart_at_x(chart, x0), chart_at_y(chart, y0), chart_at_x(chart, x1),
             chart_at_y(chart, y1));
}

void chart_word(struct chart *chart, double x, double y, const char *text)
{
    page_raw(chart->page, "<text class=\"mid word\" x=\"%.1f\" y=\"%.1f\">", chart_at_x(chart, x),
             chart_at_y(chart, y) + 4);
    page_text(chart->page, text);
    page_raw(chart->page, "</text>\n");
}

void chart_legend(struct chart *chart, size_t n, const char *const *names, bool are_areas)
{
    FILE *page = chart->page;
    page_raw(page, "</svg>\n");
    if (n > 0)
        page_raw(page, "<ul class=\"legend\">");
    for (size_t i = 0; i < n; i++) {
        page_raw(page, "<li><svg viewBox=\"0 0 28 10\" aria-hidden=\"true\">");
        if (are_areas)
            page_raw(page, "<rect class=\"area a%zu\" width=\"28\" height=\"10\"/></svg> ", i);
        else
            page_raw(page, "<path class=\"line s%zu\" d=\"M0 5H28\"/></svg> ", i);
        page_text(page, names[i]);
        page_raw(page, "</li>\n");
    }
    if (n > 0)
        page_raw(page, "</ul>\n");
    page_raw(page, "<figcaption>");
    page_text(page, chart->title);
    page_raw(page, ". ");
    page_text(page, chart->description);
    page_raw(page, "</figcaption>\n");
}

void chart_end(struct chart *chart)
{
    page_raw(chart->page, "</figure>\n");
}
