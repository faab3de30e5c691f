/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_BASE_MESSAGE_H
#define COTERIE_BASE_MESSAGE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * What the formats of messages (of a status, of the log, of message_print) have besides printf's.
 * Rooms below app know settings, and no options:
 *
 *   @top-k %zu is more than the %zu experts     names a setting; the name may be a %s
 *   no epoch was trained{; raise @epochs}       what is in braces is advice to who types options
 *
 * The program writes --top-k and the advice, without braces. The library, whose users type no
 * options, writes top-k and leaves advice out. Advice that has arguments has the last ones of its
 * format. Arguments are not read so: names from files mean themselves. tests/layering.py checks all
 * this, and holds the names against the table of options.
 */

/* Whether messages name the options of the program, from now on. Local; for all threads. */
void message_name_options(bool wanted);

/*
 * Prints a message, or a part of one, into `size` bytes, and cuts what does not fit. Control
 * characters are written out (\n, \x1b), so that names from files can neither end a line nor
 * command a terminal. All that the program says passes through this. Local.
 */
void message_print(char *to, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void message_advice(char *to, size_t size, const char *advice); /* a format without arguments */
void message_print_list(char *to, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

#endif
