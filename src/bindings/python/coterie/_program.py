# SPDX-License-Identifier: BSD-3-Clause
"""Runs the program `coterie train` on arrays: a temporary folder, the data in a file, the checkpoint."""
import csv
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile
import warnings

import numpy as np

from ._model import CoterieError, load

try:
    import h5py
except ImportError:  # then the data travel as CSV, which takes longer
    h5py = None


class Checkpoint:
    """The bytes of a checkpoint, which pickle, and the model in them, opened when it is asked for."""

    def __init__(self, content):
        self.content, self._model = content, None

    def __getstate__(self):
        return self.content

    def __setstate__(self, content):
        self.__init__(content)

    @property
    def model(self):
        if self._model is None:
            with tempfile.TemporaryDirectory(prefix="coterie-") as folder:
                path = pathlib.Path(folder) / "checkpoint.h5"
                path.write_bytes(self.content)
                self._model = load(path)
        return self._model


def find_program():
    """What the variable COTERIE names; on the PATH; in a build tree around this package, installed."""
    if os.environ.get("COTERIE"):
        return os.environ["COTERIE"]
    if found := shutil.which("coterie"):
        return found
    for parent in pathlib.Path(__file__).resolve().parents:
        for path in (parent / "build/coterie", parent / "bin/coterie"):
            if path.is_file():
                return str(path)
    raise CoterieError("there is no program coterie: put it on the PATH, or name it in the variable COTERIE")


def _command(program, ranks):
    if ranks is None:
        return [program]
    return [os.environ.get("MPIRUN", "mpirun"), *shlex.split(os.environ.get("MPIRUN_OPTIONS", "")),
            "-n", str(ranks), program]


def _item(value):
    """A part of a list; names that a list could not be split at are in quotes."""
    text = str(value)
    return '"' + text.replace('"', '""') + '"' if text != text.strip() or set(text) & set(',"') else text


def _text(value):
    """A value of an option: (32, 32) is 32,32, and () none."""
    return (",".join(map(_item, value)) or "none") if isinstance(value, (list, tuple, np.ndarray)) else str(value)


def write_hdf5(path, x, names, y, columns):
    """x, y (N) or (N, O) numbers or (N) numbers of classes, and columns by name. Options that name them."""
    with h5py.File(path, "w") as file:
        file["x"], file["y"] = x, y
        if names is not None:
            file["x"].attrs["names"] = [str(name) for name in names]
        for name, values in columns.items():
            file[name] = values
    return [option for name in columns for option in (f"--{name}", f"/{name}")]


def write_csv(path, x, names, y, columns):
    """The same as CSV; the columns that are no inputs have names that no frame is likely to have."""
    y = y.reshape(len(x), -1)
    targets = [f"_target_{k}" for k in range(y.shape[1])]
    header = [*(names if names is not None else (f"x{i}" for i in range(x.shape[1]))), *targets,
              *(f"_{name}" for name in columns)]
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        # Numbers as Python writes them have all their digits.
        writer.writerows(zip(*x.T.tolist(), *y.T.tolist(), *(values.tolist() for values in columns.values())))
    return ["--targets", ",".join(targets),
            *(option for name in columns for option in (f"--{name}", f"_{name}"))]


def _report(result):
    """An exception for a run that failed; a Python warning for each of the program's."""
    lines = result.stderr.splitlines()
    if result.returncode != 0:
        said = [line for line in lines if line.startswith("coterie: error: ")] or lines[-1:] or ["nothing said"]
        problem = ValueError if result.returncode == 2 else CoterieError
        raise problem(said[0].replace("coterie: error: ", "", 1) + f" (exit code {result.returncode})")
    for line in lines:
        if line.startswith("coterie: warning: "):
            warnings.warn(line.replace("coterie: warning: ", "", 1), stacklevel=4)


def train(x, names, y, columns, task, options, ranks=None):
    """A Checkpoint, and the run's metrics: one dict an epoch. `options`: as the program's, with underscores."""
    with tempfile.TemporaryDirectory(prefix="coterie-") as folder:
        folder = pathlib.Path(folder)
        data = folder / ("data.h5" if h5py else "data.csv")
        named = (write_hdf5 if h5py else write_csv)(data, x, names, y, columns)
        command = [*_command(find_program(), ranks), "train", "--data", data, *named, "--task", task,
                   "--output", folder / "run", "--quiet"]
        for name, value in options.items():
            command += ["--" + name.replace("_", "-"), _text(value)]
        try:
            result = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL,
                                    capture_output=True, text=True, errors="replace", check=False)
        except OSError as error:
            raise CoterieError(f"{command[0]} cannot be started: {error.strerror}") from None
        _report(result)
        best = folder / "run/checkpoints/best"
        content = (best if best.exists() else best.with_name("latest")).read_bytes()
        with open(folder / "run/metrics.jsonl", encoding="utf-8") as file:
            return Checkpoint(content), [json.loads(line) for line in file]
