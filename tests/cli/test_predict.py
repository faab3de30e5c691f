# SPDX-License-Identifier: BSD-3-Clause
"""predict and evaluate against NumPy, which reads nothing but the checkpoint (reference.py)."""
import csv
import json

import h5py
import numpy
import reference
import support

D = support.COTERIE_D
LOG_2PI = reference.LOG_2PI
N = 83

# How models are trained, by data set: numbers (2 targets), labels (3), yesno (2 labels), binary (2
# columns of 0 and 1) and shares (3 columns that sum to 1).
MODELS = {
    "numbers": (
        "--experts 3",
        "--experts 4 --variance learned --expert-hidden 5 --activation tanh",
        "--experts 3 --variance fixed:0.3 --expert-hidden 6,4 --activation relu --gate-hidden 5",
        "--experts 2 --expert-hidden 7 --activation gelu --gate-hidden 4,3 --scale none",
        "--experts 2 --expert-hidden 5 --activation logistic --scale 3",
        "--experts 5 --error competitive",
        "--experts 3 --error cooperative --expert-hidden 4",
        "--experts 1",
    ),
    "labels": (
        "--experts 3",
        "--experts 4 --expert-hidden 5 --gate-hidden 4 --activation gelu",
        "--experts 2 --error competitive",
        "--experts 2 --error cooperative",
        "--experts 3 --likelihood gaussian",
    ),
    "yesno": ("--experts 3 --likelihood bernoulli", "--experts 3",
              "--experts 2 --expert-output logistic"),
    "binary": ("--experts 3 --likelihood bernoulli --gate-hidden 3",
               "--experts 3 --expert-output logistic --variance learned"),
    "shares": ("--experts 3 --likelihood categorical",),
}
TARGETS = {"numbers": ["height", "width"], "labels": ["kind"], "yesno": ["answer"],
           "binary": ["b0", "b1"], "shares": ["s0", "s1", "s2"]}


class Data:
    """Inputs, targets d (N,O) as a model sees them (before scaling), labels and groups."""

    def __init__(self, name, seed=5):
        rng = numpy.random.default_rng(seed)
        self.name = name
        self.x = rng.normal(size=(N, 3)) * [1, 5, 0.1] + [0, 3, -1]
        t = numpy.abs(self.x[:, 0]) + 10 * self.x[:, 2]
        self.weight = rng.uniform(0.1, 2, size=N)
        self.group = [f"group {'abc'[i]}" for i in rng.integers(3, size=N)]
        self.labels, self.classes = None, []
        if name == "numbers":
            self.d = numpy.stack([t, self.x[:, 1] ** 2], 1)
        elif name == "binary":
            self.d = numpy.stack([t > -9, self.x[:, 1] > 3], 1) * 1.0
        elif name == "shares":
            s = numpy.abs(self.x) + 0.1
            self.d = s / s.sum(1, keepdims=True)
            self.d[:, 2] = 1 - self.d[:, 0] - self.d[:, 1]
        else:
            self.classes = ["huge", "large, or so", "small"] if name == "labels" else ["no", "yes"]
            index = numpy.digitize(t, [-9.5, -8.8] if name == "labels" else [-9])
            self.labels = [self.classes[i] for i in index]
            self.d = numpy.eye(len(self.classes))[index]

    def write(self, path, targets=True):
        with open(path, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["speaker", "weight", "a", "b", "c"] + TARGETS[self.name] * targets)
            for i in range(N):
                d = [self.labels[i]] if self.labels else [repr(float(v)) for v in self.d[i]]
                writer.writerow([self.group[i], repr(float(self.weight[i])),
                                 *(repr(float(v)) for v in self.x[i]), *d * targets])

    def in_outputs(self, checkpoint):
        """d as the model's outputs are compared with it."""
        if checkpoint.mixture.output == "logistic" and self.name == "yesno":
            return self.d[:, 1:]
        return self.d if self.labels else checkpoint.scale_y(self.d)


