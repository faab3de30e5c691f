#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# OpenBLAS: a row of a product of matrices has other last digits when other rows are computed beside it.
#
# Guess: row i of A B depends on row i of A and on B, and so does each of its bits: the same sample gives
#        the same prediction alone, in a batch of 3 and in a batch of 256. One thread, one kernel.
# Seen:  with doubles, batches with an odd number of rows differ from the whole in some elements; with
#        floats, most sizes do. It depends on the kernel: some have equal bits for all sizes tried.
# So:    "the same model, the same sample" is not "the same bits" when NumPy computes, and a test that
#        compares single predictions with a batch needs a tolerance.
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
need libopenblas0-pthread=0.3.21+ds-4

grep -q avx2 /proc/cpuinfo || { echo "cannot be tried: no AVX2 here" >&2 && exit 77; }
export OPENBLAS OPENBLAS_CORETYPE=Haswell OPENBLAS_NUM_THREADS=1
OPENBLAS=$(file_of /usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblas.so.0)

python <<'PYTHON'
import ctypes, os
import numpy
from expect import expect

library = ctypes.CDLL(os.environ["OPENBLAS"])
library.openblas_get_corename.restype = ctypes.c_char_p
print("kernel", library.openblas_get_corename().decode())
ROWS, ANY, INNER, COLUMNS = 101, 111, 33, 17
rng = numpy.random.default_rng(1)

def product(a, b):
    """a b by cblas_dgemm or cblas_sgemm, rows after rows."""
    kind, scalar = ("d", ctypes.c_double) if a.dtype == numpy.float64 else ("s", ctypes.c_float)
    c = numpy.zeros((len(a), b.shape[1]), a.dtype)
    pointer = [ctypes.c_void_p(m.ctypes.data) for m in (a, b, c)]
    getattr(library, f"cblas_{kind}gemm")(ROWS, ANY, ANY, len(a), b.shape[1], a.shape[1], scalar(1), pointer[0],
                                          a.shape[1], pointer[1], b.shape[1], scalar(0), pointer[2], b.shape[1])
    return c

for kind in (numpy.float64, numpy.float32):
    a, b = rng.normal(size=(256, INNER)).astype(kind), rng.normal(size=(INNER, COLUMNS)).astype(kind)
    whole = product(a, b)
    assert numpy.allclose(whole, a.astype(float) @ b.astype(float), rtol=1e-4, atol=1e-4)
    other = {m: int(sum((product(a[i:i + m].copy(), b) != whole[i:i + m]).sum() for i in range(0, 240, m)))
             for m in (1, 2, 3, 4, 5, 8, 48)}
    print(f"seen     {numpy.dtype(kind)}: elements that differ, by rows of the batch: {other}")
    expect(f"{numpy.dtype(kind)}: some differ", sum(other.values()) > 0, True)
    expect(f"{numpy.dtype(kind)}: batches of one row", other[1] > 0, True)
PYTHON
