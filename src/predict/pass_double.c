/* SPDX-License-Identifier: BSD-3-Clause */
#include "pass.h"

#include "math/portable_math.h"

#define SCALAR double
#define SCALAR_TANH(x) portable_tanh(x)
#define SCALAR_EXP(x) portable_exp(x)
#define SCALAR_ERF(x) erf(x)
#define PASS pass_double
#include "pass_body.h"
