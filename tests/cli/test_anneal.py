# SPDX-License-Identifier: BSD-3-Clause
"""--anneal: what EM does with the tempered posterior, and that it leaves no trace once it is over.

Gradients and steps of the annealed error are in test_reference.py and unit/test_gradients.c.
"""
import numpy
import reference
import support

D = support.COTERIE_D


class Anneal(support.TestCase):
    def data(self, n=80):
        rng = numpy.random.default_rng(3)
        x = rng.normal(size=(n, 2))
        t = numpy.abs(x[:, 0]) + 0.2 * rng.normal(size=n)
        lines = [f"{a!r},{b!r},{c!r}" for (a, b), c in zip(x.tolist(), t.tolist())]
        (self.folder / "data.csv").write_text("\n".join(["a,b,t", *lines]) + "\n",
                                              encoding="utf-8")
        return x, t[:, None]

    def train(self, name, *options, ranks=None):
        self.succeed(D, "train", "--data", self.folder / "data.csv", "--scale", "none",
                     "--experts", 3, "--variance", "learned", "--quiet", "--output",
                     self.folder / name, *options, ranks=ranks)
        return self.folder / name / "checkpoints/latest"

    def test_an_iteration_of_em(self):
        """The experts' M-step is weighted least squares, with weights h of beta = 0.25."""
        x, d = self.data()
        before = reference.read_parameters(self.train("start", "--epochs", 0))
        reference.write_parameters(self.folder / "init.h5", before)
        after = reference.read_parameters(
            self.train("em", "--optimizer", "em", "--init", self.folder / "init.h5",
                       "--anneal", "0.25:20", "--epochs", 1))
        h = reference.Mixture(before, anneal=(0.25, 20)).posterior(x, d)
        ones = numpy.hstack([x, numpy.ones((len(x), 1))])
        for e in range(3):
            root = numpy.sqrt(h[e])[:, None]
            w = numpy.linalg.lstsq(root * ones, root * d, rcond=None)[0][:, 0]
            found = [*after["experts/layer0/weight"][e, 0], after["experts/layer0/bias"][e, 0]]
            numpy.testing.assert_allclose(found, w, rtol=1e-8, atol=1e-10)
            variance = (h[e] * (d[:, 0] - ones @ w) ** 2).sum() / h[e].sum()
            self.assertAlmostEqual(after["experts/variance"][e], variance, delta=1e-9)

    def test_em_goes_on_to_the_end(self):
        """Neither a rise of the error nor a small fall ends EM while it is annealed."""
        self.data()
        runs = [self.train(name, "--optimizer", "em", "--anneal", "0.05:30", "--epochs", 200,
                           ranks=ranks) for name, ranks in (("one", None), ("three", 3))]
        self.assert_same_checkpoint(*runs)
        errors = [row["error"] for row in support.read_metrics(self.folder / "one")]
        self.assertGreater(len(errors), 31)
        self.assertTrue((numpy.diff(errors[30:]) <= 1e-10).all())

    def test_a_restart(self):
        self.data()
        options = ("--batch-size", 32, "--anneal", "0.1:8")
        straight = self.train("straight", *options, "--epochs", 10)
        self.train("parts", *options, "--epochs", 4)
        parts = self.train("parts", "--resume", "auto", "--epochs", 10, ranks=2)
        self.assert_same_checkpoint(straight, parts)
        self.assertIsNotNone(support.first_difference(
            straight, self.train("none", "--batch-size", 32, "--epochs", 10), ("/config@anneal",)))


if __name__ == "__main__":
    support.main()
