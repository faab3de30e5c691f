#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# HDF5's Fletcher-32 filter does not see words of 16 bits that turn from 0x0000 to 0xFFFF.
#
# Guess: a checksum over a chunk finds any word that has changed.
# Seen:  -1 in the place of 0, or NaN in the place of 0.0, is read without an error: the sums are taken
#        modulo 65535, for which both words are alike. 0x0001 in the place of 0x0000 is an error.
# So:    a block of zeros that a disk or memory gives back as ones passes; keep a checksum of your own.
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
need python3-h5py=3.7.0-8 python3-h5py-serial=3.7.0-8 libhdf5-103-1=1.10.8+repack1-1

python <<'PYTHON'
import h5py, numpy
from expect import expect

def after(dtype, word):
    """What is read back of 7 0 7 0 ... once `word` stands where each 0 had its last two bytes."""
    size = numpy.dtype(dtype).itemsize
    with h5py.File("data.h5", "w") as file:
        x = file.create_dataset("x", data=numpy.tile([7, 0], 32).astype(dtype), chunks=(64,), fletcher32=True)
        start = x.id.get_chunk_info(0).byte_offset
    data = bytearray(open("data.h5", "rb").read())
    for i in range(1, 64, 2):
        data[start + size * (i + 1) - 2:start + size * (i + 1)] = word
    open("data.h5", "wb").write(data)
    try:
        with h5py.File("data.h5") as file:
            return file["x"][:4].tolist()
    except OSError:
        return "an error"

print("HDF5", h5py.version.hdf5_version)
expect("16-bit integers, 0xFFFF", after("int16", b"\xff\xff"), [7, -1, 7, -1])
expect("doubles, 0xFFFF", after("float64", b"\xff\xff"), [7.0, float("nan"), 7.0, float("nan")])
expect("16-bit integers, 0x0001", after("int16", b"\x01\x00"), "an error")
PYTHON
