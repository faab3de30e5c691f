# SPDX-License-Identifier: BSD-3-Clause
"""`summary`: coefficients and standard errors against derivatives of the log-likelihood in NumPy, lm and glm."""
import json
import math
import shutil
import subprocess
import unittest

import numpy
import reference
import support

D, F = support.COTERIE_D, support.COTERIE


# ---- the log-likelihood in the units of the data, from formulas, for complex parameters too

def log_sum_exp(z):
    most = z.real.max(0)
    return most + numpy.log(numpy.exp(z - most).sum(0))


class Model:
    """Free parameters in one vector: output coefficients (E,O',1+D), logits (E-1,1+D), sigma (E)."""

    def __init__(self, family, experts, outputs, inputs):
        free = outputs - 1 if family == "categorical" else outputs
        self.family, self.shapes = family, [(experts, free, 1 + inputs), (experts - 1, 1 + inputs)]
        self.ratio = numpy.ones(outputs)  # of sigma of each target to that of the first one: its scale
        if family == "gaussian":
            self.shapes.append((experts,))

    def split(self, theta):
        parts, at = [], 0
        for shape in self.shapes:
            size = math.prod(shape)
            parts.append(theta[at:at + size].reshape(shape))
            at += size
        return parts

    def log_densities(self, theta, x, d):
        """ln p(d|x) of each sample; the last expert is the gate's reference, class 0 that of outputs."""
        output, logit, *sigma = self.split(theta)
        x = numpy.hstack([numpy.ones((len(x), 1)), x])
        z = numpy.einsum("eku,nu->ekn", output, x)
        logits = numpy.vstack([logit @ x.T, numpy.zeros((1, len(x)))])
        if self.family == "gaussian":
            s = sigma[0][:, None, None] * self.ratio[:, None]
            loglik = (-((d.T - z) / s) ** 2 / 2 - numpy.log(s) - reference.LOG_2PI / 2).sum(1)
        elif self.family == "bernoulli":
            loglik = (d.T * z - numpy.log(1 + numpy.exp(z))).sum(1)
        else:
            z = numpy.concatenate([numpy.zeros((len(z), 1, len(x))), z], 1)
            loglik = (d.T * (z - numpy.array([log_sum_exp(own) for own in z])[:, None])).sum(1)
        return log_sum_exp(logits - log_sum_exp(logits) + loglik)

    def scores(self, theta, x, d):
        """Derivatives of each sample's log density, (N,P), by a complex step: exact."""
        step = 1e-30
        return numpy.stack([self.log_densities(theta + 1j * step * unit, x, d).imag / step
                            for unit in numpy.eye(len(theta))], 1)

    def information(self, theta, x, d, weight):
        """Minus the second derivatives, by central differences of the scores."""
        columns = []
        for unit in numpy.eye(len(theta)):
            step = 1e-5 * max(1, abs(theta @ unit)) * unit
            columns.append(weight @ (self.scores(theta - step, x, d) - self.scores(theta + step, x, d))
                           / (2 * step.sum()))
        return numpy.array(columns)

    def errors(self, theta, x, d, weight, robust):
        inverse = numpy.linalg.inv(self.information(theta, x, d, weight))
        if robust:
            scores = weight[:, None] * self.scores(theta, x, d)
            inverse = inverse @ scores.T @ scores @ inverse
        return numpy.sqrt(numpy.diag(inverse))


def read_theta(told, key="estimate"):
    """The free parameters as the summary tells them, in the order of Model."""
    experts = sorted(told["experts"], key=lambda expert: expert["expert"])
    reference_expert = told["gate"][0]["against"] if told["gate"] else 0
    experts = [e for e in experts if e["expert"] != reference_expert] + \
        [experts[reference_expert]]
    outputs = [row[key] for e in experts for output in e["outputs"] for row in output["coefficients"]]
    gate = sorted(told["gate"], key=lambda logit: logit["expert"])
    logits = [row[key] for logit in gate for row in logit["coefficients"]]
    sigma = [e["outputs"][0]["sigma"][key] for e in experts if e["outputs"][0]["sigma"]]
    return numpy.array(outputs + logits + sigma, float)


# ---- data

