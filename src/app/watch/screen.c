/* SPDX-License-Identifier: BSD-3-Clause */
#include "screen.h"

#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static volatile sig_atomic_t wants_to_leave, wants_to_pause;

static void on_leave(int number)
{
    (void)number;
    wants_to_leave = 1;
}

static void on_pause(int number)
{
    (void)number;
    wants_to_pause = 1;
}

static void on_resize(int number)
{
    (void)number; /* that poll returns is all that is wanted */
}

void screen_find(struct screen *screen)
{
    const char *kind = getenv("TERM"), *no_colour = getenv("NO_COLOR");
    bool is_dumb = !kind || strcmp(kind, "") == 0 || strcmp(kind, "dumb") == 0;
    memset(screen, 0, sizeof *screen);
    setlocale(LC_CTYPE, "");
    screen->is_terminal = isatty(STDOUT_FILENO) && !is_dumb;
    screen->has_unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0 && !is_dumb;
    screen->has_colour = screen->is_terminal && !(no_colour && *no_colour);
    screen->reads_keys = isatty(STDIN_FILENO);
    screen_measure(screen);
}

static int number_in(const char *variable, int otherwise)
{
    const char *text = getenv(variable);
    int number = text ? atoi(text) : 0;
    return number > 0 && number < 1000 ? number : otherwise;
}

void screen_measure(struct screen *screen)
{
    struct winsize size = {0};
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
    screen->columns = known ? size.ws_col : number_in("COLUMNS", 80);
    screen->rows = known ? size.ws_row : number_in("LINES", 24);
}

/* A signal ends poll in any case; a frame that is being written is written to its end. */
static void catch_signals(void)
{
    static const struct {
        int number;
        void (*handler)(int number);
    } signals[] = {{SIGINT, on_leave},
                   {SIGTERM, on_leave},
                   {SIGHUP, on_leave},
                   {SIGTSTP, on_pause},
                   {SIGWINCH, on_resize}};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        const struct sigaction action = {.sa_handler = signals[i].handler, .sa_flags = SA_RESTART};
        sigaction(signals[i].number, &action, NULL);
    }
}

void screen_enter(struct screen *screen)
{
    struct termios keys;
    catch_signals();
    if (!screen->is_terminal)
        return;
    screen->reads_keys = screen->reads_keys && tcgetattr(STDIN_FILENO, &screen->before) == 0;
    if (screen->reads_keys) {
        keys = screen->before;
        keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        tcsetattr(STDIN_FILENO, TCSANOW, &keys);
    }
    screen->is_drawn_over = true;
    fputs("\033[?1049h\033[?25l\033[H\033[J", stdout); /* the other screen, no cursor, cleared */
    fflush(stdout);
}

void screen_leave(struct screen *screen)
{
    if (!screen->is_drawn_over)
        return;
    screen->is_drawn_over = false;
    fputs("\033[?25h\033[?1049l", stdout);
    fflush(stdout);
    if (screen->reads_keys)
        tcsetattr(STDIN_FILENO, TCSANOW, &screen->before);
}

void screen_show(const struct screen *screen, const char *frame)
{
    if (screen->is_drawn_over) {
        fputs("\033[H", stdout);
        for (const char *line = frame, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
            /* No newline behind the last row: it would scroll. */
            fprintf(stdout, "%.*s\033[K%s", (int)(end - line), line, end[1] ? "\r\n" : "\033[J");
        }
    } else {
        fputs(frame, stdout);
    }
    fflush(stdout);
}

static void pause_program(struct screen *screen)
{
    wants_to_pause = 0;
    screen_leave(screen);
    raise(SIGSTOP);
    screen_enter(screen);
}

bool screen_wait(struct screen *screen, int milliseconds)
{
    struct pollfd keys = {.fd = STDIN_FILENO, .events = POLLIN};
    int ready = poll(&keys, screen->reads_keys ? 1 : 0, milliseconds);
    if (ready > 0) {
        char key;
        ssize_t length = read(STDIN_FILENO, &key, 1);
        screen->reads_keys = length > 0;
        if (length > 0 && (key == 'q' || key == 'Q'))
            wants_to_leave = 1;
    }
    if (wants_to_pause)
        pause_program(screen);
    return wants_to_leave;
}
