/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MATH_VECTOR_MATH_H
#define COTERIE_MATH_VECTOR_MATH_H

#include "base/real.h"
#include "math/rational_tanh.h"

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
