/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MATH_LANES_H
#define COTERIE_MATH_LANES_H

#include "base/real.h"

/*
 * A line of memory (64 bytes) as one vector, for leaf loops that a compiler does not vectorise by
 * itself, or not in an order of additions that is known. Vectors are given by address: how they are
 * passed otherwise depends on the processor compiled for. All functions are Local.
 */
typedef real line __attribute__((vector_size(REAL_ALIGNMENT)));
typedef double doubles __attribute__((vector_size(REAL_ALIGNMENT)));

/* Lines that a line of reals fills as doubles. */
enum { LINE_PARTS = (int)(sizeof(double) / sizeof(real)) };

__attribute__((always_inline)) static inline void line_widen(const line *v,
                                                             doubles part[LINE_PARTS])
{
#ifdef COTERIE_DOUBLE
    part[0] = *v;
#else
    /* In one piece: compilers take the numbers of half a line in four steps instead of two. */
    typedef double both __attribute__((vector_size(2 * REAL_ALIGNMENT)));
    both wide = __builtin_convertvector(*v, both);
    part[0] = __builtin_shufflevector(wide, wide, 0, 1, 2, 3, 4, 5, 6, 7);
    part[1] = __builtin_shufflevector(wide, wide, 8, 9, 10, 11, 12, 13, 14, 15);
#endif
}

/* The sum of a line: halves are added to each other until one number is left. */
__attribute__((always_inline)) static inline double doubles_sum(const doubles *v)
{
    typedef double half __attribute__((vector_size(REAL_ALIGNMENT / 2)));
    typedef double quarter __attribute__((vector_size(REAL_ALIGNMENT / 4)));
    const union {
        doubles all;
        half part[2];
    } halves = {*v};
    const union {
        half all;
        quarter part[2];
    } quarters = {halves.part[0] + halves.part[1]};
    quarter last = quarters.part[0] + quarters.part[1];
    return last[0] + last[1];
}

__attribute__((always_inline)) static inline real line_sum(const line *v)
{
#ifdef COTERIE_DOUBLE
    return doubles_sum(v);
#else
    typedef float half __attribute__((vector_size(REAL_ALIGNMENT / 2)));
    typedef float quarter __attribute__((vector_size(REAL_ALIGNMENT / 4)));
    const union {
        line all;
        half part[2];
    } halves = {*v};
    const union {
        half all;
        quarter part[2];
    } quarters = {halves.part[0] + halves.part[1]};
    quarter last = quarters.part[0] + quarters.part[1];
    return (last[0] + last[2]) + (last[1] + last[3]);
#endif
}

#endif