def write_table(path, columns):
    with open(path, "w", encoding="utf-8") as file:
        file.write(",".join(columns) + "\n")
        for row in zip(*columns.values()):
            file.write(",".join(v if isinstance(v, str) else repr(float(v)) for v in row) + "\n")


def draw(family, n=500, experts=2, outputs=1, seed=1):
    """Inputs far from 0, a weight, and targets from a mixture: x (N,2), d (N,O), w (N), parameters."""
    rng = numpy.random.default_rng(seed)
    x = rng.normal(size=(n, 2)) * [2, 0.5] + [1, 10]
    scaled = (x - [1, 10]) / [2, 0.5]
    gate = numpy.linspace(-2, 2, experts)[:, None] * [[1, 0.4]]
    g = reference.softmax(scaled @ gate.T, 1)
    chosen = (g.cumsum(1) < rng.uniform(size=(n, 1))).sum(1)
    weights = 2 * rng.normal(size=(experts, outputs, 2))
    bias = 1.5 * rng.normal(size=(experts, outputs))
    z = (numpy.einsum("eki,ni->enk", weights, scaled) + bias[:, None])[chosen, numpy.arange(n)]
    if family == "gaussian":
        d = z + rng.normal(size=z.shape) * (0.3 + 0.4 * chosen[:, None])
    elif family == "bernoulli":
        d = (rng.uniform(size=z.shape) < reference.logistic(z)) * 1.0
    else:
        picked = (reference.softmax(z, 1).cumsum(1) < rng.uniform(size=(n, 1))).sum(1)
        d = numpy.eye(outputs)[picked]
    return x, d, rng.integers(1, 4, n) / 2.0


class SummaryCase(support.TestCase):
    def fit(self, columns, *words, run="run", program=D):
        write_table(self.folder / "d.csv", columns)
        self.succeed(program, "train", "--data", self.folder / "d.csv", "--output", self.folder / run,
                     "--quiet", *words)

    def summary(self, *words, run="run", program=D, **how):
        result = self.succeed(program, "summary", self.folder / run, "--json", *words, **how)
        return json.loads(result.stdout)

    def assert_close(self, found, expected, relative):
        found, expected = numpy.asarray(found, float), numpy.asarray(expected, float)
        self.assertEqual(found.shape, expected.shape)
        away = abs(found - expected) / (abs(expected) + 1e-300)
        self.assertTrue((away <= relative).all(), f"{found} is not {expected}: {away.max()}")


EM = ("--optimizer", "em", "--stop-likelihood", 1e-13, "--epochs", 2000)


