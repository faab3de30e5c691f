# SPDX-License-Identifier: BSD-3-Clause
"""--likelihood student, gamma, lognormal, negative-binomial and zero-inflated-poisson: against R and formulas."""
import csv
import json
import math
import pathlib

import em_case
import h5py
import numpy
import support
from em_case import D, F

TABLE = pathlib.Path(__file__).resolve().parents[1] / "data" / "families.csv"

# On that table, by R 4.2.2: target, log-likelihood, coefficients (intercept, a, b), what the family has beside them.
# gamma: glm and MASS::gamma.shape (MASS 7.3-58.2); lognormal and student with 4 degrees of freedom:
# survival::survreg (3.5-3); negative-binomial: MASS::glm.nb; zero-inflated-poisson: pscl::zeroinfl (1.5.5) of
# z ~ a + b | 1; learned degrees of freedom: optim on dt. test_families_r.py asks R itself.
GOLDEN = {
    "gamma": ("g", -227.4712413440685, (0.7691399807652, 0.5974148609612, -0.3596120718694), 2.9270186564937),
    "lognormal": ("l", -259.5528633974889, (0.8262832078342, 0.5023107914636, -0.3780764702075), 0.6047160829743),
    "negative-binomial": ("n", -284.7298915167439, (0.7166237850844, 0.5687324352041, -0.4181740263732),
                          2.5155062439478),
    "zero-inflated-poisson": ("z", -243.4930892710864, (0.7788948253696, 0.4156465688269, -0.4731850000143),
                              0.2713134427269),
    "student": ("t", -123.6000976478867, (1.0027043236914, 0.5603705501885, -0.2536305929291), 0.4096911384429),
}
LEARNED_FREEDOM = (-122.6491226205578, (1.0048306227108, 0.5503166843756, -0.2528131490777), 0.3652524341517,
                   2.6351600140050)

def logistic(odds):
    return odds / (1 + odds)


# What the checkpoint's variance is to be shown as.
SHOWN = {"poisson": lambda v: 1, "gamma": lambda v: 1 / v, "lognormal": math.sqrt, "negative-binomial": lambda v: 1 / v,
         "zero-inflated-poisson": logistic, "student": math.sqrt}


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: numpy.array([float(row[name]) for row in rows]) for name in rows[0]}


def log_count(d):
    return numpy.array([math.lgamma(k + 1) for k in d])


def log_density(family, d, o, v, nu):
    """ln p of targets d whose mean is o; v and nu as in a checkpoint."""
    if family == "gamma":
        shape = 1 / v
        return shape * numpy.log(shape / o) - math.lgamma(shape) + (shape - 1) * numpy.log(d) - shape * d / o
    if family == "lognormal":
        return (-(numpy.log(d) - numpy.log(o) + v / 2) ** 2 / (2 * v) - 0.5 * math.log(2 * math.pi * v) -
                numpy.log(d))
    if family == "negative-binomial":
        theta = 1 / v
        return (numpy.array([math.lgamma(k + theta) for k in d]) - math.lgamma(theta) - log_count(d) +
                theta * numpy.log(theta / (theta + o)) + d * numpy.log(o / (theta + o)))
    if family == "zero-inflated-poisson":
        zero, mean = logistic(v), o * (1 + v)
        poisson = d * numpy.log(mean) - mean - log_count(d)
        return numpy.where(d == 0, numpy.log(zero + (1 - zero) * numpy.exp(-mean)), math.log(1 - zero) + poisson)
    return (math.lgamma((nu + 1) / 2) - math.lgamma(nu / 2) - 0.5 * math.log(nu * math.pi * v) -
            (nu + 1) / 2 * numpy.log1p((d - o) ** 2 / (nu * v)))


def variance_of(family, o, v, nu):
    return {"gamma": v * o ** 2, "lognormal": o ** 2 * math.expm1(v), "negative-binomial": o + v * o ** 2,
            "zero-inflated-poisson": o * (1 + v * o),
            "student": v * nu / (nu - 2) + 0 * o if nu > 2 else numpy.inf + 0 * o}[family]


