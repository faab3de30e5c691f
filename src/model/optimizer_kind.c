/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/optimizer_kind.h"

#include <stddef.h>

int optimizer_n_slots(enum optimizer_kind kind)
{
    switch (kind) {
    case OPTIMIZER_MOMENTUM:
        return 1;
    case OPTIMIZER_ADAM:
        return 2;
    case OPTIMIZER_GD:
    case OPTIMIZER_EM:
        break;
    }
    return 0;
}

const char *optimizer_slot_name(enum optimizer_kind kind, int slot)
{
    if (kind == OPTIMIZER_MOMENTUM)
        return "momentum";
    return slot == 0 ? "m" : "v";
}
