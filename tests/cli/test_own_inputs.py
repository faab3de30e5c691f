# SPDX-License-Identifier: BSD-3-Clause
# timeout: 240
"""--gate-inputs and --expert-inputs: EM against NumPy on the inputs that are there, the same bits, tables, refusals.

Gradients are compared in test_reference.py, exports and the library in test_export*.py; against flexmix on
this machine in test_own_inputs_long.py.
"""
import json

import em_case
import h5py
import numpy
import reference
import support
import test_summary
from em_case import D, F

NAMES = ["x", "w", "v"]
OWN = "--gate-inputs w --expert-inputs x,v"


def two_lines(n=2000, seed=1):
    """Weights depend on w, two lines on x: x, w, y of each row."""
    rng = numpy.random.default_rng(seed)
    w, x = rng.normal(size=n), rng.normal(size=n)
    first = rng.uniform(size=n) < 1 / (1 + numpy.exp(-(0.3 + 2 * w)))
    noise = rng.normal(size=n)
    return numpy.column_stack([x, w, numpy.where(first, 1 + 2 * x + 0.7 * noise, -1 - x + 1.1 * noise)])


def write_csv(path, names, rows):
    numpy.savetxt(path, rows, delimiter=",", header=",".join(names), comments="", fmt="%.17g")


class OwnInputs(em_case.EmCase):
    def setUp(self):
        super().setUp()
        self.rows = two_lines(300)
        rng = numpy.random.default_rng(3)
        v = rng.normal(size=300)
        self.rows[:, 2] += v
        self.rows = numpy.column_stack([self.rows[:, :2], v, self.rows[:, 2], self.rows[:, 2] > 0,
                                        rng.uniform(0.5, 2, size=300)])
        write_csv(self.folder / "d.csv", [*NAMES, "y", "b", "weight"], self.rows)

    def words(self, options, *more):
        targets = () if "--targets" in options else ("--targets", "y")
        return ["--data", self.folder / "d.csv", "--inputs", "x,w,v", *targets, *options.split(), *more]

    def started(self, run, options):
        """The model before the first step, and the samples as it sees them: x, d, shares."""
        self.train(run, self.words(options), "--epochs", 0)
        start = reference.Checkpoint(self.latest(run))
        x, d = start.scale_x(self.rows[:, :3]), start.scale_y(self.rows[:, 3:4])
        share = self.rows[:, 5] if "--weight" in options else numpy.ones(len(x))
        return start.mixture, x, d, share / share.sum()

    def check_trained(self, run, options, iterate, epochs=4):
        mixture, x, d, share = self.started(f"{run} 0", options)
        errors = [share @ mixture.errors(x, d)]
        for _ in range(epochs):
            h = share * (mixture.posterior(x, d) if not mixture.has_gaussian_gate else reference.softmax(
                mixture.input_log_densities(x) + mixture.log_likelihoods(x, d), 0))
            iterate(mixture, x, d, h)
            errors.append(share @ mixture.errors(x, d))
        self.train(run, self.words(options), "--epochs", epochs, "--stop-likelihood", 0, ranks=2)
        numpy.testing.assert_allclose(self.errors(run), errors, rtol=1e-9, atol=1e-9, err_msg=run)
        for name, value in reference.read_parameters(self.latest(run)).items():
            numpy.testing.assert_allclose(value, mixture.parameters[name], atol=1e-8, err_msg=f"{run}, {name}")


def design(mixture, part, x):
    """Columns that this part sees, and a last one of ones."""
    seen = mixture.seen.get(part, range(x.shape[1]))
    return numpy.hstack([x[:, list(seen)], numpy.ones((len(x), 1))]), list(seen)


