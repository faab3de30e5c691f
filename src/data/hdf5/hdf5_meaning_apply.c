/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/hdf5/hdf5_meaning.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static double unwrapped(const struct hdf5_meaning *meaning, double number)
{
    double wrap = meaning->wrap;
    if (wrap > 0 && number < 0)
        return number + wrap;
    return wrap < 0 && number >= -wrap / 2 ? number + wrap : number;
}

static const char *mark_of(const struct hdf5_meaning *meaning, double number)
{
    for (size_t i = 0; i < meaning->n_marks; i++)
        if (number == meaning->mark[i].number)
            return meaning->mark[i].what;
    return NULL;
}

static bool in_range(const struct hdf5_meaning *meaning, double number)
{
    return number >= meaning->least && number <= meaning->largest;
}

static double meant(const struct hdf5_meaning *meaning, double stored)
{
    double number = unwrapped(meaning, stored);
    if (meaning->is_boolean && number != 0 && number != 1)
        return NAN;
    if (mark_of(meaning, number) || (!meaning->range_is_unpacked && !in_range(meaning, number)))
        return NAN;
    if (meaning->is_packed)
        number = number * meaning->scale + meaning->offset;
    return meaning->range_is_unpacked && !in_range(meaning, number) ? NAN : number;
}

void hdf5_meaning_apply(const struct hdf5_meaning *meaning, double *number, size_t n)
{
    if (meaning->plain)
        return;
    for (size_t i = 0; i < n; i++)
        number[i] = meant(meaning, number[i]);
}

const char *hdf5_meaning_reason(const struct hdf5_meaning *meaning, double stored,
                                char text[HDF5_REASON])
{
    text[0] = '\0';
    if (meaning->plain || !isfinite(stored) || !isnan(meant(meaning, stored)))
        return text;
    const char *mark = mark_of(meaning, unwrapped(meaning, stored));
    char number[40];
    snprintf(number, sizeof number, stored == rint(stored) && fabs(stored) < 1e20 ? "%.0f" : "%.9g",
             stored);
    if (meaning->is_boolean)
        snprintf(text, HDF5_REASON, "%s is neither false nor true in its enumeration", number);
    else if (mark)
        snprintf(text, HDF5_REASON, "%s is %s", number, mark);
    else
        snprintf(text, HDF5_REASON, "%s is outside its valid range from %g to %g", number,
                 meaning->least, meaning->largest);
    return text;
}

const char *hdf5_meaning_name(const struct hdf5_meaning *meaning, int64_t stored)
{
    static const char *const missing[] = {"NA", "<NA>", "NaN", "N/A"};
    for (size_t i = 0; i < meaning->names.n; i++) {
        if (meaning->value[i] != stored)
            continue;
        for (size_t k = 0; k < sizeof missing / sizeof *missing; k++)
            if (strcasecmp(meaning->names.item[i], missing[k]) == 0)
                return NULL;
        return meaning->names.item[i];
    }
    return NULL;
}
