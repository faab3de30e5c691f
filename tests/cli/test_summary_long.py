# SPDX-License-Identifier: BSD-3-Clause
# labels: long
# timeout: 3600
"""`summary` at length: whether intervals and the test of one expert more hold, and R's flexmix and mixtools beside it.

Prints what docs/results.md tells; run alone for the times.
"""
import resource
import shutil
import subprocess
import unittest

import numpy
import reference
import support
import test_summary

D = support.COTERIE_D
LINES = {  # inputs, experts' weights and biases, gate's weights, standard deviations; n
    "two lines": (600, 1, [[2.0], [-1.5]], [1.0, -1.0], [[1.5], [0.0]], [0.5, 0.8]),
    "three planes": (1500, 2, [[2.0, 0.5], [-1.5, 1.0], [0.3, -2.0]], [0.0, 4.0, -4.0],
                     [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], [0.4, 0.6, 0.5]),
}


def draw(rng, case):
    n, inputs, weight, bias, gate, sigma = case
    x = rng.normal(size=(n, inputs))
    g = reference.softmax(x @ numpy.array(gate).T, 1)
    chosen = (g.cumsum(1) < rng.uniform(size=(n, 1))).sum(1)
    y = (x * numpy.array(weight)[chosen]).sum(1) + numpy.array(bias)[chosen]
    return x, y + numpy.array(sigma)[chosen] * rng.normal(size=n)


def columns_of(x, y):
    return {**{f"x{j}": column for j, column in enumerate(x.T)}, "y": y}


