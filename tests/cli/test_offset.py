# SPDX-License-Identifier: BSD-3-Clause
"""--offset: a column that is added to the logarithm of each expert's mean, against Newton's method in NumPy."""
import json

import em_case
import h5py
import numpy
import support
import test_families
from em_case import D, F

RNG = numpy.random.default_rng(20261130)
N = 200
A, B = RNG.normal(size=N), 10 + 3 * RNG.normal(size=N)
EXPOSURE = RNG.uniform(1, 1000, size=N)
MEAN = EXPOSURE * numpy.exp(-3 + 0.5 * A - 0.1 * (B - 10))
TARGETS = {"poisson": RNG.poisson(MEAN), "gamma": RNG.gamma(2, MEAN / 2) + 1e-6,
           "negative-binomial": RNG.poisson(MEAN * RNG.gamma(3, 1 / 3, N)),
           "lognormal": MEAN * numpy.exp(0.4 * RNG.normal(size=N)),
           "zero-inflated-poisson": RNG.poisson(MEAN) * (RNG.uniform(size=N) < 0.8)}


def newton(family, x, d, offset, alpha):
    """Coefficients of one expert: scores x^T s(d, o) of each family, by Newton's steps with central differences."""
    slope = {"poisson": lambda o: d - o, "gamma": lambda o: (d - o) / o,
             "negative-binomial": lambda o: (d - o) / (1 + alpha * o)}[family]
    beta = numpy.array([numpy.log(d.mean()) - offset.mean(), *numpy.zeros(x.shape[1] - 1)])
    for _ in range(60):
        score = lambda b: x.T @ slope(numpy.exp(x @ b + offset))
        bend = numpy.column_stack([(score(beta + h) - score(beta - h)) / 2e-6 for h in 1e-6 * numpy.eye(len(beta))])
        beta = beta - numpy.linalg.solve(bend, score(beta))
    return beta


