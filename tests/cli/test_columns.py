# SPDX-License-Identifier: BSD-3-Clause
# labels: quick
"""Which columns of a file are used, and what is said of those that cannot be."""
import json
import shlex

import h5py
import numpy
import support

ROWS = "".join(f"k{i},{i % 3},{i % 7},{i * i % 5},{'abc'[i % 3]}\n" for i in range(60))


class Exclude(support.TestCase):
    def setUp(self):
        super().setUp()
        self.data = self.folder / "d.csv"
        self.data.write_text("id,a,b,c,y\n" + ROWS, encoding="utf-8")

    def train(self, *options, data=None, rc=0, **how):
        result = support.run(support.COTERIE, "train", "--data", data or self.data, *options, **how)
        self.assert_rc(result, rc)
        return result

    def test_the_message_says_what_to_write(self):
        """A slip among numbers; names are left out without a question."""
        self.assertIn("3 inputs (a, b, c)", self.train("--dry-run").stdout)
        self.data.write_text("id,a,b,c,y\n" + ROWS.replace("k30,0,", "k30,o,"), encoding="utf-8")
        line = self.assert_one_line(self.train("--dry-run", rc=2))
        self.assertIn("line 32, column 'a': 'o' is not a number", line)
        option = line.split("leave the column out with ")[1].split()
        self.assertIn("2 inputs (b, c)", self.train("--dry-run", *option).stdout)

    def test_a_run_goes_on_and_is_used(self):
        """The file of new samples need not have the columns that were left out."""
        run, new = self.folder / "run", self.folder / "new.csv"
        config = self.folder / "c.yaml"
        config.write_text("exclude: id,b\nepochs: 2\nvalid: 0.2\n", encoding="utf-8")
        self.train("--config", config, "--output", run)
        self.assertIn('exclude: "id,b"', (run / "config.yaml").read_text(encoding="utf-8"))
        for option in ((), ("--exclude", "id,b")):
            self.train("--output", run, "--resume", "auto", "--epochs", 4, *option)
        self.assert_one_line(self.train("--output", run, "--resume", "auto", "--exclude", "id", rc=2))
        new.write_text("c,a\n1,2\n3,4\n", encoding="utf-8")
        self.succeed(support.COTERIE, "predict", run, "--data", new, "--output",
                     self.folder / "p.csv")

    def test_the_same_as_naming_the_others(self):
        """Of a file large enough for several readers; and for a file without the column."""
        x = numpy.random.default_rng(1).normal(size=(250000, 9))
        data, few = self.folder / "d.h5", self.folder / "few.h5"
        names = [f"x{i}" for i in range(9)]
        with h5py.File(data, "w") as file:
            file["x"], file["y"] = x, x[:, 4] + x[:, 7]
            file["x"].attrs["names"] = names
        with h5py.File(few, "w") as file:
            file["x"], file["y"] = numpy.delete(x[:50], 3, axis=1), x[:50, 4]
            file["x"].attrs["names"] = names[:3] + names[4:]
        runs = [self.folder / "excluded", self.folder / "named"]
        for run, options in zip(runs, (("--exclude", "x3"),
                                       ("--inputs", ",".join(names[:3] + names[4:])))):
            self.train("--epochs", 1, "--valid", few, "--output", run, *options, data=data,
                       ranks=2)
        self.assert_same_metrics(*runs)
        self.assert_rc(support.run(support.COTERIE, "evaluate", runs[0], "--data", few), 0, "50 samples")


class Inspect(support.TestCase):
    def inspect(self, text, *options, rc=2):
        """Of a table that cannot be trained on, or has gaps."""
        path = self.folder / "d.csv"
        path.write_text(text, encoding="utf-8")
        result = support.run(support.COTERIE, "inspect", path, *options)
        self.assert_rc(result, rc)
        self.assertLessEqual(max(len(line) for line in result.stdout.splitlines()
                                if not line.startswith("note ")), 80)
        return result, [line.split() for line in result.stdout.splitlines()]

    def test_gaps(self):
        text = "city,a,b,none,t\n" + "".join(
            f"{'xyz'[i % 3]},{i if i % 4 else ''},{i / 2 if i % 5 else 'NA'},,{7 - i}\n"
            for i in range(20))
        result, rows = self.inspect(text, rc=0)
        self.assertIn("20 rows, 5 columns", result.stdout)
        self.assertIn("'NA' in b", result.stdout)
        self.assertEqual(result.stderr, "")
        a, b = [i for i in range(20) if i % 4], [i / 2 for i in range(20) if i % 5]
        for row in (["city", "text", 0, "3", "values:", "x,", "y,", "z"],
                    ["a", "numbers", 5, min(a), f"{numpy.mean(a):.6g}", max(a)],
                    ["b", "numbers", 4, min(b), f"{numpy.mean(b):.6g}", max(b)],
                    ["none", "nothing", 20], ["t", "numbers", 0, -12, -2.5, 7]):
            self.assertIn([str(cell) for cell in row], rows, str(result))
        self.succeed(support.COTERIE, "inspect", self.folder / "d.csv", "--inputs", "t", "--targets",
                     "city")

    def test_of_many_columns_the_odd_ones_are_shown(self):
        header = ",".join(f"c{i}" for i in range(50))
        cells = ["1"] * 50
        cells[40], cells[45], cells[49] = "", "word", ""
        result, rows = self.inspect(f"{header}\n{','.join(cells)}\n")
        self.assertIn("and 27 more columns", result.stdout)
        self.assertIn(["c40", "nothing", "1"], rows)
        self.assertIn(["c45", "text", "0", "1", "value:", "word"], rows)


