/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_BASE_JSON_NUMBER_H
#define COTERIE_BASE_JSON_NUMBER_H

#include <jansson.h>
#include <math.h>

/* JSON has no NaN and no infinity: null. */
static inline json_t *json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

#endif