def fit_experts(mixture, x, d, h):
    """Weighted least squares on what is seen, and the variances."""
    ones, seen = design(mixture, "experts", x)
    for e, own in enumerate(h):
        found = numpy.linalg.lstsq(numpy.sqrt(own)[:, None] * ones, numpy.sqrt(own)[:, None] * d, rcond=None)[0]
        mixture.parameters["experts/layer0/weight"][e][:, seen] = found[:-1].T
        mixture.parameters["experts/layer0/bias"][e] = found[-1]
        mixture.parameters["experts/variance"][e] = own @ ((d - ones @ found) ** 2).sum(1) / (own.sum() * d.shape[1])


def step_gate(mixture, x, h, g):
    """One Newton step of the softmax on what is seen."""
    ones, seen = design(mixture, "gate", x)
    share = h.sum(0)
    slope = (h - share * g) @ ones
    bend = share * (g[:, None] * numpy.eye(len(g))[:, :, None] - g[:, None] * g[None])
    matrix = numpy.einsum("kln,nu,nv->kulv", bend, ones, ones)
    step = (numpy.linalg.pinv(matrix.reshape(slope.size, slope.size), rcond=1e-12) @ slope.ravel())
    step = step.reshape(slope.shape)
    mixture.parameters["gate/layer0/weight"][:, seen] += step[:, :-1]
    mixture.parameters["gate/layer0/bias"] += step[:, -1]


def set_density(mixture, x, h):
    ones, seen = design(mixture, "gate", x)
    own = ones[:, :-1]
    for e, weight in enumerate(h):
        mean = weight @ own / weight.sum()
        mixture.parameters["gate/gaussian/alpha"][e] = weight.sum()
        mixture.parameters["gate/gaussian/mean"][e][seen] = mean
        mixture.parameters["gate/gaussian/covariance"][e][numpy.ix_(seen, seen)] = \
            (weight[:, None] * (own - mean)).T @ (own - mean) / weight.sum()


class AgainstNumPy(OwnInputs):
    def test_em(self):
        def iterate(mixture, x, d, h):
            g = mixture.proportions(x)
            fit_experts(mixture, x, d, h)
            step_gate(mixture, x, h, g)

        for name, options in (("own", OWN), ("constant proportions", "--gate-inputs none --weight weight"),
                              ("constant experts", "--expert-inputs none --experts 3")):
            with self.subTest(name):
                self.check_trained(name, f"--optimizer em --variance learned --experts 2 {options}", iterate)

    def test_em_of_a_density(self):
        def iterate(mixture, x, d, h):
            fit_experts(mixture, x, d, h)
            set_density(mixture, x, h)

        for name, options in (("own", "--gate-inputs w --expert-inputs x"), ("experts", "--expert-inputs v"),
                              ("gate", "--gate-inputs v,x --weight weight")):
            with self.subTest(name):
                self.check_trained(name, f"--gate gaussian --optimizer em --variance learned --experts 3 {options}",
                                   iterate)

    def test_conjugate_gradients_and_logistic_experts(self):
        """Systems that are too large to be formed find the maximum of those that are small enough."""
        wide = numpy.random.default_rng(8).normal(size=(300, 150))
        names = [f"n{i}" for i in range(150)]
        write_csv(self.folder / "wide.csv", [*names, *NAMES, "b"],
                  numpy.column_stack([wide, self.rows[:, :3], self.rows[:, 4]]))
        more = f"{OWN} --targets b --likelihood bernoulli --optimizer em --experts 2 --stop-likelihood 1e-14".split()
        self.train("few", ["--data", self.folder / "d.csv", "--inputs", "x,w,v", *more, "--epochs", 400])
        few = reference.read_parameters(self.latest("few"))
        wider = {name: value if not name.endswith("weight") else
                 numpy.concatenate([numpy.zeros((*value.shape[:-1], 150)), value], -1) for name, value in few.items()}
        wider["gate/layer0/bias"] = wider["gate/layer0/bias"] + [0.3, -0.3]  # the maximum is found again
        reference.write_parameters(self.folder / "start.h5", wider)
        self.train("wide", ["--data", self.folder / "wide.csv", "--inputs", ",".join(names + NAMES), *more,
                            "--epochs", 400, "--init", self.folder / "start.h5"], ranks=2)
        self.assertAlmostEqual(self.errors("wide")[-1], self.errors("few")[-1], delta=1e-8)
        found = reference.read_parameters(self.latest("wide"))
        for name in ("gate/layer0/weight", "experts/layer0/weight"):
            self.assertEqual(numpy.abs(found[name][..., :150]).max(), 0, name)


