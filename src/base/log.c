/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/log.h"

#include "base/clock.h"
#include "base/message.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The thread that saves warns, too. The mutex guards what is below it, to the end of `progress`. */
static _Atomic int own_rank;
static _Atomic bool is_quiet, is_mute;
static const char *_Atomic subject_text;
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static FILE *copy_file;
static int output_error; /* errno of the first line that standard output did not take */

static struct {
    bool active, bar, drawn;
    FILE *terminal; /* the bar's; mpirun 5 holds a line back until it has its end */
    int columns;    /* of the terminal */
    double started, last_drawn;
    double first_done; /* units done before this process */
    bool shown;
} progress;

void log_set_rank(int rank)
{
    own_rank = rank;
}

int log_rank(void)
{
    return own_rank;
}

void log_set_quiet(bool quiet)
{
    is_quiet = quiet;
}

void log_set_mute(bool mute)
{
    is_mute = mute;
}

void log_set_subject(const char *subject)
{
    subject_text = subject;
}

bool log_set_file(const char *path)
{
    bool wanted = path && own_rank == 0;
    FILE *file = wanted ? fopen(path, "a") : NULL;
    if (file)
        setvbuf(file, NULL, _IOLBF, 0);
    pthread_mutex_lock(&guard);
    FILE *before = copy_file;
    copy_file = file;
    pthread_mutex_unlock(&guard);
    if (before)
        fclose(before);
    return !wanted || file;
}

/* Under the mutex. */
static void erase_bar(void)
{
    if (progress.drawn)
        fputs("\r\033[K", progress.terminal);
    progress.drawn = false;
}

static void say(FILE *stream, const char *prefix, const char *format, va_list arguments)
{
    char line[4096];
    message_print_list(line, sizeof line, format, arguments);
    pthread_mutex_lock(&guard);
    erase_bar();
    if (stream) {
        fprintf(stream, "%s%s\n", prefix, line);
        if (fflush(stream) != 0 && stream == stdout && output_error == 0)
            output_error = errno;
    }
    if (copy_file)
        fprintf(copy_file, "%s%s\n", prefix, line);
    pthread_mutex_unlock(&guard);
}

static void complain(const char *prefix, const char *format, va_list arguments)
{
    char text[256];
    const char *subject = subject_text;
    message_print(text, sizeof text, "%s%s%s", prefix, subject ? subject : "", subject ? ": " : "");
    say(stderr, text, format, arguments);
}

status log_check_output(void)
{
    if (fflush(stdout) != 0 && output_error == 0)
        output_error = errno;
    if (!ferror(stdout) && output_error == 0)
        return STATUS_OK;
    return status_set(STATUS_FAILED, "what was to be on standard output is lost: %s",
                      output_error ? strerror(output_error) : "it could not be written");
}

void log_info(const char *format, ...)
{
    if (own_rank != 0)
        return;
    va_list arguments;
    va_start(arguments, format);
    say(is_quiet || is_mute ? NULL : stdout, "", format, arguments);
    va_end(arguments);
}

void log_warning(const char *format, ...)
{
    if (own_rank != 0 || is_mute)
        return;
    va_list arguments;
    va_start(arguments, format);
    complain("coterie: warning: ", format, arguments);
    va_end(arguments);
}

void log_error(const char *format, ...)
{
    if (own_rank != 0)
        return;
    va_list arguments;
    va_start(arguments, format);
    complain("coterie: error: ", format, arguments);
    va_end(arguments);
}

void log_from_any_rank(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(stderr, "coterie: ", format, arguments);
    va_end(arguments);
}

static int parent_of(int process)
{
    char path[64];
    int parent = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", process);
    FILE *file = fopen(path, "r");
    /* The name, in brackets, is that of a launcher and has no blanks. */
    if (file && fscanf(file, "%*d %*s %*c %d", &parent) != 1)
        parent = 0;
    if (file)
        fclose(file);
    return parent;
}

/* The mpirun that started this process on its own host; 0 if none did. MPICH has a proxy between.
 */
static int find_mpirun(void)
{
    if (getenv("OMPI_COMM_WORLD_RANK"))
        return getppid();
    return getenv("HYDI_CONTROL_FD") ? parent_of(getppid()) : 0;
}

