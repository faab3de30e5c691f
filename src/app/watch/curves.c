/* SPDX-License-Identifier: BSD-3-Clause */
#include "curves.h"

#include "plain_line.h"

#include "base/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    LEAST_ROWS = 7, /* of a chart, title and axis among them */
    MOST_ROWS = 22,
    LABEL = 9, /* columns for the numbers of the vertical axis */
    MOST_CHARTS = 4
};

static const struct curve {
    const char *metric, *valid;
} curves[MOST_CHARTS] = {{"error", "error_valid"},
                         {"accuracy", "accuracy_valid"},
                         {"rmse", "rmse_valid"},
                         {"learning_rate", NULL}};

/* A chart of cells; training is drawn by dots, of which a cell has 2 by 4, or in ASCII one. */
struct chart {
    const struct screen *screen;
    const struct history *history;
    int metric, valid; /* columns of the history, -1: none */
    int width, height; /* cells */
    int across, down;  /* dots of a cell */
    double least, most;
    bool is_log;
    uint8_t *dots; /* (height, width) bits of braille; owned */
    char *marks;   /* (height, width) 'o' or 0; owned */
};

static double value_at(const struct chart *chart, size_t i, int column)
{
    double value = history_get(&chart->history->record[i], column);
    return chart->is_log ? log10(value) : value;
}

static void widen(struct chart *chart, int column)
{
    for (size_t i = 0; column >= 0 && i < chart->history->n; i++) {
        double value = history_get(&chart->history->record[i], column);
        if (!isfinite(value))
            continue;
        chart->least = fmin(chart->least, value);
        chart->most = fmax(chart->most, value);
    }
}

/* Finds the range. False if there is nothing to draw. */
static bool find_range(struct chart *chart, bool must_vary)
{
    chart->least = INFINITY;
    chart->most = -INFINITY;
    chart->is_log = false;
    widen(chart, chart->metric);
    widen(chart, chart->valid);
    if (!(chart->least <= chart->most) || (must_vary && chart->least == chart->most))
        return false;
    chart->is_log = chart->least > 0 && chart->most > 50 * chart->least;
    if (chart->is_log) {
        chart->least = log10(chart->least);
        chart->most = log10(chart->most);
    }
    if (chart->least == chart->most) {
        double half = chart->least == 0 ? 1 : 0.1 * fabs(chart->least);
        chart->least -= half;
        chart->most += half;
    }
    return true;
}

/* The place of record i among n_x by n_y dots, y downwards. False if its value is not finite. */
static bool place(const struct chart *chart, size_t i, int column, int n_x, int n_y, int *x, int *y)
{
    const struct metrics_record *record = chart->history->record;
    double first = (double)record[0].epoch, last = (double)record[chart->history->n - 1].epoch;
    double value = value_at(chart, i, column);
    if (!isfinite(value))
        return false;
    double right = last > first ? ((double)record[i].epoch - first) / (last - first) : 0;
    double up = (value - chart->least) / (chart->most - chart->least);
    *x = (int)lround(right * (n_x - 1));
    *y = (int)lround((1 - up) * (n_y - 1));
    return true;
}

static void set_dot(const struct chart *chart, int x, int y)
{
    /* Of braille patterns: bits by row and column. */
    static const uint8_t bits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    size_t cell = (size_t)(y / chart->down) * (size_t)chart->width + (size_t)(x / chart->across);
    chart->dots[cell] |= bits[y % chart->down][x % chart->across];
}

static void draw_segment(const struct chart *chart, const int from[2], const int to[2])
{
    int dx = to[0] - from[0], dy = to[1] - from[1];
    int n = abs(dx) > abs(dy) ? abs(dx) : abs(dy);
    for (int i = 0; i <= n; i++)
        set_dot(chart, from[0] + (n ? (int)lround((double)dx * i / n) : 0),
                from[1] + (n ? (int)lround((double)dy * i / n) : 0));
}

static void draw_line(const struct chart *chart)
{
    int before[2], now[2];
    bool has_before = false;
    for (size_t i = 0; i < chart->history->n; i++) {
        bool is_there = place(chart, i, chart->metric, chart->width * chart->across,
                              chart->height * chart->down, &now[0], &now[1]);
        if (is_there)
            draw_segment(chart, has_before ? before : now, now);
        has_before = is_there;
        memcpy(before, now, sizeof now);
    }
}

/* In every second column only: the line below stays to be seen. */
static void draw_marks(const struct chart *chart)
{
    int x, y, next = 0;
    for (size_t i = 0; chart->valid >= 0 && i < chart->history->n; i++) {
        if (!place(chart, i, chart->valid, chart->width, chart->height, &x, &y) || x < next)
            continue;
        chart->marks[(size_t)y * (size_t)chart->width + (size_t)x] = 'o';
        next = x + 2;
    }
}