class SameBits(OwnInputs):
    def test_em(self):
        for number, options in enumerate((f"{OWN} --optimizer em --variance learned --experts 3 --micro-batch 64",
                                          f"{OWN} --optimizer em --gate-hidden 4 --expert-hidden 3 --experts 2",
                                          "--gate gaussian --gate-inputs v --optimizer em --batch-size 60 --experts 3")):
            with self.subTest(options):
                self.check_same_bits(str(number), self.words(options), (D, F)[number % 2])

    def test_steps(self):
        options = (f"{OWN} --experts 4 --expert-hidden 6 --gate-hidden 5 --top-k 2 --batch-size 50 --weight-decay 0.01 "
                   "--valid 0.2")
        for ranks in (1, 3):
            self.train(f"{ranks}", self.words(options), "--epochs", 4, ranks=ranks, program=F)
        self.assert_same_checkpoint(self.latest("1"), self.latest("3"))
        found = reference.read_parameters(self.latest("1"))
        numpy.testing.assert_array_equal(found["gate/layer0/weight"][:, [0, 2]], 0)
        numpy.testing.assert_array_equal(found["experts/layer0/weight"][:, :, 1], 0)
        self.assertTrue((found["gate/layer0/weight"][:, 1] != 0).all())

    def test_all_inputs_by_name_are_all(self):
        for name, more in (("all", ()), ("named", ("--gate-inputs", "v,x,w", "--expert-inputs", "w,x,v"))):
            self.train(name, self.words("--experts 3 --batch-size 50"), *more, "--epochs", 2)
        for name, value in reference.read_parameters(self.latest("all")).items():
            numpy.testing.assert_array_equal(value, reference.read_parameters(self.latest("named"))[name])

    def test_split_and_prune(self):
        self.train("run", self.words(f"{OWN} --experts 3"), "--epochs", 3)
        self.train("split", ["--resume", self.folder / "run", "--split", "1", "--prune", "0", "--split-spread", "0.5"],
                   "--epochs", 5)
        found = reference.read_parameters(self.latest("split"))
        self.assertEqual(found["experts/layer0/weight"].shape, (3, 1, 3))
        numpy.testing.assert_array_equal(found["gate/layer0/weight"][:, [0, 2]], 0)
        numpy.testing.assert_array_equal(found["experts/layer0/weight"][:, :, 1], 0)


