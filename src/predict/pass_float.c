/* SPDX-License-Identifier: BSD-3-Clause */
#include "pass.h"

#include "math/portable_math.h"
#include "math/rational_tanh.h"

#define SCALAR float
#define SCALAR_TANH(x) rational_tanhf(x)
#define SCALAR_EXP(x) ((float)portable_exp((double)(x)))
#define SCALAR_ERF(x) erff(x)
#define PASS pass_float
#include "pass_body.h"
