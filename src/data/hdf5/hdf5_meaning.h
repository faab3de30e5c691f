/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_HDF5_MEANING_H
#define COTERIE_DATA_HDF5_MEANING_H

#include "base/status.h"
#include "base/string_list.h"
#include "data/hdf5/hdf5_file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the numbers of a data set mean, where that is not what they seem: by the attributes of
 * netCDF and CF (packing, fill values, unsigned), by marks of R, pandas, MATLAB and Octave, by an
 * enumeration. All functions are Local.
 */
struct hdf5_mark {
    double number;    /* stands for a missing value */
    const char *what; /* "its _FillValue" */
};

struct hdf5_meaning {
    bool plain;      /* the numbers are what they seem: all below is empty, but for on_side */
    bool on_side;    /* (columns, N): MATLAB and Octave write a matrix of N rows so, and say so */
    bool is_boolean; /* an enumeration of false and true, 0 and 1 */
    bool is_packed;
    double scale, offset; /* of packed numbers */
    double wrap;          /* 2^bits: of unsigned numbers kept as signed; negative: the reverse */
    struct hdf5_mark *mark;
    size_t n_marks;
    double least, largest;    /* valid numbers .. */
    bool range_is_unpacked;   /* .. as unpacked; else as stored */
    struct string_list names; /* of an enumeration */
    int64_t *value;           /* (names.n) */
};

/*
 * STATUS_USAGE, naming file and data set, for what is known not to be numbers (MATLAB's text, a
 * dimension of netCDF), or packed by a formula that is not known. Release it also after a failure.
 */
status hdf5_meaning_find(struct hdf5_file *file, const char *name, struct hdf5_meaning *meaning);
void hdf5_meaning_release(struct hdf5_meaning *meaning);

/* Makes n numbers as they are stored into what they mean, in place; NaN for missing ones. */
void hdf5_meaning_apply(const struct hdf5_meaning *meaning, double *number, size_t n);

/* Why a stored number is missing: "-32768 is its _FillValue"; "" if it is not by its meaning. */
enum { HDF5_REASON = 160 };
const char *hdf5_meaning_reason(const struct hdf5_meaning *meaning, double stored,
                                char text[HDF5_REASON]);

/* The name of a stored number of an enumeration, NULL if it has none or stands for missing. */
const char *hdf5_meaning_name(const struct hdf5_meaning *meaning, int64_t stored);

#endif