class Told(OwnInputs):
    def test_summary_and_flexmix(self):
        """Golden numbers of flexmix 2.3.18 in R 4.2.2 for this file: y ~ x, concomitant ~ w, k = 2."""
        rows = two_lines()
        write_csv(self.folder / "two.csv", ["x", "w", "y"], rows)
        self.train("run", ["--data", self.folder / "two.csv", "--experts", 2, "--variance", "learned", "--optimizer",
                           "em", "--gate-inputs", "w", "--expert-inputs", "x", "--stop-likelihood", "1e-13",
                           "--epochs", 1000, "--starts", 3])
        text = self.succeed(D, "summary", self.folder / "run", "--data", self.folder / "two.csv").stdout
        told = json.loads(self.succeed(D, "summary", self.folder / "run", "--data", self.folder / "two.csv", "--json",
                                       ranks=2).stdout)
        flexmix, bic = -3061.25409314, 6183.31540596  # its sigma is not that of the largest likelihood
        self.assertLess(0, told["log_likelihood"] - flexmix)
        self.assertLess(told["log_likelihood"] - flexmix, 1e-6 * -flexmix)
        self.assertEqual(told["parameters"], 8)
        self.assertAlmostEqual(told["bic"], bic, delta=1e-6 * bic)
        experts = sorted(told["experts"], key=lambda expert: expert["expert"])
        self.assertEqual([row["name"] for row in told["gate"][0]["coefficients"]], ["(intercept)", "w"])
        self.assertEqual([row["name"] for row in experts[0]["outputs"][0]["coefficients"]], ["(intercept)", "x"])
        self.assertNotIn("NA  ", text.replace("NA        NA", ""))
        self.check_errors(told, experts, rows)

    def check_errors(self, told, experts, rows):
        """Standard errors from the information of NumPy, of the parameters that are there."""
        outputs = [[row["estimate"] for row in expert["outputs"][0]["coefficients"]] for expert in experts]
        logit = told["gate"][0]
        sign = 1 if logit["against"] == 1 else -1  # the reference is the last expert here
        slopes = [sign * row["estimate"] for row in logit["coefficients"]]
        theta = numpy.array([*outputs[0], 0, *outputs[1], 0, slopes[0], 0, slopes[1],
                             *(expert["outputs"][0]["sigma"]["estimate"] for expert in experts)])
        free = [0, 1, 3, 4, 6, 8, 9, 10]
        model = test_summary.Model("gaussian", 2, 1, 2)
        x, d, weight = rows[:, :2], rows[:, 2:], numpy.ones(len(rows))
        self.assertAlmostEqual(model.log_densities(theta, x, d).sum(), told["log_likelihood"], delta=1e-6)
        wanted = numpy.sqrt(numpy.diag(numpy.linalg.inv(model.information(theta, x, d, weight)[numpy.ix_(free, free)])))
        found = [row["std_error"] for expert in experts for row in expert["outputs"][0]["coefficients"]]
        found += [row["std_error"] for row in logit["coefficients"]]
        found += [expert["outputs"][0]["sigma"]["std_error"] for expert in experts]
        numpy.testing.assert_allclose(found, wanted, rtol=1e-4)

    def test_inputs_that_sum_to_one(self):
        """Of a category the gate sees one value: its coefficient is determined, whatever the experts see."""
        rng = numpy.random.default_rng(2)
        kind = rng.integers(3, size=400)
        y = numpy.where(rng.uniform(size=400) < 0.2 + 0.5 * (kind == 2), 3, -3) + 0.5 * rng.normal(size=400)
        with open(self.folder / "kinds.csv", "w", encoding="utf-8") as file:
            file.write("kind,y\n" + "".join(f"{'abc'[k]},{v!r}\n" for k, v in zip(kind, map(float, y))))
        self.train("run", ["--data", self.folder / "kinds.csv", "--experts", 2, "--variance", "learned", "--optimizer",
                           "em", "--gate-inputs", "kind=c", "--stop-likelihood", "1e-12"])
        told = json.loads(self.succeed(D, "summary", self.folder / "run", "--json").stdout)
        last = told["gate"][0]["coefficients"][1]
        self.assertEqual(last["name"], "kind=c")
        self.assertGreater(last["std_error"], 0)
        self.train("all", ["--data", self.folder / "kinds.csv", "--experts", 2, "--variance", "learned", "--optimizer",
                           "em", "--gate-inputs", "kind", "--expert-inputs", "none"])
        told = json.loads(self.succeed(D, "summary", self.folder / "all", "--json").stdout)
        self.assertEqual([len(e["outputs"][0]["coefficients"]) for e in told["experts"]], [1, 1])
        self.assertEqual([row["name"] for row in told["gate"][0]["coefficients"]],
                         ["(intercept)", "kind=a", "kind=b", "kind=c"])

    def test_predictions_and_inspection(self):
        self.train("run", self.words(f"{OWN} --optimizer em --variance learned --experts 2"), "--epochs", 20)
        out = self.folder / "p.h5"
        self.succeed(D, "predict", self.folder / "run", "--data", self.folder / "d.csv", "--output", out)
        found = reference.Checkpoint(self.latest("run"))
        self.assertEqual(found.mixture.seen, {"gate": [1], "experts": [0, 2]})
        with h5py.File(out) as file:
            numpy.testing.assert_allclose(file["y_y"], found.regression(self.rows[:, :3])[0][:, 0], rtol=1e-9)
        told = json.loads(self.succeed(D, "inspect", self.folder / "run", "--json").stdout)
        self.assertEqual((told["gate_inputs"], told["expert_inputs"]), (["w"], ["x", "v"]))
        self.assertEqual(told["n_free_parameters"], 2 + 2 * 4)
        told = json.loads(self.succeed(D, "evaluate", self.folder / "run", "--data", self.folder / "d.csv",
                                       "--json").stdout)
        x, d = found.scale_x(self.rows[:, :3]), found.scale_y(self.rows[:, 3:4])
        nll = -found.mixture.log_density(x, d).mean() + reference.LOG_2PI / 2 + numpy.log(found.scaler["y_scale"][0])
        self.assertAlmostEqual(told["nll"], nll, delta=1e-9)

    def test_sweep(self):
        self.succeed(D, "sweep", "--data", self.folder / "d.csv", "--inputs", "x,w,v", "--targets", "y", "--grid",
                     "gate-inputs=none;w;w,v", "--experts", 2, "--optimizer", "em", "--epochs", 5, "--valid", "0.3",
                     "--output", self.folder / "sweep", "--quiet")
        table = (self.folder / "sweep/table.csv").read_text(encoding="utf-8")
        self.assertEqual(len(table.splitlines()), 4)
        self.assertIn('"w,v"', table)


