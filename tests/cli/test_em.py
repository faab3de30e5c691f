# SPDX-License-Identifier: BSD-3-Clause
# labels: quick
# timeout: 200
"""--optimizer em: against NumPy, monotone, to the end, with the same bits on any number of ranks."""
import shutil

import em_case
import h5py
import numpy
import reference
import support
from em_case import D, F

# name: options, kind of targets, number of experts. Together: closed form, Newton and conjugate
# gradients, for experts and for the gate; weights, validation, small micro-batches.
CASES = {
    "gaussian": ("--variance learned --weight w --micro-batch 40", "numbers", 4),
    "fixed variance": ("--variance fixed:0.1 --valid 0.2", "numbers", 5),
    "bernoulli": ("--likelihood bernoulli --micro-batch 64", "binary", 2),
    "categorical": ("--micro-batch 48", "labels", 2),
    "logistic squares": ("--expert-output logistic --variance fixed:0.2", "binary", 2),
    "softmax squares": ("--likelihood gaussian --variance fixed:0.1", "labels", 2),
    "hidden layers": ("--expert-hidden 4 --gate-hidden 3 --variance learned --micro-batch 80",
                      "numbers", 3),
    "hidden gate": ("--gate-hidden 4 --likelihood bernoulli", "binary", 2),
    "wide gate": ("--variance fixed:0.3 --micro-batch 48", "wide", 8),
}
N_INPUTS = {"wide": 20}
TARGETS = {"numbers": "t0,t1", "wide": "t0,t1", "binary": "t0,t1", "labels": "t0"}


def make_samples(kind, seed=1, n=220):
    """x, targets as text, weights: three regions of x with different laws."""
    rng = numpy.random.default_rng(seed)
    x = rng.normal(size=(n, N_INPUTS.get(kind, 3)))
    region = (x[:, 0] + 0.3 * rng.normal(size=n) > 0) * 1 + (x[:, 1] > 0.7)
    slope = numpy.array([[1, -1, 2], [-2, 1, 0], [0, 2, -1]])[region]
    t = numpy.stack([(slope * x[:, :3]).sum(1), (slope[:, ::-1] * x[:, :3]).sum(1)], 1)
    t += 0.3 * rng.normal(size=t.shape)
    if kind in ("binary", "labels"):
        t += 1.5 * rng.normal(size=t.shape)  # no plane divides the classes: weights stay finite
    if kind == "binary":
        t = (t > 0) * 1
    if kind == "labels":
        t = numpy.array(["a", "b", "c"])[(t > 0).sum(1)][:, None]
    return x, t, rng.uniform(0.2, 1, size=n)


def write_samples(path, kind, **how):
    x, t, w = make_samples(kind, **how)
    names = [f"x{i}" for i in range(x.shape[1])] + ["w"] + [f"t{i}" for i in range(t.shape[1])]
    with open(path, "w", encoding="utf-8") as file:
        file.write(",".join(names) + "\n")
        for row_x, row_w, row_t in zip(x, w, t):
            file.write(",".join([*map(repr, map(float, row_x)), repr(float(row_w)), *map(str, row_t)])
                       + "\n")


class Em(em_case.EmCase):
    def words(self, name):
        """Data, model and optimiser of a case."""
        options, kind, experts = CASES[name]
        path = self.folder / f"{kind}.csv"
        if not path.exists():
            write_samples(path, kind)
        inputs = ",".join(f"x{i}" for i in range(N_INPUTS.get(kind, 3)))
        return ["--data", path, "--inputs", inputs, "--targets", TARGETS[kind], "--experts", experts,
                "--optimizer", "em", *options.split()]

    def samples(self, kind, run):
        """Scaled inputs, targets as the model sees them, and the model of a checkpoint."""
        checkpoint = reference.Checkpoint(self.latest(run))
        x, t, w = make_samples(kind)
        if kind == "labels":
            t = (t == numpy.array(checkpoint.classes)) * 1.0
        elif checkpoint.config["expert_output"] == "identity":
            t = checkpoint.scale_y(t.astype(float))
        return checkpoint.scale_x(x), t.astype(float), w, checkpoint.mixture


