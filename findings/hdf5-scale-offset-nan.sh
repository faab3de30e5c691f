#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# HDF5's scale-offset filter turns NaN into the smallest number of its chunk.
#
# Guess: NaN comes back as NaN, as it does through every other filter; decimals are lost, no more.
# Seen:  a missing value comes back as an ordinary number of the data, without an error. Only a chunk
#        that begins with NaN comes back as it was, and that one HDF5 1.14.5 cannot read at all, though it
#        writes it, and 1.10.8 and 2.2.0 read what it has written.
# So:    data in such a filter with missing values cannot be trusted; NaN cannot be found afterwards.
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
need python3-h5py=3.7.0-8 python3-h5py-serial=3.7.0-8 libhdf5-103-1=1.10.8+repack1-1

python <<'PYTHON'
import h5py, numpy
from expect import expect

print("HDF5", h5py.version.hdf5_version)
nan = numpy.nan
with h5py.File("data.h5", "w") as file:
    for name, data in (("behind", [1.5, nan, 2.25, nan]), ("first", [nan, 1.5, 2.25, nan])):
        file.create_dataset(name, data=numpy.array(data * 8), chunks=(32,), scaleoffset=2)
with h5py.File("data.h5") as file:
    expect("1.5 nan 2.25 nan", numpy.round(file["behind"][:4], 6).tolist(), [1.5, 1.5, 2.25, 1.5])
    expect("nan 1.5 2.25 nan", numpy.round(file["first"][:4], 6).tolist(), [nan, 1.5, 2.25, nan])
PYTHON
