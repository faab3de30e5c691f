/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_NUMBER_TEXT_H
#define COTERIE_APP_NUMBER_TEXT_H

#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_TEXT_SIZE = 32 };

/* A number in the fewest digits, of 15 to 17, that read back to the same bits. Local. */
static inline const char *number_text(double number, char text[static NUMBER_TEXT_SIZE])
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, NUMBER_TEXT_SIZE, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    return text;
}

#endif