class SameBits(Em):
    def test_on_any_number_of_ranks_and_over_a_restart(self):
        """On three ranks, then on one: a run in two parts ends as one that was not interrupted."""
        for number, name in enumerate(CASES):
            program = (F, D)[number % 2]
            with self.subTest(name, program=program):
                self.check_same_bits(name, self.words(name), program)

    def test_where_it_stops(self):
        """The rise of the likelihood over the last iteration is remembered by a checkpoint."""
        words = [*self.words("gaussian"), "--stop-likelihood", 1e-4, "--epochs", 200]
        self.train("straight", words, "--checkpoint-every", "1s", "--keep", 999)
        steps = len(self.errors("straight")) - 1
        self.assertTrue(5 < steps < 150, steps)
        shutil.copytree(self.folder / "straight", self.folder / "again", symlinks=True)
        self.train("again", ["--resume", self.folder / f"again/checkpoints/step-{steps:09d}.h5"])
        self.train("before", ["--resume",
                              self.folder / f"straight/checkpoints/step-{steps - 2:09d}.h5"],
                   ranks=2)
        for other in ("again", "before"):
            self.assert_same_checkpoint(self.latest("straight"), self.latest(other))
        errors = self.errors("straight")
        rises = [(a - b) / (1 + abs(b)) for a, b in zip(errors, errors[1:])]
        self.assertLessEqual(rises[-1], 1e-4)
        self.assertGreater(min(rises[:-1]), 1e-4)

    def test_starts(self):
        words = [*self.words("gaussian"), "--starts", 3, "--epochs", 30]
        self.train("one", words)
        self.train("three", words, ranks=3)
        self.assert_same_checkpoint(self.latest("one"), self.latest("three"))
        with h5py.File(self.latest("one")) as file:
            self.assertEqual(file["progress"].attrs["starts_finished"], 1)

    def test_why_the_best_start_ended(self):
        words = [*self.words("gaussian"), "--starts", 2, "--stop-likelihood", 1e-2]
        for run, more, why in (("rise", (), "--stop-likelihood"),
                               ("neither", ("--stop-error", 1e-6), "--stop-likelihood"),
                               ("error", ("--stop-error", 1e6), "--stop-error")):
            self.train(run, words, *more)
            log = (self.folder / run / "log.txt").read_text(encoding="utf-8")
            self.assertRegex(log, rf"finished after .*: .*{why}\b")


def newton_step(d_z, curvature, x):
    """The shortest solution of the Newton system for z = theta [x; 1]; all per sample, (N,K,...)."""
    x = numpy.hstack([x, numpy.ones((len(x), 1))])
    slope = numpy.einsum("nk,nu->ku", d_z, x)
    matrix = numpy.einsum("nkl,nu,nv->kulv", curvature, x, x)
    size = slope.size
    return numpy.linalg.pinv(matrix.reshape(size, size), rcond=1e-12) @ slope.ravel(), slope.shape


def fisher(p, s):
    """s (diag p - p p^T) for each sample."""
    return s[:, None, None] * (p[:, :, None] * numpy.eye(p.shape[1]) - p[:, :, None] * p[:, None, :])


