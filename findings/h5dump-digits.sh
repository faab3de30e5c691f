#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# h5dump writes doubles with six digits, also to a file that is meant for other programs (-y -o).
#
# Guess: doubles are written with the 17 digits that bring them back, or at least with 15 as ncdump does.
# Seen:  six significant digits, for floats and doubles; two times a second apart are one number. The
#        same file by -m %.17g is right.
# So:    a table made with h5dump has lost its digits before anything reads it: h5dump -m %.17g.
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
need hdf5-tools=1.10.8+repack1-1 libhdf5-103-1=1.10.8+repack1-1 libhdf5-hl-100=1.10.8+repack1-1 \
    python3-h5py=3.7.0-8 python3-h5py-serial=3.7.0-8
export H5DUMP
H5DUMP=$(file_of /usr/bin/h5dump)

python <<'PYTHON'
import os, subprocess
import h5py, numpy
from expect import expect

time = numpy.array([1700000123.5, 1700000124.5, 0.1 + 0.2])
with h5py.File("data.h5", "w") as file:
    file["time"] = time

def dumped(*options):
    subprocess.run([os.environ["H5DUMP"], "-d", "/time", *options, "-y", "-o", "out.txt", "data.h5"],
                   check=True, stdout=subprocess.DEVNULL)
    with open("out.txt", encoding="utf-8") as file:
        return [word.strip() for word in file.read().split(",")]

expect("h5dump -y -o", dumped(), ["1.7e+09", "1.7e+09", "0.3"])
expect("with -m %.17g the same numbers", [float(word) for word in dumped("-m", "%.17g")], time.tolist())
PYTHON
