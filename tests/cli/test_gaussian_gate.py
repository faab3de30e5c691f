# SPDX-License-Identifier: BSD-3-Clause
# timeout: 200
"""--gate gaussian: against NumPy, monotone, with the same bits on any number of ranks."""
import json

import em_case
import h5py
import numpy
import reference
import support
from em_case import D, F

# name: options, columns of targets
CASES = {
    "regression": ("--variance learned --weight w --micro-batch 40", "t0,t1"),
    "classes": ("--valid 0.2 --micro-batch 56", "label"),
    "binary": ("--likelihood bernoulli --expert-hidden 3", "b"),
}


def make_samples(n=230, seed=3):
    """x (N,3), correlated and far from the origin; targets of three regions of x; weights."""
    rng = numpy.random.default_rng(seed)
    region = rng.integers(0, 3, n)
    x = rng.normal(size=(n, 3)) @ numpy.array([[1, 0.4, 0], [0, 0.8, -0.5], [0, 0, 0.6]])
    x = 3 * (x + numpy.array([[-2, 0, 1], [2, 1, 0], [0, -2, -1]])[region]) + 40
    slope = numpy.array([[1, -1, 2], [-2, 1, 0], [0, 2, -1]])[region]
    t = numpy.stack([(slope * x).sum(1), (slope[:, ::-1] * x).sum(1)], 1)
    t += rng.normal(size=t.shape)
    noisy = t[:, 0] - t[:, 0].mean() + 60 * rng.normal(size=n)
    return x, t, rng.uniform(0.2, 1, size=n), noisy > 0


def write_samples(path, **how):
    x, t, w, positive = make_samples(**how)
    with open(path, "w", encoding="utf-8") as file:
        file.write("x0,x1,x2,w,t0,t1,label,b\n")
        for row in zip(x, w, t, positive):
            numbers = ",".join(repr(float(v)) for v in (*row[0], row[1], *row[2]))
            file.write(f"{numbers},{'yes' if row[3] else 'no'},{int(row[3])}\n")


class GaussianGate(em_case.EmCase):
    def setUp(self):
        super().setUp()
        self.data = self.folder / "d.csv"
        write_samples(self.data)

    def words(self, name, experts=3):
        options, targets = CASES[name]
        return ["--data", self.data, "--inputs", "x0,x1,x2", "--targets", targets, "--experts",
                experts, "--optimizer", "em", "--gate", "gaussian", *options.split()]

    def assert_never_rises(self, run, share=1e-10):
        errors = self.errors(run)
        self.assertLess(errors[-1], errors[0])
        for before, after in zip(errors, errors[1:]):
            self.assertLessEqual(after, before + share * (1 + abs(before)))


class SameBits(GaussianGate):
    def test_on_any_number_of_ranks_and_over_a_restart(self):
        for number, name in enumerate(CASES):
            program = (F, D)[number % 2]
            with self.subTest(name, program=program):
                self.check_same_bits(name, self.words(name), program)
                self.assert_never_rises(f"{name} 1", 1e-5 if program == F else 1e-10)


def m_step(weight, x):
    """alpha, means and covariances of weights (E,N): the formulas of Xu, Jordan & Hinton 1994."""
    share = weight.sum(1)
    mean = weight @ x / share[:, None]
    away = x - mean[:, None, :]
    covariance = numpy.einsum("en,enu,env->euv", weight, away, away) / share[:, None, None]
    return {"alpha": share / share.sum(), "mean": mean, "covariance": covariance}


