# SPDX-License-Identifier: BSD-3-Clause
# timeout: 200
"""--gate tree:AxB: against NumPy, monotone, with the same bits on any number of ranks.

Its gradients are compared in test_reference.py, its predictions by a library in test_library.py.
"""
import em_case
import h5py
import numpy
import reference
import support
from em_case import D, F

# name: options, columns of targets. Systems that are factored, and one that is too large for that.
EM = {
    "two levels": ("--gate tree:2x3 --variance learned --weight w --micro-batch 40", 3, "t0,t1"),
    "three levels": ("--gate tree:2x2x2 --likelihood bernoulli --micro-batch 64", 3, "b"),
    "wide": ("--gate tree:2x7 --variance fixed:0.3 --valid 0.2", 24, "t0,t1"),
    "hidden layer": ("--gate tree:3x2 --gate-hidden 4 --variance learned", 3, "t0"),
}
STEPS = {
    "mini-batches": ("--gate tree:2x3 --batch-size 96 --micro-batch 32 --variance learned "
                     "--optimizer adam --valid 0.2", 3, "t0,t1"),
    "top-k": ("--gate tree:2x2x2 --top-k 2 --gate-hidden 5 --optimizer momentum", 3, "t0"),
}


def make_samples(inputs, seed=1, n=260):
    """x, targets of four regions of x, weights, noisy labels."""
    rng = numpy.random.default_rng(seed)
    x = rng.normal(size=(n, inputs))
    region = (x[:, 0] > 0) * 2 + (x[:, 1] > 0.3)
    slope = numpy.array([[1, -1, 2], [-2, 1, 0], [0, 2, -1], [1, 1, 1]])[region]
    t = numpy.stack([(slope * x[:, :3]).sum(1), (slope[:, ::-1] * x[:, :3]).sum(1)], 1)
    t += 0.3 * rng.normal(size=t.shape)
    return x, t, rng.uniform(0.2, 1, size=n), t[:, 0] + 3 * rng.normal(size=n) > 0


class TreeGate(em_case.EmCase):
    def words(self, case, *more):
        options, inputs, targets = case
        path = self.folder / f"{inputs}.csv"
        names = [f"x{i}" for i in range(inputs)]
        if not path.exists():
            x, t, w, b = make_samples(inputs)
            rows = numpy.column_stack([x, w, t, b])
            with open(path, "w", encoding="utf-8") as file:
                file.write(",".join([*names, "w", "t0", "t1", "b"]) + "\n")
                file.writelines(",".join(repr(float(v)) for v in row) + "\n" for row in rows)
        return ["--data", path, "--inputs", ",".join(names), "--targets", targets,
                *options.split(), *more]


class SameBits(TreeGate):
    def test_em_on_any_number_of_ranks_and_over_a_restart(self):
        for number, (name, case) in enumerate(EM.items()):
            with self.subTest(name):
                self.check_same_bits(name, self.words(case, "--optimizer", "em"), (D, F)[number % 2])

    def test_steps_on_any_number_of_ranks(self):
        for number, (name, case) in enumerate(STEPS.items()):
            program = (F, D)[number % 2]
            for ranks in (1, 2, 3):
                self.train(f"{name} {ranks}", self.words(case), "--epochs", 3, program=program,
                           ranks=ranks)
            for ranks in (2, 3):
                with self.subTest(name, ranks=ranks):
                    self.assert_same_checkpoint(self.latest(f"{name} 1"),
                                                self.latest(f"{name} {ranks}"))

    def test_one_level_is_the_softmax(self):
        for name, gate in (("softmax", ("--experts", 4)), ("tree", ("--gate", "tree:4"))):
            self.train(name, self.words(("--optimizer adam --batch-size 100", 3, "t0")), *gate,
                       "--epochs", 3)
        one, other = (reference.read_parameters(self.latest(name)) for name in ("softmax", "tree"))
        for name, value in one.items():
            numpy.testing.assert_array_equal(value, other[name], name)