class Refused(OwnInputs):
    def test_what_does_not_combine(self):
        for options, why in (("--gate-inputs ww", "there is no input 'ww' (did you mean 'w'?)"),
                             ("--expert-inputs y", "--expert-inputs: there is no input 'y'"),
                             ("--gate-inputs none --gate gaussian --optimizer em", "a density of its inputs"),
                             ("--gate-inputs none --gate-hidden 3", "--gate-hidden: with --gate-inputs none"),
                             ("--expert-inputs none --expert-hidden 3", "--expert-hidden: with --expert-inputs none"),
                             ("--gate-inputs none --top-k 1", "all samples would have the same experts")):
            result = self.train("other", self.words(options), rc=2, ranks=2)
            with self.subTest(options):
                self.assertIn(why, result.stderr)

    def test_resume_and_init(self):
        self.train("run", self.words(f"{OWN} --experts 2"), "--epochs", 2)
        result = self.train("run", ["--resume", "auto", "--gate-inputs", "x"], "--epochs", 3, rc=2)
        self.assertIn("--gate-inputs is x", result.stderr)
        self.train("run", ["--resume", "auto"], "--epochs", 3)
        self.train("full", self.words("--experts 2"), "--epochs", 2)
        for run, options, part in (("full", "--gate-inputs w", "gate"), ("run", "--expert-inputs x", "expert"),
                                   ("density", "--gate gaussian --optimizer em --gate-inputs w", "gate")):
            if run == "density":
                self.train(run, self.words("--gate gaussian --optimizer em --experts 2"), "--epochs", 1)
            result = self.train("other", self.words(options), "--experts", 2, "--init", self.latest(run), rc=2, ranks=2)
            self.assertIn(f"has weights of inputs that --{part}-inputs leaves out", result.stderr)
        self.train("other", self.words(OWN), "--experts", 2, "--init", self.latest("run"), "--epochs", 1)


if __name__ == "__main__":
    support.main(jobs=2)