class Baseline(support.TestCase):
    def table(self, name, labels):
        path = self.folder / name
        rows = "".join(f"{i},{label}\n" for i, label in enumerate(labels))
        path.write_text(f"a,y\n{rows}", encoding="utf-8")
        return path

    def test_of_the_samples_held_out(self):
        data, valid = self.table("d.csv", "aaabb" * 4), self.table("v.csv", "abbbbbba")
        run = self.folder / "run"
        result = self.succeed(support.COTERIE, "train", "--data", data, "--valid", valid, "--epochs", 1,
                              "--output", run)
        self.assertIn("accuracy 60.0 %, of validation 75.0 %,", result.stdout)
        result = self.succeed(support.COTERIE, "evaluate", run, "--data", valid)
        self.assertIn("accuracy 75.00 % if", result.stdout)
        self.assertRegex(result.stdout, r"\nclass +samples +recall\n  a +2 +[\d.]+ %\n  b +6 +")

    def test_of_many_classes_the_worst(self):
        data = self.table("d.csv", [f"c{i % 30}" for i in range(90)])
        run = self.folder / "run"
        self.succeed(support.COTERIE, "train", "--data", data, "--epochs", 30, "--output", run)
        said = self.succeed(support.COTERIE, "evaluate", run, "--data", data).stdout
        self.assertIn("the 20 of 30 classes", said)
        found = json.loads(self.succeed(support.COTERIE, "evaluate", run, "--data", data,
                                        "--json").stdout)["classes"]
        worst = sorted(c["recall"] for c in found)[:20]
        shown = [float(line.split()[2]) for line in said.split("recall\n")[1].splitlines()[:20]]
        numpy.testing.assert_allclose(shown, 100 * numpy.array(worst), atol=0.006)


class Constants(support.TestCase):
    def test_what_is_the_same_everywhere(self):
        """One line for each kind; by the training samples, and where a run is begun."""
        numbers, classes = self.folder / "n.csv", self.folder / "c.csv"
        held_out, run = self.folder / "v.csv", self.folder / "run"
        numbers.write_text("a,b,c,y,z\n" + "".join(f"7,{i + 5},0.1,3,{i}\n" for i in range(20)),
                           encoding="utf-8")
        classes.write_text("a,g,y\n" + "".join(f"{i},{i // 10},{'st'[i // 10]}\n" for i in range(20)),
                           encoding="utf-8")
        held_out.write_text("a,b,c,y,z\n1,2,3,4,5\n2,2,3,5,5\n", encoding="utf-8")
        train = (support.COTERIE, "train", "--epochs", 1, "--output", run)
        options = ("--data", numbers, "--targets", "y,z", "--valid", held_out)
        lines = support.own_lines(self.succeed(*train, *options).stderr)
        inputs, targets = (line for line in lines if "no epoch beats" not in line)
        self.assertRegex(inputs, r"2 of 3 inputs have the same value .*: a, c \(--exclude")
        self.assertRegex(targets, r"1 of 2 targets has the same value .*: y$")
        self.assertNotIn("same value", self.succeed(*train, "--resume", "auto", "--epochs", 2).stderr)
        self.assertEqual(self.succeed(*train[:-1], self.folder / "run-2", *options[:-2], "--targets",
                                      "z", "--exclude", "a,c,y").stderr, "")
        lines = support.own_lines(self.succeed(*train[:-1], self.folder / "run-3", "--data", classes,
                                               "--group", "g", "--valid", 0.5).stderr)
        line, = (line for line in lines if "no epoch beats" not in line)
        self.assertIn("one class", line)


