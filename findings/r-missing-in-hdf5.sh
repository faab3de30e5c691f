#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# R's NA in an HDF5 file: each package and each type of column has a code of its own, which other programs
# read as a number or as text.
#
# Guess: a missing value is marked so that a reader can tell, or writing is refused.
# Seen:  integer NA is -2147483648; logical NA is 2 from hdf5r and -128 from rhdf5; character NA is the text
#        NA, which hdf5r itself reads back as text; a factor's NA is 3 where the type knows 1 and 2. A
#        double's NA is a NaN. Only rhdf5 leaves a word of it, the attribute rhdf5-NA.OK.
# So:    integers from R may hold missing values that look like very small numbers; look at the least.
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
need python3-h5py=3.7.0-8 python3-h5py-serial=3.7.0-8 libhdf5-103-1=1.10.8+repack1-1 \
    libhdf5-hl-100=1.10.8+repack1-1 r-base-core=4.2.2.20221110-2 r-cran-hdf5r=1.3.8+dfsg-1 \
    r-cran-r6=2.5.1-1 r-cran-bit64=4.0.5-1 r-bioc-rhdf5=2.42.0+dfsg-1 r-bioc-rhdf5lib=1.20.0+dfsg-1 \
    r-bioc-rhdf5filters=1.10.0+dfsg-1

cat >write.R <<'R'
columns <- list(integer = c(7L, NA), logical = c(TRUE, NA), double = c(7, NA), text = c("a", NA))
suppressMessages(library(rhdf5))
invisible(h5createFile("rhdf5.h5"))
for (name in names(columns)) h5write(columns[[name]], "rhdf5.h5", name)
h5closeAll()
suppressMessages(library(hdf5r))
file <- H5File$new("hdf5r.h5", "w")
for (name in names(columns)) file[[name]] <- columns[[name]]
suppressWarnings(file[["factor"]] <- factor(c("x", NA, "y")))
file$close_all()
file <- H5File$new("hdf5r.h5", "r")
cat("read by hdf5r as", if (is.na(file[["text"]][2])) "missing" else "text", file = "again")
file$close_all()
R
Rscript --vanilla write.R
export SAID
SAID=$(cat again)
python <<'PYTHON'
import os
import h5py
from expect import expect

def read(package, name):
    with h5py.File(package + ".h5") as file:
        return file[name][:].tolist()

for package, recorded in (
        ("hdf5r", {"integer": [7, -2147483648], "logical": [1, 2], "double": [7.0, float("nan")],
                   "text": [b"a", b"NA"], "factor": [1, 3, 2]}),
        ("rhdf5", {"integer": [7, -2147483648], "logical": [1, -128], "double": [7.0, float("nan")],
                   "text": [b"a", b"NA"]})):
    for name, values in recorded.items():
        expect(f"{package} {name}", read(package, name), values)
expect("hdf5r's missing text", os.environ["SAID"], "read by hdf5r as text")
PYTHON
