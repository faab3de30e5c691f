# SPDX-License-Identifier: BSD-3-Clause
"""Experts that are unused, and experts that do the same, are named; alike on any number of ranks."""
import json
import re

import h5py
import numpy
import support

N_EXPERTS, N_INPUTS = 6, 2


class ExpertUse(support.TestCase):
    def setUp(self):
        super().setUp()
        rng = numpy.random.default_rng(3)
        x = rng.normal(size=(200, N_INPUTS))
        rows = "".join(f"{a},{b},{a + b ** 2}\n" for a, b in x)
        self.data = self.folder / "d.csv"
        self.data.write_text("a,b,y\n" + rows, encoding="utf-8")

    def report(self, weight, gate_bias, ranks):
        """What is said of these experts, which a training of one tiny step leaves as they are."""
        with h5py.File(self.folder / "init.h5", "w") as file:
            file["experts/layer0/weight"] = weight[:, None, :]
            file["experts/layer0/bias"] = numpy.zeros((N_EXPERTS, 1))
            file["gate/layer0/weight"] = numpy.zeros((N_EXPERTS, N_INPUTS))
            file["gate/layer0/bias"] = gate_bias
        run = self.folder / f"run{ranks}"
        found = []
        train = ("train", "--data", self.data, "--experts", N_EXPERTS, "--init",
                 self.folder / "init.h5", "--epochs", 1, "--learning-rate", 1e-9, "--optimizer",
                 "gd", "--output", run)
        for command in (train, ("evaluate", run, "--data", self.data)):
            lines = self.succeed(support.COTERIE, *command, ranks=ranks).stdout.splitlines()
            found.append([line for line in lines if " unused" in line or "do the same" in line
                          or "--starts 5" in line])
        self.assertEqual(*found)
        text = self.succeed(support.COTERIE, "evaluate", run, "--data", self.data, "--json",
                            ranks=ranks).stdout
        return found[0], json.loads(text)["experts"]

    def test_unused_and_alike(self):
        """Outputs w x of standardised inputs, all of variance 1: weights tell how far apart."""
        weight = numpy.array([[1, 0], [0, 1], [1, 0.003], [-1, 0.5], [0.1, -1], [0, 1.1]])
        gate_bias = numpy.array([0, 0, 0, 0, -30, 0])
        reports = [self.report(weight, gate_bias, ranks) for ranks in (None, 3)]
        self.assertEqual(*reports)
        lines, experts = reports[0]
        self.assertEqual(len(lines), 3, lines)
        self.assertRegex(lines[0], r"^1 of 6 experts unused: expert 4 \(.*below 0\.00167")
        self.assertRegex(lines[1], r"^experts 0 and 2 do the same: .* 64 samples .* 1 %")
        self.assertRegex(lines[2], "^hint: .*--seed.*--experts")
        self.assertEqual([e["unused"] for e in experts], [e == 4 for e in range(N_EXPERTS)])
        self.assertEqual([e["same_as"] for e in experts], [None, None, 0, None, None, None])

    def test_many_classes(self):
        """Eight of them, the most frequent first, and how many more; not all, cut off somewhere."""
        rows = [f"{i},class number {i % 60}" for i in range(60)] + ["1,class number 7", "1,none"]
        (self.folder / "d.csv").write_text("a,y\n" + "\n".join(rows) + "\n", encoding="utf-8")
        result = self.succeed(support.COTERIE, "train", "--data", self.folder / "d.csv", "--experts", 2,
                              "--task", "classification",
                              "--epochs", 1, "--learning-rate", 1e-30, "--output", self.folder / "many")
        line = re.search(r"(?m)^     0 .*$", result.stdout)[0]
        shown = ", ".join(f"class number {i} 1" for i in (0, 1, 10, 11, 12, 13, 14))
        self.assertTrue(line.endswith(f"  class number 7 2, {shown} and 53 more"), line)

    def test_nothing_to_say(self):
        """3 % of the spread is another expert."""
        weight = numpy.array([[1, 0], [0, 1], [1, 0.03], [-1, 0.5], [0.1, -1], [0, 1.1]])
        lines, experts = self.report(weight, numpy.zeros(N_EXPERTS), None)
        self.assertEqual(lines, [])
        self.assertEqual([e["same_as"] for e in experts], [None] * N_EXPERTS)


if __name__ == "__main__":
    support.main()
