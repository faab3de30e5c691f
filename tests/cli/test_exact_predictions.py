# SPDX-License-Identifier: BSD-3-Clause
# labels: quick
# timeout: 200
"""Predictions keep their digits, are those that evaluate speaks of, and are not mixed with others."""
import csv
import json

import h5py
import numpy
import support

BOTH = (support.COTERIE, support.COTERIE_D)


def read_csv(path):
    with open(path, encoding="utf-8") as file:
        rows = list(csv.reader(file))
    return {name: numpy.array([float(row[c]) for row in rows[1:]]) for c, name in enumerate(rows[0])}


class LargeOffset(support.TestCase):
    """Targets that are seconds since 1970, and days since 4713 BC."""

    def setUp(self):
        super().setUp()
        random = numpy.random.default_rng(0)
        x = random.normal(size=400)
        self.y = {"seconds": 1.7e9 + 50 * x + 5 * random.normal(size=400),
                  "days": 2460000.5 + 0.3 * x + 0.02 * random.normal(size=400)}
        group = numpy.arange(400) % 3
        for name, y in self.y.items():
            rows = "".join(f"{a!r},{b!r},g{g}\n" for a, b, g in zip(x.tolist(), y.tolist(), group))
            (self.folder / f"{name}.csv").write_text("x,y,group\n" + rows)

    def test_rmse_of_the_file_is_that_of_evaluate(self):
        for program in BOTH:
            for name, y in self.y.items():
                with self.subTest(name, program=program):
                    self.check(program, name, y)

    def check(self, program, name, y):
        run, data = self.folder / f"run {name} {program.rsplit('/')[-1]}", self.folder / f"{name}.csv"
        columns = ("--data", data, "--group", "group")
        self.succeed(program, "train", *columns, "--experts", 2, "--optimizer", "em", "--variance",
                     "learned", "--output", run, "--epochs", 20)
        found = {}
        for ending in ("csv", "h5"):
            output = run / f"p.{ending}"
            self.succeed(program, "predict", run, "--data", data, "--output", output, "--density",
                         "--interval", 0.9)
            if ending == "csv":
                found[ending] = read_csv(output)
            else:
                with h5py.File(output) as file:
                    self.assertEqual({file[column].dtype for column in file}, {numpy.dtype("f8")})
                    found[ending] = {column: file[column][()] for column in file}
        self.assertEqual(found["csv"].keys(), found["h5"].keys())
        for column, values in found["csv"].items():
            self.assertEqual(values.tobytes(), found["h5"][column].tobytes(), column)
        for column in ("y_y", "lower_y", "upper_y", "o_0_y"):
            self.assertGreater(len(set(found["csv"][column])), 390, column)
        squares = (found["csv"]["y_y"] - y) ** 2
        told = json.loads(self.succeed(program, "evaluate", run, *columns, "--json").stdout)
        self.assert_near(told["rmse"], numpy.sqrt(squares.mean()))
        for g, group in enumerate(sorted(told["groups"], key=lambda group: group["group"])):
            self.assert_near(group["rmse"], numpy.sqrt(squares[g::3].mean()))

    def assert_near(self, value, expected):
        self.assertLess(abs(value / expected - 1), 1e-12, f"{value} and {expected}")

    def test_convert_keeps_every_digit(self):
        for program in BOTH:
            for name, y in self.y.items():
                h5, again = (self.folder / f"{name} {program.rsplit('/')[-1]}.{end}" for end in ("h5", "csv"))
                self.succeed(program, "convert", self.folder / f"{name}.csv", h5, "--group", "group")
                self.succeed(program, "convert", h5, again)
                with h5py.File(h5) as file:
                    self.assertEqual(file["y"][:, 0].tobytes(), y.tobytes())
                with open(again, encoding="utf-8") as file:
                    rows = list(csv.DictReader(file))
                self.assertEqual([float(row["y"]) for row in rows], y.tolist())


