# SPDX-License-Identifier: BSD-3-Clause
# labels: quick
"""What a model must learn and how training ends, from mathematics rather than from figures."""
import json
import math

import h5py
import numpy
import reference
import support

D = support.COTERIE_D


class Model(support.TestCase):
    def train(self, *options, run="run", data=None, rc=0):
        """Trains on data {column: values}; the rows of metrics.jsonl."""
        if data is not None:
            with open(self.folder / "data.csv", "w", encoding="utf-8") as file:
                file.write(",".join(data) + "\n")
                for row in zip(*data.values()):
                    file.write(",".join(repr(float(value)) for value in row) + "\n")
            options = ("--data", self.folder / "data.csv", *options)
        self.result = support.run(D, "train", *options, "--progress", "never", "--output",
                                  self.folder / run)
        self.assert_rc(self.result, rc)
        return support.read_metrics(self.folder / run)

    def latest(self, run="run"):
        return self.folder / run / "checkpoints" / "latest"

    def parameters(self, run="run"):
        return reference.read_parameters(self.latest(run))


class Regression(Model):
    def data(self, n=60):
        rng = numpy.random.default_rng(1)
        x = rng.normal(size=(n, 2))
        return {"a": x[:, 0], "b": x[:, 1],
                "t": 3 * x[:, 0] - x[:, 1] + 0.5 + 0.1 * rng.normal(size=n)}

    def test_one_expert_is_least_squares(self):
        data = self.data()
        inputs = numpy.stack([data["a"], data["b"], numpy.ones(60)], 1)
        solution = numpy.linalg.lstsq(inputs, data["t"], rcond=None)[0]
        for error in ("mixture", "competitive", "cooperative"):
            rows = self.train("--experts", 1, "--error", error, "--scale", "none", "--optimizer",
                              "gd", "--learning-rate", 0.3, "--epochs", 300, data=data, run=error)
            found = self.parameters(error)
            numpy.testing.assert_allclose(found["experts/layer0/weight"][0, 0], solution[:2], rtol=1e-9)
            numpy.testing.assert_allclose(found["experts/layer0/bias"][0, 0], solution[2], rtol=1e-9)
            left = ((data["t"] - inputs @ solution) ** 2).mean()
            self.assertAlmostEqual(rows[-1]["error"], left / (2 if error == "mixture" else 1), 12)
            self.assertAlmostEqual(rows[-1]["rmse"], math.sqrt(left), 12)
            self.assertEqual(rows[-1]["gate_entropy"], 0)

    def test_learned_variance_is_that_of_the_residuals(self):
        data = self.data()
        self.train("--experts", 1, "--scale", "none", "--variance", "learned", "--learning-rate", 0.05,
                   "--epochs", 2000, data=data)
        inputs = numpy.stack([data["a"], data["b"], numpy.ones(60)], 1)
        left = numpy.linalg.lstsq(inputs, data["t"], rcond=None)[1][0] / 60
        self.assertAlmostEqual(self.parameters()["experts/variance"][0] / left, 1, 6)

    def test_scaling_is_undone(self):
        """Inputs and targets in other units: the same model, and an error in the new units."""
        data = self.data()
        plain = self.train("--epochs", 50, data=data, run="plain")
        moved = {"a": 1000 * data["a"] + 77, "b": data["b"] / 8, "t": 50 * data["t"] - 9}
        rows = self.train("--epochs", 50, data=moved, run="moved")
        for a, b in zip(plain, rows):
            self.assertAlmostEqual(a["error"], b["error"], 9)
            self.assertAlmostEqual(50 * a["rmse"], b["rmse"], 7)
            self.assertAlmostEqual(a["nll"] + math.log(50), b["nll"], 9)

    def test_a_constant_column_does_no_harm(self):
        data = {"c": numpy.full(60, 4.5), **self.data()}
        rows = self.train("--epochs", 30, data=data)
        self.assertLess(rows[-1]["error"], rows[0]["error"])
        with h5py.File(self.latest()) as file:
            self.assertEqual(file["scaler/x_scale"][0], 1)

    def test_absolute_value(self):
        """|x| is two lines: two linear experts, each with its slope and its side."""
        x = numpy.linspace(-1, 1, 201)
        self.train("--experts", 2, "--scale", "none", "--variance", "learned:0.1", "--learning-rate",
                   0.05, "--epochs", 1500, "--seed", 3, data={"x": x, "t": abs(x)})
        found = self.parameters()
        slopes = sorted(found["experts/layer0/weight"].ravel())
        numpy.testing.assert_allclose(slopes, [-1, 1], atol=0.03)
        numpy.testing.assert_allclose(found["experts/layer0/bias"], 0, atol=0.03)
        mixture = reference.Mixture(found)
        right = found["experts/layer0/weight"].ravel().argmax()
        g = mixture.proportions(numpy.array([[-0.5], [0.5]]))[right]
        self.assertLess(g[0], 0.02)
        self.assertGreater(g[1], 0.98)
        predicted = mixture.combined(x[:, None])[:, 0]
        self.assertLess(abs(predicted - abs(x)).max(), 0.05)


