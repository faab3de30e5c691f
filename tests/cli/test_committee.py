# SPDX-License-Identifier: BSD-3-Clause
# timeout: 200
"""--committee: members learn by themselves, each without a part of the samples, and predict as one.

The formulas of gate and gradients are in unit/test_committee.c.
"""
import json

import h5py
import numpy
import support

D = support.COTERIE_D
OPTIONS = ("--scale", "none", "--experts", 2, "--expert-hidden", 3, "--committee", 5)


def softmax(z):
    e = numpy.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


class Committee(support.TestCase):
    def data(self, name="data", n=40, change=None):
        rng = numpy.random.default_rng(3)
        x = rng.normal(size=(n, 2))
        t = numpy.abs(x[:, 0]) + 0.2 * rng.normal(size=n)
        if change is not None:
            t[change] += 1
        lines = [f"{a!r},{b!r},{c!r}" for (a, b), c in zip(x.tolist(), t.tolist())]
        path = self.folder / f"{name}.csv"
        path.write_text("\n".join(["a,b,t", *lines]) + "\n", encoding="utf-8")
        return path, x, t

    def train(self, run, data, *options, ranks=None):
        self.succeed(D, "train", "--data", data, *OPTIONS, "--quiet", "--output",
                     self.folder / run, *options, ranks=ranks)
        return self.folder / run / "checkpoints/latest"

    def test_predicts_the_mean_of_its_members(self):
        data, x, t = self.data()
        path = self.train("run", data, "--epochs", 30)
        self.succeed(D, "predict", path, "--data", data, "--output", self.folder / "p.h5")
        with h5py.File(path) as file:
            w = [file[f"experts/layer{i}/weight"][:] for i in range(2)]
            b = [file[f"experts/layer{i}/bias"][:] for i in range(2)]
            z = x @ file["gate/layer0/weight"][:].T + file["gate/layer0/bias"][:]
        g = softmax(z.reshape(len(x), 5, 2)).reshape(len(x), 10) / 5
        hidden = numpy.tanh(numpy.einsum("ehd,nd->neh", w[0], x) + b[0])
        o = numpy.einsum("eoh,neh->neo", w[1], hidden) + b[1]
        with h5py.File(self.folder / "p.h5") as file:
            numpy.testing.assert_allclose(file["y_t"][:].ravel(), (g * o[:, :, 0]).sum(axis=1),
                                          atol=1e-12)
            found = numpy.stack([file[f"g_{e}"][:].ravel() for e in range(10)], axis=1)
            numpy.testing.assert_allclose(found, g, atol=1e-12)
        density = (g * numpy.exp(-(t[:, None] - o[:, :, 0]) ** 2 / 2)).sum(axis=1)
        nll = numpy.mean(numpy.log(2 * numpy.pi) / 2 - numpy.log(density))
        last = support.read_metrics(self.folder / "run")[-1]
        self.assertAlmostEqual(last["nll"], nll, delta=1e-9)
        self.assertGreater(last["nll_valid"], last["nll"])

    def test_a_member_learns_nothing_from_what_it_leaves_out(self):
        """One target is changed: exactly one member in five ends with the same bits."""
        found = []
        for name, change in (("plain", None), ("changed", 7)):
            path = self.train(name, self.data(name, change=change)[0], "--epochs", 3,
                              "--batch-size", 8)
            with h5py.File(path) as file:
                found.append(file["experts/layer0/weight"][:].reshape(5, -1))
        same = (found[0] == found[1]).all(axis=1)
        self.assertEqual(same.sum(), 1, same)

    def test_same_bits_on_any_rank_count_and_across_a_restart(self):
        data, _, _ = self.data()
        options = ("--batch-size", 8, "--variance", "unseen", "--learning-rate", 0.02)
        one = self.train("one", data, *options, "--epochs", 12)
        self.assert_same_checkpoint(
            one, self.train("three", data, *options, "--epochs", 12, ranks=3))
        self.train("parts", data, *options, "--epochs", 5)
        parts = self.train("parts", data, "--resume", "auto", "--epochs", 12, ranks=2)
        self.assert_same_checkpoint(one, parts)
        self.assert_same_metrics(self.folder / "one", self.folder / "parts")

    def test_the_variance_of_what_is_left_out(self):
        """One expert: its variance is near the mean square of unseen errors, above that of seen."""
        data, _, _ = self.data()
        path = self.train("run", data, "--experts", 1, "--expert-hidden", 32, "--variance",
                          "unseen", "--epochs", 400, "--learning-rate", 0.01)
        with h5py.File(path) as file:
            variance = file["experts/variance"][:]
        last = support.read_metrics(self.folder / "run")[-1]
        self.assertAlmostEqual(variance.mean(), last["expected_square_valid"],
                               delta=0.15 * variance.mean())
        self.assertGreater(variance.mean(), 1.5 * last["expected_square"])

    def test_patience_watches_what_is_left_out(self):
        data, _, _ = self.data()
        self.train("run", data, "--patience", 5, "--epochs", 3000, "--learning-rate", 0.05)
        rows = support.read_metrics(self.folder / "run")
        errors = [row["error_valid"] for row in rows]
        self.assertEqual(len(rows) - 1, int(numpy.argmin(errors)) + 5)

    def test_validation_of_the_user_is_what_is_shown(self):
        """--valid is reported, and what is left out decides when to stop."""
        data, _, _ = self.data()
        self.train("run", data, "--valid", 0.2, "--epochs", 5)
        said = self.succeed(D, "evaluate", self.folder / "run/checkpoints/latest", "--data", data,
                            "--part", "valid", "--json").stdout
        nll = support.read_metrics(self.folder / "run")[-1]["nll_valid"]
        self.assertAlmostEqual(json.loads(said)["nll"], nll, delta=1e-12)

    def test_its_experts_are_not_split_pruned_or_merged(self):
        data, _, _ = self.data()
        path = self.train("run", data, "--epochs", 2)
        for option, value in (("--split", 0), ("--prune", "auto"), ("--merge", "0,1")):
            result = support.run(D, "train", "--data", data, "--resume", path, option, value,
                                 "--output", self.folder / "no")
            self.assert_rc(result, 2, option, "committee of 5")
            self.assert_one_line(result)
            self.assertFalse((self.folder / "no").exists())

    def test_what_does_not_go_together(self):
        data, _, _ = self.data()
        for words, options in ((("--optimizer em",), ("--optimizer", "em")),
                               (("--top-k",), ("--top-k", 2)),
                               (("competitive",), ("--error", "competitive")),
                               (("only 40 samples",), ("--committee", 41)),
                               (("--balance-weight",), ("--balance-weight", 1)),
                               (("64",), ("--committee", 65))):
            result = support.run(D, "train", "--data", data, *OPTIONS, "--output",
                                 self.folder / "no", *options)
            self.assert_rc(result, 2, *words)
            self.assert_one_line(result)
            self.assertFalse((self.folder / "no").exists())
        result = support.run(D, "train", "--data", data, "--variance", "unseen")
        self.assert_rc(result, 2, "--committee")


if __name__ == "__main__":
    support.main()
