# SPDX-License-Identifier: BSD-3-Clause
"""predict --interval P --conformal and --novelty: against NumPy, and that they hold where the model is wrong."""
import csv
import math
import os
import pathlib
import sys

import h5py
import numpy
import support
from support import COTERIE as F, COTERIE_D as D

os.environ.setdefault("COTERIE_LIBRARY", str(pathlib.Path(F).resolve().parent / "libcoterie.so"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "src/bindings/python"))
import coterie  # noqa: E402  (needs the two lines above)

RNG = numpy.random.default_rng(20261129)


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: numpy.array([float(row[name]) for row in rows]) for name in rows[0]}


def write(path, columns):
    rows = zip(*columns.values())
    path.write_text("\n".join([",".join(columns), *(",".join(repr(float(v)) for v in row) for row in rows)]) + "\n")


def bisect(cdf, p, n):
    """The t with cdf(t) = p for n samples at once."""
    low, high = numpy.full(n, -1e6), numpy.full(n, 1e6)
    for _ in range(100):
        middle = (low + high) / 2
        below = cdf(middle) < p
        low, high = numpy.where(below, middle, low), numpy.where(below, high, middle)
    return (low + high) / 2


def normal_quantile(g, o, sigma, p):
    phi = numpy.vectorize(lambda z: 0.5 * math.erfc(-z / math.sqrt(2)))
    return bisect(lambda t: (g * phi((t[:, None] - o) / sigma)).sum(1), p, len(g))


def poisson_quantile(g, o, p):
    """The least k with P(d <= k) >= p."""
    k = numpy.arange(200)
    log_count = numpy.cumsum(numpy.log(numpy.maximum(k, 1)))
    mass = (g[:, :, None] * numpy.exp(k * numpy.log(o[:, :, None]) - o[:, :, None] - log_count)).sum(1)
    return (mass.cumsum(1) < p).sum(1)


