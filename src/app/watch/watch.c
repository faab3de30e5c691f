/* SPDX-License-Identifier: BSD-3-Clause */
#include "frame.h"
#include "run_state.h"
#include "screen.h"

#include "app/options/command.h"
#include "app/options/options.h"
#include "base/clock.h"
#include "comm/communicator.h"
#include "comm/watchdog.h"
#include "train/loop/run_directory.h"

#include <stdlib.h>
#include <unistd.h>

/* Milliseconds between two looks at the files; seconds after which ages and times are told anew. */
enum { LOOK = 500, REFRESH = 5, REFRESH_LINES = 10 };

/* What is shown now; `*goes_on`: something may be added to it. */
static status make_frame(const struct screen *screen, const char *run, char **frame, bool *goes_on)
{
    struct run_state state;
    status outcome = run_state_read(run, 2 * (size_t)screen->columns, &state);
    if (outcome == STATUS_OK)
        outcome = frame_make(screen, &state, frame);
    *goes_on = run_state_goes_on(&state);
    run_state_release(&state);
    return outcome;
}

/* Waits until there is something new to be shown. False: the user leaves. */
static bool wait_for_news(struct screen *screen, const char *run, uint64_t stamp, double shown)
{
    int columns = screen->columns, rows = screen->rows;
    for (;;) {
        if (screen_wait(screen, LOOK))
            return false;
        screen_measure(screen);
        double age = clock_seconds() - shown;
        bool is_new = run_state_stamp(run) != stamp;
        /* Where frames stand one below the other they are many soon. */
        if (!screen->is_drawn_over && age < REFRESH_LINES)
            continue;
        if (is_new || (screen->is_drawn_over && age >= REFRESH) || columns != screen->columns ||
            rows != screen->rows)
            return true;
    }
}

static status show_once(const struct screen *screen, const char *run)
{
    char *frame = NULL;
    bool goes_on;
    status outcome = make_frame(screen, run, &frame, &goes_on);
    if (outcome == STATUS_OK)
        screen_show(screen, frame);
    free(frame);
    return outcome;
}

static status follow(struct screen *screen, const char *run)
{
    status outcome = STATUS_OK;
    screen_enter(screen);
    for (bool goes_on = true; outcome == STATUS_OK && goes_on;) {
        char *frame = NULL;
        uint64_t stamp = run_state_stamp(run);
        outcome = make_frame(screen, run, &frame, &goes_on);
        if (outcome == STATUS_OK && goes_on)
            screen_show(screen, frame);
        free(frame);
        if (outcome == STATUS_OK && goes_on)
            goes_on = wait_for_news(screen, run, stamp, clock_seconds());
    }
    screen_leave(screen);
    /* The last state stays in the terminal that was there before. */
    return outcome == STATUS_OK ? show_once(screen, run) : outcome;
}

/* Collective. Rank 0 alone looks; nothing moves for long, and that is no hang. */
static status run_watch(const struct communicator *comm, struct options *options)
{
    status outcome = watchdog_set(comm, 0, NULL);
    if (outcome != STATUS_OK)
        return outcome;
    if (comm->rank == 0) {
        const char *run = options->positional.item[0];
        struct screen screen;
        screen_find(&screen);
        outcome = run_directory_check(run);
        if (outcome == STATUS_OK)
            outcome = options->once || !isatty(STDOUT_FILENO) ? show_once(&screen, run)
                                                              : follow(&screen, run);
    }
    return communicator_agree(comm, outcome);
}

const struct command_entry watch_command = {
    .name = "watch",
    .positional = {"RUN"},
    .usage = "coterie watch RUN [options]",
    .summary = "draws the learning curves of a run in the terminal while it goes on",
    .examples = "  coterie watch run           until the run ends, or q\n"
                "  coterie watch run --once    what there is to see now\n\n"
                "It reads the run directory only, so any host that sees it will do.\n",
    .run = run_watch,
};
