/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/stop_request.h"

#include "base/clock.h"

#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

/* Lock-free, as a signal handler needs them. */
static _Atomic int raised;
static _Atomic int64_t first_request; /* milliseconds of the clock; 0: none */
static _Atomic int interrupts_reading;

_Static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LONG_LOCK_FREE == 2,
               "a signal handler must not wait for a lock");

void stop_request_raise(bool insists)
{
    const int64_t same_request = 2000; /* launchers pass a signal on more than once */
    int64_t now = (int64_t)(clock_seconds() * 1e3) + 1, none = 0;
    /* Handlers can run in several threads at once: one of them is the first. */
    bool is_first = atomic_compare_exchange_strong(&first_request, &none, now);
    if (!is_first && insists && now - none > same_request)
        _exit(STATUS_FAILED);
    atomic_store(&raised, 1);
}

bool stop_request_is_raised(void)
{
    return atomic_load_explicit(&raised, memory_order_relaxed) != 0;
}

void stop_request_interrupts_reading(bool interrupts)
{
    atomic_store(&interrupts_reading, interrupts);
}

status stop_request_check(const char *path)
{
    if (!stop_request_is_raised() || !atomic_load(&interrupts_reading))
        return STATUS_OK;
    return status_set(STATUS_STOPPED,
                      "stopped on request while reading %s, before training; nothing is lost",
                      path);
}
