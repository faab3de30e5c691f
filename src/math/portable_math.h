/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MATH_PORTABLE_MATH_H
#define COTERIE_MATH_PORTABLE_MATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/*
 * Exponential and hyperbolic tangent of plain arithmetic, which compilers vectorise and which have
 * the same bits wherever multiplications and additions are fused in the same way: whatever loop
 * they stand in, and without libmvec, which the library does not link.
 */

/*
 * exp x = 2^n exp r, n = round(x / ln 2), |r| <= ln(2)/2; ln 2 is subtracted in two parts. Taylor's
 * series of 14 terms is exact to 1e-17 there. Below -700 the result is 0, above 700 that of 700.
 */
__attribute__((always_inline)) static inline double portable_exp(double x)
{
    const double shifter = 0x1.8p52;                      /* adding it rounds to a whole number */
    double bounded = x < -700 ? -700 : x > 700 ? 700 : x; /* a NaN stays one */
    double shifted = bounded * 1.44269504088896340736 + shifter;
    double n = shifted - shifter;
    double r = bounded - n * 0x1.62e42fefa38p-1;
    r = r - n * 0x1.ef35793c7673p-45;
    double p = 1.0 / 6227020800.0;
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    int64_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (int64_t)((uint64_t)(bits + 1023) << 52); /* the low bits of `shifted` are n */
    double power;
    memcpy(&power, &bits, sizeof power);
    return x < -700 ? 0 : p * power;
}

/* Near 0 Taylor's series, exact to 1e-17 for |x| <= 1/4; else (1 - e) / (1 + e), e = exp(-2|x|). */
__attribute__((always_inline)) static inline double portable_tanh(double x)
{
    double u = x * x;
    double p = 18888466084.0 / 194896477400625.0;
    p = p * u + -443861162.0 / 1856156927625.0;
    p = p * u + 6404582.0 / 10854718875.0;
    p = p * u + -929569.0 / 638512875.0;
    p = p * u + 21844.0 / 6081075.0;
    p = p * u + -1382.0 / 155925.0;
    p = p * u + 62.0 / 2835.0;
    p = p * u + -17.0 / 315.0;
    p = p * u + 2.0 / 15.0;
    p = p * u + -1.0 / 3.0;
    double near = x + x * (u * p);
    double magnitude = fabs(x);
    double e = portable_exp(-2 * magnitude);
    double far = (1 - e) / (1 + e);
    far = x < 0 ? -far : far;
    return magnitude <= 0.25 ? near : far;
}

#endif
