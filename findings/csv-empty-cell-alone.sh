#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# R, pandas and libcsv lose a row without a word: a missing value in a CSV with one column is an empty
# line, and empty lines are skipped.
#
# Guess: write.csv(na = "") of three rows is read back as three rows.
# Seen:  two rows, by R's read.csv, by pandas and by libcsv. With a second column there are three.
# So:    targets in a file of their own no longer belong to the rows of the inputs. Count rows, or write
#        NA in words.
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
need r-base-core=4.2.2.20221110-2 python3-pandas=1.5.3+dfsg-2 python3-pandas-lib=1.5.3+dfsg-2 \
    libcsv3=3.0.3+dfsg-6

cat >finding.R <<'R'
one <- data.frame(y = c(1, NA, 3))
write.csv(one, "one.csv", row.names = FALSE, na = "")
write.csv(cbind(one, z = 1:3), "two.csv", row.names = FALSE, na = "")
cat(nrow(read.csv("one.csv")), nrow(read.csv("two.csv")), file = "rows")
R
Rscript --vanilla finding.R
export ROWS CSV
ROWS=$(cat rows) CSV=$(file_of /usr/lib/x86_64-linux-gnu/libcsv.so.3)
python <<'PYTHON'
import ctypes, os
import pandas
from expect import expect

def rows_by_libcsv(path):
    """Rows with the header, as libcsv's callback counts them."""
    csv, rows = ctypes.CDLL(os.environ["CSV"]), []
    row = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p)(lambda end, data: rows.append(end))
    parser = ctypes.create_string_buffer(1024)  # larger than struct csv_parser
    data = open(path, "rb").read()
    csv.csv_init(parser, ctypes.c_ubyte(0))
    csv.csv_parse(parser, data, ctypes.c_size_t(len(data)), None, row, None)
    csv.csv_fini(parser, None, row, None)
    return len(rows)

expect("lines of one.csv", open("one.csv", encoding="utf-8").read().split("\n"), ['"y"', "1", "", "3", ""])
expect("rows by R, one column and two", os.environ["ROWS"], "2 3")
expect("rows by pandas", [len(pandas.read_csv(name)) for name in ("one.csv", "two.csv")], [2, 3])
expect("rows by libcsv", [rows_by_libcsv(name) - 1 for name in ("one.csv", "two.csv")], [2, 3])
PYTHON
