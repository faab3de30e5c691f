# SPDX-License-Identifier: BSD-3-Clause
"""A run directory, its data, and what `coterie predict` and `evaluate` say of them."""
import csv
import json
import os
import pathlib
import subprocess
import tempfile

import h5py
import numpy

from common import environment


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def read_csv(path):
    """The columns of a CSV file by name, as text; names without the blanks around them, too."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file, skipinitialspace=True)
        names = next(rows)
        columns = list(zip(*(row for row in rows if row)))
    return {**dict(zip(map(str.strip, names), columns)), **dict(zip(names, columns))}


def input_of(columns, name):
    """The numbers of an input: a column, or of a column of texts whether it has the text that
    stands behind the last "=" of the name."""
    if name in columns:
        return numpy.array(columns[name], float)
    column, value = name.rsplit("=", 1)
    return numpy.array([cell.strip() == value for cell in columns[column]], float)


class Prediction:
    """What `coterie predict` wrote: `columns` by name."""

    def __init__(self, path, run):
        self.columns = {}
        with h5py.File(path) as file:
            file.visititems(self._keep)  # a column "y_speed (m/s)" is in a group "y_speed (m"
        self.experts = run.experts
        self.g = numpy.stack([self.columns[f"g_{e}"] for e in range(run.experts)])

    def _keep(self, name, item):
        if isinstance(item, h5py.Dataset):
            self.columns[name] = item[()]

    def each(self, form):
        """(E, N): the column of each expert, as each("o_{}_height")."""
        return numpy.stack([self.columns[form.replace("{}", str(e), 1)]
                            for e in range(self.experts)])


def follow(path):
    """Where a file system has no symbolic links `best` and `latest` are texts with a name."""
    if path.is_symlink() or path.stat().st_size > 256:
        return path
    return path.parent / path.read_text(encoding="utf-8").strip()


class Run:
    """config, metrics, names and classes of a run; samples are found on demand."""

    def __init__(self, folder, data=None):
        self.folder = pathlib.Path(folder)
        checkpoints = [self.folder / "checkpoints" / name for name in ("best", "latest")]
        found = [path for path in checkpoints if path.exists()]
        if not found:
            environment.stop(f"there is no checkpoint in {self.folder}/checkpoints; is it the run "
                             "directory of a run that has saved?")
        self.checkpoint = follow(found[0])
        self.program = environment.find_coterie()
        self.metrics = self._read_metrics()
        with h5py.File(self.checkpoint) as file:
            self.config = {key: text(value) for key, value in file["config"].attrs.items()}
            self.trained_on = text(file["data"].attrs["path"])
            self.inputs = [text(name) for name in file["names/inputs"][()]]
            self.targets = [text(name) for name in file["names/targets"][()]]
            self.classes = [text(c) for c in file["classes"]] if "classes" in file else []
            self.x_mean, self.x_scale = file["scaler/x_mean"][()], file["scaler/x_scale"][()]
            self.experts = len(file["experts/variance"])
            self.best_epoch = int(file["progress"].attrs["best_epoch"])
        self.is_regression = self.config["task"] == "regression"
        self.data, self.part, self.samples_are = self._choose_data(data)
        self.temporary = tempfile.TemporaryDirectory(prefix="coterie-plot-")
        self.count = 0

    def _read_metrics(self):
        path = self.folder / "metrics.jsonl"
        if not path.exists():
            return []
        with open(path, encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def metric(self, name):
        """Its values over the epochs; NaN where it is not known."""
        return numpy.array([numpy.nan if row.get(name) is None else row[name]
                            for row in self.metrics], float)

    def _choose_data(self, data):
        """Path, part and a word for the samples that pictures show: unseen ones if there are any."""
        valid = self.config.get("valid") or ""
        if data:
            return data, "all", "samples"
        if self._is_share(valid):
            return self.trained_on, "valid", "held-out samples"
        if valid:
            return valid, "all", "validation samples"
        if self.trained_on in ("builtin:vowels", "builtin:vowels10"):
            return f"{self.trained_on}/test", "all", "validation samples"
        return self.trained_on, "all", "training samples"

    @staticmethod
    def _is_share(valid):
        try:
            return 0 < float(valid) < 1 and not os.path.exists(valid)
        except ValueError:
            return False

    def has_data(self):
        return self.data.startswith("builtin:") or os.path.exists(self.data)

    def _coterie(self, *words):
        command = [self.program, *map(str, words)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            environment.stop(f"{' '.join(command)}: {result.stderr.strip()}", result.returncode)
        return result.stdout

    def predict(self, data=None, part="all", *options):
        """A Prediction with each expert's outputs, of the run's samples or of those in a file."""
        self.count += 1
        output = pathlib.Path(self.temporary.name) / f"prediction-{self.count}.h5"
        self._coterie("predict", self.checkpoint, "--data", data or self.data, "--part",
                      part if data else self.part, "--output", output, "--density", "--quiet",
                      *options)
        return Prediction(output, self)

    def predict_inputs(self, x, *options):
        """The same for inputs x (N, D)."""
        path = pathlib.Path(self.temporary.name) / "inputs.csv"
        with open(path, "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerow(self.inputs)
            numpy.savetxt(file, x, delimiter=",", fmt="%.9g")
        return self.predict(path, "all", *options)

    def evaluate(self):
        return json.loads(self._coterie("evaluate", self.checkpoint, "--data", self.data, "--part",
                                        self.part, "--json"))

    def samples(self, prediction):
        """x (N, D) and the targets, d (N, T) or labels (N), of the samples predicted."""
        path = self.data
        if path.startswith("builtin:") or h5py.is_hdf5(path):
            path = pathlib.Path(self.temporary.name) / "samples.csv"
            names = [word for option in ("inputs", "targets") if self.config.get(option)
                     for word in (f"--{option}", self.config[option])]
            self._coterie("convert", self.data, path, *names)
        columns = read_csv(path)
        rows = prediction.columns.get("row", numpy.arange(len(prediction.g[0]))).astype(int)
        x = numpy.array([input_of(columns, name) for name in self.inputs]).T[rows]
        if self.classes:
            labels = [c if c in self.classes else c.strip() for c in columns[self.targets[0]]]
            return x, numpy.array(labels)[rows]
        return x, numpy.array([columns[name] for name in self.targets], float).T[rows]
