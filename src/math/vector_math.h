/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MATH_VECTOR_MATH_H
#define COTERIE_MATH_VECTOR_MATH_H

#include "base/real.h"

#include <math.h>

/*
 * glibc's vector functions (libmvec). The compiler takes them in an `omp simd` loop only for
 * functions declared so; math.h itself does that under -ffast-math alone, which would break NaN
 * checks and equal bits.
 */
#ifdef COTERIE_LIBMVEC
#pragma omp declare simd notinbranch
extern float expf(float);
#pragma omp declare simd notinbranch
extern double exp(double);
#pragma omp declare simd notinbranch
extern float logf(float);
#pragma omp declare simd notinbranch
extern double log(double);
#pragma omp declare simd notinbranch
extern float tanhf(float);
#pragma omp declare simd notinbranch
extern double tanh(double);
#pragma omp declare simd notinbranch
extern float erff(float);
#pragma omp declare simd notinbranch
extern double erf(double);
#pragma omp declare simd notinbranch
extern float log1pf(float);
#pragma omp declare simd notinbranch
extern double log1p(double);
#endif

/*
 * tanh x = x P(x^2) / Q(x^2), a minimax fit of tanh(x)/x on [0, 9] with relative error 2e-8; with
 * rounding the result is within 8 units of the last place of tanh, where libmvec's tanhf is
 * within 1. It takes 0.9 of libmvec's time with AVX-512 and 0.6 with AVX2; where libmvec is missing
 * the loop still vectorises, which a call of tanhf does not.
 */
__attribute__((always_inline)) static inline float rational_tanhf(float x)
{
    float bounded = x > 9 ? 9 : x < -9 ? -9 : x; /* a NaN stays one */
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
    float value = bounded * p / q;
    return value > 1 ? 1 : value < -1 ? -1 : value;
}

#ifdef COTERIE_DOUBLE
#define real_exp exp
#define real_log log
#define real_log1p log1p
#define real_tanh tanh
#define real_erf erf
#define real_abs fabs
#else
#define real_exp expf
#define real_log logf
#define real_log1p log1pf
#define real_tanh rational_tanhf
#define real_erf erff
#define real_abs fabsf
#endif

#endif
