/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_BASE_REAL_H
#define COTERIE_BASE_REAL_H

/*
 * The working precision. The same sources make two programs: `real` is float in coterie and double
 * in coterie_d. Sums, losses and statistics are double in both.
 */
#ifdef COTERIE_DOUBLE
typedef double real;
#define REAL_NAME "double"
#else
typedef float real;
#define REAL_NAME "float"
#endif

#include <stddef.h>

/* Rows of every matrix that a loop runs over start at 64 bytes and are padded to whole vectors. */
enum { REAL_ALIGNMENT = 64, REALS_PER_LINE = REAL_ALIGNMENT / (int)sizeof(real) };

/* The smallest multiple of a 64-byte line, counted in reals, that holds n reals. */
static inline size_t real_padded(size_t n)
{
    return (n + REALS_PER_LINE - 1) / REALS_PER_LINE * REALS_PER_LINE;
}

/*
 * For leaf loops: the compiler makes one version per instruction set and the program takes the
 * widest that the processor has. All ranks on equal processors take the same one.
 */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                             \
    !defined(__SANITIZE_ADDRESS__) && !defined(COTERIE_NATIVE)
#define LEAF_KERNEL                                                                                \
    __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), noinline))
#else
#define LEAF_KERNEL __attribute__((noinline))
#endif

#endif
