/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/options/command.h"

#include <string.h>

#define COMMAND_POINTER(NAME, name) [COMMAND_##NAME] = &name##_command,
const struct command_entry *const command_table[N_COMMANDS] = {COMMANDS(COMMAND_POINTER)};

int command_find(const char *name)
{
    for (int c = 0; c < N_COMMANDS; c++)
        if (strcmp(command_table[c]->name, name) == 0)
            return c;
    return -1;
}
