# SPDX-License-Identifier: BSD-3-Clause
"""A trained mixture from Python, in two ways: predictions of the program, and the model itself.

    python3 predict.py RUN

Reads predictions.h5, which `coterie predict` has written for wave.csv, and the checkpoint in RUN; computes
the same predictions from the checkpoint, and ends with 1 if they differ.
"""
import sys

import h5py
import numpy

# 1. What `coterie predict` wrote: a data set for each column, a row for each sample.
with h5py.File("predictions.h5", "r") as file:
    predicted = {name: item[()] for name, item in file.items() if isinstance(item, h5py.Dataset)}
for name, column in predicted.items():
    print(f"{name:12} {column.dtype} {column.shape}  first {numpy.ravel(column)[0]:.4f}")

# 2. The model: parameters and scaling are in the checkpoint, under plain names.
with h5py.File(f"{sys.argv[1]}/checkpoints/best", "r") as file:
    print("experts", file["config"].attrs["experts"], " inputs", [n.decode() for n in file["names/inputs"]])
    best = file["best"] if "best" in file else file
    gate = [best[f"gate/layer0/{name}"][()] for name in ("weight", "bias")]        # (E,D), (E)
    expert = [best[f"experts/layer0/{name}"][()] for name in ("weight", "bias")]   # (E,O,D), (E,O)
    scaler = {name: item[()] for name, item in file["scaler"].items()}
x = numpy.loadtxt("wave.csv", delimiter=",", skiprows=1)[:, :1]

z = (x - scaler["x_mean"]) / scaler["x_scale"]
logit = z @ gate[0].T + gate[1]
g = numpy.exp(logit - logit.max(1, keepdims=True))
g /= g.sum(1, keepdims=True)                                   # softmax: the mixing proportions
o = numpy.einsum("nd,eod->neo", z, expert[0]) + expert[1]      # what each expert says
y = numpy.einsum("ne,neo->no", g, o) * scaler["y_scale"] + scaler["y_mean"]

difference = abs(y[:, 0] - predicted["y_d"]).max()
print(f"largest difference to coterie predict: {difference:.1e}")
sys.exit(1 if difference > 1e-4 else 0)
