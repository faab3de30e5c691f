#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Octave, save -hdf5: 1:5 is not an array in the file, and an empty matrix is an array of two numbers.
#
# Guess: each variable of numbers is a data set with the numbers of the variable, none if it is empty.
# Seen:  a range is one record of first, last and step (Octave makes an array of it when it computes with
#        it, also by [1:5]); zeros(0, 3) is the two whole numbers 0 and 3, which only an attribute of the
#        group above tells from a vector. Matrices are transposed, as those of other programs that
#        store by columns.
# So:    t = 0:0.1:10 has no samples for who reads the file; save t = [t]. With two samples, an empty
#        matrix looks like a column.
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
need_with_dependencies octave=7.3.0-2
need python3-h5py=3.7.0-8 python3-h5py-serial=3.7.0-8 libhdf5-103-1=1.10.8+repack1-1 \
    libhdf5-hl-100=1.10.8+repack1-1

cat >finding.m <<'M'
range = 1:5; array = [1:5]; empty = zeros(0, 3); matrix = [1 2 3; 4 5 6];
save -hdf5 finding.h5 range array empty matrix
M
echo "Octave $(octave-cli --version | sed -n 's/^GNU Octave, version //p')"
# Its own trouble when it ends, after the file is written, is not looked at.
octave-cli --quiet --no-init-file finding.m 2>/dev/null || true

python <<'PYTHON'
import h5py
from expect import expect

with h5py.File("finding.h5") as file:
    def value(name):
        return file[name]["value"]

    expect("1:5", (value("range").shape, value("range").dtype.names, value("range")[()].tolist()),
           ((), ("base", "limit", "increment"), (1.0, 5.0, 1.0)))
    expect("[1:5]", (value("array").shape, value("array")[:, 0].tolist()), ((5, 1), [1.0, 2.0, 3.0, 4.0, 5.0]))
    expect("zeros(0, 3)", (value("empty").dtype.str, value("empty")[:].tolist()), ("<i8", [0, 3]))
    expect("its mark, on the group", "OCTAVE_EMPTY_MATRIX" in file["empty"].attrs, True)
    expect("a matrix of 2 rows", value("matrix").shape, (3, 2))
PYTHON
