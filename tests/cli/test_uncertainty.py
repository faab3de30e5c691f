# SPDX-License-Identifier: BSD-3-Clause
"""What predict and evaluate say of their own uncertainty, against NumPy and data of known truth."""
import csv
import json

import numpy
import reference
import support

D = support.COTERIE_D


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [row[name] for row in rows] if name == "class" else
            numpy.array([float(row[name]) for row in rows]) for name in rows[0]}


def draw(n, seed):
    """Two lines of known noise; the gate is a known logistic function. x (n,1), d (n,1)."""
    rng = numpy.random.default_rng(seed)
    x = rng.uniform(-2, 2, size=n)
    first = rng.uniform(size=n) < reference.logistic(4 * x)
    d = numpy.where(first, 3 + x + 0.5 * rng.normal(size=n), -2 * x + 0.1 * rng.normal(size=n))
    return x[:, None], d[:, None]


def write_table(path, x, d, more=None):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["x", "d", *(more or {})])
        for row in zip(x[:, 0], d[:, 0], *(more or {}).values()):
            writer.writerow([repr(float(v)) if isinstance(v, float) else v for v in row])


class Truth(support.TestCase):
    """The model is the truth itself: what it says of 4000 new samples must hold within the
    binomial error (4 standard deviations: 1 in 16000 by chance, and the samples are fixed)."""

    def setUp(self):
        super().setUp()
        self.run_folder = self.folder / "run"
        write_table(self.folder / "train.csv", *draw(50, 1))
        reference.write_parameters(self.folder / "truth.h5", {
            "gate/layer0/weight": [[4.0], [0.0]], "gate/layer0/bias": [0.0, 0.0],
            "experts/layer0/weight": [[[1.0]], [[-2.0]]], "experts/layer0/bias": [[3.0], [0.0]],
            "experts/variance": [0.25, 0.01]})
        self.succeed(D, "train", "--data", self.folder / "train.csv", "--experts", 2, "--epochs", 0,
                     "--variance", "learned", "--scale", "none", "--init",
                     self.folder / "truth.h5", "--output", self.run_folder)
        self.x, self.d = draw(4000, 2)
        write_table(self.folder / "new.csv", self.x, self.d)

    def predict(self, *options, name="p.csv", ranks=None):
        self.succeed(D, "predict", self.run_folder, "--data", self.folder / "new.csv", "--output",
                     self.folder / name, *options, ranks=ranks)
        return self.folder / name

    def test_intervals_hold_what_they_promise(self):
        n, d = len(self.d), self.d[:, 0]
        for p in (0.5, 0.9, 0.99):
            found = read(self.predict("--interval", p, name=f"p{p}.csv"))
            for share, expected in ((((found["lower_d"] < d) & (d < found["upper_d"])).mean(), p),
                                    ((d <= found["lower_d"]).mean(), (1 - p) / 2)):
                self.assertLess(abs(share - expected),
                                4 * numpy.sqrt(expected * (1 - expected) / n), p)

    def test_variance_is_that_of_the_residuals(self):
        found = read(self.predict())
        z2 = (self.d[:, 0] - found["y_d"]) ** 2 / found["variance_d"]
        self.assertLess(abs(z2.mean() - 1), 4 * z2.std() / numpy.sqrt(len(z2)))
        # Not on the average only: where the lines are mixed, and where they are not.
        for chosen in (abs(self.x[:, 0]) < 0.3, self.x[:, 0] < -1, self.x[:, 0] > 1):
            self.assertLess(abs(z2[chosen].mean() - 1),
                            4 * z2[chosen].std() / numpy.sqrt(chosen.sum()))

    def test_same_bits_on_three_ranks(self):
        options = ("--interval", 0.9, "--density")
        self.assertEqual(self.predict(*options).read_bytes(),
                         self.predict(*options, name="p3.csv", ranks=3).read_bytes())


    def test_evaluate_says_how_often_they_hold(self):
        found = json.loads(self.succeed(D, "evaluate", self.run_folder, "--data",
                                        self.folder / "new.csv", "--json", ranks=2).stdout)
        for p in (0.5, 0.9):
            at = read(self.predict("--interval", p, name=f"e{p}.csv"))
            held = ((at["lower_d"] < self.d[:, 0]) & (self.d[:, 0] < at["upper_d"])).mean()
            self.assertAlmostEqual(found[f"coverage_{100 * p:.0f}"], held)
        self.assertIsNone(found["calibration_error"])

    def test_samples_about_which_the_gate_is_wrong(self):
        found = json.loads(self.succeed(D, "evaluate", self.run_folder, "--data",
                                        self.folder / "new.csv", "--json", ranks=3).stdout)
        at = read(self.predict())
        g, h = (numpy.stack([at[f"{name}_{e}"] for e in range(2)]) for name in "gh")
        divergence = numpy.where(h > 0, h * numpy.log(numpy.maximum(h, 1e-300) / g), 0).sum(0)
        divergence[g.argmax(0) == h.argmax(0)] = 0
        worst = numpy.argsort(-divergence, kind="stable")[:5]
        self.assertEqual([d["sample"] for d in found["disagreements"]], worst.tolist())
        numpy.testing.assert_allclose([d["divergence"] for d in found["disagreements"]],
                                      divergence[worst], rtol=1e-9)
        for d in found["disagreements"]:
            self.assertEqual([d["gate"], d["posterior"]],
                             [g[:, d["sample"]].argmax(), h[:, d["sample"]].argmax()])