class Coverage(test_summary.SummaryCase):
    def truth(self, name, x, y):
        """A run whose model is the truth."""
        _, _, weight, bias, gate, sigma = LINES[name]
        experts = len(bias)
        reference.write_parameters(self.folder / "truth.h5", {
            "gate/layer0/weight": gate, "gate/layer0/bias": numpy.zeros(experts),
            "experts/layer0/weight": numpy.array(weight)[:, None, :], "experts/layer0/bias": numpy.array(bias)[:, None],
            "experts/variance": numpy.square(sigma)})
        test_summary.write_table(self.folder / "d.csv", columns_of(x, y))
        shutil.rmtree(self.folder / "run", ignore_errors=True)
        self.succeed(D, "train", "--data", self.folder / "d.csv", "--experts", experts, "--epochs", 0, "--variance",
                     "learned", "--scale", "none", "--init", self.folder / "truth.h5", "--output", self.folder / "run",
                     "--quiet")

    def test_intervals_of_95_percent_hold_in_2000_simulations(self):
        """Within 93 to 97 %. The truth draws, and each draw is fitted and gets its own intervals."""
        for name, case in LINES.items():
            self.truth(name, *draw(numpy.random.default_rng(1), case))
            told = self.summary("--bootstrap", 2000)
            rows = test_summary.rows_of(told)
            coverage = [row["coverage"] for row in rows]
            print(f"{name}: {told['bootstrap_converged']} of 2000 converged; coverage of {len(rows)} intervals "
                  f"{min(coverage):.3f} to {max(coverage):.3f}, mean {numpy.mean(coverage):.4f}")
            self.assertGreaterEqual(told["bootstrap_converged"], 1980)
            self.assertTrue(all(0.93 <= c <= 0.97 for c in coverage), coverage)

    def test_with_draws_of_numpy(self):
        """The same with EM and with draws that are not ours, 100 times: within 4 binomial errors."""
        rng, case, held = numpy.random.default_rng(2), LINES["two lines"], []
        _, _, weight, bias, gate, sigma = case
        true = numpy.array([bias[0], weight[0][0], bias[1], weight[1][0], 0, gate[0][0], sigma[0], sigma[1]])
        self.truth("two lines", *draw(rng, case))
        for _ in range(100):
            test_summary.write_table(self.folder / "d.csv", columns_of(*draw(rng, case)))
            shutil.rmtree(self.folder / "run", ignore_errors=True)
            self.succeed(D, "train", "--data", self.folder / "d.csv", "--experts", 2, "--variance", "learned",
                         "--scale", "none", "--init", self.folder / "truth.h5", *test_summary.EM, "--output",
                         self.folder / "run", "--quiet")
            told = self.summary()
            expert = sorted(told["experts"], key=lambda e: e["expert"])
            sign = 1 if told["gate"][0]["against"] == 1 else -1
            rows = [row for e in expert for row in e["outputs"][0]["coefficients"]]
            logit = [(min(sign * row["lower"], sign * row["upper"]), max(sign * row["lower"], sign * row["upper"]))
                     for row in told["gate"][0]["coefficients"]]
            ends = [(row["lower"], row["upper"]) for row in rows] + logit + \
                [(e["outputs"][0]["sigma"]["lower"], e["outputs"][0]["sigma"]["upper"]) for e in expert]
            held.append([low <= value <= high for value, (low, high) in zip(true, ends)])
        share = numpy.mean(held, 0)
        print(f"100 draws of NumPy, two lines: coverage {share.min():.3f} to {share.max():.3f}, "
              f"mean {share.mean():.4f}")
        self.assertTrue((abs(share - 0.95) < 4 * numpy.sqrt(0.95 * 0.05 / 100)).all(), share)

    def test_one_expert_more_is_found_by_chance_as_often_as_it_says(self):
        """Under the truth of two lines p <= 0.1 comes in a tenth of 50 samples: within 4 binomial errors."""
        rng, found = numpy.random.default_rng(3), []
        n, *rest = LINES["two lines"]
        for _ in range(50):
            self.truth("two lines", *draw(rng, (n // 3, *rest)))
            found.append(self.summary("--bootstrap", 19, "--test-experts")["test_experts"]["p"])
        share = numpy.mean(numpy.array(found) <= 0.1)
        print(f"test of one expert more under the truth, 50 samples: p <= 0.1 in {share:.2f}, mean p "
              f"{numpy.mean(found):.3f}")
        self.assertLess(abs(share - 0.1), 4 * numpy.sqrt(0.1 * 0.9 / 50))


def has_r(package):
    return shutil.which("Rscript") and subprocess.run(
        ["Rscript", "-e", f"library({package})"], capture_output=True, check=False).returncode == 0


class BesideR(test_summary.SummaryCase):
    def rscript(self, text):
        result = subprocess.run(["Rscript", "-e", text], capture_output=True, text=True, check=False, cwd=self.folder)
        self.assertEqual(result.returncode, 0, result.stderr)
        return numpy.array(result.stdout.split(), float)

    @unittest.skipUnless(has_r("flexmix"), "no flexmix (Debian: r-cran-flexmix)")
    def test_refit_of_flexmix(self):
        """Errors of experts and gate within 2 %, though flexmix has other variances: docs/em.md."""
        worst = 0
        for name, case in LINES.items():
            for seed in range(3):
                x, y = draw(numpy.random.default_rng(seed), case)
                experts, names = len(case[3]), "+".join(f"x{j}" for j in range(case[1]))
                shutil.rmtree(self.folder / "run", ignore_errors=True)
                self.fit(columns_of(x, y), "--experts", experts, "--variance", "learned", "--starts", 5,
                         *test_summary.EM)
                told = self.summary()
                order = [e["expert"] for e in told["experts"]]  # flexmix's first component is its reference
                (self.folder / "p.csv").unlink(missing_ok=True)
                self.succeed(D, "predict", self.folder / "run", "--data", self.folder / "d.csv", "--output",
                             self.folder / "p.csv")
                h = numpy.genfromtxt(self.folder / "p.csv", delimiter=",", names=True)
                numpy.savetxt(self.folder / "h.csv", numpy.stack([h[f"h_{e}"] for e in order], 1), delimiter=",")
                found = self.rscript(
                    "suppressMessages(library(flexmix)); d <- read.csv('d.csv'); "
                    "h <- as.matrix(read.csv('h.csv', header = FALSE)); "
                    f"m <- flexmix(y ~ {names}, data = d, cluster = h, model = FLXMRglm(family = 'gaussian'), "
                    f"concomitant = FLXPmultinom(~ {names}), control = list(tolerance = 1e-14, iter = 3000)); "
                    "v <- sqrt(diag(refit(m)@vcov)); cat(v[!grepl('sigma', names(v))])")
                gate = {logit["expert"]: logit for logit in told["gate"]}
                rows = [row for e in told["experts"] for row in e["outputs"][0]["coefficients"]] + \
                    [row for e in order[1:] for row in gate[e]["coefficients"]]
                own = numpy.array([row["std_error"] for row in rows])
                self.assertEqual(own.shape, found.shape)
                worst = max(worst, abs(found / own - 1).max())
                self.assertLess(abs(found / own - 1).max(), 0.02, f"{name} {seed}: {own} {found}")
        print(f"flexmix refit, 6 models: errors differ by at most {100 * worst:.2f} %")

    @unittest.skipUnless(has_r("mixtools"), "no mixtools (Debian: r-cran-mixtools)")
    def test_speed_beside_mixtools(self):
        """1000 refits at 100 times the speed of boot.se; processor time of both, R's without its start."""
        x, y = draw(numpy.random.default_rng(1), LINES["two lines"])
        self.fit(columns_of(x, y), "--experts", 2, "--variance", "learned", "--starts", 5, *test_summary.EM)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        told = self.summary("--bootstrap", 1000)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        own = (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) / 1000
        self.assertGreaterEqual(told["bootstrap_converged"], 990)
        found = self.rscript(
            "suppressMessages(library(mixtools)); d <- read.csv('d.csv'); set.seed(1); sink('/dev/null'); "
            "m <- regmixEM(d$y, d$x0, k = 2, epsilon = 1e-8); t <- system.time(boot.se(m, B = 50)); sink(); "
            "cat(sum(t[1:2]) / 50)")
        print(f"a refit takes {1e3 * own:.3f} ms of processor time, one of mixtools boot.se {1e3 * found[0]:.1f} ms: "
              f"{found[0] / own:.0f} times as long")
        self.assertGreater(found[0] / own, 100)


if __name__ == "__main__":
    support.main()
