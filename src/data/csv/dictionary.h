/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_DICTIONARY_H
#define COTERIE_DATA_DICTIONARY_H

#include "base/status.h"
#include "base/string_list.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Numbers texts in the order of their first appearance, in time that does not grow with their
 * number. Zero-initialised is empty and valid. Private to the data layer; Local.
 */
struct dictionary {
    struct string_list texts;
    int32_t *slot; /* (n_slots), index into texts or -1; n_slots is a power of two */
    size_t n_slots;
};

/* *code is the index of `text`, which is added if it is new. */
status dictionary_code(struct dictionary *dictionary, const char *text, int32_t *code);

/* The index of `text`, or -1. */
int32_t dictionary_find(const struct dictionary *dictionary, const char *text);

void dictionary_release(struct dictionary *dictionary);

#endif
