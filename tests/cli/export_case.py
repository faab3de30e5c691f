# SPDX-License-Identifier: BSD-3-Clause
"""Models of every kind, for the tests of `export`."""
import pathlib
import tempfile

import h5py
import numpy

import support

N = 400
# kind of targets, options: every output, likelihood, gate, depth and activation at least once.
MODELS = {
    "deep": ("numbers", "--expert-hidden 8,6 --gate-hidden 5 --variance learned"),
    "gelu": ("numbers", "--activation gelu --expert-hidden 7"),
    "gaussian-gate": ("numbers", "--gate gaussian --optimizer em"),
    "committee": ("numbers", "--committee 3 --experts 2 --expert-hidden 5 --variance learned"),
    "cooperative": ("numbers", "--error cooperative --experts 1"),
    "top-1": ("numbers", "--top-k 1 --experts 3 --variance learned"),
    "classes": ("classes", "--expert-hidden 9 --activation relu"),
    "top-k": ("classes", "--top-k 2 --experts 5 --expert-hidden 3 --activation logistic"),
    "bernoulli": ("two", "--likelihood bernoulli"),
    "own-inputs": ("numbers", "--gate-inputs x1 --expert-inputs x0,x2 --gate-hidden 3"),
    "own-density": ("two", "--gate gaussian --gate-inputs x0,x3 --expert-inputs x1 --optimizer em"),
    "chances": ("chances", "--likelihood bernoulli --gate gaussian --optimizer em"),
    "tree": ("numbers", "--gate tree:2x3x2 --gate-hidden 4 --variance learned"),
    "tree-top-k": ("classes", "--gate tree:3x2 --top-k 2 --gate-inputs x0,x1"),
    "poisson": ("counts", "--likelihood poisson --expert-hidden 4"),
    "student": ("numbers", "--likelihood student --freedom learned:5"),
    "student-2": ("numbers", "--likelihood student --freedom fixed:2 --top-k 2 --experts 3"),
    "gamma": ("positive", "--likelihood gamma --gate tree:2x2"),
    "lognormal": ("positive", "--likelihood lognormal --top-k 2 --experts 3"),
    "negative-binomial": ("counts", "--likelihood negative-binomial --gate gaussian --optimizer em"),
    "zero-inflated": ("counts", "--likelihood zero-inflated-poisson --committee 2 --experts 2"),
}
NUMERIC = ("numbers", "counts", "positive")


def samples(n=N, seed=5):
    """x (n, 4), and targets of each kind."""
    rng = numpy.random.default_rng(seed)
    x = (rng.normal(size=(n, 4)) * [1, 2, 3, 4] + [0, 0, 1000, 0]).astype("f4").astype(float)
    y = numpy.stack([numpy.abs(x[:, 0]) + 0.1 * rng.normal(size=n), x[:, 1] * (x[:, 2] - 1000)],
                    axis=1)
    label = (x[:, 0] > 0) * 1 + (x[:, 1] > 0)
    means = numpy.exp(numpy.stack([0.5 * x[:, 0], 0.3 * x[:, 1] + 1], axis=1))
    return x, {"numbers": 100 * y + 5000, "classes": label, "two": (label > 0).astype(int),
               "chances": 1 / (1 + numpy.exp(-y / 5)),
               "counts": rng.poisson(means * rng.gamma(2, 0.5, size=(n, 1))).astype(float),
               "positive": means * rng.gamma(3, 1 / 3, size=(n, 2))}


class Trained:
    """Runs of MODELS by one program, trained when they are first asked for."""

    def __init__(self, program, data=None):
        self.program = program
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="coterie-export-"))
        self.x, targets = data or samples()
        for kind, y in targets.items():
            with h5py.File(self.folder / f"{kind}.h5", "w") as file:
                file["x"], file["y"] = self.x, y

    def data(self, name):
        return self.folder / f"{MODELS[name][0]}.h5"

    def run(self, name):
        """The run directory."""
        kind, options = MODELS[name]
        folder = self.folder / name
        if not folder.exists():
            result = support.run(self.program, "train", "--data", self.folder / f"{kind}.h5",
                                 *options.split(), "--epochs", 15, "--quiet", "--output", folder)
            assert result.rc == 0, result
        return folder

    def predicted(self, name, program=None, data=None):
        """What `predict` says: {what: array} with the names of coterie.h."""
        kind, output = MODELS[name][0], self.folder / f"{name}.predicted.h5"
        output.unlink(missing_ok=True)
        result = support.run(program or self.program, "predict", self.run(name), "--data",
                             data or self.data(name), "--density", "--output", output, "--quiet")
        assert result.rc == 0, result
        with h5py.File(output) as file:
            columns = {key: file[key][:] for key in file}
        experts = sum(key.startswith("g_") for key in columns)
        prefix = "y_" if kind in NUMERIC else "p_"
        said = "o" if kind in NUMERIC else "p"
        # p_<class> of all, and p_<expert>_<class> of each: the latter have one underscore more.
        names = [key[2:] for key in columns if key.startswith(prefix)
                 and not any(key.startswith(f"{said}_{e}_") for e in range(experts))]

        def stack(keys):
            return numpy.stack([columns[key] for key in keys], axis=1)

        found = {"proportion": stack([f"g_{e}" for e in range(experts)]),
                 "expert": numpy.stack([stack([f"{said}_{e}_{n}" for n in names])
                                        for e in range(experts)], axis=1)}
        if kind in NUMERIC:
            found["mean"] = stack([f"y_{n}" for n in names])
            found["variance"] = stack([f"variance_{n}" for n in names])
        else:
            found["probability"] = stack([f"p_{n}" for n in names])
        if "class" in columns:
            found["class"] = numpy.array([text.decode() for text in columns["class"]])
        return found


def difference(found, wanted):
    """The largest, relative to the largest number of its column."""
    found, wanted = numpy.asarray(found, float), numpy.asarray(wanted, float)
    if numpy.isinf(wanted).any():  # the variance of Student's t of two degrees of freedom
        return 0.0 if (found == wanted).all() else numpy.inf
    scale = numpy.abs(wanted).max(axis=0)
    return float((numpy.abs(found - wanted) / numpy.where(scale > 0, scale, 1)).max())
