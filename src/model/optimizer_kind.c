/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/optimizer_kind.h"

const struct optimizer_method optimizer_methods[] = {
    [OPTIMIZER_GD] = {.has_steps = true},
    [OPTIMIZER_MOMENTUM] = {.has_steps = true, .n_slots = 1, .slot = {"momentum"}},
    [OPTIMIZER_ADAM] = {.has_steps = true,
                        .n_slots = 2,
                        .slot = {"m", "v"},
                        .slot_of_squares = {false, true}},
    [OPTIMIZER_EM] = {.has_steps = false}};
