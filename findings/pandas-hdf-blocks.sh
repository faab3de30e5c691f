#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# pandas, to_hdf: the columns of a frame lie in the file in another order, by type.
#
# Guess: a frame of numbers is one array, whose columns are those of axis0, in that order.
# Seen:  one array for each type, floats first; axis0 has the names in the frame's order, but no array has
#        its columns in it. Nor does format="table", where a column has no name of its own.
# So:    whoever reads the arrays side by side and names them by axis0 has exchanged columns. Names are
#        those of blockN_items.
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
need python3-h5py=3.7.0-8 python3-h5py-serial=3.7.0-8 libhdf5-103-1=1.10.8+repack1-1 \
    libhdf5-hl-100=1.10.8+repack1-1 python3-pandas=1.5.3+dfsg-2 python3-pandas-lib=1.5.3+dfsg-2 \
    python3-numexpr=2.8.4-1+b2 python3-tables=3.7.0-5 python3-tables-lib=3.7.0-5+b1

python <<'PYTHON'
import h5py, pandas
from expect import expect

print("pandas", pandas.__version__)
frame = pandas.DataFrame({"age": [31, 42], "weight": [70.5, 81.5], "count": [3, 4]})
frame.to_hdf("fixed.h5", "frame")
frame.to_hdf("table.h5", "frame", format="table")
with h5py.File("fixed.h5") as file:
    group = file["frame"]
    expect("axis0", [name.decode() for name in group["axis0"]], ["age", "weight", "count"])
    blocks = [[name.decode() for name in group[f"block{i}_items"]] for i in range(2)]
    expect("names, block by block", blocks, [["weight"], ["age", "count"]])
    values = [group[f"block{i}_values"][0].tolist() for i in range(2)]
    expect("first row, block by block", values, [[70.5], [31, 3]])
with h5py.File("table.h5") as file:
    table = file["frame/table"]
    expect('names of format="table"', table.dtype.names, ("index", "values_block_0", "values_block_1"))
    expect("its first row", [table[0][i].tolist() for i in range(3)], [0, [70.5], [31, 3]])
PYTHON