static void write_cell(const struct chart *chart, size_t cell, FILE *out)
{
    uint8_t dots = chart->dots[cell];
    bool has_colour = chart->screen->has_colour && (dots || chart->marks[cell]);
    if (has_colour)
        fputs(chart->marks[cell] ? "\033[33m" : "\033[36m", out); /* yellow, cyan */
    if (chart->marks[cell])
        fputc(chart->marks[cell], out);
    else if (!dots)
        fputc(' ', out);
    else if (chart->screen->has_unicode)
        fprintf(out, "\xe2%c%c", 0xa0 + (dots >> 6), 0x80 + (dots & 0x3f)); /* U+2800 + dots */
    else
        fputc('*', out);
    if (has_colour)
        fputs("\033[0m", out);
}

static void write_row(const struct chart *chart, int row, FILE *out)
{
    bool is_labelled = row == 0 || row == chart->height - 1 || row == chart->height / 2;
    double up = 1 - (double)row / (chart->height - 1);
    double value = chart->least + up * (chart->most - chart->least);
    if (is_labelled)
        fprintf(out, "%*.4g", LABEL - 1, chart->is_log ? pow(10, value) : value);
    else
        fprintf(out, "%*s", LABEL - 1, "");
    fputs(chart->screen->has_unicode ? "\u2502" : "|", out);
    for (int x = 0; x < chart->width; x++)
        write_cell(chart, (size_t)row * (size_t)chart->width + (size_t)x, out);
    fputc('\n', out);
}

static void write_chart(const struct chart *chart, FILE *out)
{
    const struct history *history = chart->history;
    const char *name = history_column_name(chart->metric);
    char first[32], last[32];
    if (chart->valid >= 0)
        plain_line(chart->screen, out, "%*s%s%s  %s training  o validation", LABEL, "", name,
                   chart->is_log ? " (logarithmic)" : "",
                   chart->screen->has_unicode ? "\u2812\u2812" : "**");
    else
        plain_line(chart->screen, out, "%*s%s%s", LABEL, "", name,
                   chart->is_log ? " (logarithmic)" : "");
    for (int row = 0; row < chart->height; row++)
        write_row(chart, row, out);
    snprintf(first, sizeof first, "epoch %" PRId64, history->record[0].epoch);
    snprintf(last, sizeof last, "%" PRId64, history->record[history->n - 1].epoch);
    plain_line(chart->screen, out, "%*s%s%*s", LABEL, "", first,
               chart->width > (int)strlen(first) ? chart->width - (int)strlen(first) : 0, last);
}

static status draw_chart(struct chart *chart, FILE *out)
{
    size_t n = (size_t)chart->width * (size_t)chart->height;
    status outcome = memory_alloc(&chart->dots, n, 1, "a chart");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&chart->marks, n, 1, "a chart");
    if (outcome == STATUS_OK) {
        draw_line(chart);
        draw_marks(chart);
        write_chart(chart, out);
    }
    memory_free(&chart->dots);
    memory_free(&chart->marks);
    return outcome;
}

static bool has_values(const struct history *history, int column)
{
    for (size_t i = 0; column >= 0 && i < history->n; i++)
        if (isfinite(history_get(&history->record[i], column)))
            return true;
    return false;
}

status curves_draw(const struct screen *screen, const struct history *history, int rows, FILE *out)
{
    struct chart charts[MOST_CHARTS];
    int n = 0, most = rows / LEAST_ROWS;
    bool is_fine = screen->has_unicode;
    if (history->n == 0 || screen->columns < 2 * LABEL)
        return STATUS_OK;
    for (size_t i = 0; i < MOST_CHARTS && n < most; i++) {
        struct chart chart = {.screen = screen, .history = history};
        chart.metric = history_column(curves[i].metric);
        chart.valid = curves[i].valid ? history_column(curves[i].valid) : -1;
        if (!has_values(history, chart.valid))
            chart.valid = -1;
        chart.across = is_fine ? 2 : 1;
        chart.down = is_fine ? 4 : 1;
        chart.width = screen->columns - LABEL;
        if (find_range(&chart, !curves[i].valid))
            charts[n++] = chart;
    }
    status outcome = STATUS_OK;
    for (int i = 0; i < n && outcome == STATUS_OK; i++) {
        int share = rows / n < MOST_ROWS ? rows / n : MOST_ROWS;
        charts[i].height = share - 2;
        outcome = draw_chart(&charts[i], out);
    }
    return outcome;
}
