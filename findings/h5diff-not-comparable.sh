#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# h5diff says 0, "no differences", of data sets with other shapes or types.
#
# Guess: 3 numbers and 4 numbers differ, and the exit code is 1.
# Seen:  the exit code is 0; a line says that some objects are not comparable. The same for other numbers of
#        dimensions, for floats against integers, and for an empty data set against a full one.
# So:    a test that trusts the exit code passes when an array has lost its last row. Compare shapes and
#        types, too, or look for the words "not comparable".
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
need python3-h5py=3.7.0-8 python3-h5py-serial=3.7.0-8 libhdf5-103-1=1.10.8+repack1-1 \
    libhdf5-hl-100=1.10.8+repack1-1 hdf5-tools=1.10.8+repack1-1

h5diff --version
python <<'PYTHON'
import subprocess
import h5py, numpy
from expect import expect

def compare(a, b):
    for name, value in (("a.h5", a), ("b.h5", b)):
        with h5py.File(name, "w") as file:
            file["x"] = value
    done = subprocess.run(["h5diff", "a.h5", "b.h5"], capture_output=True, text=True, check=False)
    return done.returncode, "not comparable" in done.stdout

x = numpy.arange(4.0)
expect("equal", compare(x, x), (0, False))
expect("a number differs", compare(x, x + 1), (1, False))
expect("4 numbers and 3", compare(x, x[:3]), (0, True))
expect("4 numbers and none", compare(x, x[:0]), (0, True))
expect("4 numbers and 2 x 2", compare(x, x.reshape(2, 2)), (0, True))
expect("doubles and integers of other values", compare(x, 9 + numpy.arange(4)), (0, True))
PYTHON