class OneStep(GaussianGate):
    def test_start_step_and_errors(self):
        """The start is made of samples; one iteration is the textbook's; error and nll mean (x, d) and d|x."""
        x, t, w, _ = make_samples()
        self.train("start", self.words("regression"), "--epochs", 0)
        self.train("step", self.words("regression"), "--epochs", 1, ranks=2)
        checkpoint = reference.Checkpoint(self.latest("start"))
        x, d, w = checkpoint.scale_x(x), checkpoint.scale_y(t), w / w.sum()
        start, after = checkpoint.mixture, reference.Checkpoint(self.latest("step")).mixture
        found = {name: start.parameters[f"gate/gaussian/{name}"]
                 for name in ("alpha", "mean", "covariance")}
        at = [numpy.flatnonzero(abs(x - mean).max(1) < 1e-12) for mean in found["mean"]]
        self.assertTrue(all(len(rows) == 1 for rows in at), "means that are samples")
        self.assertEqual(len(set(rows[0] for rows in at)), 3)
        numpy.testing.assert_allclose(found["alpha"], 1 / 3, rtol=1e-15)
        numpy.testing.assert_allclose(
            found["covariance"], numpy.repeat(m_step(w[None], x)["covariance"], 3, 0), atol=1e-12)
        expected = m_step(w * start.posterior(x, d), x)
        for name, value in expected.items():
            numpy.testing.assert_allclose(after.parameters[f"gate/gaussian/{name}"], value,
                                          atol=1e-11)
        rows = support.read_metrics(self.folder / "step")
        scale = numpy.log(checkpoint.scaler["y_scale"]).sum() + reference.LOG_2PI  # O = 2
        for row, mixture in zip(rows, (start, after)):
            self.assertAlmostEqual(row["error"], w @ mixture.errors(x, d), delta=1e-11)
            self.assertAlmostEqual(row["nll"], -w @ mixture.log_density(x, d) + scale, delta=1e-11)

    def test_evaluate_and_predict(self):
        """g and h of both programs, and what evaluate says, are those of the formula."""
        x, t, w, _ = make_samples()
        self.train("run", self.words("regression"), "--epochs", 6)
        checkpoint = reference.Checkpoint(self.latest("run"))
        x, d = checkpoint.scale_x(x), checkpoint.scale_y(t)
        g, h = checkpoint.mixture.proportions(x), checkpoint.mixture.posterior(x, d)
        for program, ranks, most in ((D, 2, 1e-9), (F, 1, 2e-3)):
            output = self.folder / f"{ranks}.h5"
            self.succeed(program, "predict", self.latest("run"), "--data", self.data, "--output",
                         output, ranks=ranks)
            with h5py.File(output) as file:
                for e in range(3):
                    numpy.testing.assert_allclose(file[f"g_{e}"], g[e], atol=most)
                    numpy.testing.assert_allclose(file[f"h_{e}"], h[e], atol=most)
        said = support.run(D, "evaluate", self.latest("run"), "--data", self.data, "--json")
        self.assert_rc(said, 0)
        found = json.loads(said.stdout)
        self.assertAlmostEqual(found["error"], w @ checkpoint.mixture.errors(x, d) / w.sum(),
                               delta=1e-9)

    def test_given_parameters(self):
        """--init gives parts of the gate; what would be no density is refused."""
        mean = numpy.array([[0.0, 1, 2], [1, 1, 1], [-1, 0, 0]])
        with h5py.File(self.folder / "good.h5", "w") as file:
            file["gate/gaussian/mean"] = mean
        self.train("good", self.words("regression"), "--epochs", 0, "--init", self.folder / "good.h5")
        found = reference.read_parameters(self.latest("good"))
        numpy.testing.assert_array_equal(found["gate/gaussian/mean"], mean)
        with h5py.File(self.folder / "bad.h5", "w") as file:
            file["gate/gaussian/covariance"] = numpy.zeros((3, 3, 3))
        result = self.train("bad", self.words("regression"), "--init", self.folder / "bad.h5", rc=2)
        self.assertIn("positive", self.assert_one_line(result))


class ToTheEnd(GaussianGate):
    def test_stationary(self):
        """In the end another M-step changes nothing, for Gaussian experts and for others."""
        for name in ("regression", "classes"):
            words = [word for word in self.words(name) if word not in ("--valid", "0.2")]
            self.train(name, words, "--epochs", 3000, "--stop-likelihood", 1e-14)
            self.assert_never_rises(name)
            x, t, w, positive = make_samples()
            checkpoint = reference.Checkpoint(self.latest(name))
            x = checkpoint.scale_x(x)
            d = checkpoint.scale_y(t) if name == "regression" else \
                numpy.stack([positive == (c == "yes") for c in checkpoint.classes], 1) * 1.0
            weight = w / w.sum() if name == "regression" else numpy.full(len(x), 1 / len(x))
            again = m_step(weight * checkpoint.mixture.posterior(x, d), x)
            for key, value in again.items():
                numpy.testing.assert_allclose(
                    checkpoint.mixture.parameters[f"gate/gaussian/{key}"], value, atol=1e-4)

    def test_covariances_that_are_singular(self):
        """A column twice, a constant, a constant that is large, more experts than samples feed."""
        x, t, _, _ = make_samples()
        columns = numpy.hstack([x, x[:, :1], numpy.full((len(x), 1), 1e6), numpy.zeros((len(x), 1))])
        for name, n, experts, scale in (("twice", len(x), 3, "standard"), ("few", 12, 9, "none")):
            for program in (D, F):
                with h5py.File(self.folder / "x.h5", "w") as file:
                    file["x"], file["y"] = columns[:n], t[:n]
                run = f"{name} {program == D}"
                self.train(run, ["--data", self.folder / "x.h5", "--optimizer", "em", "--gate",
                                 "gaussian", "--experts", experts, "--variance", "learned", "--scale",
                                 scale, "--epochs", 40, "--stop-likelihood", 0], program=program)
                self.assert_never_rises(run, 1e-10 if program == D else 1e-5)
                found = reference.read_parameters(self.latest(run))
                spread = columns[:n].std(0) if scale == "none" else numpy.ones(6)
                spread[spread == 0] = 1
                for covariance in found["gate/gaussian/covariance"]:
                    self.assertTrue(numpy.isfinite(covariance).all())
                    least = numpy.linalg.eigvalsh(covariance / numpy.outer(spread, spread))[0]
                    self.assertGreater(least, 0.9e-4)


class Refused(GaussianGate):
    def test_what_does_not_go_with_it(self):
        for options, word in (
                ("--optimizer adam", "--optimizer em"), ("--gate-hidden 3", "--gate-hidden"),
                ("--error competitive", "--error mixture"), ("--top-k 2", "--top-k")):
            with self.subTest(options):
                result = support.run(D, "train", "--optimizer", "em", "--gate", "gaussian",
                                     *options.split(), "--output", self.folder / "run")
                self.assert_rc(result, 2, word)
                self.assert_one_line(result)
        self.train("run", self.words("regression"), "--epochs", 1)
        self.train("run", ["--resume", "auto", "--gate", "softmax"], rc=2)


if __name__ == "__main__":
    support.main()