class Columns(support.TestCase):
    def train(self, x, d, *options, labels=None):
        write_table(self.folder / "d.csv", x, d, {"kind": labels} if labels else None)
        self.succeed(D, "train", "--data", self.folder / "d.csv", "--epochs", 20,
                     "--learning-rate", 0.1, "--output", self.folder / "run", *options)
        return reference.Checkpoint(self.folder / "run/checkpoints/latest")

    def predict(self, *options, ranks=None):
        path = self.folder / "p.csv"
        path.unlink(missing_ok=True)
        self.succeed(D, "predict", self.folder / "run", "--data", self.folder / "d.csv", "--output",
                     path, *options, ranks=ranks)
        return read(path)

    def test_regression(self):
        x, d = draw(60, 3)
        checkpoint = self.train(x, 100 + 7 * d, "--experts", 3, "--variance", "learned")
        found = self.predict("--density", "--interval", 0.8, ranks=3)
        mixture, scale = checkpoint.mixture, checkpoint.scaler["y_scale"][0]
        o = mixture.outputs(checkpoint.scale_x(x))[:, :, 0] * scale + checkpoint.scaler["y_mean"]
        sigma = numpy.sqrt(mixture.parameters["experts/variance"]) * scale
        g = mixture.proportions(checkpoint.scale_x(x))
        for e in range(3):
            numpy.testing.assert_allclose(found[f"o_{e}_d"], o[e], rtol=1e-11)
            numpy.testing.assert_allclose(found[f"sigma_{e}_d"], sigma[e], rtol=1e-11)
        for name, p in (("lower_d", 0.1), ("upper_d", 0.9)):
            below = (g * reference.normal_cdf((found[name] - o) / sigma[:, None])).sum(0)
            numpy.testing.assert_allclose(below, p, atol=1e-9)

    def test_two_targets(self):
        x, d = draw(60, 3)
        self.train(x, d, "--targets", "d,kind", "--inputs", "x", labels=[f"{v:g}" for v in x[:, 0]])
        found = self.predict("--density", "--interval", 0.8)
        names = [f"{name}_{t}" for name in ("y", "variance", "lower", "upper") for t in ("d", "kind")]
        g = [f"{name}_{e}" for name in "gh" for e in range(4)]
        each = [f"{name}_{e}_{t}" for e in range(4) for name in ("o", "sigma") for t in ("d", "kind")]
        self.assertEqual(list(found), names + g + each)
        for t in ("d", "kind"):
            numpy.testing.assert_allclose(sum(found[f"g_{e}"] * found[f"o_{e}_{t}"]
                                              for e in range(4)), found[f"y_{t}"], atol=1e-12)
            self.assertTrue((found[f"lower_{t}"] < found[f"upper_{t}"]).all())

    def test_classes(self):
        x, d = draw(60, 3)
        for likelihood in ("categorical", "bernoulli"):
            self.train(x, d, "--experts", 2, "--likelihood", likelihood, "--targets", "kind",
                       labels=["yes" if v > 0 else "no" for v in x[:, 0]])
            found = self.predict("--density", ranks=2)
            for c in ("no", "yes"):
                numpy.testing.assert_allclose(
                    sum(found[f"g_{e}"] * found[f"p_{e}_{c}"] for e in range(2)), found[f"p_{c}"],
                    atol=1e-12)
            refused = support.run(D, "predict", self.folder / "run", "--data", self.folder / "d.csv",
                                  "--output", self.folder / "q.csv", "--interval", 0.9, ranks=2)
            self.assert_rc(refused, 2, "--interval is for numeric targets")
            self.assert_one_line(refused)
            support.shutil.rmtree(self.folder / "run")


    def test_calibration_error(self):
        x, d = draw(64, 3)
        labels = ["yes" if v > 0.4 else "no" for v in d[:, 0]]
        for likelihood in ("categorical", "bernoulli"):
            self.train(x, d, "--experts", 2, "--likelihood", likelihood, "--targets", "kind",
                       "--inputs", "x", labels=labels)
            evaluate = (D, "evaluate", self.folder / "run", "--data", self.folder / "d.csv")
            found = json.loads(self.succeed(*evaluate, "--json").stdout)
            p = self.predict()["p_yes"]
            confidence, right = numpy.maximum(p, 1 - p), (p > 0.5) == (numpy.array(labels) == "yes")
            order = numpy.argsort(confidence, kind="stable")
            edges = [b * 64 // 10 for b in range(11)]
            error = sum(abs((confidence - right)[order[a:b]].sum())
                        for a, b in zip(edges, edges[1:])) / 64
            self.assertAlmostEqual(found["calibration_error"], error)
            self.assertIsNone(found["coverage_90"])
            self.assertIn(f"differ by {100 * error:.1f} %", self.succeed(*evaluate).stdout)
            support.shutil.rmtree(self.folder / "run")


class Part(support.TestCase):
    def test_the_samples_that_were_held_out(self):
        """Their metrics are those that training recorded, by sample and by group."""
        x, d = draw(97, 4)
        write_table(self.folder / "d.csv", x, d, {"who": [f"p{i % 9}" for i in range(97)],
                                                  "w": [1] * 97})
        for k, options in enumerate(((), ("--group", "who", "--weight", "w"))):
            run = self.folder / f"run{k}"
            self.succeed(D, "train", "--data", self.folder / "d.csv", "--targets", "d", "--inputs",
                         "x", "--valid", 0.3, "--seed", 5, "--epochs", 7, "--output", run, *options)
            last = support.read_metrics(run)[-1]
            for part, key in (("valid", "error_valid"), ("train", "error")):
                result = self.succeed(D, "evaluate", run / "checkpoints/latest", "--data",
                                      self.folder / "d.csv", "--part", part, "--json", ranks=2)
                found = json.loads(result.stdout)
                self.assertAlmostEqual(found["error"], last[key], 12)
                self.assertEqual(sum(group["weight"] for group in found["groups"]),
                                 found["n"] if options else 0)
            whole = self.predicted(run, "all")
            rows = {}
            for part in ("train", "valid"):
                found = self.predicted(run, part)
                rows[part] = found["row"].astype(int).tolist()
                numpy.testing.assert_array_equal(found["y_d"], whole["y_d"][rows[part]])
            self.assertEqual(sorted(rows["train"] + rows["valid"]), list(range(97)))

    def predicted(self, run, part):
        path = self.folder / f"{run.name}-{part}.csv"
        self.succeed(D, "predict", run, "--data", self.folder / "d.csv", "--part", part,
                     "--output", path)
        return read(path)

    def test_refused(self):
        x, d = draw(97, 4)
        write_table(self.folder / "d.csv", x, d)
        write_table(self.folder / "e.csv", x + 1, d)
        for name, valid in (("share", 0.3), ("file", self.folder / "e.csv")):
            self.succeed(D, "train", "--data", self.folder / "d.csv", "--valid", valid, "--epochs",
                         1, "--output", self.folder / name)
        for name, data, words in (("share", "e.csv", "is not the data that the model was trained"),
                                  ("file", "d.csv", "there is no part to choose")):
            refused = support.run(D, "evaluate", self.folder / name, "--data", self.folder / data,
                                  "--part", "valid")
            self.assert_rc(refused, 2, words)
            self.assert_one_line(refused)


if __name__ == "__main__":
    support.main()
