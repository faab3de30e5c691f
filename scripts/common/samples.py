# SPDX-License-Identifier: BSD-3-Clause
"""Samples as Coterie's HDF5 files hold them."""
import pathlib

import h5py
import numpy

from common import environment


def fixed(strings):
    """Strings of fixed length, in UTF-8: what HDF5 keeps safest."""
    encoded = [str(s).encode() for s in strings]
    return numpy.array(encoded, dtype=h5py.string_dtype("utf-8", max(map(len, encoded))))


def write(path, x, y, inputs, targets, group=None, units=None, quiet=False):
    """x (N, D); y (N, T) numbers, or (N) strings: labels. A file that is there is left alone."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        file = h5py.File(path, "w-")
    except FileExistsError:
        environment.stop(f"{path} is there already; remove it or choose another --output")
    y = numpy.asarray(y)
    with file:
        file["x"] = numpy.asarray(x, float)
        file["x"].attrs["names"] = fixed(inputs)
        file["y"] = fixed(y) if y.dtype.kind == "U" else y.astype(float)
        file["y"].attrs["names"] = fixed(targets)
        if units:
            file["x"].attrs["units"], file["y"].attrs["units"] = (fixed(u) for u in units)
        if group is not None:
            file["group"] = fixed(group)
    if quiet:
        return
    what = f"{len(set(y))} classes" if y.dtype.kind == "U" else f"{len(targets)} target(s)"
    print(f"{path}: {len(x)} samples, {x.shape[1]} inputs, {what}")


def read(path):
    """x, y (strings for labels) and group or None."""
    with h5py.File(path) as file:
        y = file["y"][()]
        text = y.dtype.kind in "SO"
        return (file["x"][()], numpy.char.decode(y.astype("S")) if text else y,
                numpy.char.decode(file["group"][()].astype("S")) if "group" in file else None)


def main(make, document):
    """Runs `make(folder)` for a script `NAME [--output DIR]`."""
    import argparse
    parser = argparse.ArgumentParser(usage=argparse.SUPPRESS, add_help=False)
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("."))
    parser.add_argument("--help", action="store_true")
    parser.error = lambda message: environment.stop(f"{message}; see --help")
    options = parser.parse_args()
    if options.help:
        print(document.strip())
        return
    make(options.output)