class Errors(SummaryCase):
    """Standard errors are those of the log-likelihood in the units of the data."""

    def check(self, family, experts, outputs, *words, weighted=False):
        x, d, w = draw(family, experts=experts, outputs=outputs)
        names = [f"y{k}" for k in range(outputs)]
        columns = {"a": x[:, 0], "b": x[:, 1]}
        if family == "gaussian":
            columns.update(zip(names, d.T))
            words += ("--targets", ",".join(names), "--variance", "learned")
        else:
            columns["y"] = [f"c{c}" for c in (d[:, 0] if outputs == 1 else d.argmax(1)).astype(int)]
        if weighted:
            columns["w"] = w
            words += ("--weight", "w")
        weight = w if weighted else numpy.ones(len(x))
        self.fit(columns, "--experts", experts, *EM, *words)
        model = Model(family, experts, outputs, 2)
        for robust in (False, True):
            told = self.summary(*["--robust"] * robust)
            theta = read_theta(told)
            if family == "gaussian":
                sigma = [o["sigma"]["estimate"] for o in told["experts"][0]["outputs"]]
                model.ratio = numpy.array(sigma) / sigma[0]
            self.assertIsNone(told["doubt"], told)
            self.assertLess(told["distance"], 0.05)
            expected = model.errors(theta, x, d, weight, robust)
            self.assert_close(read_theta(told, "std_error"), expected, 1e-5)
        self.assert_close(told["log_likelihood"], weight @ model.log_densities(theta, x, d), 1e-9)
        self.assertEqual(told["parameters"], len(theta))
        n, minus_2 = weight.sum(), -2 * told["log_likelihood"]
        self.assert_close(told["aic"], minus_2 + 2 * len(theta), 1e-12)
        self.assert_close(told["bic"], minus_2 + len(theta) * math.log(n), 1e-12)
        self.assert_close(told["icl"], told["bic"] + 2 * told["entropy"], 1e-12)
        return told

    def test_gaussian(self):
        told = self.check("gaussian", 2, 1)
        rows = [row for expert in told["experts"] for row in expert["outputs"][0]["coefficients"]]
        for row in rows:  # z and p are those of a normal distribution
            self.assert_close(row["z"], row["estimate"] / row["std_error"], 1e-12)
            self.assert_close(row["p"], 2 * (1 - reference.normal_cdf(abs(row["z"])))
                              if abs(row["z"]) < 5 else row["p"], 1e-6)
            self.assert_close((row["upper"] - row["lower"]) / 2 / row["std_error"], 1.959963984540054, 1e-9)
        sigma = told["experts"][0]["outputs"][0]["sigma"]  # on the scale of its logarithm
        self.assert_close(sigma["upper"] / sigma["estimate"],
                          math.exp(1.959963984540054 * sigma["std_error"] / sigma["estimate"]), 1e-9)

    def test_gaussian_with_weights_three_experts_and_two_targets(self):
        self.check("gaussian", 3, 2, "--starts", 5, weighted=True)

    def test_logistic(self):
        self.check("bernoulli", 2, 1, "--likelihood", "bernoulli", "--starts", 3, weighted=True)

    def test_softmax(self):
        self.check("categorical", 2, 3, "--starts", 3)

    def test_training_that_ended_too_soon_is_told(self):
        """The information is still what NumPy says; that by sigma depends on its scale away from the maximum."""
        x, d, _ = draw("gaussian")
        self.fit({"a": x[:, 0], "b": x[:, 1], "y": d[:, 0]}, "--experts", 2, "--variance", "learned",
                 "--optimizer", "em", "--epochs", 8, "--starts", 3)
        told = self.summary()
        self.assertIn("standard errors away", told["doubt"])
        self.assert_close(read_theta(told, "std_error")[:-2], Model("gaussian", 2, 1, 2).errors(
            read_theta(told), x, d, numpy.ones(len(x)), False)[:-2], 1e-4)
        self.assertIn("warning", self.succeed(D, "summary", self.folder / "run").stderr)

    def test_single_precision(self):
        x, d, _ = draw("gaussian")
        self.fit({"a": x[:, 0], "b": x[:, 1], "y": d[:, 0]}, "--experts", 2, "--variance", "learned", *EM,
                 program=F)
        told = self.summary(program=F)
        self.assertIsNone(told["doubt"], told)
        self.assert_close(read_theta(told, "std_error"), Model("gaussian", 2, 1, 2).errors(
            read_theta(told), x, d, numpy.ones(len(x)), False), 1e-4)


class OneExpert(SummaryCase):
    """A mixture of one is a linear model."""

    def test_least_squares(self):
        """lm's errors divide the residual sum of squares by n - p, those of a likelihood by n."""
        x, d, _ = draw("gaussian", n=60)
        self.fit({"a": x[:, 0], "b": x[:, 1], "y": d[:, 0]}, "--experts", 1, "--variance", "learned", *EM)
        told = self.summary()
        design = numpy.hstack([numpy.ones((60, 1)), x])
        beta = numpy.linalg.lstsq(design, d[:, 0], rcond=None)[0]
        s2 = ((d[:, 0] - design @ beta) ** 2).sum() / (60 - 3)
        lm = numpy.sqrt(s2 * numpy.diag(numpy.linalg.inv(design.T @ design)))
        rows = told["experts"][0]["outputs"][0]["coefficients"]
        self.assert_close([row["estimate"] for row in rows], beta, 1e-9)
        self.assert_close([row["std_error"] for row in rows], lm * math.sqrt((60 - 3) / 60), 1e-9)
        self.assertEqual([row["name"] for row in rows], ["(intercept)", "a", "b"])
        self.assertEqual(told["gate"], [])

    def test_glm(self):
        """R's glm, if there is one."""
        if not shutil.which("Rscript"):
            self.skipTest("no Rscript (Debian: r-base-core)")
        x, d, _ = draw("bernoulli", n=200)
        self.fit({"a": x[:, 0], "b": x[:, 1], "y": [f"c{int(v)}" for v in d[:, 0]]}, "--experts", 1,
                 "--likelihood", "bernoulli", *EM)
        found = subprocess.run(
            ["Rscript", "-e", f"d <- read.csv('{self.folder / 'd.csv'}'); "
             "m <- glm(y == 'c1' ~ a + b, binomial, d, epsilon = 1e-14); options(digits = 15); "
             "cat(t(summary(m)$coefficients), logLik(m), AIC(m), BIC(m))"],
            capture_output=True, text=True, check=True).stdout
        found, told = numpy.array(found.split(), float), self.summary()
        rows = told["experts"][0]["outputs"][0]["coefficients"]
        self.assert_close([row[key] for row in rows for key in ("estimate", "std_error", "z", "p")], found[:-3], 1e-6)
        self.assert_close([told[key] for key in ("log_likelihood", "aic", "bic")], found[-3:], 1e-9)


