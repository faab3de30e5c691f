/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/options/option_entry.h"

#include <stdio.h>

static bool same_name(const char *name, const char *key)
{
    for (; *name && *key; name++, key++)
        if (*name != (*key == '_' ? '-' : *key))
            return false;
    return *name == *key;
}

const struct option_entry *option_find(enum command command, const char *name)
{
    for (size_t i = 0; i < options_count(); i++)
        if (option_is_of(&option_table[i], command) && same_name(option_table[i].name, name))
            return &option_table[i];
    return NULL;
}

void option_key(const struct option_entry *entry, char key[static OPTION_KEY_SIZE])
{
    snprintf(key, OPTION_KEY_SIZE, "%s", entry->name);
    for (char *at = key; *at; at++)
        if (*at == '-')
            *at = '_';
}
