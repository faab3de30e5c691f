# SPDX-License-Identifier: BSD-3-Clause
"""Mixtures of local experts that `coterie train` has made, in Python.

    import coterie
    model = coterie.load("run")
    y = model.predict(X)

With scikit-learn there are estimators, which run the program themselves:

    coterie.MixtureOfExpertsRegressor(experts=4).fit(X, y).predict(X)
"""
from ._model import CoterieError, Model, load

__all__ = ["CoterieError", "Model", "load"]


def __getattr__(name):
    """The estimators are imported when they are asked for: without scikit-learn the rest works."""
    if name in ("MixtureOfExpertsClassifier", "MixtureOfExpertsRegressor"):
        from . import estimators
        return getattr(estimators, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
