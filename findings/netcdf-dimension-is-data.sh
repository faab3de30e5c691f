#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A netCDF-4 dimension is, for HDF5, a data set of zeros with a row for each sample.
#
# Guess: the data sets of the file are its variables.
# Seen:  a dimension without coordinates is a data set of 32-bit big-endian floats, all 0, of which only an
#        attribute says that it is no variable. netCDF programs do not show it.
# So:    "all data sets with N rows are columns" learns from a column of zeros, or takes it for the group.
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
need python3-h5py=3.7.0-8 python3-h5py-serial=3.7.0-8 libhdf5-103-1=1.10.8+repack1-1 \
    libhdf5-hl-100=1.10.8+repack1-1 libnetcdf19=1:4.9.0-3+b1 python3-cftime=1.6.2-3+b1 \
    python3-netcdf4=1.6.2-1+b1

python <<'PYTHON'
import h5py, netCDF4
from expect import expect

print("netCDF", netCDF4.__netcdf4libversion__)
with netCDF4.Dataset("data.nc", "w") as file:
    file.createDimension("sample", 4)
    file.createVariable("t", "f8", ("sample",))[:] = [1, 2, 3, 4]
with netCDF4.Dataset("data.nc") as file:
    expect("variables by netCDF", list(file.variables), ["t"])
with h5py.File("data.nc") as file:
    expect("data sets by HDF5", list(file), ["sample", "t"])
    sample = file["sample"]
    expect("the dimension", (sample.dtype.str, sample[:].tolist()), (">f4", [0.0, 0.0, 0.0, 0.0]))
    name = sample.attrs["NAME"].decode()
    expect("its attribute NAME", name.split(".")[0], "This is a netCDF dimension but not a netCDF variable")
PYTHON