class Samples(SummaryCase):
    def setUp(self):
        super().setUp()
        self.x, self.d, _ = draw("gaussian", n=3000)
        self.columns = {"a": self.x[:, 0], "b": self.x[:, 1], "y": self.d[:, 0]}

    def test_same_bits_on_any_number_of_ranks(self):
        self.fit(self.columns, "--experts", 3, "--variance", "learned", *EM[:2], "--epochs", 20)
        for program in (D, F):
            told = [self.succeed(program, "summary", self.folder / "run", "--json", "--robust", ranks=ranks).stdout
                    for ranks in (None, 2, 3)]
            self.assertEqual(told[0], told[1])
            self.assertEqual(told[0], told[2])

    def test_the_training_part_is_the_default(self):
        self.fit(self.columns, "--experts", 2, "--variance", "learned", "--valid", 0.25, *EM[:2], "--epochs", 5)
        told = self.summary()
        self.assertEqual((told["n"], told["part"]), (2250, "the training part"))
        self.assertEqual(self.summary("--data", self.folder / "d.csv"), told)
        self.assertEqual(self.summary("--part", "valid")["n"], 750)
        self.assertEqual(self.summary("--part", "all")["n"], 3000)
        write_table(self.folder / "e.csv", {name: column[:100] for name, column in self.columns.items()})
        other = self.summary("--data", self.folder / "e.csv")
        self.assertEqual((other["n"], other["part"]), (100, "all of it"))


class WithoutCoefficients(SummaryCase):
    """Mean slopes against central differences of predictions in NumPy, and why there is no more."""

    def check(self, lacks, *words):
        x, d, _ = draw("gaussian", n=300)
        shutil.rmtree(self.folder / "run", ignore_errors=True)
        self.fit({"a": x[:, 0], "b": x[:, 1], "y": d[:, 0]}, "--experts", 2, "--epochs", 30, *words)
        told = self.summary()
        checkpoint = reference.Checkpoint(self.folder / "run" / "checkpoints" / "latest")
        for j, slope in enumerate(told["mean_slopes"]):
            step = 1e-5 * numpy.eye(2)[j]
            ahead, behind = (checkpoint.regression(x + sign * step)[0][:, 0] for sign in (1, -1))
            self.assert_close(slope["mean_slope"], (ahead - behind).mean() / 2e-5, 1e-7)
        self.assertIn(lacks, told["lacks"] or "")
        self.assertEqual(told["lacks"] is None, told["standard_errors"] is not None)
        self.assertIn("mean slope", self.succeed(D, "summary", self.folder / "run").stdout)
        return told

    def test_linear(self):
        self.check("", "--variance", "learned", "--optimizer", "em")

    def test_hidden_layers(self):
        told = self.check("hidden layers", "--expert-hidden", 3, "--variance", "learned")
        self.assertIsNotNone(told["log_likelihood"])
        self.check("hidden layers", "--gate-hidden", "4,3", "--variance", "learned")

    def test_no_likelihood(self):
        told = self.check("not a likelihood", "--error", "competitive")
        self.assertIsNone(told["log_likelihood"])
        self.assertIsNone(told["bic"])

    def test_gaussian_gate(self):
        x, d, _ = draw("gaussian", n=300)
        self.fit({"a": x[:, 0], "b": x[:, 1], "y": d[:, 0]}, "--experts", 2, "--epochs", 30, "--gate", "gaussian",
                 "--optimizer", "em")
        self.assertIn("softmax gate", self.summary()["lacks"])


