/* SPDX-License-Identifier: BSD-3-Clause */
#include "math/bf16_activation.h"

#ifndef COTERIE_DOUBLE

/* Only where the loops of activation.c have fused multiply-adds, too: see LEAF_KERNEL. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                             \
    !defined(__SANITIZE_ADDRESS__)
#include <immintrin.h>

#define HAS_ONE_PASS

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))
#define INLINE TARGET __attribute__((always_inline)) static inline

enum { LANES = 16 };

INLINE __m512 number(float x)
{
    return _mm512_set1_ps(x);
}

/* rational_tanhf, step by step. Of a NaN both bounds hand on the second operand. */
INLINE __m512 rational_tanh(__m512 x)
{
    x = _mm512_max_ps(number(-9), _mm512_min_ps(number(9), x));
    __m512 u = _mm512_mul_ps(x, x), p = number(1.33532402912806e-08f);
    p = _mm512_fmadd_ps(p, u, number(2.0608067643479444e-05f));
    p = _mm512_fmadd_ps(p, u, number(0.003495527897030115f));
    p = _mm512_fmadd_ps(p, u, number(0.13380976021289825f));
    p = _mm512_fmadd_ps(p, u, number(1));
    __m512 q = number(7.775978474455769e-07f);
    q = _mm512_fmadd_ps(q, u, number(0.0003285535203758627f));
    q = _mm512_fmadd_ps(q, u, number(0.025876754894852638f));
    q = _mm512_fmadd_ps(q, u, number(0.46714290976524353f));
    q = _mm512_fmadd_ps(q, u, number(1));
    __m512 value = _mm512_div_ps(_mm512_mul_ps(x, p), q);
    return _mm512_max_ps(number(-1), _mm512_min_ps(number(1), value));
}

/* Two vectors, one behind the other, become pairs of their numbers. */
INLINE __m512i paired(__m512 first, __m512 second)
{
    const __m512i order =
        _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                         21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return _mm512_permutexvar_epi16(order, (__m512i)_mm512_cvtne2ps_pbh(second, first));
}

TARGET static void tanh_pairs(size_t units, size_t w, const float *bias, const float *z, float *a,
                              bf16_pair *to)
{
    for (size_t u = 0; u < units; u += 2, z += 2 * w, a += 2 * w, to += w) {
        bool is_pair = u + 1 < units;
        for (size_t i = 0; i < w; i += LANES) {
            __m512 second = _mm512_setzero_ps();
            __m512 first = rational_tanh(_mm512_add_ps(_mm512_loadu_ps(z + i), number(bias[u])));
            if (is_pair) {
                __m512 sum = _mm512_add_ps(_mm512_loadu_ps(z + w + i), number(bias[u + 1]));
                second = rational_tanh(sum);
                _mm512_storeu_ps(a + w + i, second);
            }
            _mm512_storeu_ps(a + i, first);
            _mm512_storeu_si512(to + i, paired(first, second));
        }
    }
}

/* Up to two vectors of a row; of the second one the lanes in `more`. */
INLINE void tanh_slopes_of_two(const float *a, float *d, __mmask16 more, bf16_pair *a_to,
                               bf16_pair *d_to)
{
    const __mmask16 pairs = more ? 0xffff : 0xff;
    __m512 a0 = _mm512_loadu_ps(a), a1 = _mm512_maskz_loadu_ps(more, a + LANES);
    __m512 d0 = _mm512_loadu_ps(d), d1 = _mm512_maskz_loadu_ps(more, d + LANES);
    d0 = _mm512_mul_ps(d0, _mm512_fnmadd_ps(a0, a0, number(1)));
    d1 = _mm512_mul_ps(d1, _mm512_fnmadd_ps(a1, a1, number(1)));
    _mm512_storeu_ps(d, d0);
    _mm512_mask_storeu_ps(d + LANES, more, d1);
    _mm512_mask_storeu_epi32(a_to, pairs, (__m512i)_mm512_cvtne2ps_pbh(a1, a0));
    _mm512_mask_storeu_epi32(d_to, pairs, (__m512i)_mm512_cvtne2ps_pbh(d1, d0));
}

TARGET static void tanh_slopes(size_t units, size_t w, const float *a, float *d, bf16_pair *a_to,
                               bf16_pair *d_to, size_t ld_to)
{
    for (size_t u = 0; u < units; u++, a += w, d += w, a_to += ld_to, d_to += ld_to) {
        size_t i = 0;
        for (; i + 2 * LANES <= w; i += 2 * LANES)
            tanh_slopes_of_two(a + i, d + i, 0xffff, a_to + i / 2, d_to + i / 2);
        if (i < w)
            tanh_slopes_of_two(a + i, d + i, 0, a_to + i / 2, d_to + i / 2);
    }
}
#endif

void bf16_activate(enum activation kind, size_t units, size_t w, const float *bias, float *z,
                   float *a, bf16_pair *to)
{
#ifdef HAS_ONE_PASS
    if (kind == ACTIVATION_TANH && bf16_choice() == BF16_INSTRUCTION) {
        tanh_pairs(units, w, bias, z, a, to);
        return;
    }
#endif
    activation_forward(kind, units, w, bias, z, a);
    bf16_pair_rows(units, w, a, w, to, w);
}

void bf16_differentiate(enum activation kind, size_t units, size_t w, const float *z,
                        const float *a, float *d, bf16_pair *a_to, bf16_pair *d_to, size_t ld_to)
{
#ifdef HAS_ONE_PASS
    if (kind == ACTIVATION_TANH && bf16_choice() == BF16_INSTRUCTION) {
        tanh_slopes(units, w, a, d, a_to, d_to, ld_to);
        return;
    }
#endif
    activation_backward(kind, units, w, z, a, d);
    bf16_round_rows(units, w, a, w, a_to, ld_to);
    bf16_round_rows(units, w, d, w, d_to, ld_to);
}
#endif
