#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# OpenBLAS's dpotrf (Cholesky) says info = 0, success, of a matrix with NaN on its diagonal.
#
# Guess: info = i, as LAPACK's own dpotrf: its test of a pivot is "not above 0, or NaN".
# Seen:  info = 0 with OpenBLAS, and NaN in the factor; info = i with LAPACK's, on the same matrices, small
#        and large.
# So:    "if Cholesky fails, the step was bad" does not see NaN: test the numbers that come out.
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
need libopenblas0-pthread=0.3.21+ds-4 libblas3=3.11.0-2 liblapack3=3.11.0-2

libraries=/usr/lib/x86_64-linux-gnu
export OPENBLAS BLAS LAPACK
OPENBLAS=$(file_of $libraries/openblas-pthread/libopenblas.so.0)
BLAS=$(file_of $libraries/blas/libblas.so.3) LAPACK=$(file_of $libraries/lapack/liblapack.so.3)
python <<'PYTHON'
import ctypes, os
from expect import expect

def info(library, n, bad):
    """What dpotrf of a library says of 2 I with NaN at diagonal element `bad`, from 1."""
    a = (ctypes.c_double * (n * n))()
    for i in range(n):
        a[i * n + i] = float("nan") if i + 1 == bad else 2
    size, said = ctypes.c_int(n), ctypes.c_int(-1)
    library.dpotrf_(b"L", ctypes.byref(size), a, ctypes.byref(size), ctypes.byref(said))
    return said.value

openblas = ctypes.CDLL(os.environ["OPENBLAS"])
openblas.openblas_get_config.restype = ctypes.c_char_p
print(openblas.openblas_get_config().decode())
ctypes.CDLL(os.environ["BLAS"], mode=ctypes.RTLD_GLOBAL)
lapack = ctypes.CDLL(os.environ["LAPACK"])
for n, bad in ((2, 1), (35, 18), (200, 101)):
    expect(f"OpenBLAS, order {n}, NaN at {bad}: info", info(openblas, n, bad), 0)
    expect(f"LAPACK,   order {n}, NaN at {bad}: info", info(lapack, n, bad), bad)
PYTHON