class Posterior(Model):
    def test_identical_experts(self):
        """h = g, and the gate, which is told nothing, does not move."""
        rng = numpy.random.default_rng(2)
        x = rng.normal(size=(40, 2))
        data = {"a": x[:, 0], "b": x[:, 1], "t": x[:, 0] ** 2}
        start = {"gate/layer0/weight": rng.normal(size=(3, 2)),
                 "gate/layer0/bias": rng.normal(size=3),
                 "experts/layer0/weight": numpy.tile(rng.normal(size=(1, 1, 2)), (3, 1, 1)),
                 "experts/layer0/bias": numpy.ones((3, 1))}
        reference.write_parameters(self.folder / "init.h5", start)
        options = ("--experts", 3, "--scale", "none", "--optimizer", "gd", "--init",
                   self.folder / "init.h5")
        self.train(*options, "--epochs", 0, data=data, run="start")
        self.succeed(D, "predict", self.latest("start"), "--data", self.folder / "data.csv",
                     "--output", self.folder / "p.h5")
        with h5py.File(self.folder / "p.h5") as file:
            for e in range(3):
                numpy.testing.assert_allclose(file[f"h_{e}"][()], file[f"g_{e}"][()], rtol=1e-13)
        self.train(*options, "--epochs", 1, data=data, run="step")
        found = self.parameters("step")
        for name, value in start.items():
            if name.startswith("gate"):
                numpy.testing.assert_allclose(found[name], value, atol=1e-15)
            else:
                self.assertFalse((found[name] == value).any(), "experts learn")

    def test_sums_to_one(self):
        self.train("--experts", 6, "--epochs", 60, "--learning-rate", 0.3)
        for name in ("p.csv", "p.h5"):
            self.succeed(D, "predict", self.folder / "run", "--data", "builtin:vowels/test", "--output",
                         self.folder / name)
        with h5py.File(self.folder / "p.h5") as file:
            for kind in "gh":
                values = numpy.stack([file[f"{kind}_{e}"][()] for e in range(6)])
                numpy.testing.assert_allclose(values.sum(0), 1, rtol=1e-14)
                self.assertTrue((values >= 0).all())
            classes = numpy.stack([file[f"p_{c}"][()] for c in ("aa", "ah", "ih", "iy")])
            numpy.testing.assert_allclose(classes.sum(0), 1, rtol=1e-14)
            self.assertEqual(len(classes[0]), 200)


