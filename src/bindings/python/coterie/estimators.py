# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn estimators. `fit` runs the program `coterie train`; predictions start no process."""
import pathlib

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MultiOutputMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, column_or_1d

from . import _program

try:
    from sklearn.utils.validation import validate_data
    ALL_FINITE = "ensure_all_finite"
except ImportError:  # before scikit-learn 1.6
    ALL_FINITE = "force_all_finite"

    def validate_data(estimator, *args, **how):
        return estimator._validate_data(*args, **how)


def _order(x, y):
    """The same order of samples whatever order they come in, and no sorted one."""
    rows = np.lexsort(np.column_stack([y, x]).T)
    return rows[np.random.RandomState(1).permutation(len(rows))]


class _Mixture(BaseEstimator):
    """What both have in common.

    The parameters are the options of `coterie train`, with underscores; `coterie train --help` explains
    them. None leaves a choice to the program, which then goes by the data (effort=1 makes it quick, and
    auto="off" takes fixed defaults). Hidden layers may be written (32, 32); gate_inputs and expert_inputs
    are lists of column names of a frame, else of "x0", "x1", ..., and offset is one of these names. NaN in X is
    a missing value, from which the model learns; missing="drop" leaves such samples out, "refuse" refuses them.

    ranks: number of processes, started by mpirun; None: one, without mpirun.

    After fit: n_features_in_, feature_names_in_ (of a frame), history_ (metrics of each epoch, a list of
    dicts) and model_ (a coterie.Model: intervals, densities, the gate's and the experts' outputs).
    """

    def __init__(self, experts=None, *, committee=None, expert_hidden=None, gate=None, gate_inputs=None,
                 expert_inputs=None, gate_hidden=None, activation=None, expert_output=None,
                 error=None, likelihood=None, variance=None, freedom=None, top_k=None, balance_weight=None,
                 entropy_weight=None, auto=None, effort=None, optimizer=None,
                 learning_rate=None, momentum=None, batch_size=None, forgetting=None, epochs=None,
                 stop_error=None, stop_likelihood=None, patience=None, clip=None, weight_decay=None,
                 schedule=None, anneal=None, precision=None, seed=None, starts=None, init=None, on_nan=None,
                 time_limit=None, valid=None, missing=None, scale=None, offset=None, replicas=None,
                 ranks=None):
        values = dict(locals())
        del values["self"]
        vars(self).update(values)

    def _fit(self, x, y, sample_weight, groups, task):
        """y: numbers (N) or (N, O), or numbers of classes (N)."""
        columns = {}
        if sample_weight is not None:
            weight = _check_sample_weight(sample_weight, x, only_non_negative=True)
            if (weight != weight[0]).any():  # only their proportions matter
                columns["weight"] = weight
        if groups is not None:
            columns["group"] = np.unique(column_or_1d(groups), return_inverse=True)[1]
            if len(columns["group"]) != len(x):
                raise ValueError(f"groups has {len(columns['group'])} elements, and X {len(x)} samples")
        order = _order(x, y)
        x, y, columns = x[order], y[order], {name: values[order] for name, values in columns.items()}
        options = {name: value for name, value in self.get_params(deep=False).items()
                   if name != "ranks" and value is not None}
        self.checkpoint_, self.history_ = _program.train(
            x, getattr(self, "feature_names_in_", None), y, columns, task, options, self.ranks)
        return self

    def _without_weight_zero(self, x, y, sample_weight, groups):
        """Samples of weight 0 are left out before anything is counted."""
        if sample_weight is None:
            return x, y, None, groups
        weight = _check_sample_weight(sample_weight, x, only_non_negative=True)
        keep = weight > 0
        if not keep.any():
            raise ValueError("all sample weights are 0")
        return x[keep], y[keep], weight[keep], None if groups is None else np.asarray(groups)[keep]

    @property
    def model_(self):
        check_is_fitted(self, "checkpoint_")
        return self.checkpoint_.model

    def save(self, path):
        """Writes the checkpoint, which `coterie` and libcoterie read."""
        check_is_fitted(self, "checkpoint_")
        pathlib.Path(path).write_bytes(self.checkpoint_.content)

    def _validate(self, X, *y, **how):
        """NaN is a missing value, unless missing="refuse"."""
        if self.missing != "refuse":
            how[ALL_FINITE] = "allow-nan"
        return validate_data(self, X, *y, dtype=np.float64, **how)

    def _rows(self, X):
        check_is_fitted(self, "checkpoint_")
        return self._validate(X, reset=False)

    @staticmethod
    def _known(found):
        """Predictions, which are NaN where a value is missing of which training has seen none."""
        if np.isnan(found).any():
            row = np.flatnonzero(np.isnan(found.reshape(len(found), -1)).any(axis=1))[0]
            raise ValueError(f"row {row} of X contains NaN in a feature that had no missing value in training")
        return found

    def _more_tags(self):  # before scikit-learn 1.6
        return {"allow_nan": self.missing != "refuse"}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.missing != "refuse"
        return tags


class MixtureOfExpertsRegressor(MultiOutputMixin, RegressorMixin, _Mixture):
    __doc__ = "A mixture of local experts for one or more numeric targets.\n" + _Mixture.__doc__

    def fit(self, X, y, sample_weight=None, groups=None):
        """groups: samples of a group are held out together (valid=0.2), or not at all."""
        X, y = self._validate(X, y, multi_output=True, y_numeric=True, ensure_min_samples=2)
        X, y, sample_weight, groups = self._without_weight_zero(X, y, sample_weight, groups)
        self._one_column = y.ndim == 1
        return self._fit(X, np.asarray(y, dtype=np.float64), sample_weight, groups, "regression")

    def predict(self, X):
        """The mean of the predictive distribution, shaped as y."""
        rows = self._rows(X)
        mean = self._known(self.model_.predict(rows))
        return mean if self._one_column else mean.reshape(len(mean), -1)

    def predict_interval(self, X, level=0.9, target=0, conformal=False):
        """(n, 2): bounds between which the target lies with probability `level`.

        conformal: by samples held out (valid=0.2), so that the level holds where the model is wrong, too.
        """
        return self.model_.predict_interval(self._rows(X), level, target, conformal)


class MixtureOfExpertsClassifier(ClassifierMixin, _Mixture):
    __doc__ = "A mixture of local experts for classes; classes_ has them in order.\n" + _Mixture.__doc__

    def fit(self, X, y, sample_weight=None, groups=None):
        """groups: samples of a group are held out together (valid=0.2), or not at all."""
        X, y = self._validate(X, y, ensure_min_samples=2)
        check_classification_targets(y)
        X, y, sample_weight, groups = self._without_weight_zero(X, y, sample_weight, groups)
        self.classes_, number = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("there is only one class in y; at least two classes are needed")
        return self._fit(X, number, sample_weight, groups, "classification")

    def predict_proba(self, X):
        """Probabilities (n, classes), in the order of classes_."""
        found = self._known(self.model_.predict_proba(self._rows(X)))
        # The program may have another order, or not have met a class that was only held out.
        probability = np.zeros((len(found), len(self.classes_)))
        probability[:, [int(float(name)) for name in self.model_.classes]] = found
        return probability

    def predict(self, X):
        """The likeliest class."""
        number = self.predict_proba(X).argmax(axis=1)
        return self.classes_[number]
