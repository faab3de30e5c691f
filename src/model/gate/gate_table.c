/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/gate/gate_kind.h"

#include <stdio.h>
#include <string.h>

const struct gate_kind *const gate_kinds[GATE_KINDS] = {
    [GATE_SOFTMAX] = &gate_softmax, [GATE_GAUSSIAN] = &gate_gaussian, [GATE_TREE] = &gate_tree};

bool gate_from_text(const char *text, enum gate_choice *choice, struct gate_levels *levels)
{
    size_t length = strcspn(text, ":");
    for (int k = 0; k < GATE_KINDS; k++) {
        const struct gate_kind *kind = gate_kinds[k];
        struct gate_levels read = {0};
        if (strlen(kind->name) != length || strncmp(kind->name, text, length) != 0)
            continue;
        if (kind->has_levels != (text[length] == ':') ||
            (kind->has_levels && !gate_levels_read(text + length + 1, &read)))
            return false;
        *choice = (enum gate_choice)k;
        *levels = read;
        return true;
    }
    return false;
}

void gate_to_text(enum gate_choice choice, const struct gate_levels *levels,
                  char text[static GATE_TEXT])
{
    char branches[GATE_LEVELS_TEXT];
    const struct gate_kind *kind = gate_kind_of(choice);
    gate_levels_write(levels, branches);
    snprintf(text, GATE_TEXT, "%s%s%s", kind->name, kind->has_levels ? ":" : "", branches);
}