class FarAway(support.TestCase):
    def test_variance_where_one_expert_answers_alone(self):
        """The others are so far away that the square of their distance overflows; g is 1 and 0."""
        random = numpy.random.default_rng(3)
        x = random.normal(size=300)
        y = numpy.where(x > 0, 3 * x, -x) + 0.1 * random.normal(size=300)
        (self.folder / "d.csv").write_text("x,y\n" + "".join(f"{a},{b}\n" for a, b in zip(x, y)))
        (self.folder / "far.csv").write_text("x\n1e25\n-1e25\n")
        for program in BOTH:
            run = self.folder / program.rsplit("/")[-1]
            self.succeed(program, "train", "--data", self.folder / "d.csv", "--experts", 2, "--optimizer",
                         "em", "--variance", "learned", "--output", run)
            self.succeed(program, "predict", run, "--data", self.folder / "far.csv", "--output",
                         run / "p.csv", "--density")
            found = read_csv(run / "p.csv")
            for i in range(2):
                alone = 0 if found["g_0"][i] == 1 else 1
                self.assertEqual(found[f"g_{1 - alone}"][i], 0)
                self.assertLess(abs(found["variance_y"][i] / found[f"sigma_{alone}_y"][i] ** 2 - 1), 1e-6)

    def test_what_is_not_finite_is_refused(self):
        """A gate of tanh mixes linear experts everywhere: their distance squared is too much for double."""
        random = numpy.random.default_rng(3)
        x = random.normal(size=100)
        (self.folder / "d.csv").write_text("x,y\n" + "".join(f"{a},{abs(a)}\n" for a in x))
        (self.folder / "far.csv").write_text("x\n0\n1e200\n")
        run, output = self.folder / "run", self.folder / "p.csv"
        self.succeed(support.COTERIE_D, "train", "--data", self.folder / "d.csv", "--experts", 2,
                     "--gate-hidden", 2, "--epochs", 5, "--output", run)
        result = support.run(support.COTERIE_D, "predict", run, "--data", self.folder / "far.csv", "--output",
                             output)
        self.assert_rc(result, 1, "variance_y", "not a finite number")
        self.assert_one_line(result)
        self.assertEqual([path.name for path in self.folder.iterdir() if path.name.startswith("p.csv")], [])
        (self.folder / "far.csv").write_text("x\n0\n1e25\n")
        self.succeed(support.COTERIE, "predict", run, "--data", self.folder / "far.csv", "--output", output)


class TwoAtOnce(support.TestCase):
    def test_each_is_whole_or_refused(self):
        run, output = self.folder / "run", self.folder / "p.csv"
        self.succeed(support.COTERIE, "train", "--epochs", 5, "--output", run)
        random = numpy.random.default_rng(0)
        whole = {}
        for name, n in (("A", 30000), ("B", 20000)):
            x = random.normal(size=(n, 2)) * 300 + 1000
            (self.folder / name).with_suffix(".csv").write_text(
                "F1,F2\n" + "".join(f"{a:.2f},{b:.2f}\n" for a, b in x))
            self.predict(name, self.folder / f"whole {name}.csv")
            whole[name] = (self.folder / f"whole {name}.csv").read_bytes()
        processes = {name: support.start(support.COTERIE, "predict", run, "--data",
                                         self.folder / f"{name}.csv", "--output", output)
                     for name in ("A", "B")}
        results = {name: support.finish(process) for name, process in processes.items()}
        good = [name for name, result in results.items() if result.rc == 0]
        self.assertEqual(len(good), 1, {name: str(result) for name, result in results.items()})
        self.assertEqual(output.read_bytes(), whole[good[0]])
        (other,) = set(results) - set(good)
        self.assert_rc(results[other], 2, "p.csv")
        self.assertEqual([path for path in self.folder.iterdir() if path.suffix == ".tmp"], [])

    def predict(self, name, output):
        self.succeed(support.COTERIE, "predict", self.folder / "run", "--data",
                     self.folder / f"{name}.csv", "--output", output)


class StandardOutput(support.TestCase):
    """What was to be said and is lost makes exit code 1, and a line on standard error."""

    def test_full_and_closed(self):
        run = self.folder / "run"
        self.succeed(support.COTERIE, "train", "--epochs", 2, "--output", run)
        (self.folder / "d.csv").write_text("a,y\n1,2\n3,5\n")
        for number, command in enumerate((
                ("--help",), ("--version",), ("train", "--help"), ("evaluate", run, "--data", "builtin:vowels/test"),
                ("evaluate", run, "--data", "builtin:vowels/test", "--json"), ("inspect", run),
                ("inspect", self.folder / "d.csv"), ("inspect", "--verify", run),
                ("convert", self.folder / "d.csv", self.folder / "{number}.h5"),
                ("predict", run, "--data", "builtin:vowels/train", "--output", self.folder / "{number}.csv"),
                ("train", "--epochs", 1, "--output", self.folder / "{number}"),
                ("train", "--epochs", 1, "--dry-run"))):
            for where in ("/dev/full", "a closed pipe"):
                with self.subTest(command[0], where=where, number=number):
                    unique = f"{number}{where[-4:]}"
                    words = [str(word).replace("{number}", unique) for word in command]
                    self.check(words, where)

    def check(self, words, where):
        # By a shell, since the streams of support.run are its own.
        target = ">/dev/full" if where == "/dev/full" else "| true"
        script = f'exec 3>&1; "$0" "$@" {target}; exit ${{PIPESTATUS[0]}}'
        if where != "/dev/full":  # the reader has gone before there is anything to read
            script = f'(sleep 0.2; "$0" "$@"; echo $? >"$CODE") {target}; exit $(cat "$CODE")'
        result = support.run("bash", "-c", script, support.COTERIE, *words,
                             env={"CODE": self.folder / "code"})
        says = not (words[0] in ("predict",))  # which says nothing of rows in the training range
        self.assert_rc(result, 1 if says else 0)
        if says:
            self.assertIn("standard output", self.assert_one_line(result))


if __name__ == "__main__":
    support.main()
