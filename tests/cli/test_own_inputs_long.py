# SPDX-License-Identifier: BSD-3-Clause
# labels: long
# timeout: 1200
"""--gate-inputs and --expert-inputs against R's flexmix: six models, their likelihoods and parameters.

Prints what docs/results.md tells.
"""
import json
import shutil
import subprocess
import sys

import numpy
import reference
import support

D = support.COTERIE_D
# flexmix's formula, its concomitant one, components, family; the program's inputs of experts and gate.
MODELS = (("y ~ x", "~ w", 2, "gaussian", "x", "w"),
          ("y ~ x + v", "~ w", 2, "gaussian", "x,v", "w"),
          ("y ~ x", "~ 1", 2, "gaussian", "x", "none"),
          ("y ~ 1", "~ w", 2, "gaussian", "none", "w"),
          ("y ~ x + w", "~ w + v", 2, "gaussian", "x,w", "w,v"),
          ("n ~ x", "~ w", 2, "poisson", "x", "w"))
NAMES = ["x", "w", "v"]
FLEXMIX = """
suppressMessages(library(flexmix))
args <- commandArgs(TRUE)
d <- read.csv(args[1]); k <- as.integer(args[4]); set.seed(1)
constant <- args[3] == "~ 1"
fit <- function() flexmix(as.formula(args[2]), data = d, k = k, model = FLXMRglm(family = args[5]),
    concomitant = if (constant) FLXPconstant() else FLXPmultinom(as.formula(args[3])),
    control = list(tolerance = 1e-13, iter.max = 2000, minprior = 0))
best <- NULL
for (i in 1:5) {
    m <- tryCatch(fit(), error = function(e) NULL)
    if (!is.null(m) && m@k == k && (is.null(best) || logLik(m) > logLik(best))) best <- m
}
number <- function(x) cat(sprintf("%.17g", x), "\\n")
cat(as.character(packageVersion("flexmix")), paste(R.version$major, R.version$minor, sep = "."), "\\n")
number(c(logLik(best), attr(logLik(best), "df"), BIC(best)))
number(parameters(best)) # of one component after another: coefficients, sigma
number(if (constant) log(prior(best)) else best@concomitant@coef)
"""


def make_rows(n=2000, seed=4):
    rng = numpy.random.default_rng(seed)
    x, w, v = rng.normal(size=(3, n))
    first = rng.uniform(size=n) < reference.logistic(0.3 + 2 * w)
    mean = numpy.where(first, 1 + 2 * x + 0.5 * v, -2 - x)
    count = rng.poisson(numpy.exp(numpy.where(first, 2 + 0.5 * x, 0.3 - 0.4 * x)))
    return numpy.column_stack([x, w, v, mean + numpy.where(first, 0.7, 1.1) * rng.normal(size=n), count])


class Flexmix(support.TestCase):
    def setUp(self):
        super().setUp()
        self.rows = make_rows()
        numpy.savetxt(self.folder / "d.csv", self.rows, delimiter=",", header="x,w,v,y,n", comments="", fmt="%.17g")
        (self.folder / "flexmix.R").write_text(FLEXMIX, encoding="utf-8")

    def flexmix(self, formula, concomitant, k, family):
        said = subprocess.run(["Rscript", self.folder / "flexmix.R", self.folder / "d.csv", formula, concomitant,
                               str(k), family], capture_output=True, text=True, check=True).stdout.splitlines()
        return said[0], *(numpy.array(line.split(), float) for line in said[1:])

    def train(self, run, model, *more):
        formula, _, k, family, expert_inputs, gate_inputs = model
        learned = ("--variance", "learned") if family == "gaussian" else ()
        self.succeed(D, "train", "--data", self.folder / "d.csv", "--inputs", "x,w,v", "--targets", formula[0],
                     "--likelihood", family, "--experts", k, *learned, "--optimizer", "em", "--expert-inputs",
                     expert_inputs, "--gate-inputs", gate_inputs, "--output", self.folder / run, "--quiet", *more,
                     timeout=600)
        return self.folder / run

    def parameters(self, model, found, logits):
        """flexmix's as those of a checkpoint in unscaled units."""
        _, _, k, family, expert_inputs, gate_inputs = model
        own = found.reshape(k, -1)
        seen = [[NAMES.index(name) for name in said.split(",") if name != "none"]
                for said in (expert_inputs, gate_inputs)]
        weight, gate = numpy.zeros((k, 1, 3)), numpy.zeros((k, 3))
        weight[:, 0, seen[0]] = own[:, 1:1 + len(seen[0])]
        logit = logits.reshape(k, -1)  # R goes down the columns: component by component
        gate[:, seen[1]] = logit[:, 1:]
        start = {"experts/layer0/weight": weight, "experts/layer0/bias": own[:, :1], "gate/layer0/weight": gate,
                 "gate/layer0/bias": logit[:, 0]}
        if family == "gaussian":
            start["experts/variance"] = own[:, -1] ** 2
        return start

    def test_six_models(self):
        n = len(self.rows)
        for number, model in enumerate(MODELS):
            version, (likelihood, df, bic), found, logits = self.flexmix(*model[:4])
            reference.write_parameters(self.folder / "start.h5", self.parameters(model, found, logits))
            there = self.train(f"there{number}", model, "--scale", "none", "--init", self.folder / "start.h5",
                               "--epochs", 0)
            at_theirs = -n * support.read_metrics(there)[0]["nll"]
            run = self.train(f"run{number}", model, "--starts", 10, "--epochs", 5000, "--stop-likelihood", "1e-15")
            told = json.loads(self.succeed(D, "summary", run, "--json").stdout)
            print(f"{model[0]} | {model[1]}, {model[3]}, k = {model[2]}: flexmix {version.strip()} {likelihood:.5f} "
                  f"({df:.0f} parameters, BIC {bic:.3f}); here {told['log_likelihood']:.5f} ({told['parameters']}, BIC "
                  f"{told['bic']:.3f}); at its parameters {at_theirs:.5f}", flush=True)
            with self.subTest(model=model[:4]):
                self.assertEqual(told["parameters"], df)
                self.assertAlmostEqual(told["log_likelihood"] / likelihood, 1, delta=1e-6)
                self.assertGreater(told["log_likelihood"], likelihood - 1e-7)
                self.assertAlmostEqual(at_theirs / likelihood, 1, delta=1e-9)


if __name__ == "__main__":
    if not shutil.which("Rscript") or subprocess.run(["Rscript", "-e", "library(flexmix)"], capture_output=True,
                                                     check=False).returncode != 0:
        print("skipped: there is no R with flexmix (Debian: r-cran-flexmix)")
        sys.exit(77)
    support.main()
