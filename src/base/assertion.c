/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/log.h"
#include "base/status.h"

#include <stdio.h>
#include <stdlib.h>

static void (*abort_handler)(void);

void status_set_abort_handler(void (*handler)(void))
{
    abort_handler = handler;
}

_Noreturn void status_assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr,
            "coterie: internal error on rank %d at %s:%d: %s does not hold; please report it\n",
            log_rank(), file, line, condition);
    fflush(stderr);
    if (abort_handler)
        abort_handler();
    abort();
}
