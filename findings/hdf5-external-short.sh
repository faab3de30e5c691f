#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# HDF5 reads zeros where an external raw data file is too short, not the fill value, and no error.
#
# Guess: an error, as for a file that is missing; or at least the fill value of the data set.
# Seen:  numbers from the file, then 0, and success. h5dump shows the same.
# So:    compare the sizes of external files with what their data sets need before you read.
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
need python3-h5py=3.7.0-8 python3-h5py-serial=3.7.0-8 libhdf5-103-1=1.10.8+repack1-1

python <<'PYTHON'
import os
import h5py, numpy
from expect import expect

print("HDF5", h5py.version.hdf5_version)
numpy.arange(1.0, 7.0).tofile("raw.bin")
with h5py.File("data.h5", "w") as file:
    file.create_dataset("x", shape=(6,), dtype="f8", external=[("raw.bin", 0, 48)], fillvalue=-1)
os.truncate("raw.bin", 24)
with h5py.File("data.h5") as file:
    expect("half of the file is there", file["x"][:].tolist(), [1.0, 2.0, 3.0, 0.0, 0.0, 0.0])
os.remove("raw.bin")
try:
    with h5py.File("data.h5") as file:
        found = file["x"][:].tolist()
except OSError:
    found = "an error"
expect("nothing of the file is there", found, "an error")
PYTHON
