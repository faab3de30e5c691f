/* SPDX-License-Identifier: BSD-3-Clause */
#include "scaled_columns.h"

#include "base/memory.h"

#include <math.h>

enum { SHORTEST = 256 };

status scaled_columns_init(struct scaled_columns *columns, size_t n_columns, const double *mean,
                           const double *scale)
{
    double **array[2] = {&columns->mean, &columns->inverse};
    *columns = (struct scaled_columns){0};
    if (n_columns == 0)
        return STATUS_OK;
    columns->length = n_columns < SHORTEST ? SHORTEST / n_columns * n_columns : n_columns;
    status outcome = STATUS_OK;
    for (int i = 0; i < 2 && outcome == STATUS_OK; i++)
        outcome = memory_alloc(array[i], columns->length, sizeof(double), "the scaling");
    for (size_t i = 0; i < columns->length && outcome == STATUS_OK; i++) {
        columns->mean[i] = mean[i % n_columns];
        columns->inverse[i] = 1 / scale[i % n_columns];
    }
    if (outcome != STATUS_OK)
        scaled_columns_release(columns);
    return outcome;
}

void scaled_columns_release(struct scaled_columns *columns)
{
    memory_free(&columns->mean);
    memory_free(&columns->inverse);
    columns->length = 0;
}

/* A division would take as long as ten multiplications. A result less itself is 0 if finite. */
#define SCALE_NUMBERS(name, type)                                                                  \
    LEAF_KERNEL static bool name(const struct scaled_columns *columns, const void *from, size_t n, \
                                 real *restrict to)                                                \
    {                                                                                              \
        const double *restrict mean = columns->mean, *restrict inverse = columns->inverse;         \
        const type *restrict number = from;                                                        \
        real sum = 0;                                                                              \
        for (size_t left = n; left > 0;) {                                                         \
            size_t length = left < columns->length ? left : columns->length;                       \
            _Pragma("omp simd reduction(+ : sum)") for (size_t i = 0; i < length; i++)             \
            {                                                                                      \
                to[i] = (real)(((double)number[i] - mean[i]) * inverse[i]);                        \
                sum += to[i] - to[i];                                                              \
            }                                                                                      \
            number += length;                                                                      \
            to += length;                                                                          \
            left -= length;                                                                        \
        }                                                                                          \
        return sum == 0;                                                                           \
    }
SCALE_NUMBERS(scale_float, float)
SCALE_NUMBERS(scale_double, double)
SCALE_NUMBERS(scale_int8, int8_t)
SCALE_NUMBERS(scale_uint8, uint8_t)
SCALE_NUMBERS(scale_int16, int16_t)
SCALE_NUMBERS(scale_uint16, uint16_t)
SCALE_NUMBERS(scale_int32, int32_t)
SCALE_NUMBERS(scale_uint32, uint32_t)

bool scaled_columns_fill(const struct scaled_columns *columns, const double *from, size_t n,
                         real *to)
{
    bool finite = scale_double(columns, from, n, to);
    if (finite)
        return true;
    finite = true;
    for (size_t i = 0; i < n; i++) {
        to[i] = isnan(from[i]) ? 0 : to[i];
        finite = finite && isfinite(to[i]);
    }
    return finite;
}

bool scaled_columns_apply(const struct scaled_columns *columns, enum hdf5_number number,
                          const void *from, size_t n, real *to)
{
    switch (number) {
    case HDF5_F32:
        return scale_float(columns, from, n, to);
    case HDF5_I8:
        return scale_int8(columns, from, n, to);
    case HDF5_U8:
        return scale_uint8(columns, from, n, to);
    case HDF5_I16:
        return scale_int16(columns, from, n, to);
    case HDF5_U16:
        return scale_uint16(columns, from, n, to);
    case HDF5_I32:
        return scale_int32(columns, from, n, to);
    case HDF5_U32:
        return scale_uint32(columns, from, n, to);
    default:
        return scale_double(columns, from, n, to);
    }
}
