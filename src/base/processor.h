/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_BASE_PROCESSOR_H
#define COTERIE_BASE_PROCESSOR_H

enum vector_level { LEVEL_UNKNOWN, LEVEL_SSE, LEVEL_AVX, LEVEL_AVX2, LEVEL_AVX512 };

/*
 * Local. The widest vectors that this processor has for OpenBLAS, for our own loops (LEAF_KERNEL)
 * and for the C library's vector functions; LEVEL_UNKNOWN if it is no x86-64.
 */
enum vector_level processor_level(void);

/* "AVX-512", "AVX2", "AVX", "SSE2", or "default instructions". */
const char *processor_level_name(enum vector_level level);

#endif