class Offset(em_case.EmCase):
    def setUp(self):
        super().setUp()
        self.table = self.folder / "d.csv"
        columns = {"a": A, "b": B, "log_exposure": numpy.log(EXPOSURE), **TARGETS}
        rows = zip(*columns.values())
        self.table.write_text("\n".join([",".join(columns), *(",".join(repr(float(v)) for v in r) for r in rows)]))

    def words(self, family, *more):
        return ["--data", self.table, "--inputs", "a,b", "--targets", family, "--task", "regression", "--likelihood",
                family, "--offset", "log_exposure", *more]

    def coefficients(self, run):
        """Of expert 0, in the units of the data, and its weight of the offset."""
        with h5py.File(self.latest(run)) as file:
            w, b = file["/experts/layer0/weight"][0, 0], file["/experts/layer0/bias"][0, 0]
            mean, scale = file["/scaler/x_mean"][:], file["/scaler/x_scale"][:]
            dispersion = file["/experts/variance"][0]
        slope = w / scale
        return numpy.array([b - (slope * mean).sum(), *slope[:2]]), slope[2], dispersion

    def test_one_expert_against_newton(self):
        x = numpy.column_stack([numpy.ones(N), A, B])
        for family in ("poisson", "gamma", "negative-binomial"):
            with self.subTest(family=family):
                self.train(family, self.words(family, "--experts", 1, "--optimizer", "em", "--epochs", 300,
                                              "--stop-likelihood", 1e-15))
                found, weight, alpha = self.coefficients(family)
                self.assertEqual(weight, 1)
                expected = newton(family, x, TARGETS[family].astype(float), numpy.log(EXPOSURE), alpha)
                numpy.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)

    def test_predictions_and_likelihood(self):
        """Two experts of each family: y, nll and h by formulas; the offset counts with a weight of 1."""
        for family, d in TARGETS.items():
            with self.subTest(family=family):
                self.train(family, self.words(family, "--experts", 2, "--optimizer", "em", "--epochs", 5))
                out = self.folder / f"{family}.csv"
                self.succeed(D, "predict", self.folder / family, "--data", self.table, "--output", out, "--density",
                             "--quiet")
                p = test_families.read(out)
                g = numpy.column_stack([p["g_0"], p["g_1"]])
                o = numpy.column_stack([p[f"o_0_{family}"], p[f"o_1_{family}"]])
                with h5py.File(self.latest(family)) as file:
                    w, b = file["/experts/layer0/weight"][:, 0], file["/experts/layer0/bias"][:, 0]
                    mean, scale = file["/scaler/x_mean"][:], file["/scaler/x_scale"][:]
                    gate, v = file["/gate/layer0/weight"][:], file["/experts/variance"][:]
                self.assertEqual((mean[2], scale[2]), (0, 1))
                self.assertTrue((gate[:, 2] == 0).all() and (w[:, 2] == 1).all())
                z = (numpy.column_stack([A, B]) - mean[:2]) / scale[:2] @ w[:, :2].T + b + numpy.log(EXPOSURE)[:, None]
                factor = {"lognormal": numpy.exp(v / 2), "zero-inflated-poisson": 1 / (1 + v)}.get(family, 1 + 0 * v)
                numpy.testing.assert_allclose(o, numpy.exp(z) * factor, rtol=1e-9)
                numpy.testing.assert_allclose(p[f"y_{family}"], (g * o).sum(1), rtol=1e-12)
                said = json.loads(self.succeed(D, "evaluate", self.folder / family, "--data", self.table,
                                               "--json").stdout)
                if family == "poisson":
                    log_p = d[:, None] * numpy.log(o) - o - test_families.log_count(d)[:, None]
                else:
                    log_p = numpy.column_stack([test_families.log_density(family, d, o[:, e], v[e], None)
                                                for e in range(2)])
                nll = -numpy.logaddexp.reduce(numpy.log(g) + log_p, axis=1).mean()
                self.assertAlmostEqual(said["nll"], nll, delta=1e-8 * abs(nll))

    def test_gradients(self):
        """One step of gradient descent with a decay of weights moves all but the offset's weight."""
        words = self.words("poisson", "--experts", 1, "--optimizer", "gd", "--weight-decay", 0.1)
        self.train("zero", words, "--epochs", 0)
        self.train("one", words, "--epochs", 1, "--learning-rate", 1e-3)
        with h5py.File(self.latest("zero")) as a, h5py.File(self.latest("one")) as b:
            w, bias = a["/experts/layer0/weight"][0, 0], a["/experts/layer0/bias"][0, 0]
            mean, scale = a["/scaler/x_mean"][:], a["/scaler/x_scale"][:]
            after, bias_after = b["/experts/layer0/weight"][0, 0], b["/experts/layer0/bias"][0, 0]
        x = (numpy.column_stack([A, B, numpy.log(EXPOSURE)]) - mean) / scale
        slope = TARGETS["poisson"] - numpy.exp(x @ w + bias)
        expected = w * (1 - 1e-4) + 1e-3 * (x * slope[:, None]).mean(0)
        numpy.testing.assert_allclose(after[:2], expected[:2], rtol=1e-10)
        self.assertEqual(after[2], 1)
        self.assertAlmostEqual(bias_after, bias + 1e-3 * slope.mean(), delta=1e-12)
        # Drawn experts begin near the mean of the targets, however large the exposure is.
        self.assertLess(abs(numpy.log(numpy.exp(x @ w + bias).mean() / TARGETS["poisson"].mean())), 2)

    def test_same_bits_on_any_number_of_ranks(self):
        self.check_same_bits("em", self.words("poisson", "--experts", 3, "--optimizer", "em"), D)
        self.check_same_bits("adam", self.words("negative-binomial", "--experts", 3, "--batch-size", 64), F)

    def test_hdf5_and_streams(self):
        path = self.folder / "d.h5"
        with h5py.File(path, "w") as file:
            file["x"], file["e"] = numpy.column_stack([A, B]), numpy.log(EXPOSURE)
            file["y"] = TARGETS["poisson"].astype(float)
        words = ["--data", path, "--inputs", "x", "--offset", "e", "--likelihood", "poisson", "--batch-size", 50,
                 "--epochs", 3, "--task", "regression"]
        for how in ("never", "always"):
            self.train(how, words, "--stream", how, program=F)
        self.assert_same_checkpoint(self.latest("never"), self.latest("always"), ignore=("/config",))
        self.train("csv", self.words("poisson", "--batch-size", 50, "--epochs", 3), program=F)
        with h5py.File(self.latest("never")) as a, h5py.File(self.latest("csv")) as b:
            for part in ("experts", "gate"):
                self.assertTrue((a[f"{part}/layer0/weight"][:] == b[f"{part}/layer0/weight"][:]).all())

    def test_splitting_keeps_it(self):
        self.train("two", self.words("poisson", "--experts", 2, "--optimizer", "em", "--epochs", 3))
        self.train("three", self.words("poisson", "--optimizer", "em", "--epochs", 5, "--init", self.latest("two"),
                                       "--split", "0", "--split-spread", 0.2))
        with h5py.File(self.latest("three")) as file:
            self.assertEqual(file["/experts/layer0/weight"][:, 0, 2].tolist(), [1, 1, 1])

    def test_summary_does_not_count_it(self):
        self.train("one", self.words("poisson", "--experts", 1, "--optimizer", "em", "--epochs", 300))
        said = json.loads(self.succeed(D, "summary", self.folder / "one", "--data", self.table, "--json").stdout)
        self.assertEqual(said["parameters"], 3)
        o = numpy.exp(numpy.column_stack([numpy.ones(N), A, B]) @ self.coefficients("one")[0]) * EXPOSURE
        x = numpy.column_stack([numpy.ones(N), A, B])
        errors = numpy.sqrt(numpy.diag(numpy.linalg.inv(x.T @ (x * o[:, None]))))
        rows = said["experts"][0]["outputs"][0]["coefficients"]
        self.assertEqual([row["name"] for row in rows], ["(intercept)", "a", "b"])
        numpy.testing.assert_allclose([row["std_error"] for row in rows], errors, rtol=1e-5)

    def refused(self, words, *said):
        result = support.run(D, "train", *words, "--output", self.folder / "no")
        self.assert_rc(result, 2)
        self.assert_one_line(result)
        for text in said:
            self.assertIn(text, result.stderr)

    def test_what_has_no_meaning_is_refused(self):
        words = ["--data", self.table, "--inputs", "a,b", "--targets", "gamma", "--task", "regression"]
        self.refused([*words, "--offset", "log_exposure"], "logarithm of the mean")
        self.refused([*words, "--offset", "log_exposure", "--likelihood", "student"], "logarithm of the mean")
        self.refused(self.words("gamma", "--expert-hidden", 3), "--expert-hidden")
        self.refused([*words, "--likelihood", "gamma", "--offset", "exposure"], "exposure")


if __name__ == "__main__":
    support.main()