class Undetermined(SummaryCase):
    """What the samples do not determine is NA, and no other number is spoilt by it."""

    def setUp(self):
        super().setUp()
        self.x, self.d, _ = draw("gaussian", n=300)
        self.columns = {"a": self.x[:, 0], "b": self.x[:, 1]}

    def test_categories_and_constants(self):
        """As in lm: of 0/1 inputs that sum to 1 the last has no coefficient of its own."""
        kind = numpy.arange(300) % 3
        y = self.d[:, 0] + kind
        self.fit({"a": self.x[:, 0], "same": numpy.ones(300), "kind": [f"k{k}" for k in kind], "y": y},
                 "--experts", 1, "--variance", "learned", *EM)
        rows = {row["name"]: row for row in self.summary()["experts"][0]["outputs"][0]["coefficients"]}
        design = numpy.stack([numpy.ones(300), self.x[:, 0], kind == 0, kind == 1], 1)
        beta = numpy.linalg.lstsq(design, y, rcond=None)[0]
        s2 = ((y - design @ beta) ** 2).mean()
        errors = numpy.sqrt(s2 * numpy.diag(numpy.linalg.inv(design.T @ design)))
        names = [name for name, row in rows.items() if row["estimate"] is not None]
        self.assertEqual(len(names), 4, rows)
        self.assertTrue({"(intercept)", "a"} <= set(names))
        self.assert_close([rows[name]["estimate"] for name in names], beta, 1e-7)
        self.assert_close([rows[name]["std_error"] for name in names], errors, 1e-7)

    def test_two_experts_alike(self):
        reference.write_parameters(self.folder / "alike.h5", {
            "gate/layer0/weight": [[0.5, 0.0]] * 2, "gate/layer0/bias": [0.0, 0.0],
            "experts/layer0/weight": [[[1.0, 2.0]]] * 2, "experts/layer0/bias": [[3.0]] * 2,
            "experts/variance": [0.25, 0.25]})
        self.fit({**self.columns, "y": self.d[:, 0]}, "--experts", 2, "--epochs", 0, "--variance", "learned",
                 "--init", self.folder / "alike.h5")
        told = self.summary()
        self.assertIsNotNone(told["doubt"])
        self.assertIn("null", json.dumps(told["gate"]))

    def test_an_expert_without_samples(self):
        reference.write_parameters(self.folder / "unused.h5", {
            "gate/layer0/weight": [[0.0, 0.0]] * 2, "gate/layer0/bias": [0.0, -900.0],
            "experts/layer0/weight": [[[1.0, 2.0]]] * 2, "experts/layer0/bias": [[3.0]] * 2,
            "experts/variance": [0.25, 0.25]})
        self.fit({**self.columns, "y": self.d[:, 0]}, "--experts", 2, "--variance", "learned", *EM,
                 "--init", self.folder / "unused.h5")
        told = self.summary()
        self.assertEqual([expert["expert"] for expert in told["experts"]], [0, 1])
        used, unused = (expert["outputs"][0]["coefficients"][1]["std_error"] for expert in told["experts"])
        self.assertGreater(used, 0)
        self.assertIsNone(unused)
        self.assertIn("NA", self.succeed(D, "summary", self.folder / "run").stdout)


def rows_of(told):
    """All rows of a summary's tables."""
    outputs = [output for expert in told["experts"] for output in expert["outputs"]]
    return [row for output in [*outputs, *told["gate"]] for row in output["coefficients"]] + \
        [output["sigma"] for output in outputs if output["sigma"]]


