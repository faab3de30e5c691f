#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# netCDF: an element that was never written is missing for netCDF4-python, and an ordinary number for xarray.
#
# Guess: both read the same file by the same library, so both say that the value is missing.
# Seen:  netCDF4-python masks the default fill values and what is outside of valid_range; xarray gives
#        9.96920997e+36 and -2147483647 (and -127 as any other byte), and the numbers outside of the range.
#        It knows only _FillValue and missing_value, where the file has them.
# So:    a mean over such a column is 1e36: mask default fill values and valid_range by hand.
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
need libhdf5-103-1=1.10.8+repack1-1 libhdf5-hl-100=1.10.8+repack1-1 libnetcdf19=1:4.9.0-3+b1 \
    python3-cftime=1.6.2-3+b1 python3-netcdf4=1.6.2-1+b1 python3-packaging=23.0-1 \
    python3-pandas=1.5.3+dfsg-2 python3-pandas-lib=1.5.3+dfsg-2 python3-xarray=2023.01.0-1.1

python <<'PYTHON'
import netCDF4, numpy, xarray
from expect import expect

print("netCDF4-python", netCDF4.__version__, "xarray", xarray.__version__)
with netCDF4.Dataset("data.nc", "w") as file:
    file.createDimension("sample", 4)
    for name, kind in (("real", "f8"), ("whole", "i4")):
        variable = file.createVariable(name, kind, ("sample",))
        variable[0], variable[3] = 1, 4
    ranged = file.createVariable("ranged", "f8", ("sample",))
    ranged.valid_range = numpy.array([0.0, 10.0])
    ranged[:] = [1, 2, 50, 3]

with netCDF4.Dataset("data.nc") as file:
    for name, missing in (("real", [1, 2]), ("whole", [1, 2]), ("ranged", [2])):
        mask = numpy.ma.getmaskarray(file[name][:])
        expect(f"{name}: missing by netCDF4-python", numpy.flatnonzero(mask).tolist(), missing)
file = xarray.open_dataset("data.nc", engine="netcdf4")
for name, numbers in (("real", [1.0, 9.969209968386869e36, 9.969209968386869e36, 4.0]),
                      ("whole", [1, -2147483647, -2147483647, 4]), ("ranged", [1.0, 2.0, 50.0, 3.0])):
    expect(f"{name}: numbers by xarray", file[name].values.tolist(), numbers)
PYTHON
