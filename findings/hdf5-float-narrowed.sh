#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# HDF5 does not round as IEEE 754 does where it narrows floats by its own code, and there a small number can
# come back as half of itself. That code runs for 16-bit floats and wherever the byte order changes too (float64
# to big-endian float32); the compiler's conversion, which rounds rightly, runs for native types only.
#
# Guess: the nearest float, ties to even, as NumPy's astype and every C compiler have it.
# Seen:  ties go away from zero (4099 as float16 is 4100 by NumPy, but 2049 is 2050, not 2048); 65520 becomes
#        65504, not infinity; and of numbers below the least normal one (6.1e-5 for float16) one in twelve
#        is wrong, by up to a half: 6.102e-05 becomes 3.05e-05, since the carry out of the last bits is lost.
# So:    convert before you write (x.astype("f2")), and give data sets the type and byte order of the array.
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
need python3-h5py=3.7.0-8 python3-h5py-serial=3.7.0-8 libhdf5-103-1=1.10.8+repack1-1

python <<'PYTHON'
import warnings
import h5py, numpy
from expect import expect

warnings.simplefilter("ignore")
print("HDF5", h5py.version.hdf5_version)


def through(x, dtype):
    with h5py.File("data.h5", "w") as file:
        data = file.create_dataset("x", x.shape, dtype)
        data[...] = x
        return data[...].astype(numpy.dtype(dtype).newbyteorder("="))


x = numpy.array([2049, 4099, 65520, 2**-14 - 2**-26])
expect("2049, 4099, 65520, 6.10203e-05 written as float16", through(x, "f2").tolist(),
       [2050.0, 4100.0, 65504.0, 3.0517578125e-05])
expect("the same by astype", x.astype("f2").tolist(), [2048.0, 4100.0, numpy.inf, 6.103515625e-05])

rng = numpy.random.default_rng(1)
small = 2**rng.uniform(-24, -14, 200000)
wrong = through(small, "f2") != small.astype("f2")
ratio = through(small, "f2")[wrong] / small[wrong]
expect("wrong of numbers between 2^-24 and 2^-14, in percent", round(100 * wrong.mean()), 8)
expect("least ratio to the number itself, in tenths", round(10 * float(ratio.min())), 5)
small = 2**rng.uniform(-149, -126, 200000)
wrong = {order: through(small, order + "f4") != small.astype("f4") for order in "<>"}
expect("float64 as little-endian float32: any wrong", bool(wrong["<"].any()), False)
expect("float64 as big-endian float32: wrong, in percent", round(100 * wrong[">"].mean()), 3)
ties = numpy.arange(2.0**24, 2.0**24 + 4096)
expect("2^24 .. 2^24 + 4095 as little-endian float32: wrong",
       int((through(ties, "<f4") != ties.astype("f4")).sum()), 0)
expect("2^24 .. 2^24 + 4095 as big-endian float32: wrong",
       int((through(ties, ">f4") != ties.astype("f4")).sum()), 1024)
PYTHON
