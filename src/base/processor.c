/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/processor.h"

enum vector_level processor_level(void)
{
#ifdef __x86_64__
    /* OpenBLAS asks for as much of AVX-512, and so do our own loops. */
    if (__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq"))
        return LEVEL_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return LEVEL_AVX2;
    return __builtin_cpu_supports("avx") ? LEVEL_AVX : LEVEL_SSE;
#else
    return LEVEL_UNKNOWN;
#endif
}

const char *processor_level_name(enum vector_level level)
{
    static const char *const name[] = {[LEVEL_UNKNOWN] = "default instructions",
                                       [LEVEL_SSE] = "SSE2",
                                       [LEVEL_AVX] = "AVX",
                                       [LEVEL_AVX2] = "AVX2",
                                       [LEVEL_AVX512] = "AVX-512"};
    return name[level];
}