class OneStep(Em):
    """One iteration from given parameters, against the textbook."""

    def one_step(self, name):
        _, kind, experts = CASES[name]
        rng = numpy.random.default_rng(4)
        words = [word for word in self.words(name) if word not in ("--valid", "0.2")]
        self.train(f"{name} 0", words, "--epochs", 0)
        start = reference.read_parameters(self.latest(f"{name} 0"))
        for key, value in start.items():
            if key != "experts/variance":
                start[key] = rng.uniform(-0.4, 0.4, size=value.shape)
        with h5py.File(self.folder / f"{name}.h5", "w") as file:
            for key, value in start.items():
                file[key] = value
        self.train(f"{name} 1", words, "--epochs", 1, "--init", self.folder / f"{name}.h5", ranks=2)
        x, d, w, mixture = self.samples(kind, f"{name} 1")
        if "--weight" not in words:
            w[:] = 1
        before = reference.Mixture(start, activation=mixture.activation, output=mixture.output,
                                   likelihood=mixture.likelihood, learned=mixture.learned)
        self.assertEqual(len(before.parameters["gate/layer0/bias"]), experts)
        return x, d, w / w.sum(), before, mixture.parameters

    def check_gate(self, x, d, w, before, after):
        p, h = before.proportions(x).T, before.posterior(x, d).T
        step, shape = newton_step(w[:, None] * (h - p), fisher(p, w), x)
        step = step.reshape(shape)
        numpy.testing.assert_allclose(
            after["gate/layer0/weight"], before.parameters["gate/layer0/weight"] + step[:, :-1],
            atol=1e-9)
        numpy.testing.assert_allclose(
            after["gate/layer0/bias"], before.parameters["gate/layer0/bias"] + step[:, -1], atol=1e-9)

    def test_least_squares(self):
        for name in ("gaussian", "fixed variance"):
            x, d, w, before, after = self.one_step(name)
            h = before.posterior(x, d)
            ones = numpy.hstack([x, numpy.ones((len(x), 1))])
            for e, share in enumerate(w * h):
                root = numpy.sqrt(share)[:, None]
                fit = numpy.linalg.lstsq(root * ones, root * d, rcond=None)[0]
                with self.subTest(name, expert=e):
                    numpy.testing.assert_allclose(after["experts/layer0/weight"][e], fit[:-1].T,
                                                  atol=1e-10)
                    numpy.testing.assert_allclose(after["experts/layer0/bias"][e], fit[-1],
                                                  atol=1e-10)
                    variance = (share[:, None] * (d - ones @ fit) ** 2).sum() / share.sum() / 2
                    expected = variance if name == "gaussian" else 0.1
                    self.assertAlmostEqual(after["experts/variance"][e], expected, delta=1e-11)
            with self.subTest(name, part="gate"):
                self.check_gate(x, d, w, before, after)

    def test_newton(self):
        for name in ("bernoulli", "categorical", "logistic squares"):
            x, d, w, before, after = self.one_step(name)
            h, outputs = before.posterior(x, d), before.outputs(x)
            for e, share in enumerate(w * h):
                o = outputs[e]
                slope, curvature = share[:, None] * (d - o), fisher(o, share)
                if name != "categorical":
                    bend = o * (1 - o)
                    if name == "logistic squares":  # Gauss-Newton
                        slope, bend = slope * bend, bend ** 2
                    curvature = share[:, None, None] * bend[:, :, None] * numpy.eye(o.shape[1])
                step, shape = newton_step(slope, curvature, x)
                step = step.reshape(shape)
                with self.subTest(name, expert=e):
                    for key, part in (("weight", step[:, :-1]), ("bias", step[:, -1])):
                        key = f"experts/layer0/{key}"
                        numpy.testing.assert_allclose(after[key][e], before.parameters[key][e] + part,
                                                      atol=1e-9)
            with self.subTest(name, part="gate"):
                self.check_gate(x, d, w, before, after)


