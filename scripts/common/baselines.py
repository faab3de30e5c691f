# SPDX-License-Identifier: BSD-3-Clause
"""What mixtures are compared with: methods of scikit-learn, and R's flexmix."""
import subprocess
import time

import h5py
import numpy
from sklearn import ensemble, linear_model, multioutput, neighbors, neural_network, svm
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import GroupShuffleSplit, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

MOST_FOR_KERNELS = 5000  # samples: a kernel method's time grows with their square


def _scaled(method, of_targets=False):
    if of_targets:
        method = TransformedTargetRegressor(method, transformer=StandardScaler())
    return make_pipeline(StandardScaler(), method)


def classifiers(seed):
    return {"logistic regression": _scaled(linear_model.LogisticRegression(max_iter=2000)),
            "nearest neighbour": _scaled(neighbors.KNeighborsClassifier(1)),
            "5 nearest neighbours": _scaled(neighbors.KNeighborsClassifier(5)),
            "SVM": _scaled(svm.SVC(C=10)),
            "random forest": ensemble.RandomForestClassifier(200, random_state=seed),
            "MLP": _scaled(neural_network.MLPClassifier(100, max_iter=500, random_state=seed))}


def regressors(seed, n):
    found = {"ridge regression": _scaled(linear_model.RidgeCV(numpy.logspace(-3, 3, 13))),
             "10 nearest neighbours": _scaled(neighbors.KNeighborsRegressor(10)),
             "random forest": ensemble.RandomForestRegressor(100, random_state=seed),
             "gradient boosting": multioutput.MultiOutputRegressor(
                 ensemble.HistGradientBoostingRegressor(random_state=seed)),
             "MLP": _scaled(neural_network.MLPRegressor(
                 100, max_iter=500, early_stopping=True, random_state=seed), True)}
    if n <= MOST_FOR_KERNELS:
        found["SVM"] = multioutput.MultiOutputRegressor(_scaled(svm.SVR(), True))
    return found


def _hold_out(split):
    if split.group is not None:
        return next(GroupShuffleSplit(1, test_size=0.2, random_state=split.seed).split(
            split.x, groups=split.group))
    return train_test_split(numpy.arange(len(split.x)), test_size=0.2, random_state=split.seed)


def _loss(split, predicted, truth):
    if split.has_labels:
        return (predicted != truth).mean()
    return (((predicted - truth) / truth.std(0)) ** 2).mean()


def scikit_learn(split):
    """Error, seconds (choice and fit) and name of the method with the least error on a fifth of the
    training samples, fitted to all of them."""
    begin = time.process_time()
    methods = classifiers(split.seed) if split.has_labels else regressors(split.seed, len(split.x))
    fit, held = _hold_out(split)
    loss = {}
    for name, method in methods.items():
        predicted = numpy.reshape(method.fit(split.x[fit], split.y[fit]).predict(split.x[held]),
                                  split.y[held].shape)
        loss[name] = _loss(split, predicted, split.y[held])
    best = min(loss, key=loss.get)
    method = methods[best].fit(split.x, split.y)
    seconds = time.process_time() - begin
    return split.error(numpy.reshape(method.predict(split.x_test), split.y_test.shape)), seconds, best


def read_prediction(path, split):
    """y (N, T), or the predicted classes, of a file of `coterie predict`."""
    with h5py.File(path) as file:
        if split.has_labels:
            return numpy.char.decode(file["class"][()].astype("S"))
        names = [name for name in file if name.startswith("y_")]
        with h5py.File(split.files["train"]) as data:
            order = [f"y_{n.decode() if isinstance(n, bytes) else n}" for n in data["y"].attrs["names"]]
        return numpy.stack([file[name][()] for name in (order if len(names) > 1 else names)], 1)


# Normal regressions with a multinomial gate on the same inputs; the number of components by BIC.
FLEXMIX = """
suppressMessages(library(flexmix))
set.seed(%(seed)d)
train <- read.csv("%(train)s"); test <- read.csv("%(test)s")
scale.of <- lapply(train, function(v) c(mean(v), sd(v)))
for (n in setdiff(names(train), "y")) {
  test[[n]] <- (test[[n]] - scale.of[[n]][1]) / scale.of[[n]][2]
  train[[n]] <- (train[[n]] - scale.of[[n]][1]) / scale.of[[n]][2]
}
inputs <- setdiff(names(train), "y")
gate <- reformulate(inputs)
begin <- proc.time()
found <- stepFlexmix(reformulate(inputs, "y"), data = train, k = 1:3, nrep = 3, verbose = FALSE,
                     concomitant = FLXPmultinom(gate))
best <- getModel(found, "BIC")
seconds <- sum((proc.time() - begin)[1:2])
each <- matrix(unlist(predict(best, newdata = test)), nrow = nrow(test))
g <- matrix(1, nrow(test), best@k)
if (best@k > 1) {
  a <- model.matrix(gate, test) %%*%% best@concomitant@coef
  g <- exp(a - apply(a, 1, max)); g <- g / rowSums(g)
}
cat(seconds, best@k, rowSums(g * each), sep = "\\n")
"""


def has_flexmix():
    try:
        return subprocess.run(["Rscript", "-e", "library(flexmix)"], capture_output=True,
                              check=False).returncode == 0
    except FileNotFoundError:
        return False


def flexmix(study, split):
    """Error, seconds (all starts) and the number of components; one target."""
    files = {}
    for part, x, y in (("train", split.x, split.y), ("test", split.x_test, split.y_test)):
        files[part] = study.folder / f"{part}.csv"
        names = [f"x{i}" for i in range(x.shape[1])] + ["y"]
        numpy.savetxt(files[part], numpy.column_stack([x, y]), delimiter=",", header=",".join(names),
                      comments="")
    out, _ = study.timed(["Rscript", "-e", FLEXMIX % {"seed": split.seed, **files}])
    seconds, k, *predicted = map(float, out.split())
    note = "1 component" if k == 1 else f"{k:.0f} components"
    return split.error(numpy.array(predicted)[:, None]), seconds, note
