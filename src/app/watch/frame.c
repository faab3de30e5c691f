/* SPDX-License-Identifier: BSD-3-Clause */
#include "frame.h"

#include "curves.h"
#include "plain_line.h"

#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HEAD = 5, MOST_BAR = 30, LEAST_BAR = 6 }; /* lines above the curves; width of the bar */

/* The part of the log's line, between commas, that has `word` in it; "" if none has. */
static void find_part(const char *line, const char *word, char *text, size_t size)
{
    const char *begin = strstr(line, word);
    text[0] = '\0';
    if (!begin)
        return;
    while (begin > line && begin[-1] != ',')
        begin--;
    begin += *begin == ' ';
    snprintf(text, size, "%.*s", (int)strcspn(begin, ","), begin);
}

/* Where it runs: host and process of rank 0 from the lock, the rest from the log. */
static void write_presence(const struct screen *screen, const struct run_state *state, FILE *out)
{
    static const char *const words[] = {[RUN_IS_THERE] = "running",
                                        [RUN_IS_GONE] = "not running",
                                        [RUN_MAY_BE_THERE] = "no lock tells whether it is running"};
    char ranks[128], started[128];
    find_part(state->begun, " rank", ranks, sizeof ranks);
    find_part(state->begun, "started ", started, sizeof started);
    const char *parts[] = {state->holder, ranks};
    char text[600];
    bool is_done = state->finished[0] && state->presence != RUN_IS_THERE;
    int used = snprintf(text, sizeof text, "%s", is_done ? "finished" : words[state->presence]);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i][0])
            used += snprintf(text + used, sizeof text - (size_t)used, ", %s", parts[i]);
    plain_line(screen, out, "%s%s%s", state->run, started[0] ? ", " : "", started);
    plain_line(screen, out, "%s", text);
}

/* "left 3m12s, until 14:05", as far as the pace of the last epochs tells. */
static void left_text(const struct run_state *state, char *text, size_t size)
{
    double left = run_state_seconds_left(state);
    char duration[32], clock[16] = "";
    text[0] = '\0';
    if (!run_state_goes_on(state) || !isfinite(left))
        return;
    time_t then = time(NULL) + (time_t)left;
    struct tm local;
    localtime_r(&then, &local);
    strftime(clock, sizeof clock, left < 86400 ? "%H:%M" : "%a %H:%M", &local);
    clock_duration_text(duration, sizeof duration, left);
    snprintf(text, size, ", at most %s left, until %s", duration, clock);
}

/* Of the columns that the text leaves; none if these are too few, or the share is not known. */
static void make_bar(const struct screen *screen, size_t used, double share, char *bar)
{
    int width = screen->columns - (int)used - 3;
    bar[0] = '\0';
    if (!(share >= 0) || width < LEAST_BAR)
        return;
    width = width < MOST_BAR ? width : MOST_BAR;
    memset(bar, '.', (size_t)width + 2);
    memset(bar + 1, '#', (size_t)(fmin(share, 1) * width));
    memcpy(bar + width + 1, "] ", 3);
    bar[0] = '[';
}

static void write_progress(const struct screen *screen, const struct run_state *state, FILE *out)
{
    if (state->history.n == 0) {
        plain_line(screen, out, "no metrics yet");
        return;
    }
    const struct metrics_record *last = &state->history.record[state->history.n - 1];
    char text[256], of[64] = "", start[64] = "", bar[MOST_BAR + 4], left[80], took[32];
    if (state->epochs > 0)
        snprintf(of, sizeof of, " of %" PRId64, state->epochs);
    if (state->starts > 1)
        snprintf(start, sizeof start, "start %" PRId64 " of %" PRId64 ", ", state->start + 1,
                 state->starts);
    left_text(state, left, sizeof left);
    clock_duration_text(took, sizeof took, last->seconds);
    int used = snprintf(text, sizeof text, "%sepoch %" PRId64 "%s, %s%s", start, last->epoch, of,
                        took, left);
    double share = state->epochs > 0 ? (double)last->epoch / (double)state->epochs : NAN;
    make_bar(screen, (size_t)used, share, bar);
    plain_line(screen, out, "%s%s", bar, text);
}

static void write_metrics(const struct screen *screen, const struct run_state *state, FILE *out)
{
    static const struct {
        const char *metric, *valid;
    } shown[] = {{"error", "error_valid"}, {"accuracy", "accuracy_valid"}, {"rmse", "rmse_valid"}};
    char text[300] = "";
    int used = 0;
    if (state->history.n == 0)
        return;
    const struct metrics_record *last = &state->history.record[state->history.n - 1];
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        double value = history_get(last, history_column(shown[i].metric));
        double valid = history_get(last, history_column(shown[i].valid));
        size_t room = sizeof text - (size_t)used;
        if (isfinite(value))
            used +=
                snprintf(text + used, room, "%s%s %.6g", used ? "  " : "", shown[i].metric, value);
        room = sizeof text - (size_t)used;
        if (isfinite(value) && isfinite(valid))
            used += snprintf(text + used, room, " (validation %.6g)", valid);
    }
    plain_line(screen, out, "%s", text);
}

static void write_checkpoint(const struct screen *screen, const struct run_state *state, FILE *out)
{
    char age[32];
    clock_duration_text(age, sizeof age, state->latest_age);
    if (!state->latest[0])
        plain_line(screen, out, "no checkpoint yet");
    else if (isnan(state->latest_age))
        plain_line(screen, out, "checkpoint %s, which is not there", state->latest);
    else
        plain_line(screen, out, "checkpoint %s, %s ago%s%s", state->latest, age,
                   state->best[0] ? "; best " : "", state->best);
}

status frame_make(const struct screen *screen, const struct run_state *state, char **frame)
{
    size_t size;
    FILE *out = open_memstream(frame, &size);
    if (!out)
        return status_set(STATUS_FAILED, "not enough memory for a frame: %s", strerror(errno));
    write_presence(screen, state, out);
    write_progress(screen, state, out);
    write_metrics(screen, state, out);
    write_checkpoint(screen, state, out);
    int foot = screen->is_drawn_over ? 1 : 0;
    status outcome = curves_draw(screen, &state->history, screen->rows - HEAD - foot, out);
    if (foot)
        plain_line(screen, out, "q leaves; the run goes on");
    if (fclose(out) == 0 || outcome != STATUS_OK)
        return outcome;
    return status_set(STATUS_FAILED, "not enough memory for a frame");
}
