/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/csv/dictionary.h"

#include "base/memory.h"

#include <string.h>
#include <xxhash.h>

/* The slot that holds `text`, or the free one where it belongs. Needs at least one free slot. */
static size_t slot_of(const struct dictionary *dictionary, const char *text)
{
    size_t mask = dictionary->n_slots - 1;
    size_t at = (size_t)XXH3_64bits(text, strlen(text)) & mask;
    while (dictionary->slot[at] >= 0 &&
           strcmp(dictionary->texts.item[dictionary->slot[at]], text) != 0)
        at = (at + 1) & mask;
    return at;
}

static status enlarge(struct dictionary *dictionary)
{
    int32_t *slot;
    size_t n_slots = dictionary->n_slots ? 2 * dictionary->n_slots : 64;
    status outcome = memory_alloc(&slot, n_slots, sizeof *slot, "a dictionary");
    if (outcome != STATUS_OK)
        return outcome;
    memset(slot, -1, n_slots * sizeof *slot);
    memory_free(&dictionary->slot);
    dictionary->slot = slot;
    dictionary->n_slots = n_slots;
    for (size_t i = 0; i < dictionary->texts.n; i++)
        slot[slot_of(dictionary, dictionary->texts.item[i])] = (int32_t)i;
    return STATUS_OK;
}

status dictionary_code(struct dictionary *dictionary, const char *text, int32_t *code)
{
    status outcome = STATUS_OK;
    if (2 * dictionary->texts.n >= dictionary->n_slots)
        outcome = enlarge(dictionary);
    if (outcome != STATUS_OK)
        return outcome;
    size_t at = slot_of(dictionary, text);
    if (dictionary->slot[at] < 0) {
        if (dictionary->texts.n >= INT32_MAX)
            return status_set(STATUS_USAGE, "more than 2147483647 distinct values");
        outcome = string_list_add(&dictionary->texts, text);
        if (outcome != STATUS_OK)
            return outcome;
        dictionary->slot[at] = (int32_t)(dictionary->texts.n - 1);
    }
    *code = dictionary->slot[at];
    return STATUS_OK;
}

int32_t dictionary_find(const struct dictionary *dictionary, const char *text)
{
    return dictionary->n_slots ? dictionary->slot[slot_of(dictionary, text)] : -1;
}

void dictionary_release(struct dictionary *dictionary)
{
    string_list_release(&dictionary->texts);
    memory_free(&dictionary->slot);
    dictionary->n_slots = 0;
}