def expected_columns(data, checkpoint, targets=True):
    """What predict is to write, by column."""
    x, mixture, columns = checkpoint.scale_x(data.x), checkpoint.mixture, {}
    if data.labels or checkpoint.config["task"] == "classification":
        p = checkpoint.probabilities(data.x)
        names = data.classes or TARGETS[data.name]
        columns.update({f"p_{name}": p[:, k] for k, name in enumerate(names)})
        if data.name != "binary":
            columns["class"] = [names[k] for k in p.argmax(1)]
    else:
        y, variance = checkpoint.regression(data.x)
        for k, name in enumerate(TARGETS[data.name]):
            columns[f"y_{name}"], columns[f"variance_{name}"] = y[:, k], variance[:, k]
    for e, g in enumerate(mixture.proportions(x)):
        columns[f"g_{e}"] = g
    if targets:
        for e, h in enumerate(mixture.posterior(x, data.in_outputs(checkpoint))):
            columns[f"h_{e}"] = h
    return columns


def expected_metrics(data, checkpoint, chosen, weight):
    """error, nll, expected_square, accuracy and rmse of the samples `chosen`."""
    mixture, x = checkpoint.mixture, checkpoint.scale_x(data.x[chosen])
    d = data.in_outputs(checkpoint)[chosen]
    weight = weight[chosen] / weight[chosen].sum()
    found = {"error": weight @ mixture.errors(x, d), "accuracy": None, "rmse": None,
             "expected_square": weight @ mixture.expected_squares(x, d)}
    y = mixture.combined(x)
    if checkpoint.config["task"] == "regression":
        constant = d.shape[1] / 2 * LOG_2PI + numpy.log(checkpoint.scaler["y_scale"]).sum()
        found["nll"] = constant - weight @ mixture.log_density(x, d)
        squares = ((y - d) * checkpoint.scaler["y_scale"]) ** 2
        found["rmse"] = numpy.sqrt(weight @ squares.mean(1))
    elif mixture.error == "mixture" and mixture.likelihood != "gaussian":
        found["nll"] = -weight @ mixture.log_density(x, d)
    else:
        found["nll"] = -weight @ (numpy.log(y) * d).sum(1)
    if mixture.output == "logistic":
        found["accuracy"] = weight @ ((y > 0.5) == (d > 0.5)).mean(1)
    elif checkpoint.config["task"] == "classification":
        found["accuracy"] = weight @ (y.argmax(1) == d.argmax(1))
    return found


def expected_baseline(data, found, weight):
    """Accuracy and rmse of the best constant answer, where `found` has the model's."""
    share = weight / weight.sum()
    accuracy = ((numpy.maximum(share @ data.d, 1 - share @ data.d)).mean() if data.name == "binary"
                else (share @ numpy.eye(data.d.shape[1])[data.d.argmax(1)]).max())
    rmse = numpy.sqrt((share @ (data.d - share @ data.d) ** 2).mean())
    return {"baseline_accuracy": None if found["accuracy"] is None else accuracy,
            "baseline_rmse": None if found["rmse"] is None else rmse}


def expected_classes(data, checkpoint, weight):
    """Of each class: name, samples, their weight, and the share of it that is right."""
    p = checkpoint.probabilities(data.x) if data.labels else None
    for k, name in enumerate(data.classes):
        own = data.d[:, k] == 1
        right = weight[own] @ (p[own].argmax(1) == k)
        yield [name, own.sum(), weight[own].sum(), right / weight[own].sum()]


def read_csv(path):
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [row[name] for row in rows] if name == "class" else
            numpy.array([float(row[name]) for row in rows]) for name in rows[0]}


def read_hdf5(path):
    with h5py.File(path) as file:
        return {name: [v.decode() for v in item] if name == "class" else item[()]
                for name, item in file.items()}