class OneExpert(em_case.EmCase):
    """Trains one expert on the table, and compares it."""

    def words(self, family, *more):
        target = GOLDEN[family][0] if family in GOLDEN else "n"
        return ["--data", TABLE, "--inputs", "a,b", "--targets", target, "--task", "regression",
                "--likelihood", family, *more]

    def output(self, *words):
        result = support.run(D, *words)
        self.assert_rc(result, 0)
        return result.stdout

    def dispersion(self, run):
        """Of expert 0, in the units of the data: what stands in the place of a variance, and nu."""
        with h5py.File(self.latest(run)) as file:
            freedom = file["/experts/freedom"][:] if "/experts/freedom" in file else [math.nan]
            return file["/experts/variance"][:], freedom, file["/scaler/y_scale"][0]

    def one(self, family, *more):
        self.train(f"one {family}", self.words(family, "--experts", 1, "--optimizer", "em", "--epochs", 400,
                                     "--stop-likelihood", 1e-15, *more))
        nll = json.loads(self.output("evaluate", self.folder / f"one {family}", "--data", TABLE, "--json"))["nll"]
        with h5py.File(self.latest(f"one {family}")) as file:
            w, b = file["/experts/layer0/weight"][0, 0], file["/experts/layer0/bias"][0, 0]
            mean, scale = file["/scaler/x_mean"][:], file["/scaler/x_scale"][:]
            y_mean, y_scale = file["/scaler/y_mean"][0], file["/scaler/y_scale"][0]
        slope = y_scale * w / scale
        coefficients = [y_mean + y_scale * b - (slope * mean).sum(), *slope]
        return -nll * 150, coefficients

    def check_one(self, family, golden, more=(), tolerance=1e-6):
        found, coefficients = self.one(family, *more)
        loglik, expected, shown = golden[:3]
        self.assertLess(abs(found - loglik), 1e-6 * abs(loglik), family)
        self.assertLess(abs(numpy.subtract(coefficients, expected)).max(), tolerance, family)
        variance, freedom, scale = self.dispersion(f"one {family}")
        number = SHOWN[family](variance[0]) * (scale if family == "student" else 1)
        self.assertLess(abs(number - shown), 5 * tolerance * shown, family)
        return freedom[0]