class Bootstrap(SummaryCase):
    def test_one_expert(self):
        """Of least squares with known noise the errors are known: sigma^2 (X'X)^-1, at any n."""
        n, refits = 40, 2000
        x, d, _ = draw("gaussian", n=n)
        self.fit({"a": x[:, 0], "b": x[:, 1], "y": d[:, 0]}, "--experts", 1, "--variance", "learned", *EM)
        told = self.summary("--bootstrap", refits)
        self.assertEqual((told["bootstrap"], told["bootstrap_converged"]), (refits, refits))
        design = numpy.hstack([numpy.ones((n, 1)), x])
        sigma = told["experts"][0]["outputs"][0]["sigma"]
        errors = sigma["estimate"] * numpy.sqrt(numpy.diag(numpy.linalg.inv(design.T @ design)))
        rows = told["experts"][0]["outputs"][0]["coefficients"]
        self.assert_close([row["bootstrap_std_error"] for row in rows], errors, 4 / math.sqrt(2 * refits))
        for row, error in zip(rows, errors):
            for end, sign in (("bootstrap_lower", -1), ("bootstrap_upper", 1)):
                self.assertLess(abs((row[end] - row["estimate"]) / error - sign * 1.96), 0.25)
            # The variance is too small by (n - p) / n on average, so that t_37 is taken for normal.
            self.assertLess(abs(row["coverage"] - 0.934), 4 * math.sqrt(0.95 * 0.05 / refits))
        # n s^2 / sigma^2 is chi^2 of n - p: its root has about this deviation, by the delta method.
        self.assert_close(sigma["bootstrap_std_error"] / sigma["estimate"], math.sqrt((n - 3) / (2 * n * n)), 0.15)

    def check(self, family, experts, outputs, *words):
        """In large samples the refits spread as the information says, and the intervals hold."""
        x, d, _ = draw(family, n=1200, experts=experts, outputs=outputs)
        y = d[:, 0] if family == "gaussian" else \
            [f"c{c}" for c in (d[:, 0] if outputs == 1 else d.argmax(1)).astype(int)]
        self.fit({"a": x[:, 0], "b": x[:, 1], "y": y}, "--experts", experts, *EM, *words)
        told = self.summary("--bootstrap", 400)
        self.assertGreaterEqual(told["bootstrap_converged"], 396)
        for row in rows_of(told):
            self.assertLess(abs(math.log(row["bootstrap_std_error"] / row["std_error"])), 0.25, row)
            self.assertLess(abs(row["coverage"] - 0.95), 0.045, row)
        return told

    def test_gaussian(self):
        told = self.check("gaussian", 2, 1, "--variance", "learned")
        for ranks in (2, 3):
            self.assertEqual(self.summary("--bootstrap", 400, ranks=ranks), told)
        self.assertNotEqual(self.summary("--bootstrap", 400, "--seed", 2), told)
        self.assertIn("coverage", self.succeed(D, "summary", self.folder / "run", "--bootstrap", 9).stdout)

    def test_logistic(self):
        self.check("bernoulli", 1, 1, "--likelihood", "bernoulli")

    def test_softmax(self):
        self.check("categorical", 1, 3)

    def test_one_expert_more(self):
        """Two lines are found in place of one, with the likelihood that EM finds, and no third."""
        x, d, _ = draw("gaussian", n=200, seed=2)
        columns = {"a": x[:, 0], "b": x[:, 1], "y": d[:, 0]}
        likelihood = {}
        for experts in (1, 2):
            self.fit(columns, "--experts", experts, "--variance", "learned", "--starts", 3, *EM, run=f"{experts}")
            told = self.summary("--bootstrap", 19, "--test-experts", run=f"{experts}")
            likelihood[experts], test = told["log_likelihood"], told["test_experts"]
            self.assertEqual(test["drawn"], 19)
            if experts == 1:
                self.assertEqual(self.summary("--bootstrap", 19, "--test-experts", run="1", ranks=2), told)
                found, p = test["statistic"], test["p"]
        self.assert_close(found, 2 * (likelihood[2] - likelihood[1]), 1e-4)
        self.assertEqual(p, 1 / 20)
        self.assertGreater(test["p"], 1 / 20)
        self.assertGreaterEqual(test["statistic"], 0)


class Words(SummaryCase):
    def test_wrong_usage(self):
        for words, said in ((("--test-experts",), "--bootstrap"), (("--level", 1), "less than 1"), (("--level", "x"), "a number")):
            result = support.run(D, "summary", "run", *words)
            self.assert_rc(result, 2, said)
        self.assert_rc(support.run(D, "summary", self.folder / "none"), 2)


if __name__ == "__main__":
    support.main()
