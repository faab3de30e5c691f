# SPDX-License-Identifier: BSD-3-Clause
"""Usage: python3 calibrated.py TABLES: the nll of calibrated methods of scikit-learn.

TABLES is what `realsets --tables TABLES` has made. Classes: logistic regression, HistGradientBoosting and
random forest in CalibratedClassifierCV, five folds, by Platt's method and isotonic. Numbers: the same methods (ridge
for logistic) with a normal density around the prediction, its variance the mean square of the residuals of
five folds, summed over targets as coterie's nll is. Inputs standardised, text 1-of-C.
"""
import importlib.machinery
import importlib.util
import json
import pathlib
import sys
import warnings

import numpy
import pandas
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import (HistGradientBoostingClassifier, HistGradientBoostingRegressor,
                              RandomForestClassifier, RandomForestRegressor)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

HERE = pathlib.Path(__file__).resolve().parent
CLASSIFIERS = {"logistic": lambda: LogisticRegression(max_iter=1000),
               "hgb": lambda: HistGradientBoostingClassifier(random_state=0),
               "forest": lambda: RandomForestClassifier(random_state=0)}
REGRESSORS = {"ridge": Ridge, "hgb": lambda: HistGradientBoostingRegressor(random_state=0),
              "forest": lambda: RandomForestRegressor(random_state=0)}
LEAST = 1e-6  # a probability of 0, as isotonic regression gives, would be an infinite nll


def load_realsets():
    loader = importlib.machinery.SourceFileLoader("realsets", str(HERE.parent / "realsets"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("realsets", loader))
    loader.exec_module(module)
    return module


def with_inputs(method):
    inputs = make_column_transformer(
        (StandardScaler(), make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False),
         make_column_selector(dtype_exclude="number")))
    return make_pipeline(inputs, method)


def of_classes(method, how, train, test):
    (x, y), (x_test, y_test) = train, test
    few = pandas.Series(y).value_counts().min()
    folds = max(2, min(5, few))
    model = CalibratedClassifierCV(with_inputs(method()), method=how, cv=folds).fit(x, y)
    p = model.predict_proba(x_test)
    number = {c: i for i, c in enumerate(model.classes_)}
    said = numpy.array([p[i, number[c]] if c in number else 0 for i, c in enumerate(y_test)])
    return float(-numpy.log(numpy.maximum(said, LEAST)).mean())


def of_numbers(method, train, test):
    (x, y), (x_test, y_test) = train, test
    total = 0
    for k in range(y.shape[1]):
        left_out = cross_val_predict(with_inputs(method()), x, y[:, k], cv=5)
        variance = ((left_out - y[:, k]) ** 2).mean()
        said = with_inputs(method()).fit(x, y[:, k]).predict(x_test)
        total += 0.5 * numpy.log(2 * numpy.pi * variance) + (
            (said - y_test[:, k]) ** 2).mean() / (2 * variance)
    return float(total)


def main():
    realsets, folder = load_realsets(), pathlib.Path(sys.argv[1]) / "clean"
    baselines = json.loads((HERE / "baselines.json").read_text(encoding="utf-8"))
    found = {}
    warnings.simplefilter("ignore")
    for name, known in sorted(baselines.items(), key=lambda item: item[1]["n"]):
        target, task, _ = realsets.SETS[name]
        if not (folder / f"{name}.csv").is_file() or known["n"] > 5000:
            continue
        found[name] = {}
        for seed in range(1, known["seeds"] + 1):
            parts = []
            for part in realsets.split(folder / f"{name}.csv", seed):
                y = part[target.split(",")]
                parts.append((part.drop(columns=target.split(",")),
                              y.iloc[:, 0].astype(str).values if task == "c" else y.values.astype(float)))
            methods = ({f"{m} {how}": of_classes(make, how, *parts) for m, make in CLASSIFIERS.items()
                        for how in ("sigmoid", "isotonic")} if task == "c" else
                       {m: of_numbers(make, *parts) for m, make in REGRESSORS.items()})
            for method, nll in methods.items():
                found[name].setdefault(method, []).append(round(nll, 5))
        print(name, found[name], file=sys.stderr, flush=True)
    print(json.dumps(found, indent=0))


if __name__ == "__main__":
    main()
