# SPDX-License-Identifier: BSD-3-Clause
# labels: quick
"""examples/reference/moe.c, the paper in plain loops, against coterie_d, epoch by epoch to 1e-12.

Both read the same CSV data and begin with the same parameters; the build compiles moe.c.
"""
import os
import pathlib
import re

import numpy
import reference
import support
from test_golden import golden_start

MOE = os.environ.get("MOE", "moe")
EPOCHS = 100
INPUTS, OUTPUTS, EXPERTS = 3, 2, 4


def write_table(path, names, rows):
    lines = [",".join(names), *(",".join(repr(float(value)) for value in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def rows_of(parameters):
    """One row for each unit, the gate's first: its weights, then its bias."""
    parts = [numpy.concatenate([parameters[f"{part}/layer0/weight"],
                                parameters[f"{part}/layer0/bias"][..., None]], -1)
             for part in ("gate", "experts")]
    return numpy.concatenate([part.reshape(-1, part.shape[-1]) for part in parts])


class Moe(support.TestCase):
    def moe(self, error, output, data, targets, rate, epochs, start):
        """The mean error at each epoch, and the parameters in the end, a row for each unit."""
        write_table(self.folder / "start.csv", [f"w{j}" for j in range(start.shape[1])], start)
        end = self.folder / "end.csv"
        result = self.succeed(MOE, error, output, data, targets, repr(rate), epochs,
                              self.folder / "start.csv", end)
        lines = [line.split() for line in result.stdout.splitlines()]
        self.assertEqual([int(line[0]) for line in lines], list(range(epochs + 1)))
        return [float(line[1]) for line in lines], numpy.loadtxt(end, delimiter=",", skiprows=1)

    def check(self, error, output, number):
        folder = self.folder / f"{error}-{output}"
        folder.mkdir()
        rng = numpy.random.default_rng(number)
        x = rng.normal(size=(61, INPUTS))
        d = numpy.abs(x @ rng.normal(size=(INPUTS, OUTPUTS))) + 0.3 * rng.normal(size=(61, OUTPUTS))
        d = reference.logistic(d) if output == "logistic" else d
        start = {"gate/layer0/weight": rng.normal(size=(EXPERTS, INPUTS)),
                 "gate/layer0/bias": rng.normal(size=EXPERTS),
                 "experts/layer0/weight": rng.normal(size=(EXPERTS, OUTPUTS, INPUTS)),
                 "experts/layer0/bias": rng.normal(size=(EXPERTS, OUTPUTS))}
        write_table(folder / "data.csv", ["x0", "x1", "x2", "t0", "t1"], numpy.hstack([x, d]))
        reference.write_parameters(folder / "init.h5", start)
        self.succeed(support.COTERIE_D, "train", "--data", folder / "data.csv", "--targets", "t0,t1",
                     "--scale", "none", "--experts", EXPERTS, "--error", error, "--expert-output",
                     output, "--optimizer", "gd", "--learning-rate", 0.1, "--epochs", EPOCHS,
                     "--init", folder / "init.h5", "--quiet", "--output", folder / "run")
        found = [row["error"] for row in support.read_metrics(folder / "run")]
        latest = reference.read_parameters(folder / "run" / "checkpoints" / "latest")

        errors, end = self.moe(error, output, folder / "data.csv", OUTPUTS, 0.1, EPOCHS, rows_of(start))
        numpy.testing.assert_allclose(found, errors, rtol=1e-12, atol=1e-12)
        numpy.testing.assert_allclose(rows_of(latest), end, rtol=1e-12, atol=1e-12)
        self.assertLess(errors[-1], 0.95 * errors[0], "hardly anything was learned")

    def test_as_coterie_d(self):
        for number, error in enumerate(("cooperative", "competitive", "mixture")):
            for output in ("identity", "logistic"):
                with self.subTest(error=error, output=output):
                    self.check(error, output, number)

    def test_golden_trajectories(self):
        """Vowels of the paper, one logistic unit an expert: figures computed apart from both."""
        data = self.folder / "vowels.csv"
        self.succeed(support.COTERIE_D, "convert", "builtin:vowels/train", data, "--inputs", "F1,F2",
                     "--targets", "ia")
        table = numpy.genfromtxt(data, delimiter=",", names=True)
        table = numpy.stack([table["F1"] / 1000, table["F2"] / 1000, table["ia"]], 1)
        write_table(data, ["F1", "F2", "ia"], table)
        for error, experts, rate, expected in (
                ("cooperative", 4, 1.0, {0: .249653178321, 100: .247843484998, 1000: .138844308603}),
                ("mixture", 4, 2.0, {0: .125804512603, 100: .124304479266, 1000: .103227038898}),
                ("mixture", 8, 2.0, {0: .129767654350, 100: .124402061304, 1000: .122844116035})):
            with self.subTest(error=error, experts=experts):
                errors, _ = self.moe(error, "logistic", data, 1, rate, 1000,
                                     rows_of(golden_start(experts, 1)))
                for epoch, value in expected.items():
                    self.assertLessEqual(abs(errors[epoch] - value), 1e-9, epoch)

    def test_wrong_usage(self):
        (self.folder / "data.csv").write_text("x,t\n1,2\n", encoding="utf-8")
        (self.folder / "start.csv").write_text("w0,w1\n0,0\n1,1\n0,0\n", encoding="utf-8")
        good = ["mixture", "identity", self.folder / "data.csv", 1, 0.1, 3,
                self.folder / "start.csv", self.folder / "end.csv"]
        for place, bad, said in ((0, "blend", "blend"), (1, "relu", "relu"), (2, "none.csv", "none.csv"),
                                 (3, 2, "targets"), (6, self.folder / "start.csv", "row for each unit")):
            with self.subTest(bad=bad):
                self.assert_rc(support.run(MOE, *good[:place], bad, *good[place + 1:]), 2, said)
        self.assertFalse((self.folder / "end.csv").exists())

    def test_the_way_to_the_rooms(self):
        """The table that leads from each function to the files that do it at scale."""
        root = pathlib.Path(__file__).resolve().parents[2]
        code = (root / "examples/reference/moe.c").read_text(encoding="utf-8")
        text = "".join(path.read_text(encoding="utf-8") for path in (
            root / "src/README.md", root / "docs/develop/architecture.md") if path.is_file())
        _, found, rest = text.partition("| in `moe.c` |")
        self.assertTrue(found, "no table")
        rows = [line.split("|") for line in rest.partition("\n\n")[0].splitlines()[2:]]
        for row in rows:
            for path in re.findall("`(.*?)`", row[2]):
                self.assertTrue((root / "src" / path).is_file(), path)
        named = {name for row in rows for name in re.findall(r"`(\w+)`", row[1])}
        defined = set(re.findall(r"^static \w+ \*?(\w+)\(", code, re.MULTILINE))
        self.assertEqual(defined - {"fail", "dot", "squared_distance"}, named)


if __name__ == "__main__":
    support.main()