class Families(OneExpert):
    def test_one_expert_has_the_likelihood_that_r_finds(self):
        for family, golden in GOLDEN.items():
            with self.subTest(family=family):
                more = ["--freedom", "fixed:4"] if family == "student" else []
                self.check_one(family, golden[1:], more)

    def test_learned_degrees_of_freedom(self):
        nu = self.check_one("student", LEARNED_FREEDOM, tolerance=5e-6)
        self.assertLess(abs(nu - LEARNED_FREEDOM[3]), 1e-4 * nu)

    def test_the_likelihood_never_falls(self):
        for family in GOLDEN:
            self.train(family, self.words(family, "--experts", 3, "--optimizer", "em", "--starts", 20, "--seed", 3,
                                          "--epochs", 12, "--stop-likelihood", 0))
            rows = support.read_metrics(self.folder / family)
            for before, after in zip(rows, rows[1:]):
                if after["epoch"] == before["epoch"] + 1:
                    self.assertLessEqual(after["error"], before["error"] + 1e-12, (family, after))

    def test_networks_climb_too(self):
        for family in GOLDEN:
            self.train(family, self.words(family, "--experts", 2, "--expert-hidden", 3, "--optimizer", "em",
                                          "--epochs", 12, "--stop-likelihood", 0))
            errors = self.errors(family)
            self.assertTrue(all(b <= a + 1e-12 for a, b in zip(errors, errors[1:])), (family, errors))
            self.assertLess(errors[-1], errors[0] - 0.01)

    def test_same_bits_on_any_number_of_ranks(self):
        families = GOLDEN if em_case.EVERY_COUNT else ("student", "zero-inflated-poisson")
        for family in families:
            self.check_same_bits(family, self.words(family, "--experts", 3, "--optimizer", "em"), D)
        self.check_same_bits("adam", self.words("student", "--experts", 3), F)

    def check_predictions(self, family):
        self.train(family, self.words(family, "--experts", 2, "--epochs", 40, "--learning-rate", 0.02))
        out = self.folder / f"{family}.csv"
        self.output("predict", self.folder / family, "--data", TABLE, "--output", out, "--density", "--interval", 0.8)
        p, t = read(out), GOLDEN[family][0]
        d = read(TABLE)[t]
        v, nu, scale = self.dispersion(family)
        v = v * (scale ** 2 if family == "student" else 1)
        nu = numpy.broadcast_to(nu, 2)
        g = numpy.column_stack([p["g_0"], p["g_1"]])
        o = numpy.column_stack([p[f"o_0_{t}"], p[f"o_1_{t}"]])
        y = (g * o).sum(1)
        numpy.testing.assert_allclose(p[f"y_{t}"], y, rtol=1e-12)
        spread = numpy.column_stack([variance_of(family, o[:, e], v[e], nu[e]) for e in range(2)])
        numpy.testing.assert_allclose(p[f"variance_{t}"], (g * (spread + (o - y[:, None]) ** 2)).sum(1), rtol=1e-10)
        joint = numpy.log(g) + numpy.column_stack([log_density(family, d, o[:, e], v[e], nu[e]) for e in range(2)])
        total = numpy.logaddexp.reduce(joint, axis=1)
        numpy.testing.assert_allclose(p["h_0"], numpy.exp(joint[:, 0] - total), rtol=1e-9, atol=1e-12)
        nll = json.loads(self.output("evaluate", self.folder / family, "--data", TABLE, "--json"))["nll"]
        self.assertLess(abs(nll + total.mean()), 1e-9)
        for i in range(0, len(d), 30):
            for bound, level in (("lower", 0.1), ("upper", 0.9)):
                self.assertLess(abs(self.below(family, p[f"{bound}_{t}"][i], level, g[i], o[i], v, nu)), 1e-5,
                                (family, i, bound))

    def below(self, family, at, level, g, o, v, nu):
        """How far P(d <= at) is from level; of counts 0 if `at` is the first that reaches it."""
        def density(d):
            return sum(g[e] * numpy.exp(log_density(family, d, o[e], v[e], nu[e])) for e in range(2))
        if family in ("negative-binomial", "zero-inflated-poisson"):
            p = numpy.cumsum(density(numpy.arange(at + 1)))
            return 0 if p[-1] >= level and (at == 0 or p[-2] < level) else 1
        if family == "student":  # from the other end of the same distance about 0, by t = tan u
            u = numpy.linspace(-math.pi / 2, math.atan(at), 200001)[1:]
            return numpy.trapz(density(numpy.tan(u)) / numpy.cos(u) ** 2, u) - level
        u = numpy.linspace(math.log(at) - 60, math.log(at), 200001)  # t = e^u
        return numpy.trapz(density(numpy.exp(u)) * numpy.exp(u), u) - level

    def test_predictions_are_those_of_the_mixture(self):
        for family in GOLDEN:
            with self.subTest(family=family):
                self.check_predictions(family)

    def test_what_is_no_target_is_refused(self):
        table = self.folder / "bad.csv"
        rows = TABLE.read_text(encoding="utf-8").split("\n")
        rows[8] = "0,0,0,0,2.5,-1,0"
        table.write_text("\n".join(rows), encoding="utf-8")
        for family, value in (("gamma", 0), ("lognormal", 0), ("negative-binomial", 2.5),
                              ("zero-inflated-poisson", -1)):
            result = self.train("bad", ["--data", table, *self.words(family)[2:]], rc=2)
            self.assertIn(f"sample 7 has the target {value:g}", result.stderr)
        for more in (["--error", "cooperative"], ["--expert-output", "logistic"]):
            self.train("no", self.words("student", *more), rc=2)

    def test_outliers_hardly_move_student(self):
        rng = numpy.random.default_rng(4)
        x = numpy.round(rng.normal(size=400), 4)
        d = 1 + 2 * x + 0.3 * rng.normal(size=400)
        d[::20] += numpy.where(x[::20] > 0, 30, 10)
        table = self.folder / "outliers.csv"
        table.write_text("x,d\n" + "\n".join(f"{a!r},{b:.6f}" for a, b in zip(x.tolist(), d)) + "\n",
                         encoding="utf-8")
        error = {}
        for family in ("gaussian", "student"):
            self.train(family, ["--data", table, "--targets", "d", "--task", "regression", "--experts", 1,
                                "--likelihood", family, "--variance", "learned", "--optimizer", "em",
                                "--epochs", 200])
            with h5py.File(self.latest(family)) as file:
                slope = (file["/experts/layer0/weight"][0, 0, 0] * file["/scaler/y_scale"][0] /
                         file["/scaler/x_scale"][0])
                intercept = (file["/scaler/y_mean"][0] + file["/scaler/y_scale"][0] *
                             file["/experts/layer0/bias"][0, 0] - slope * file["/scaler/x_mean"][0])
            error[family] = math.hypot(slope - 2, intercept - 1)
        self.assertLess(error["student"], error["gaussian"] / 5)

    def test_a_variance_that_student_does_not_have_is_infinite(self):
        self.train("t", self.words("student", "--experts", 2, "--optimizer", "em", "--epochs", 5, "--freedom", "fixed:2"))
        self.output("predict", self.folder / "t", "--data", TABLE, "--output", self.folder / "t.csv", "--interval", 0.5)
        self.output("predict", self.folder / "t", "--data", TABLE, "--output", self.folder / "t.h5")
        p = read(self.folder / "t.csv")
        self.assertTrue((p["variance_t"] == numpy.inf).all())
        with h5py.File(self.folder / "t.h5") as file:
            self.assertTrue((file["variance_t"][:] == numpy.inf).all())
            numpy.testing.assert_array_equal(file["y_t"][:], p["y_t"])
        self.assertTrue(all(numpy.isfinite(p[name]).all() for name in p if name != "variance_t"))
        self.output("report", self.folder / "t", "--data", TABLE, "--output", self.folder / "t.html")
        self.output("evaluate", self.folder / "t", "--data", TABLE)
        far = self.folder / "far.csv"  # the square of the experts' distance overflows
        far.write_text("a,b\n0,0\n1e300,-1e300\n", encoding="utf-8")
        self.train("4", self.words("student", "--experts", 2, "--optimizer", "em", "--epochs", 5, "--freedom", "fixed:4",
                                   "--gate-inputs", "none"))
        result = support.run(D, "predict", self.folder / "4", "--data", far, "--output", self.folder / "far-p.csv")
        self.assert_rc(result, 1)
        self.assertIn("sample 1 is not a finite number (variance_t)", result.stderr)

    def test_summary_has_standard_errors_of_learned_degrees_of_freedom(self):
        self.train("t", self.words("student", "--experts", 1, "--optimizer", "em", "--epochs", 400,
                                   "--stop-likelihood", 1e-15))
        summary = json.loads(self.output("summary", self.folder / "t", "--data", TABLE, "--json"))
        found = summary["experts"][0]["outputs"][0]["degrees of freedom"]
        self.assertLess(abs(found["estimate"] - LEARNED_FREEDOM[3]), 1e-3)
        self.assertTrue(0 < found["lower"] < found["estimate"] < found["upper"], found)


if __name__ == "__main__":
    support.main()
