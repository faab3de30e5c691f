/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_BASE_STATUS_H
#define COTERIE_BASE_STATUS_H

/*
 * What a function that can fail returns. The value is also the exit code of the program.
 *
 * The text of the last failure is kept per thread. It is one line without a final newline, and says
 * what happened, where (file, line, data set) and what to do.
 */
typedef enum status {
    STATUS_OK = 0,
    STATUS_FAILED = 1,  /* the run failed: memory, disk, non-finite numbers */
    STATUS_USAGE = 2,   /* wrong usage or input: option, file content, shapes */
    STATUS_STOPPED = 75 /* stopped on request, with a valid checkpoint */
} status;

/* Sets the text of this thread's last failure and returns `code`. Local. */
status status_set(status code, const char *format, ...) __attribute__((format(printf, 2, 3)));

#ifdef __clang_analyzer__
/* The analyser cannot see in another file that status_set returns its argument. */
#define status_set(code, ...) ((void)status_set((code), __VA_ARGS__), (code))
#endif

/* Puts `prefix: ` before the text of this thread's last failure, and returns `code`. Local. */
status status_prefix(status code, const char *prefix);

/*
 * Adds what to do: `; advice`, a format without arguments (base/message.h), if anything of it is
 * for this program. Does nothing for STATUS_OK. Returns `code`. Local.
 */
status status_advise(status code, const char *advice);

/* The text of this thread's last failure; "" if there was none. Local. */
const char *status_text(void);

/* Returns the first of two outcomes that is a failure. The text must be the one of that failure. */
static inline status status_first(status a, status b)
{
    return a != STATUS_OK ? a : b;
}

/*
 * For closing and clearing away after a failure, which may fail as well: keeps the first failure's
 * text. Local.
 */
struct status_kept {
    status code;
    char text[2048];
};
void status_keep(status code, struct status_kept *kept);
/* The kept failure and its text; if it was none, `later`. */
status status_restore(const struct status_kept *kept, status later);

/*
 * Our own bug: prints rank, file, line and the condition, then calls the abort handler. The
 * condition must have no side effects.
 */
#ifdef COTERIE_NO_ASSERT /* the library never ends a program */
#define COTERIE_ASSERT(condition) ((void)sizeof(condition))
#else
#define COTERIE_ASSERT(condition)                                                                  \
    ((condition) ? (void)0 : status_assert_failed(#condition, __FILE__, __LINE__))
#endif

_Noreturn void status_assert_failed(const char *condition, const char *file, int line);

/* The communicator installs a handler that ends all ranks; without it abort() is called. */
void status_set_abort_handler(void (*handler)(void));

#endif