class Categories(support.TestCase):
    """Numbers that are codes, in an HDF5 file: as the same indicators by hand."""

    def test_in_hdf5(self):
        rng = numpy.random.default_rng(3)
        code, size = rng.choice((3, 10, 7), 90), rng.normal(size=90)
        y = numpy.where(code == 10, size, -size)
        codes, plain = self.folder / "codes.h5", self.folder / "plain.h5"
        for path, x, names in (
                (codes, numpy.stack((code, size), axis=1), ("code", "size")),
                (plain, numpy.stack([code == c for c in (3, 7, 10)] + [size], axis=1),
                 ("code=3", "code=7", "code=10", "size"))):
            with h5py.File(path, "w") as file:
                file["x"], file["y"] = x.astype("f8"), y
                file["x"].attrs["names"] = names
        train = (support.COTERIE, "train", "--epochs", 3, "--experts", 2)
        said = self.succeed(*train, "--data", codes, "--categories", "code", "--valid", codes,
                            "--output", self.folder / "a", ranks=2).stdout
        self.assertIn("4 inputs (code=3, code=7, code=10, size)", said)
        self.succeed(*train, "--data", plain, "--valid", plain, "--output", self.folder / "b")
        self.assert_same_metrics(self.folder / "a", self.folder / "b")
        outputs = []
        for run, data in (("a", codes), ("b", plain)):
            outputs.append(self.folder / f"{run}.csv")
            self.succeed(support.COTERIE, "predict", self.folder / run, "--data", data, "--output",
                         outputs[-1])
        self.assertEqual(outputs[0].read_bytes(), outputs[1].read_bytes())
        with h5py.File(codes, "r+") as file:
            file["kind"] = rng.choice((1.0, 2.0), 90)
        said = self.succeed(*train, "--data", codes, "--targets", "kind", "--categories", "kind",
                            "--output", self.folder / "c").stdout
        self.assertIn("2 classes (1, 2)", said)
        result = support.run(*train, "--data", codes, "--categories", "kode")
        self.assert_rc(result, 2, "'kode'", "--categories", "did you mean 'code'")


class Slashes(support.TestCase):
    """In the names of targets: HDF5 takes them for folders."""

    def predict(self, targets, output, rc):
        data, run = self.folder / "d.csv", self.folder / f"run-{output}"
        data.write_text(f"x,{targets}\n1,2,3\n2,3,5\n3,4,7\n", encoding="utf-8")
        self.succeed(support.COTERIE, "train", "--data", data, "--targets", targets, "--epochs", 1,
                     "--output", run)
        result = support.run(support.COTERIE, "predict", run, "--data", data, "--output",
                             self.folder / output)
        self.assert_rc(result, rc)
        return result

    def test_in_hdf5(self):
        self.predict("km/h,km1", "good.h5", 0)
        with h5py.File(self.folder / "good.h5") as file:
            self.assertEqual(file["y_km/h"].shape, (3,))
        for i, (targets, named) in enumerate((("a/./b,a", ("'y_a'", "'y_a/./b'")),
                                              ("a/,b", ("'y_a/'",)))):
            line = self.assert_one_line(self.predict(targets, f"{i}.h5", 2))
            for word in (f"{i}.h5:", *named, ".csv"):
                self.assertIn(word, line)
        self.assertEqual(list(self.folder.glob("*.tmp")), [])


class OtherLayouts(support.TestCase):
    """HDF5 files without /x and /y: what is said is what to write."""

    LAYOUTS = {
        "capitals": ({"X": (30, 4), "Y": (30,)}, "--inputs /X --targets /Y"),
        "columns": ({"b": (30,), "t": (30,), "target": (30,), "u v": (30,), "w": (7,)},
                    "--inputs '/b,/t,/u v' --targets /target"),
        "folders": ({"a/images": (30, 4), "a/labels": (30,), "b/images": (9, 4), "b/labels": (9,)},
                    "--inputs /a/images --targets /a/labels"),
        "no words": ({"p": (30,), "q": (30,), "r": (30,)}, "--inputs /p,/q --targets /r"),
        "inputs": ({"x": (30, 4), "kind": (30,), "other": (9,)}, "--targets /kind"),
    }

    def train(self, path, *options):
        return support.run(support.COTERIE, "train", "--data", path, "--dry-run", *options)

    def test_what_to_write(self):
        for name, (shapes, options) in self.LAYOUTS.items():
            with self.subTest(name):
                path = self.folder / f"{name}.h5"
                with h5py.File(path, "w") as file:
                    for key, shape in shapes.items():
                        file[key] = numpy.arange(numpy.prod(shape)).reshape(shape) % 3
                line = self.assert_one_line(self.train(path))
                self.assertTrue(line.rstrip().endswith("for example " + options), line)
                for key, shape in shapes.items():
                    self.assertIn(f"/{key} ({', '.join(str(n) for n in shape)})", line)
                self.assert_rc(self.train(path, *shlex.split(options)), 0)
        self.assertIn("for example --inputs /X --targets /Y\n", self.succeed(
            support.COTERIE, "inspect", self.folder / "capitals.h5").stdout)

    def test_tables(self):
        path = self.folder / "t.h5"
        with h5py.File(path, "w") as file:
            file["table"] = numpy.zeros(5, [("a", "f8"), ("b", "i4")])
        for options in ((), ("--inputs", "table")):
            line = self.assert_one_line(self.train(path, *options))
            self.assertRegex(line, "/?table.* table of .*columns.*CSV")


if __name__ == "__main__":
    support.main()