def place(n, p):
    """ceil((n + 1) p) by whole numbers: p in thousandths."""
    return -(-(n + 1) * round(1000 * p) // 1000)


def area_under_curve(inside, outside):
    both = numpy.concatenate([inside, outside])
    rank = both.argsort().argsort()[len(inside):].sum()
    return (rank - len(outside) * (len(outside) - 1) / 2) / len(inside) / len(outside)


class ConformalCase(support.TestCase):
    def train(self, name, *words, program=D, **how):
        self.succeed(program, "train", *words, "--auto", "off", "--output", self.folder / name, "--quiet", **how)

    def predict(self, name, data, *words, program=D, out=None, **how):
        out = self.folder / f"{out or name}-{len(list(self.folder.iterdir()))}.csv"
        self.succeed(program, "predict", self.folder / name, "--data", data, "--output", out, "--quiet", *words, **how)
        return out

    def scores(self, name, which="best"):
        with h5py.File(self.folder / name / "checkpoints" / which) as file:
            return file["/conformal/scores"][:]


class Conformal(ConformalCase):
    def setUp(self):
        super().setUp()
        x = RNG.normal(size=(500, 2))
        y = numpy.sin(2 * x[:, 0]) + (0.1 + 0.5 * abs(x[:, 1])) * RNG.standard_t(3, size=500)
        self.table, self.fresh = self.folder / "d.csv", self.folder / "fresh.csv"
        count = RNG.poisson(numpy.exp(0.5 + 0.6 * x[:, 0]) * RNG.gamma(1, 1, 500))
        write(self.table, {"a": x[:, 0], "b": x[:, 1], "y": y, "z": 100 * y ** 2 + x[:, 1], "n": count})
        write(self.fresh, {"a": x[:50, 0], "b": x[:50, 1]})

    def numbers(self, name, target, n_experts, *words):
        p = read(self.predict(name, self.table, "--density", "--part", "valid", *words))
        stack = lambda prefix, tail="": numpy.column_stack([p[f"{prefix}_{e}{tail}"] for e in range(n_experts)])
        sigma = stack("sigma", f"_{target}") if f"sigma_0_{target}" in p else None
        return p, stack("g"), stack("o", f"_{target}"), sigma, read(self.table)[target][p["row"].astype(int)]

    def check(self, name, target, n_experts, k, quantile, cell, level):
        p, g, o, sigma, d = self.numbers(name, target, n_experts, "--interval", level, "--conformal")
        low, median, high = (quantile(g, o, sigma, q) for q in (0.05, 0.5, 0.95))
        score = numpy.where(d < median, (median - d) / (median - low + cell), (d - median) / (high - median + cell))
        numpy.testing.assert_allclose(self.scores(name)[k], numpy.sort(score), rtol=1e-6, atol=1e-8)
        factor = numpy.sort(score)[place(len(d), level) - 1]
        lower, upper = median - factor * (median - low + cell), median + factor * (high - median + cell)
        if cell:
            lower, upper = numpy.maximum(numpy.ceil(lower), 0), numpy.floor(upper)
        numpy.testing.assert_allclose(p[f"lower_{target}"], lower, rtol=1e-6, atol=1e-7)
        numpy.testing.assert_allclose(p[f"upper_{target}"], upper, rtol=1e-6, atol=1e-7)
        # By construction at least this share of the samples held out lies inside, with 1e-9 for rounding.
        inside = (d >= lower - 1e-9) & (d <= upper + 1e-9)
        self.assertGreaterEqual(inside.sum(), place(len(d), level))

    def test_two_numbers_against_numpy(self):
        self.train("two", "--data", self.table, "--inputs", "a,b", "--targets", "y,z", "--valid", "0.2", "--experts", 2,
                   "--variance", "learned", "--epochs", 60, "--gate", "gaussian", "--optimizer", "em")
        for level in (0.9, 0.55, 0.99):
            for k, target in enumerate("yz"):
                self.check("two", target, 2, k, normal_quantile, 0, level)

    def test_counts_against_numpy(self):
        self.train("counts", "--data", self.table, "--inputs", "a,b", "--targets", "n", "--likelihood", "poisson",
                   "--valid", "0.2", "--experts", 2, "--epochs", 40, "--learning-rate", 0.05)
        self.check("counts", "n", 2, 0, lambda g, o, _, p: poisson_quantile(g, o, p), 0.5, 0.9)

    def test_same_bits_on_any_number_of_ranks(self):
        words = ["--data", self.table, "--inputs", "a,b", "--targets", "y", "--valid", "0.2", "--variance", "learned",
                 "--batch-size", 50]
        self.train("one", *words, "--epochs", 12, program=F)
        self.train("three", *words, "--epochs", 5, program=F, ranks=3)
        self.train("three", "--resume", "auto", "--epochs", 12, program=F)
        with h5py.File(self.folder / "d.h5", "w") as file:
            table = read(self.table)
            file["x"], file["y"] = numpy.column_stack([table["a"], table["b"]]), table["y"]
        for how in ("never", "always"):
            self.train(how, "--data", self.folder / "d.h5", *words[6:], "--epochs", 2, "--stream", how, program=F)
        self.assert_same_checkpoint(self.folder / "one/checkpoints/best", self.folder / "three/checkpoints/best")
        for part in ("conformal/scores", "novelty/mean", "novelty/covariance"):
            with h5py.File(self.folder / "never/checkpoints/best") as a, \
                    h5py.File(self.folder / "always/checkpoints/best") as b:
                self.assertTrue((a[part][:] == b[part][:]).all(), part)
        asked = ["--interval", 0.8, "--conformal", "--novelty"]
        first = self.predict("one", self.fresh, *asked, program=F)
        second = self.predict("one", self.fresh, *asked, program=F, ranks=3)
        self.assertEqual(first.read_bytes(), second.read_bytes())
        model = coterie.load(str(self.folder / "one"))
        table = read(self.fresh)
        ends = model.predict_interval(numpy.column_stack([table["a"], table["b"]]), 0.8, conformal=True)
        self.assertTrue((ends == numpy.column_stack([read(first)["lower_y"], read(first)["upper_y"]])).all())
        with self.assertRaises(ValueError):
            model.predict_interval(ends, 0.999, conformal=True)
        # Each program reads the checkpoints of the other.
        a, b = read(first), read(self.predict("one", self.fresh, *asked))
        for name in ("lower_y", "upper_y", "novelty"):
            numpy.testing.assert_allclose(a[name], b[name], rtol=1e-5, atol=1e-5)

    def test_a_wrong_model_holds_its_level(self):
        """Gaussian noise of a tenth of the true width: the mixture's interval fails, the conformal one holds."""
        x = RNG.normal(size=(4000, 1))
        y = x[:, 0] + RNG.standard_cauchy(4000)
        table, fresh = self.folder / "train.csv", self.folder / "test.csv"
        write(table, {"x": x[:2000, 0], "y": y[:2000].clip(-50, 50)})
        write(fresh, {"x": x[2000:, 0], "y": y[2000:].clip(-50, 50)})
        self.train("narrow", "--data", table, "--variance", "fixed:0.0001", "--valid", "0.5", "--epochs", 20,
                   "--experts", 2)
        inside = []
        for words in ([], ["--conformal"]):
            p = read(self.predict("narrow", fresh, "--interval", 0.9, *words))
            d = read(fresh)["y"]
            inside.append(((d >= p["lower_y"]) & (d <= p["upper_y"])).mean())
        self.assertLess(inside[0], 0.5)
        # 1000 scores and 2000 samples: standard deviation 0.0116
        self.assertLess(abs(inside[1] - 0.9), 0.04)

    def refused(self, name, words, *said):
        result = support.run(D, "predict", self.folder / name, "--data", self.fresh, "--output",
                             self.folder / "no.csv", *words)
        self.assert_rc(result, 2)
        self.assert_one_line(result)
        for text in said:
            self.assertIn(text, result.stderr)

    def test_what_cannot_be_told_is_refused(self):
        words = ["--data", self.table, "--inputs", "a,b", "--targets", "y", "--epochs", 3]
        self.train("all", *words)
        self.refused("all", ["--interval", 0.9, "--conformal"], "--valid 0.2")
        self.train("few", *words, "--valid", 0.02)
        self.refused("few", ["--interval", 0.95, "--conformal"], "10 samples held out", "needs 19")
        self.refused("few", ["--conformal"], "--interval 0.9")
        self.predict("few", self.fresh, "--interval", 0.9, "--conformal")  # 9 are enough
        self.assertEqual(self.scores("few").shape, (1, 10))

    def test_a_file_held_out(self):
        words = ["--data", self.table, "--inputs", "a,b", "--targets", "y", "--epochs", 5, "--starts", 2]
        self.train("file", *words, "--valid", self.table)
        self.assertEqual(self.scores("file").shape, (1, 500))


class Novelty(ConformalCase):
    def test_against_numpy(self):
        x = RNG.normal(size=(400, 3)) * [1, 100, 0.01] + [0, 5, 1]
        x[:, 2] += 0.02 * x[:, 0]
        table = self.folder / "d.csv"
        write(table, {"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "same": numpy.full(400, 7.0), "y": x[:, 0]})
        self.train("run", "--data", table, "--epochs", 2)
        odd = self.folder / "odd.csv"
        more = x[:5] + [[0, 0, 0], [5, 0, 0], [0, 0, 1], [0, 0, 0], [3, -300, 0]]
        write(odd, {"a": more[:, 0], "b": more[:, 1], "c": more[:, 2], "same": [7, 7, 7, 8, 7]})
        found = read(self.predict("run", odd, "--novelty"))["novelty"]
        deviation = numpy.column_stack([more - x.mean(0), [0, 0, 0, 1, 0]])
        covariance = numpy.zeros((4, 4))
        covariance[:3, :3] = numpy.cov(x.T, bias=True)
        covariance[[0, 1, 2], [0, 1, 2]] *= 1 + 1e-6
        covariance[3, 3] = 1e-6
        expected = numpy.sqrt((deviation * numpy.linalg.solve(covariance, deviation.T).T).sum(1) / 4)
        numpy.testing.assert_allclose(found, expected, rtol=1e-7)
        trained = read(self.predict("run", table, "--novelty"))["novelty"]
        self.assertAlmostEqual((trained ** 2).mean(), 3 / 4, delta=1e-5)  # the fourth never varies

    def test_shifted_rows_are_told_apart(self):
        """Ten inputs that depend on each other (correlation 0.9), and the same columns, each shuffled by itself."""
        root = numpy.linalg.cholesky(0.1 * numpy.eye(10) + 0.9)
        x = RNG.normal(size=(900, 10)) @ root.T
        shuffled = numpy.column_stack([RNG.permutation(column) for column in x[600:].T])
        name = lambda rows: {f"x{j}": column for j, column in enumerate(rows.T)}
        table, same, odd = (self.folder / f"{f}.csv" for f in ("d", "same", "odd"))
        write(table, {**name(x[:600]), "y": x[:600, 0]})
        write(same, name(x[600:]))
        write(odd, name(shuffled))
        self.train("run", "--data", table, "--epochs", 2, program=F)
        inside, outside = (read(self.predict("run", path, "--novelty", program=F))["novelty"] for path in (same, odd))
        self.assertGreater(area_under_curve(inside, outside), 0.95)

    def test_too_many_inputs_are_refused(self):
        table = self.folder / "wide.csv"
        write(table, {**{f"x{j}": RNG.normal(size=6) for j in range(513)}, "y": range(6)})
        self.train("wide", "--data", table, "--epochs", 1)
        result = support.run(D, "predict", self.folder / "wide", "--data", table, "--output",
                             self.folder / "no.csv", "--novelty")
        self.assert_rc(result, 2)
        self.assertIn("more than 512 inputs", result.stderr)


if __name__ == "__main__":
    support.main()