class Predict(support.TestCase):
    def assert_columns(self, found, expected, tolerance=1e-12):
        self.assertEqual(sorted(found), sorted(expected))
        for name, values in expected.items():
            if name == "class":
                self.assertEqual(list(found[name]), values)
            else:
                numpy.testing.assert_allclose(found[name], values, rtol=tolerance, atol=tolerance,
                                              err_msg=name)

    def each_model(self, *checks):
        """Trains each model a little and calls each check(number, data, run directory, content)."""
        number = 0
        for name, many in MODELS.items():
            data = Data(name)
            data.write(self.folder / f"{name}.csv")
            data.write(self.folder / f"{name}-only-inputs.csv", targets=False)
            for options in many:
                number += 1
                run = self.folder / f"run-{number}"
                said = self.succeed(D, "train", "--data", self.folder / f"{name}.csv", "--inputs",
                                    "a,b,c", "--targets", ",".join(TARGETS[name]), *options.split(),
                                    "--epochs", 15, "--learning-rate", 0.1, "--output", run).stdout
                self.assert_compared(said, data)
                for check in checks:
                    with self.subTest(check.__name__, data=name, options=options):
                        check(number, data, run, reference.Checkpoint(run / "checkpoints/latest"))

    def assert_compared(self, said, data):
        """The end of training has what the model is to be compared with."""
        given = {name: 0 if name in said else None for name in ("accuracy", "rmse")}
        expected = expected_baseline(data, given, numpy.ones(N))
        if given["accuracy"] is not None:
            self.assertIn(f"to compare accuracy {100 * expected['baseline_accuracy']:.1f} % if", said)
        if given["rmse"] is not None:
            self.assertIn(f"to compare rmse {expected['baseline_rmse']:.6g} if", said)

    def predict(self, data, run, output, ranks=None, file=None):
        self.succeed(D, "predict", run, "--data", self.folder / (file or f"{data.name}.csv"),
                     "--output", self.folder / output, ranks=ranks)
        return self.folder / output

    def test_each_model(self):
        self.each_model(self.check_predictions, self.check_evaluation)

    def check_predictions(self, number, data, run, checkpoint):
        name = f"p{number}"
        expected = expected_columns(data, checkpoint)
        found = self.predict(data, run, f"{name}.csv")
        self.assert_columns(read_csv(found), expected)
        if number % 3 == 0:
            three = self.predict(data, run, f"{name}-3.csv", 3)
            self.assertEqual(found.read_bytes(), three.read_bytes())
            self.assert_columns(read_hdf5(self.predict(data, run, f"{name}.h5", 3)), expected)
            self.predict(data, run, f"{name}-1.h5")
            self.assert_same_checkpoint(self.folder / f"{name}-1.h5", self.folder / f"{name}.h5")
        else:
            only = self.predict(data, run, f"{name}-only.csv", file=f"{data.name}-only-inputs.csv")
            self.assert_columns(read_csv(only), expected_columns(data, checkpoint, targets=False))

    def check_evaluation(self, number, data, run, checkpoint):
        weighted, ranks = number % 2 == 0, (None, 3)[number % 6 == 1]
        result = self.succeed(D, "evaluate", run, "--data", self.folder / f"{data.name}.csv",
                              "--group", "speaker", *(("--weight", "weight") * weighted), "--json",
                              ranks=ranks)
        found = json.loads(result.stdout)
        weight = data.weight if weighted else numpy.ones(N)
        self.assertEqual(found["n"], N)
        self.assert_metrics(found, expected_metrics(data, checkpoint, slice(None), weight))
        self.assert_metrics(found, expected_baseline(data, found, weight))
        classes = [list(c.values()) for c in found["classes"]]
        for one, expected in zip(classes, expected_classes(data, checkpoint, weight)):
            self.assertEqual(one[0], expected[0])
            numpy.testing.assert_allclose(one[1:], expected[1:], rtol=1e-11)
        self.assertEqual(len(classes), len(data.classes))
        self.assertEqual([g["group"] for g in found["groups"]], sorted(set(data.group)))
        for group in found["groups"]:
            chosen = numpy.array([g == group["group"] for g in data.group])
            self.assertAlmostEqual(group["weight"], weight[chosen].sum())
            self.assert_metrics(group, expected_metrics(data, checkpoint, chosen, weight))
        if not weighted:
            self.assert_use(found["experts"], data, checkpoint)

    def assert_metrics(self, found, expected):
        for name, value in expected.items():
            if value is None:
                self.assertIsNone(found[name], name)
            else:
                numpy.testing.assert_allclose(found[name], value, rtol=1e-11, err_msg=name)

    def assert_use(self, found, data, checkpoint):
        x = checkpoint.scale_x(data.x)
        g = checkpoint.mixture.proportions(x)
        h = checkpoint.mixture.posterior(x, data.in_outputs(checkpoint))
        numpy.testing.assert_allclose([e["mean_g"] for e in found], g.mean(1), rtol=1e-11)
        numpy.testing.assert_allclose([e["mean_h"] for e in found], h.mean(1), rtol=1e-11)
        self.assertEqual([e["first_for"] for e in found],
                         numpy.bincount(g.argmax(0), minlength=len(g)).tolist())

    def test_targets_that_the_model_cannot_use(self):
        """A new class, or text where numbers were: predicted as without targets, and said once."""
        for name, strange in (("labels", "enormous"), ("numbers", "tall")):
            with self.subTest(data=name):
                data = Data(name)
                files = [self.folder / f"{name}{kind}.csv" for kind in ("", "-only", "-strange")]
                data.write(files[0])
                data.write(files[1], targets=False)
                lines = files[0].read_text(encoding="utf-8").splitlines()
                lines[7] = ",".join(lines[7].split(",")[:5] + [strange] * len(TARGETS[name]))
                files[2].write_text("\n".join(lines) + "\n", encoding="utf-8")
                run = self.folder / f"run-{name}"
                self.succeed(D, "train", "--data", files[0], "--inputs", "a,b,c", "--targets",
                             ",".join(TARGETS[name]), "--epochs", 2, "--output", run)
                only = self.predict(data, run, f"{name}-p.csv", file=files[1]).read_bytes()
                result = self.succeed(D, "predict", run, "--data", files[2], "--output",
                                      self.folder / f"{name}-strange-p.csv", ranks=3)
                self.assertEqual((self.folder / f"{name}-strange-p.csv").read_bytes(), only)
                line, = support.own_lines(result.stderr)
                self.assertRegex(line, f"line 8.*'{strange}'.*predicting without targets")
                refused = support.run(D, "evaluate", run, "--data", files[2])
                self.assert_rc(refused, 2, strange)

    def test_single_precision(self):
        data = Data("numbers")
        data.write(self.folder / "numbers.csv")
        run = self.folder / "run"
        self.succeed(support.COTERIE, "train", "--data", self.folder / "numbers.csv", "--inputs",
                     "a,b,c", "--targets", "height,width", "--epochs", 20, "--output", run)
        expected = expected_columns(data, reference.Checkpoint(run / "checkpoints/latest"))
        for program, tolerance in ((support.COTERIE, 2e-5), (D, 1e-12)):
            output = self.folder / f"{tolerance}.csv"
            self.succeed(program, "predict", run, "--data", self.folder / "numbers.csv", "--output",
                         output)
            self.assert_columns(read_csv(output), expected, tolerance)

    def test_best_or_latest(self):
        """A run directory stands for its best model, a path for what it names."""
        data, run = Data("labels"), self.folder / "run"
        data.write(self.folder / "labels.csv")
        self.succeed(D, "train", "--data", self.folder / "labels.csv", "--inputs", "a,b,c",
                     "--valid", 0.3, "--expert-hidden", 20, "--learning-rate", 1.5, "--epochs", 60,
                     "--output", run)
        latest, best = run / "checkpoints/latest", run / "checkpoints/best"
        errors = [row["error_valid"] for row in support.read_metrics(run)]
        self.assertLess(numpy.argmin(errors), 60, "the test needs a run that grows worse again")
        with h5py.File(latest) as file:
            self.assertEqual(file["progress"].attrs["best_epoch"], numpy.argmin(errors))
        found = {name: read_csv(self.predict(data, path, f"{name}.csv"))
                 for name, path in (("run", run), ("best", best), ("latest", latest))}
        self.assert_columns(found["run"], found["best"], 0)
        self.assert_columns(found["run"],
                            expected_columns(data, reference.Checkpoint(latest, best=True)))
        self.assert_columns(found["latest"], expected_columns(data, reference.Checkpoint(latest)))


if __name__ == "__main__":
    support.main(jobs=2)
