# SPDX-License-Identifier: BSD-3-Clause
"""--likelihood poisson: against R's glm and formulas, monotone, with the same bits on any rank count."""
import csv
import json
import math
import shutil
import subprocess

import em_case
import numpy
import support
from em_case import D, F


def draw(n=400, seed=5):
    """x (n,2) and counts of two regimes."""
    rng = numpy.random.default_rng(seed)
    x = numpy.round(rng.normal(size=(n, 2)), 4)
    mean = numpy.where(x[:, 0] > 0, numpy.exp(2 + 0.5 * x[:, 1]), numpy.exp(0.3 - 0.7 * x[:, 1]))
    return x, rng.poisson(mean)


def log_poisson(d, mean):
    return d * numpy.log(mean) - mean - numpy.array([math.lgamma(k + 1) for k in d])


def poisson_regression(x, d):
    """Coefficients with the intercept first, and the log-likelihood, by Newton's method."""
    design = numpy.column_stack([numpy.ones(len(x)), x])
    b = numpy.array([math.log(d.mean()), 0, 0])
    for _ in range(50):
        mean = numpy.exp(design @ b)
        b = b + numpy.linalg.solve((design.T * mean) @ design, design.T @ (d - mean))
    return b, log_poisson(d, numpy.exp(design @ b)).sum()


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: numpy.array([float(row[name]) for row in rows]) for name in rows[0]}


class Poisson(em_case.EmCase):
    def setUp(self):
        super().setUp()
        self.x, self.d = draw()
        self.data = self.write("d.csv", self.d)
        self.words = ["--data", self.data, "--targets", "d", "--likelihood", "poisson"]

    def write(self, name, d):
        path = self.folder / name
        lines = [f"{a!r},{b!r},{k}" for (a, b), k in zip(self.x.tolist(), d.tolist())]
        path.write_text("\n".join(["a,b,d", *lines]) + "\n", encoding="utf-8")
        return path

    def json(self, command, run, *more):
        return json.loads(self.check_output(D, command, self.folder / run, "--data", self.data,
                                            "--json", *more))

    def check_output(self, program, *words):
        result = support.run(program, *words)
        self.assert_rc(result, 0)
        return result.stdout

    def one_expert(self):
        self.train("one", [*self.words, "--experts", 1, "--optimizer", "em", "--epochs", 50,
                           "--stop-likelihood", 0])
        nll = self.json("evaluate", "one")["nll"]
        summary = json.dumps(self.json("summary", "one"))
        return nll, summary

    def test_one_expert_is_a_poisson_regression(self):
        nll, summary = self.one_expert()
        b, loglik = poisson_regression(self.x, self.d)
        self.assertLess(abs(-nll * len(self.d) - loglik), 1e-6 * abs(loglik))
        found = [part["estimate"] for part in
                 json.loads(summary)["experts"][0]["outputs"][0]["coefficients"]]
        self.assertLess(abs(numpy.array(found[:3]) - b).max(), 1e-6)

    def test_one_expert_is_glm_of_r(self):
        if not shutil.which("Rscript"):
            self.skipTest("no Rscript")
        code = (f"d <- read.csv('{self.data}'); f <- glm(d ~ a + b, family = poisson, data = d);"
                "cat(format(c(logLik(f), coef(f)), digits = 15))")
        loglik, *b = map(float, subprocess.run(["Rscript", "-e", code], capture_output=True, check=True,
                                               text=True).stdout.split())
        own_b, own = poisson_regression(self.x, self.d)
        nll, _ = self.one_expert()
        self.assertLess(abs(own_b - b).max(), 1e-6)
        self.assertLess(abs(-nll * len(self.d) - loglik), 1e-6 * abs(loglik))
        self.assertLess(abs(own - loglik), 1e-6 * abs(loglik))

    def test_the_likelihood_never_falls(self):
        for seed in range(1, 6):
            self.train(f"s{seed}", [*self.words, "--experts", 3, "--optimizer", "em", "--seed", seed,
                                    "--epochs", 25, "--stop-likelihood", 0])
            errors = self.errors(f"s{seed}")
            self.assertTrue(all(b <= a + 1e-12 for a, b in zip(errors, errors[1:])), errors)

    def test_same_bits_on_any_number_of_ranks(self):
        for name, program in (("d", D), ("f", F)):
            self.check_same_bits(f"em {name}",
                                 [*self.words, "--experts", 3, "--optimizer", "em"], program)

    def test_predictions_are_those_of_the_mixture(self):
        self.train("m", [*self.words, "--experts", 2, "--expert-hidden", 3, "--epochs", 60])
        out = self.folder / "p.csv"
        support.run(D, "predict", self.folder / "m", "--data", self.data, "--output", out, "--density",
                    "--interval", 0.9)
        p = read(out)
        g = numpy.column_stack([p["g_0"], p["g_1"]])
        o = numpy.column_stack([p["o_0_d"], p["o_1_d"]])
        y = (g * o).sum(1)
        numpy.testing.assert_allclose(p["y_d"], y, rtol=1e-12)
        numpy.testing.assert_allclose(p["variance_d"], (g * (o + (o - y[:, None]) ** 2)).sum(1),
                                      rtol=1e-12)
        self.assertNotIn("sigma_0_d", p)
        each = numpy.column_stack([log_poisson(self.d, o[:, e]) for e in range(2)])
        joint = numpy.log(g) + each
        h = numpy.exp(joint - numpy.logaddexp.reduce(joint, axis=1)[:, None])
        numpy.testing.assert_allclose(p["h_1"], h[:, 1], rtol=1e-9, atol=1e-12)
        nll = -numpy.logaddexp.reduce(joint, axis=1).mean()
        self.assertLess(abs(self.json("evaluate", "m")["nll"] - nll), 1e-9)
        for i in range(0, len(self.d), 40):
            counts = numpy.arange(200)
            below = sum(g[i, e] * numpy.cumsum(numpy.exp(log_poisson(counts, o[i, e])))
                        for e in range(2))
            self.assertEqual(p["lower_d"][i], numpy.argmax(below >= 0.05))
            self.assertEqual(p["upper_d"][i], numpy.argmax(below >= 0.95))

    def test_what_is_no_count_is_refused(self):
        for value in (2.5, -1):
            bad = self.d.astype(float)
            bad[7] = value
            path = self.write("bad.csv", bad)
            result = self.train("bad", ["--data", path, "--targets", "d", "--likelihood", "poisson"],
                                rc=2)
            self.assertIn(f"sample 7 has the target {value:g}", result.stderr)
        for more in (["--variance", "learned"], ["--error", "cooperative"]):
            self.train("no", [*self.words, *more], rc=2)


if __name__ == "__main__":
    support.main()
