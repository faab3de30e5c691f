# SPDX-License-Identifier: BSD-3-Clause
# labels: long
# timeout: 7200
"""1000 random runs of EM over families, gates and networks: the likelihood never falls."""
import collections
import unittest

import numpy
import support

RUNS, SEED = 1000, 20261129
FAMILIES = ("gaussian", "student", "poisson", "negative-binomial", "gamma", "lognormal", "zero-inflated-poisson",
            "bernoulli", "categorical")
GATES = (("softmax",), ("softmax", "--gate-inputs", "none"), ("softmax", "--gate-hidden", 3), ("gaussian",),
         ("tree:2x2",))


def logistic(z):
    return 1 / (1 + numpy.exp(-z))


def draw(rng, family):
    """A table whose targets are of the family and a mixture of two, or not of it at all in one case of five."""
    n, inputs = int(rng.integers(40, 300)), int(rng.integers(1, 5))
    x = rng.normal(size=(n, inputs)) * 10 ** rng.uniform(-2, 2, size=inputs)
    z = x / x.std(0) @ rng.normal(size=(inputs, 2)) * 0.4 + rng.normal(size=2)
    z = z[numpy.arange(n), (rng.uniform(size=n) < logistic(z[:, 0])).astype(int)]
    if rng.uniform() < 0.2:
        z = rng.permutation(z) + 0.5 * rng.standard_t(3, size=n)
    z = z.clip(-4, 4)
    mean = numpy.exp(z)
    y = {"gaussian": lambda: z + 0.3 * rng.normal(size=n),
         "student": lambda: z + 0.3 * rng.standard_t(2, size=n),
         "poisson": lambda: rng.poisson(mean),
         "negative-binomial": lambda: rng.poisson(mean * rng.gamma(1.5, 1 / 1.5, size=n)),
         "gamma": lambda: rng.gamma(2, mean / 2) + 1e-3,
         "lognormal": lambda: mean * numpy.exp(0.5 * rng.normal(size=n)),
         "zero-inflated-poisson": lambda: rng.poisson(mean) * (rng.uniform(size=n) < 0.7),
         "bernoulli": lambda: rng.uniform(size=n) < logistic(z),
         "categorical": lambda: (z[:, None] + rng.logistic(size=(n, 1)) > [-1, 1]).sum(1)}[family]()
    names = numpy.array(["no", "yes"] if family == "bernoulli" else ["low", "middle", "high"])
    return x, names[y.astype(int)] if family in ("bernoulli", "categorical") else y


def words_of(rng, family):
    gate = GATES[rng.integers(len(GATES))]
    words = ["--optimizer", "em", "--likelihood", family, "--epochs", 25, "--stop-likelihood", 0, "--gate", *gate,
             "--seed", int(rng.integers(1, 10 ** 6)), "--checkpoint-every", 1000]
    if not gate[0].startswith("tree"):
        words += ["--experts", int(rng.integers(1, 7))]
    if rng.uniform() < 0.2 and gate[0] == "softmax":
        words += ["--expert-hidden", int(rng.integers(2, 5))]
    if family == "gaussian" and rng.uniform() < 0.7:
        words += ["--variance", "learned"]
    return words


class Climbs(support.TestCase):
    def one(self, rng, number, counts):
        family = FAMILIES[number % len(FAMILIES)]
        x, y = draw(rng, family)
        words = words_of(rng, family)
        if len(set(y.tolist())) < (3 if family == "categorical" else 2):
            counts["of one class or value"] += 1
            return
        table, run = self.folder / f"{number}.csv", self.folder / str(number)
        names = [f"x{j}" for j in range(x.shape[1])]
        rows = [",".join([*map(repr, map(float, a)), b if isinstance(b, str) else repr(float(b))])
                for a, b in zip(x, y.tolist())]
        table.write_text("\n".join([",".join([*names, "y"]), *rows]) + "\n")
        result = support.run(support.COTERIE_D, "train", "--data", table, *words, "--output", run, "--quiet")
        fell = "which EM must not do" in result.stderr
        if result.rc and not fell:
            counts["refused: " + result.stderr.strip().splitlines()[-1][:90]] += 1
            return
        errors = [row["error"] for row in support.read_metrics(run)]
        rises = [b - a for a, b in zip(errors, errors[1:]) if b > a + 1e-12 * max(1, abs(a))]
        counts[family] += 1
        counts["iterations"] += len(errors) - 1
        with self.subTest(number=number, words=words):
            self.assertFalse(fell or rises, (result.stderr, rises, [str(w) for w in words]))

    def test_the_likelihood_never_falls(self):
        counts = collections.Counter()
        for number in range(RUNS):
            self.one(numpy.random.default_rng([SEED, number]), number, counts)
        print(dict(counts))
        self.assertGreater(sum(counts[family] for family in FAMILIES), 0.95 * RUNS)


if __name__ == "__main__":
    support.main()
