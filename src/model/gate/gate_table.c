/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/gate/gate_kind.h"

const struct gate_kind *const gate_kinds[] = {
    [GATE_SOFTMAX] = &gate_softmax, [GATE_GAUSSIAN] = &gate_gaussian, NULL};