class ToTheEnd(Em):
    def test_monotone_and_stationary(self):
        """The error never rises, and in the end no gradient is left."""
        for name, (_, kind, _) in CASES.items():
            words = [word for word in self.words(name) if word not in ("--valid", "0.2")]
            self.train(name, words, "--epochs", 1000 if "hidden" in name else 3000,
                       "--stop-likelihood", 1e-14)
            errors = self.errors(name)
            with self.subTest(name, iterations=len(errors) - 1):
                self.assertLess(errors[-1], errors[0])
                for a, b in zip(errors, errors[1:]):
                    self.assertLessEqual(b, a + 1e-10 * (1 + abs(a)))
                x, d, w, mixture = self.samples(kind, name)
                share = w / w.sum() if "--weight" in words else numpy.full(len(x), 1 / len(x))
                with numpy.errstate(all="ignore"):  # of proportions that are 0
                    gradient = mixture.gradient(x, d, share)
                # L-BFGS has no curvature: it comes as near only slowly, and the gradient, 0.28
                # after ten iterations, rises and falls between 0.006 and 0.03 from 900 on.
                most = 5e-2 if "hidden" in name else 2e-5
                for key, value in gradient.items():
                    self.assertLess(abs(value).max(), most, key)

    def test_single_precision(self):
        for name in CASES:
            self.train(f"{name} F", self.words(name), "--epochs", 60, "--stop-likelihood", 0,
                       program=F)
            self.train(f"{name} D", self.words(name), "--epochs", 60, "--stop-likelihood", 0)
            one, other = self.errors(f"{name} F"), self.errors(f"{name} D")
            with self.subTest(name):
                self.assertAlmostEqual(one[3], other[3], delta=1e-4 * (1 + abs(other[3])))
                for a, b in zip(one, one[1:]):
                    self.assertLessEqual(b, a + 1e-5 * (1 + abs(a)))

    def test_the_vowels(self):
        """The criterion of Jacobs et al. 1991, all weights drawn from [-1/2, 1/2], the gate's too."""
        for seed in range(10):
            rng = numpy.random.default_rng(seed)
            with h5py.File(self.folder / "start.h5", "w") as file:
                file["experts/layer0/weight"] = rng.uniform(-0.5, 0.5, (4, 1, 2))
                file["experts/layer0/bias"] = rng.uniform(-0.5, 0.5, (4, 1))
                file["gate/layer0/weight"] = rng.uniform(-0.5, 0.5, (4, 2))
                file["gate/layer0/bias"] = rng.uniform(-0.5, 0.5, 4)
            words = ["--data", "builtin:vowels/train", "--targets", "iA", "--expert-output",
                     "logistic", "--likelihood", "bernoulli", "--optimizer", "em", "--stop-error",
                     0.08, "--stop-likelihood", 0, "--epochs", 34, "--init", self.folder / "start.h5"]
            self.train(f"vowels {seed}", words)
            rows = support.read_metrics(self.folder / f"vowels {seed}")
            with self.subTest(seed=seed, iterations=len(rows) - 1):
                self.assertLessEqual(rows[-1]["expected_square"], 0.08)
                self.assertLessEqual(len(rows) - 1, 34)
                self.assertTrue(all(b["error"] <= a["error"] for a, b in zip(rows, rows[1:])))


