# SPDX-License-Identifier: BSD-3-Clause
"""A trained mixture, for prediction."""
import ctypes
import os

import numpy as np

from . import _library
from ._library import library


class CoterieError(RuntimeError):
    """What libcoterie, or the program coterie, says is wrong."""


def _address(array):
    return array.ctypes.data_as(ctypes.c_void_p)


class Model:
    """A mixture that is open. It is read-only, and may be used from many threads.

    inputs, targets and classes are lists of names; targets is empty for a classifier, and classes
    for numeric targets. input_units and target_units are their units, '' where the data told none.
    input_range (inputs, 2) has the least and the largest number of each input
    in the samples that it was trained on; NaN if the checkpoint is older and does not say.
    """

    def __init__(self, path):
        self._handle = ctypes.c_void_p()
        message = ctypes.create_string_buffer(2048)
        outcome = library.coterie_model_open(os.fsencode(path), ctypes.byref(self._handle), message,
                                             len(message))
        if outcome != _library.OK:
            raise CoterieError(message.value.decode("utf-8", "replace"))
        self.path = os.fspath(path)
        self.n_experts = library.coterie_n_experts(self._handle)
        count = {what: getattr(library, "coterie_n_" + what)(self._handle)
                 for what in ("inputs", "targets", "classes")}
        self.inputs = self._texts("input_name", count["inputs"])
        self.targets = self._texts("target_name", count["targets"])
        self.classes = self._texts("class_name", count["classes"])
        self.input_units = self._texts("input_unit", count["inputs"])
        self.target_units = self._texts("target_unit", count["targets"])

        self.input_range = np.empty((count["inputs"], 2))
        for i, ends in enumerate(self.input_range):
            library.coterie_input_range(self._handle, i, _address(ends[:1]), _address(ends[1:]))

    def __del__(self):
        if getattr(self, "_handle", None):
            library.coterie_model_close(self._handle)
            self._handle = None

    def _texts(self, what, n):
        text = getattr(library, f"coterie_{what}")
        return [text(self._handle, i).decode("utf-8", "replace") for i in range(n)]

    def _rows(self, samples):
        """Samples as an array (n, inputs) of doubles; of a data frame the columns by name."""
        if hasattr(samples, "columns"):
            missing = [name for name in self.inputs if name not in samples.columns]
            if missing:
                raise ValueError(f"the frame has no column {missing[0]!r}; the model's inputs are "
                                 + ", ".join(self.inputs))
            samples = samples[self.inputs].to_numpy()
        rows = np.ascontiguousarray(samples, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != len(self.inputs):
            raise ValueError(f"X must be (n, {len(self.inputs)}), not {rows.shape}")
        return rows

    def _check(self, outcome):
        if outcome == _library.USAGE:
            raise ValueError("the model has nothing of that kind")
        if outcome not in (_library.OK, _library.NOT_FINITE):
            raise CoterieError("not enough memory")

    def _workspace(self, n):
        return ctypes.create_string_buffer(library.coterie_workspace(self._handle, n))

    def _ask(self, samples, **shapes):
        """Arrays of these shapes, filled; rows of samples that are not finite are NaN."""
        rows = self._rows(samples)
        n = len(rows)
        arrays = {name: np.empty((n, *shape)) for name, shape in shapes.items()}
        asked = _library.Prediction(**{name: a.ctypes.data for name, a in arrays.items()})
        self._check(library.coterie_predict(self._handle, n, _address(rows), ctypes.byref(asked),
                                            self._workspace(n)))
        return tuple(arrays.values())

    def is_outside(self, X):
        """(n): whether a sample has an input outside the range that the model was trained on."""
        rows = self._rows(X)
        return ((rows < self.input_range[:, 0]) | (rows > self.input_range[:, 1])).any(axis=1)

    @property
    def _width(self):
        return len(self.classes) or len(self.targets)

    def predict(self, X):
        """The mean of each target, (n, targets) or (n) if there is one; or the likeliest class."""
        if self.classes:
            return np.asarray(self.classes, dtype=object)[self.predict_proba(X).argmax(axis=1)]
        mean, = self._ask(X, mean=(len(self.targets),))
        return mean[:, 0] if len(self.targets) == 1 else mean

    def predict_proba(self, X):
        """Probabilities of the classes, (n, classes)."""
        return self._ask(X, probability=(len(self.classes),))[0]

    def predict_variance(self, X):
        """Variance of each target's predictive distribution, shaped as predict's result."""
        variance, = self._ask(X, variance=(len(self.targets),))
        return variance[:, 0] if len(self.targets) == 1 else variance

    def predict_quantile(self, X, p, target=0):
        """(n): where the target lies below with probability p."""
        rows = self._rows(X)
        value = np.empty(len(rows))
        self._check(library.coterie_quantile(self._handle, len(rows), _address(rows), target, p,
                                             _address(value), self._workspace(len(rows))))
        return value

    def predict_interval(self, X, level=0.9, target=0, conformal=False):
        """(n, 2): bounds between which the target lies with probability `level`.

        conformal: as wide as the samples that training held out ask for, so that the level holds where the model is
        wrong, too. ValueError if it held out none, or too few for this level.
        """
        if conformal:
            return self._conformal_interval(self._rows(X), level, target)
        low = self.predict_quantile(X, (1 - level) / 2, target)
        high = self.predict_quantile(X, (1 + level) / 2, target)
        return np.stack([low, high], axis=1)

    def _conformal_interval(self, rows, level, target):
        lower, upper = np.empty(len(rows)), np.empty(len(rows))
        outcome = library.coterie_conformal_interval(self._handle, len(rows), _address(rows), target, level,
                                                     _address(lower), _address(upper), self._workspace(len(rows)))
        if outcome == _library.USAGE:
            raise ValueError("training held out no samples, or too few for this level")
        self._check(outcome)
        return np.stack([lower, upper], axis=1)

    def gate(self, X):
        """Mixing proportions g, (n, experts)."""
        return self._ask(X, proportion=(self.n_experts,))[0]

    def experts(self, X):
        """What each expert says: (n, experts, targets or classes)."""
        return self._ask(X, expert=(self.n_experts, self._width))[0]

    def log_density(self, X, y):
        """(n): ln p(y | x). y: numbers (n) or (n, targets); or names of classes."""
        rows = self._rows(X)
        if self.classes:
            number = {name: i for i, name in enumerate(self.classes)}
            d = np.array([number[str(label)] for label in y], dtype=np.float64)
        else:
            d = np.ascontiguousarray(y, dtype=np.float64).reshape(len(rows), len(self.targets))
        value = np.empty(len(rows))
        self._check(library.coterie_log_density(self._handle, len(rows), _address(rows),
                                                _address(d), _address(value),
                                                self._workspace(len(rows))))
        return value

    def jacobian(self, X):
        """(n, targets or classes, inputs): derivatives of predict's means, or of probabilities."""
        rows = self._rows(X)
        value = np.empty((len(rows), self._width, len(self.inputs)))
        self._check(library.coterie_jacobian(self._handle, len(rows), _address(rows),
                                             _address(value), self._workspace(len(rows))))
        return value


def load(path):
    """Opens a checkpoint, or the best (else the latest) of a run directory."""
    return Model(path)
