#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A virtual data set of HDF5 whose source file is gone reads as zeros, without an error.
#
# Guess: an error that names the file that is missing.
# Seen:  the rows of that file are 0, the fill value; of sources that are numbered (%b) all behind the one
#        that is missing are gone from the shape.
# So:    before you read a virtual data set, look whether each of its sources is there.
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
need python3-h5py=3.7.0-8 python3-h5py-serial=3.7.0-8 libhdf5-103-1=1.10.8+repack1-1

python <<'PYTHON'
import os
import h5py, numpy
from expect import expect

print("HDF5", h5py.version.hdf5_version)
layout = h5py.VirtualLayout((6,), "f8")
for i in range(3):
    with h5py.File(f"part{i}.h5", "w") as file:
        file["q"] = numpy.array([2 * i + 1.0, 2 * i + 2.0])
    layout[2 * i:2 * i + 2] = h5py.VirtualSource(f"part{i}.h5", "q", (2,))
with h5py.File("data.h5", "w") as file:
    file.create_virtual_dataset("x", layout)
    space = h5py.h5s.create_simple((2,), (h5py.h5s.UNLIMITED,))
    space.select_hyperslab((0,), (h5py.h5s.UNLIMITED,), (2,), (2,))
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_virtual(space, b"part%b.h5", b"q", h5py.h5s.create_simple((2,)))
    h5py.h5d.create(file.id, b"numbered", h5py.h5t.NATIVE_DOUBLE, space, creation)

def read(name):
    with h5py.File("data.h5") as file:
        return file[name][:].tolist()

expect("all are there", read("x"), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
expect("numbered", read("numbered"), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
os.remove("part1.h5")
expect("one is gone", read("x"), [1.0, 2.0, 0.0, 0.0, 5.0, 6.0])
expect("numbered", read("numbered"), [1.0, 2.0])
PYTHON
