#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# OpenBLAS: dgemm with alpha = 0 reads A on processors with AVX-512, where the matrices are small.
#
# Guess: the BLAS: "when alpha is zero then A and B are not referenced", so NaN in A does no harm. On every
#        processor and for every size the same.
# Seen:  NaN in C with the kernels for AVX-512 and orders 2 to 32; not of order 128, and not with the
#        kernels of other processors.
# So:    a factor of zero does not switch a product off, and tests on another machine do not show it.
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
need libopenblas0-pthread=0.3.21+ds-4

grep -q avx512f /proc/cpuinfo || { echo "cannot be tried: no AVX-512 here" >&2 && exit 77; }
export OPENBLAS
OPENBLAS=$(file_of /usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblas.so.0)
cat >gemm.py <<'PYTHON'
import ctypes, os

def gemm(n):
    """An element of C = 0 A B + C, all ones, with NaN in A."""
    library = ctypes.CDLL(os.environ["OPENBLAS"])
    order, zero, one = (ctypes.byref(c) for c in (ctypes.c_int(n), ctypes.c_double(0), ctypes.c_double(1)))
    a, b, c = ((ctypes.c_double * (n * n))(*[1.0] * (n * n)) for _ in range(3))
    a[0] = float("nan")
    library.dgemm_(b"N", b"N", order, order, order, zero, a, order, b, order, one, c, order)
    return c[0]

print([gemm(n) for n in (2, 32, 128)])
PYTHON
python <<'PYTHON'
import os, subprocess, sys
from expect import expect

def by_kernel(name):
    return subprocess.run([sys.executable, "gemm.py"], env=dict(os.environ, OPENBLAS_CORETYPE=name),
                          capture_output=True, text=True, check=True).stdout.strip()

expect("orders 2, 32, 128, kernels for AVX-512", by_kernel("SkylakeX"), "[nan, nan, 1.0]")
expect("orders 2, 32, 128, kernels for AVX2", by_kernel("Haswell"), "[1.0, 1.0, 1.0]")
PYTHON