class Ending(Model):
    """How many epochs are trained, and with which learning rate."""

    def test_patience(self):
        rows = self.train("--data", "builtin:vowels", "--expert-hidden", 20, "--learning-rate", 0.5,
                          "--epochs", 900, "--patience", 7)
        errors = [row["error_valid"] for row in rows]
        best = int(numpy.argmin(errors))
        self.assertLess(len(rows), 900, "the test needs a run that grows worse again")
        self.assertEqual(rows[-1]["epoch"], best + 7)
        with h5py.File(self.latest()) as file:
            self.assertEqual(file["progress"].attrs["best_epoch"], best)
            self.assertEqual(file["progress"].attrs["best_error"], errors[best])

    def test_stop_error(self):
        rows = self.train("--data", "builtin:vowels/train", "--targets", "iA", "--learning-rate", 0.1,
                          "--epochs", 2000, "--stop-error", 0.35)
        squares = [row["expected_square"] for row in rows]
        self.assertLessEqual(squares[-1], 0.35)
        self.assertGreater(min(squares[:-1]), 0.35)
        self.assertLess(len(rows), 2001)

    def test_starts(self):
        options = ("--data", "builtin:vowels/train", "--epochs", 40, "--experts", 3)
        rows = self.train(*options, "--starts", 4, "--seed", 5)
        ends = []
        for path in sorted((self.folder / "run" / "starts").glob("*.jsonl")):
            lines = path.read_text(encoding="utf-8").splitlines()
            self.assertEqual(len(lines), 41)
            ends.append(json.loads(lines[-1])["error"])
        self.assertEqual(len(ends), 3, "the three that lost")
        self.assertLess(rows[-1]["error"], min(ends))
        self.assertEqual(len(set(ends)), 3)
        self.assertEqual([row["epoch"] for row in rows], list(range(41)))
        result = self.succeed(D, "evaluate", self.latest(), "--data", "builtin:vowels/train", "--json")
        self.assertAlmostEqual(json.loads(result.stdout)["error"], rows[-1]["error"], 12)

    def test_starts_begin_with_that_of_the_seed(self):
        """One of the four is the run without --starts."""
        options = ("--data", "builtin:vowels/train", "--epochs", 10, "--experts", 3)
        alone = self.train(*options, run="alone")[-1]["error"]
        self.train(*options, "--starts", 4)
        ends = [json.loads(path.read_text(encoding="utf-8").splitlines()[-1])["error"]
                for path in [*(self.folder / "run/starts").glob("*.jsonl"),
                             self.folder / "run/metrics.jsonl"]]
        self.assertIn(alone, ends)

    def test_schedules(self):
        expected = {
            "constant": [0.2] * 11,
            "cosine": [0.1 * (1 + math.cos(math.pi * epoch / 10)) for epoch in range(11)],
            "step:4:0.5": [0.2 * 0.5 ** (epoch // 4) for epoch in range(11)],
            "exponential:0.9": [0.2 * 0.9 ** epoch for epoch in range(11)],
            "warmup:4": [0.2 * min(1, (epoch + 1) / 4) for epoch in range(11)],
        }
        x = numpy.linspace(-1, 1, 40)
        for number, (schedule, rates) in enumerate(expected.items()):
            with self.subTest(schedule):
                run = f"run {number}"
                self.train("--scale", "none", "--optimizer", "gd", "--learning-rate", 0.2,
                           "--experts", 2, "--schedule", schedule, "--epochs", 0, run=f"{run} start",
                           data={"x": x, "t": abs(x)})
                rows = self.train("--scale", "none", "--optimizer", "gd", "--learning-rate", 0.2,
                                  "--experts", 2, "--schedule", schedule, "--epochs", 10, run=run,
                                  data={"x": x, "t": abs(x)})
                numpy.testing.assert_allclose([row["learning_rate"] for row in rows], rates,
                                              rtol=1e-14, atol=1e-17)
                self.check_steps(rows, [rate / 0.2 for rate in rates], f"{run} start", x)

    def check_steps(self, rows, factors, start, x):
        """The rates are not only written, they are used."""
        mixture = reference.Mixture(self.parameters(start))
        optimizer, share = reference.Optimizer(rate=0.2), numpy.full(40, 1 / 40)
        x, d = x[:, None], abs(x)[:, None]
        for row, factor in zip(rows, factors):
            self.assertAlmostEqual(row["error"], mixture.errors(x, d).mean(), 11)
            optimizer.step(mixture, mixture.gradient(x, d, share), factor)

    def test_clip_bounds_each_step(self):
        """Nothing moves further than rate times norm; without the bound it would."""
        moved = {}
        for clip in (0, 0.01):
            options = ("--data", "builtin:vowels/train", "--optimizer", "gd", "--learning-rate", 0.5)
            self.train(*options, "--epochs", 0, run=f"before {clip}")
            self.train(*options, "--epochs", 1, "--clip", clip, run=f"after {clip}")
            before, after = self.parameters(f"before {clip}"), self.parameters(f"after {clip}")
            moved[clip] = math.sqrt(sum(((after[name] - before[name]) ** 2).sum() for name in before))
        self.assertAlmostEqual(moved[0.01], 0.5 * 0.01, 12)
        self.assertGreater(moved[0], 2 * moved[0.01])

    def test_not_finite(self):
        """A run that explodes ends with 1, and no checkpoint of numbers that are none."""
        x = numpy.linspace(-1, 1, 40)
        self.train("--error", "competitive", "--optimizer", "gd", "--learning-rate", 1e200, "--epochs",
                   50, data={"x": x, "t": abs(x)}, rc=1)
        self.assertIn("finite", self.assert_one_line(self.result))
        self.assertIn("--learning-rate", self.result.stderr)
        for path in (self.folder / "run").rglob("*.h5"):
            for name, value in reference.read_parameters(path).items():
                self.assertTrue(numpy.isfinite(value).all(), f"{path} {name}")


class Init(Model):
    def test_the_beginning_is_as_promised(self):
        """Weights in [-1/2, 1/2], the gate's last layer zero; g is 1/E."""
        rows = self.train("--data", "builtin:vowels10", "--inputs", "F1,F2", "--experts", 20,
                          "--gate-hidden", 10, "--expert-hidden", 5, "--epochs", 0)
        found = self.parameters()
        self.assertFalse(found["gate/layer1/weight"].any() or found["gate/layer1/bias"].any())
        for name in ("gate/layer0/weight", "experts/layer0/weight", "experts/layer1/weight"):
            self.assertLessEqual(abs(found[name]).max(), 0.5)
            self.assertGreater(abs(found[name]).max(), 0.3)
            self.assertLess(abs(found[name].mean()), 0.15)
        experts = found["experts/layer1/weight"].reshape(20, -1)
        self.assertEqual(len(numpy.unique(experts)), experts.size, "no two weights are the same")
        self.assertAlmostEqual(rows[0]["gate_entropy"], math.log(20), 12)

    def test_parts_are_optional(self):
        options = ("--data", "builtin:vowels/train", "--experts", 3, "--epochs", 0)
        self.train(*options, run="drawn")
        drawn, bias = self.parameters("drawn"), numpy.arange(12.0).reshape(3, 4)
        reference.write_parameters(self.folder / "init.h5", {"experts/layer0/bias": bias})
        self.train(*options, "--init", self.folder / "init.h5", run="given")
        given = self.parameters("given")
        numpy.testing.assert_array_equal(given["experts/layer0/bias"], bias)
        for name in drawn.keys() - {"experts/layer0/bias"}:
            numpy.testing.assert_array_equal(given[name], drawn[name])

    def test_from_a_checkpoint(self):
        options = ("--data", "builtin:vowels/train", "--experts", 3)
        self.train(*options, "--epochs", 7, run="first")
        rows = self.train(*options, "--epochs", 0, "--init", self.latest("first"), run="second")
        self.assertEqual(rows[0]["error"], support.read_metrics(self.folder / "first")[-1]["error"])

    def test_wrong_files(self):
        options = ("--data", "builtin:vowels/train", "--experts", 3, "--epochs", 0)
        shape = {"experts/layer0/weight": numpy.zeros((3, 4, 5))}
        for number, content in enumerate((shape, {"other": numpy.zeros(3)},
                                          {"gate/layer0/bias": numpy.array([1, numpy.nan, 0])})):
            with self.subTest(names=list(content)):
                reference.write_parameters(self.folder / "init.h5", content)
                result = support.run(D, "train", *options, "--init", self.folder / "init.h5",
                                     "--output", self.folder / f"run-{number}")
                self.assert_rc(result, 2, "init.h5")
                self.assert_one_line(result)
                self.assertFalse((self.folder / f"run-{number}").exists())


if __name__ == "__main__":
    support.main()
