# SPDX-License-Identifier: BSD-3-Clause
"""Mixtures of local experts that `coterie train` has made, in Python.

    import coterie
    model = coterie.load("run")
    y = model.predict(X)
"""
from ._model import CoterieError, Model, load

__all__ = ["CoterieError", "Model", "load"]
