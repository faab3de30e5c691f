/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/options/option_entry.h"

#include <stdio.h>
#include <string.h>

static bool same_name(const char *name, const char *key)
{
    for (; *name && *key; name++, key++)
        if (*name != (*key == '_' ? '-' : *key))
            return false;
    return *name == *key;
}

const char *option_elsewhere(const char *name)
{
    /* What the option is called in flexmix, mixtools, scikit-learn, PyTorch and others. */
    static const char *const words[][2] = {
        {"lr", "learning-rate"},  {"l2", "weight-decay"},      {"iters", "epochs"},
        {"max-iter", "epochs"},   {"max-epochs", "epochs"},    {"steps", "epochs"},
        {"k", "experts"},         {"n-components", "experts"}, {"components", "experts"},
        {"n-init", "starts"},     {"nrep", "starts"},          {"restarts", "starts"},
        {"features", "inputs"},   {"response", "targets"},     {"label", "targets"},
        {"random-state", "seed"}, {"save", "output"},          {"load", "resume"},
        {"family", "likelihood"}, {"hidden", "expert-hidden"}, {"hidden-size", "expert-hidden"},
        {"loss", "error"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i][0], name) == 0)
            return words[i][1];
    return NULL;
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