/*
 * mpirun gives its ranks a pipe for standard error even on a terminal, so the question goes to
 * mpirun. Where that cannot be seen the answer is no.
 */
static int open_terminal(void)
{
    if (isatty(STDERR_FILENO))
        return dup(STDERR_FILENO);
    char link[64], target[256];
    snprintf(link, sizeof link, "/proc/%d/fd/2", find_mpirun());
    ssize_t length = readlink(link, target, sizeof target - 1);
    if (length < 0)
        return -1;
    target[length] = '\0';
    if (strncmp(target, "/dev/pts/", 9) != 0 && strncmp(target, "/dev/tty", 8) != 0)
        return -1;
    return open(target, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

/* The terminal for the bar and its width; NULL and 0 if there is none. */
static void find_terminal(void)
{
    int terminal = open_terminal();
    progress.columns = 0;
    progress.terminal = terminal >= 0 ? fdopen(terminal, "w") : NULL;
    if (!progress.terminal) {
        if (terminal >= 0)
            close(terminal);
        return;
    }
    setvbuf(progress.terminal, NULL, _IONBF, 0);
    struct winsize size = {0};
    bool known = ioctl(terminal, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    progress.columns = known ? size.ws_col : 80;
}

void log_progress_start(enum log_progress mode, double done)
{
    log_progress_finish();
    pthread_mutex_lock(&guard);
    memset(&progress, 0, sizeof progress);
    progress.active = own_rank == 0 && !is_quiet && !is_mute && mode != LOG_PROGRESS_NEVER;
    if (progress.active)
        find_terminal();
    progress.bar = progress.terminal != NULL;
    progress.started = clock_seconds();
    progress.first_done = done;
    pthread_mutex_unlock(&guard);
}

bool log_progress_is_due(void)
{
    if (!progress.active)
        return false;
    return !progress.shown || clock_seconds() - progress.last_drawn >= (progress.bar ? 0.1 : 10.0);
}

static void draw_bar(double fraction, const char *counts, const char *remaining, const char *text)
{
    enum { WIDTH = 24, LEAST = 6 };
    char bar[WIDTH + 4] = "", line[256];
    /* What is said matters more than the bar, which takes what is left of the line. */
    int used = snprintf(line, sizeof line, "%s  %s left  %s", counts, remaining, text);
    int width = progress.columns - used - 4;
    if (width >= LEAST) {
        width = width < WIDTH ? width : WIDTH;
        memset(bar, '.', (size_t)width + 2);
        memset(bar + 1, '#', (size_t)(fmin(fraction, 1) * width));
        memcpy(bar + width + 1, "] ", 3);
        bar[0] = '[';
    }
    /* A line that wraps cannot be drawn over. */
    int room = progress.columns - 1 - (int)strlen(bar);
    pthread_mutex_lock(&guard);
    fprintf(progress.terminal, "\r\033[K%s%.*s", bar, room, line);
    progress.drawn = true;
    pthread_mutex_unlock(&guard);
}

void log_progress_update(double done, double total, const char *unit, const char *text)
{
    if (!log_progress_is_due())
        return;
    double now = clock_seconds();
    progress.shown = true;
    progress.last_drawn = now;
    double gained = done - progress.first_done;
    /* The first moments tell little. */
    bool is_known = gained > 0 && now - progress.started > 1;
    double left = is_known ? (now - progress.started) * (total - done) / gained : NAN;
    char counts[64], remaining[32];
    snprintf(counts, sizeof counts, "%s %.0f of %.0f", unit, done, total);
    if (isfinite(left))
        clock_duration_text(remaining, sizeof remaining, left);
    else
        snprintf(remaining, sizeof remaining, "?");
    if (progress.bar)
        draw_bar(total > 0 ? done / total : 0, counts, remaining, text);
    else
        log_info("%s  %s  (%s left)", counts, text, remaining);
}

void log_progress_finish(void)
{
    pthread_mutex_lock(&guard);
    erase_bar();
    if (progress.terminal)
        fclose(progress.terminal);
    progress.terminal = NULL;
    progress.bar = progress.active = false;
    pthread_mutex_unlock(&guard);
}
