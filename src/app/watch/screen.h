/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_WATCH_SCREEN_H
#define COTERIE_APP_WATCH_SCREEN_H

#include "base/status.h"

#include <stdbool.h>
#include <stdio.h>
#include <termios.h>

/*
 * Where frames are shown: a terminal that is drawn over, or lines of text one below the other. All
 * functions are Local.
 */
struct screen {
    bool is_terminal; /* can be drawn over: a terminal that is not dumb */
    bool has_unicode; /* characters beyond ASCII may be written */
    bool has_colour;
    int columns, rows;
    bool is_drawn_over; /* between screen_enter and screen_leave */
    bool reads_keys;
    struct termios before;
};

/* Looks at standard output, the locale, and TERM, NO_COLOR, COLUMNS and LINES. */
void screen_find(struct screen *screen);

/* The size of this moment: of the terminal, else COLUMNS and LINES, else 80 and 24. */
void screen_measure(struct screen *screen);

/* Keys come without Enter, and the shell's text is kept aside. Only if screen->is_terminal. */
void screen_enter(struct screen *screen);
/* As it was before. Also if it was not entered. */
void screen_leave(struct screen *screen);

/* Shows a frame, lines that end in newlines: over the last one, or below it. */
void screen_show(const struct screen *screen, const char *frame);

/*
 * Waits for at most so many milliseconds. True if the user wants to leave: q, Ctrl-C, or a request
 * of the system to end. Less than the time passes when the terminal has another size now, or the
 * program was stopped and goes on.
 */
bool screen_wait(struct screen *screen, int milliseconds);

#endif