class OneStep(TreeGate):
    def newton_step(self, x, t, p):
        """Of one node: t (N,K) is what its branches are held responsible for, p their softmax."""
        ones = numpy.hstack([x, numpy.ones((len(x), 1))])
        s = t.sum(1)
        slope = numpy.einsum("nk,nu->ku", t - s[:, None] * p, ones)
        curvature = s[:, None, None] * (p[:, :, None] * numpy.eye(p.shape[1])
                                        - p[:, :, None] * p[:, None, :])
        matrix = numpy.einsum("nkl,nu,nv->kulv", curvature, ones, ones)
        size = slope.size
        step = numpy.linalg.pinv(matrix.reshape(size, size), rcond=1e-12) @ slope.ravel()
        return step.reshape(slope.shape)

    def test_each_node_makes_its_newton_step(self):
        for name in ("two levels", "three levels"):
            words = self.words(EM[name], "--optimizer", "em")
            self.train(f"{name} 0", words, "--epochs", 0)
            start = reference.read_parameters(self.latest(f"{name} 0"))
            rng = numpy.random.default_rng(4)
            for key, value in start.items():
                if key != "experts/variance":
                    start[key] = rng.uniform(-0.4, 0.4, size=value.shape)
            reference.write_parameters(self.folder / "start.h5", start)
            self.train(f"{name} 1", words, "--epochs", 1, "--init", self.folder / "start.h5", ranks=2)
            found = reference.Checkpoint(self.latest(f"{name} 1"))
            model = found.mixture
            before = reference.Mixture(
                start, output=model.output, likelihood=model.likelihood, learned=model.learned,
                levels=reference.levels_of(found.config["gate"]))
            x, t, w, b = make_samples(3)
            d = found.scale_y(t) if name == "two levels" else b[:, None] * 1.0
            w = w / w.sum() if name == "two levels" else numpy.full(len(x), 1 / len(x))
            x, h = found.scale_x(x), None
            h = w * before.posterior(x, d)
            z = x @ start["gate/layer0/weight"].T + start["gate/layer0/bias"]
            self.assertEqual(len(before.nodes), {"two levels": 3, "three levels": 7}[name])
            for branches, experts in before.nodes:
                held = numpy.stack([h[below].sum(0) for below in experts], 1)
                step = self.newton_step(x, held, reference.softmax(z[:, branches], 1))
                for key, part in (("weight", step[:, :-1]), ("bias", step[:, -1])):
                    key = f"gate/layer0/{key}"
                    numpy.testing.assert_allclose(model.parameters[key][branches],
                                                  start[key][branches] + part, atol=1e-10,
                                                  err_msg=f"{name}, {branches}")


class ToTheEnd(TreeGate):
    def test_the_error_never_rises(self):
        for name, case in EM.items():
            self.train(name, self.words(case, "--optimizer", "em", "--stop-likelihood", 0), "--epochs",
                       60)
            errors = self.errors(name)
            with self.subTest(name):
                self.assertLess(errors[-1], errors[0])
                for before, after in zip(errors, errors[1:]):
                    self.assertLessEqual(after, before + 1e-10 * (1 + abs(before)))

    def test_predictions(self):
        words = self.words(EM["two levels"], "--optimizer", "em")
        self.train("run", words, "--epochs", 5)
        out = self.folder / "p.h5"
        self.succeed(D, "predict", self.folder / "run", "--data", self.folder / "3.csv", "--output",
                     out, ranks=2)
        found = reference.Checkpoint(self.latest("run"))
        x = make_samples(3)[0]
        y, variance = found.regression(x)
        g = found.mixture.proportions(found.scale_x(x))
        with h5py.File(out) as file:
            for k in range(2):
                numpy.testing.assert_allclose(file[f"y_t{k}"], y[:, k], rtol=1e-9)
                numpy.testing.assert_allclose(file[f"variance_t{k}"], variance[:, k], rtol=1e-9)
            for e in range(6):
                numpy.testing.assert_allclose(file[f"g_{e}"], g[e], rtol=1e-9, atol=1e-12)


class Refused(TreeGate):
    def test_what_does_not_combine(self):
        words = self.words(("", 3, "t0"))
        self.train("run", words, "--gate", "tree:2x2", "--epochs", 1)
        for more, why in ((("--gate", "tree:2x3", "--experts", 5), "leads to 6 experts"),
                          (("--gate", "tree:1x4"), "branches at each level"),
                          (("--gate", "tree:"), "branches at each level"),
                          (("--gate", "tree:2x"), "branches at each level"),
                          (("--gate", "tree"), "branches at each level"),
                          (("--gate", "softmax:2x2"), "branches at each level"),
                          (("--gate", "tree:2x2x"), "branches at each level"),
                          (("--gate", "tree:1000x1000x1000"), "branches at each level"),
                          (("--gate", "tree:2x2", "--committee", 2), "--committee"),
                          (("--gate", "tree:2x2", "--split", "0", "--init", self.folder / "run"),
                           "cannot change the experts"),
                          (("--gate", "tree:2x2", "--optimizer", "em", "--batch-size", 20),
                           "on-line EM")):
            result = self.train("other", words, *more, rc=2)
            with self.subTest(more):
                self.assertIn(why, result.stderr)
        result = self.train("run", ["--resume", "auto", "--gate", "tree:4"], rc=2)
        self.assertIn("--gate is tree:4", result.stderr)


if __name__ == "__main__":
    support.main(jobs=2)
