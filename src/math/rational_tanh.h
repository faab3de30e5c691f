/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MATH_RATIONAL_TANH_H
#define COTERIE_MATH_RATIONAL_TANH_H

#include <stdint.h>
#include <string.h>

/*
 * x, or `limit` with the sign of x if that is less; a NaN stays one. In whole numbers, of which
 * compilers make one minimum, and not the comparisons and masks that NaNs ask for among floats:
 * without their signs floats are in the order of their bits, and `turn` takes those of NaNs, which
 * are beyond infinity, around to 0.
 */
__attribute__((always_inline)) static inline float at_most(float x, float limit)
{
    const uint32_t sign = 0x80000000, turn = 0x807fffff;
    uint32_t bits, most;
    memcpy(&bits, &x, sizeof bits);
    memcpy(&most, &limit, sizeof most);
    uint32_t size = (bits & ~sign) + turn;
    size = size < most + turn ? size : most + turn;
    bits = (size - turn) | (bits & sign);
    memcpy(&x, &bits, sizeof x);
    return x;
}

/*
 * tanh x = x P(x^2) / Q(x^2), a minimax fit of tanh(x)/x on [0, 9] with relative error 2e-8; with
 * rounding the result is within 8 units of the last place of tanh, where libmvec's tanhf is
 * within 1. It takes two thirds of libmvec's time with AVX-512 and half with AVX2; where libmvec is
 * missing the loop still vectorises, which a call of tanhf does not.
 */
__attribute__((always_inline)) static inline float rational_tanhf(float x)
{
    float bounded = at_most(x, 9);
    float u = bounded * bounded;
    float p = 1.33532402912806e-08f;
    p = p * u + 2.0608067643479444e-05f;
    p = p * u + 0.003495527897030115f;
    p = p * u + 0.13380976021289825f;
    p = p * u + 1.0f;
    float q = 7.775978474455769e-07f;
    q = q * u + 0.0003285535203758627f;
    q = q * u + 0.025876754894852638f;
    q = q * u + 0.46714290976524353f;
    q = q * u + 1.0f;
    return at_most(bounded * p / q, 1);
}

#endif