class Degenerate(Em):
    def test_columns_that_say_the_same(self):
        """A column twice, their sum and a constant: the same model as without them."""
        x, t, _ = make_samples("numbers")
        y = t.astype(float)
        for name, columns in (("plain", x), ("again", numpy.hstack(
                [x, x[:, :1], x[:, :1] + x[:, 1:2], numpy.ones((len(x), 1))]))):
            with h5py.File(self.folder / f"{name}.h5", "w") as file:
                file["x"], file["y"] = columns, y
            with h5py.File(self.folder / f"{name} start.h5", "w") as file:
                start = numpy.zeros((3, 2, columns.shape[1]))
                start[:, 0, :3] = numpy.eye(3)
                file["experts/layer0/weight"] = start
                file["experts/layer0/bias"] = numpy.zeros((3, 2))
            self.train(name, ["--data", self.folder / f"{name}.h5", "--experts", 3, "--optimizer",
                              "em", "--variance", "learned", "--epochs", 20, "--init",
                              self.folder / f"{name} start.h5"])
        numpy.testing.assert_allclose(self.errors("plain"), self.errors("again"), rtol=1e-7)

    def test_more_experts_than_samples_can_feed(self):
        """Experts without samples, and with fewer samples than inputs; variances fall to the floor."""
        write_samples(self.folder / "few.csv", "numbers", n=9)
        for program in (D, F):
            name = program.rsplit("/", 1)[-1]
            self.train(name, ["--data", self.folder / "few.csv", "--inputs", "x0,x1,x2", "--targets",
                              "t0", "--experts", 7, "--optimizer", "em", "--variance", "learned",
                              "--epochs", 60], program=program, ranks=3)
            self.assertLess(self.errors(name)[-1], self.errors(name)[0])
            found = reference.read_parameters(self.latest(name))
            for key, value in found.items():
                self.assertTrue(numpy.isfinite(value).all(), key)
            self.assertGreaterEqual(found["experts/variance"].min(), 1e-6 * 0.9)

    def test_one_value_far_out(self):
        """An input of 1e6 among N(0, 1) leaves the others few digits: rounding ends EM, not an error."""
        for seed in range(1, 7):
            rng = numpy.random.default_rng(seed)
            x = rng.normal(size=200)
            y = numpy.where(x > 0, 2 * x, -x) + 0.1 * rng.normal(size=200)
            x[7] = 1e6
            numpy.savetxt(self.folder / "far.csv", numpy.c_[x, y], delimiter=",", comments="",
                          header="x,y", fmt="%.10g")
            for program in (F, D):
                name = f"{seed} {program.rsplit('/', 1)[-1]}"
                self.train(name, ["--data", self.folder / "far.csv", "--experts", 3, "--optimizer",
                                  "em", "--variance", "learned", "--seed", seed, "--epochs", 100],
                           program=program, ranks=2 if seed == 1 else None)
                errors = self.errors(name)
                self.assertLessEqual(errors[-1], errors[0])
        # of seed 6, where the gate alone is found in double
        for name, words in (("deep", ["--variance", "learned"]), ("deep student", ["--likelihood", "student"])):
            self.train(name, ["--data", self.folder / "far.csv", "--experts", 3, "--optimizer", "em", "--expert-hidden",
                              5, "--seed", 6, "--epochs", 150, "--stop-likelihood", 0, *words], program=F)

    def test_classes_that_experts_divide_without_error(self):
        """Where outputs are 0 or 1 to all digits, slopes are rounding: no step is made of it."""
        for seed in (1, 3, 6):
            self.train(f"vowels {seed}", ["--data", "builtin:vowels", "--optimizer", "em", "--seed",
                                          seed, "--epochs", 300], program=F)


class Refused(Em):
    def test_what_em_cannot_do(self):
        for options, word in (
                ("--error competitive", "--error mixture"), ("--error cooperative", "--error mixture"),
                ("--batch-size 10", "--batch-size"), ("--clip 1", "--clip"),
                ("--weight-decay 0.1", "--weight-decay"), ("--schedule cosine", "--schedule")):
            with self.subTest(options):
                result = support.run(D, "train", "--optimizer", "em", *options.split(), "--output",
                                     self.folder / "run")
                self.assert_rc(result, 2, word)
                self.assert_one_line(result)
                self.assertFalse((self.folder / "run").exists())

    def test_a_likelihood_that_falls(self):
        """A wrong M-step (injected) is noticed and taken back; going on from there succeeds."""
        words = [*self.words("gaussian"), "--epochs", 12, "--stop-likelihood", 0]
        self.train("good", words)
        result = self.train("bad", words, rc=1, ranks=2,
                            env={"COTERIE_FAULT": "update:1:4:nan"})
        self.assertIn("EM stopped at iteration 4", self.assert_one_line(result))
        self.train("stopped", [*self.words("gaussian"), "--epochs", 4, "--stop-likelihood", 0])
        ignore = ["/config@epochs", "/progress@error_before", "/checksum/rest"]
        self.assert_same_checkpoint(self.latest("stopped"), self.latest("bad"), ignore)
        self.train("bad", ["--resume", "auto"])
        self.assert_same_checkpoint(self.latest("good"), self.latest("bad"))


if __name__ == "__main__":
    support.main(jobs=2)
