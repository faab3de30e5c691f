#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# HDF5 turns numbers that do not fit an integer into the nearest that does, silently; NaN into 0 or into
# the least integer, as the size of the integer has it.
#
# Guess: an error; or, from h5py, what NumPy's astype does (70000 becomes 4464 as 16 bits).
# Seen:  70000 becomes 32767, -1 as unsigned 0, 1.7 becomes 1; NaN becomes 0 in 16 bits and -2147483648 in
#        32 (on x86-64); all with success, when writing and when reading.
# So:    a missing value (NaN) that goes through an integer data set is a number afterwards.
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
need python3-h5py=3.7.0-8 python3-h5py-serial=3.7.0-8 libhdf5-103-1=1.10.8+repack1-1

python <<'PYTHON'
import h5py, numpy
from expect import expect

print("HDF5", h5py.version.hdf5_version)
with h5py.File("data.h5", "w") as file:
    x = file.create_dataset("x", shape=(5,), dtype="i2")
    x[...] = numpy.array([70000, -70000, numpy.nan, numpy.inf, 1.7])
    expect("70000 -70000 nan inf 1.7 written as int16", x[:].tolist(), [32767, -32768, 0, 32767, 1])
    u = file.create_dataset("u", shape=(2,), dtype="u1")
    u[...] = numpy.array([-1, 300])
    expect("-1 300 written as uint8", u[:].tolist(), [0, 255])
    d = file.create_dataset("d", data=numpy.array([1e300, numpy.nan]))
    into = numpy.empty(2, "i4")
    d.read_direct(into)
    expect("1e300 nan read as int32", into.tolist(), [2147483647, -2147483648])
PYTHON
