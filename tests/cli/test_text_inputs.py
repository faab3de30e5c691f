# SPDX-License-Identifier: BSD-3-Clause
"""Columns of text among the inputs: from training to prediction, and back to a table."""
import csv
import json
import os

import h5py
import numpy
import support

COLOURS = ("blue", "green", "red")


class TextInputs(support.TestCase):
    def setUp(self):
        super().setUp()
        rng = numpy.random.default_rng(4)
        self.size, self.colour = rng.normal(size=120), rng.integers(0, 3, 120)
        self.y = numpy.choose(self.colour, (1, -2, 0.5)) * self.size
        self.text = self.write("text.csv", ("hue", "size", "y"), (
            (COLOURS[c], repr(float(s)), repr(float(y)))
            for c, s, y in zip(self.colour, self.size, self.y)))
        self.numbers = self.write(
            "numbers.csv", (*(f"hue={name}" for name in COLOURS), "size", "y"),
            ((*(int(c == k) for k in range(3)), repr(float(s)), repr(float(y)))
             for c, s, y in zip(self.colour, self.size, self.y)))

    def write(self, name, header, rows):
        with open(self.folder / name, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows((header, *rows))
        return self.folder / name

    def train(self, run, data, *options, **how):
        return self.succeed(support.COTERIE, "train", "--data", data, "--epochs", 20, "--valid", 0.2,
                            "--output", self.folder / run, *options, **how)

    def test_the_same_bits_as_indicators_by_hand(self):
        said = self.train("a", self.text, ranks=3).stdout
        self.train("b", self.numbers)
        self.assertIn("4 inputs (hue=blue, hue=green, hue=red, size)", said)
        self.assert_same_metrics(self.folder / "a", self.folder / "b")
        self.train("a", self.text, "--resume", "auto", "--epochs", 30)

    @support.only_with_open_mpi("the ranks of MPICH are not of several hosts here")
    def test_other_hosts_code_the_texts_as_the_model_does(self):
        """Of a file for validation that does not have all of the texts."""
        few = self.write("few.csv", ("hue", "size", "y"), ((COLOURS[k % 2], k / 9, k / 7) for k in range(9)))
        env = {"LD_PRELOAD": os.environ["SEVERAL_HOSTS"], "COTERIE_TEST_HOSTS": 2}
        options = (support.COTERIE, "train", "--data", self.text, "--valid", few, "--epochs", 3,
                   "--inputs", "hue,size")
        self.succeed(*options, "--output", self.folder / "one")
        self.succeed(*options, "--output", self.folder / "two", "--read", "node", ranks=2, env=env)
        self.assert_same_metrics(self.folder / "one", self.folder / "two")

    def test_prediction(self):
        """From rows in which a colour is missing, its order is another, and from both tables."""
        self.train("run", self.text, "--valid", self.write(
            "valid.csv", ("y", "size", "hue"), ((0.5, 1, "red"), (2, 2, "blue"))))
        few = self.write("few.csv", ("hue", "size"), [
            (COLOURS[c], repr(float(s))) for c, s in zip(self.colour, self.size) if c != 1])
        outputs = []
        for data in (self.text, self.numbers, few):
            outputs.append(self.folder / f"p-{data.stem}.csv")
            self.succeed(support.COTERIE, "predict", self.folder / "run", "--data", data,
                         "--output", outputs[-1])
        means = [numpy.loadtxt(path, delimiter=",", skiprows=1, usecols=0) for path in outputs]
        self.assertEqual(means[0].tolist(), means[1].tolist())
        self.assertEqual(means[0][self.colour != 1].tolist(), means[2].tolist())

    def test_unknown_texts_and_gaps(self):
        """Rows keep their places; one line for each kind."""
        self.train("run", self.text, "--missing", "drop")
        run = self.folder / "run"
        rows = [[COLOURS[c], repr(float(s)), repr(float(y))]
                for c, s, y in zip(self.colour[:20], self.size, self.y)]
        whole = self.predict(run, self.write("whole.csv", ("hue", "size", "y"), rows))
        rows[3][1], rows[7][0], rows[9][0] = "", "pink", "NA"
        odd = self.write("odd.csv", ("hue", "size", "y"), rows)
        result = self.succeed(support.COTERIE, "predict", run, "--data", odd, "--output",
                              self.folder / "odd.h5", ranks=2)
        lines = support.own_lines(result.stderr)
        self.assertEqual(len(lines), 3, result.stderr)
        for line, words in zip(lines, (("line 5, column 'size'", "2 such cells in 2 of the 20 rows"),
                                       ("line 9, column 'hue'", "'pink'", "in 1 of 20 rows"),
                                       ("2 of 20 rows", "nan"))):
            for word in words:
                self.assertIn(word, line)
        with h5py.File(self.folder / "odd.h5") as file:
            y, g = file["y_y"][:], file["g_0"][:]
        gaps = numpy.isin(numpy.arange(20), (3, 9))
        self.assertTrue(numpy.isnan(y[gaps]).all() and numpy.isnan(g[gaps]).all())
        same = ~gaps & (numpy.arange(20) != 7)
        numpy.testing.assert_allclose(y[same], whole[same], rtol=1e-6)
        self.assertTrue(numpy.isfinite(y[7]) and y[7] != whole[7])
        del rows[9], rows[3]
        few = self.write("few.csv", ("hue", "size", "y"), rows)
        said = [json.loads(self.succeed(support.COTERIE, "evaluate", run, "--data", data,
                                        "--json").stdout) for data in (odd, few)]
        self.assertEqual(said[0]["n"], 18)
        self.assertEqual(said[0]["error"], said[1]["error"])

    def predict(self, run, data):
        output = self.folder / f"p-{data.stem}.csv"
        self.succeed(support.COTERIE, "predict", run, "--data", data, "--output", output)
        return numpy.loadtxt(output, delimiter=",", skiprows=1, usecols=0)

    def test_classes_of_incomplete_rows_are_empty(self):
        """And a file in which the texts look like numbers."""
        data = self.write("c.csv", ("drv", "size", "kind"), (
            ("f4r"[i % 3], i * i % 17, "uv"[i % 2]) for i in range(60)))
        self.train("run", data, "--missing", "drop")
        new = self.write("n.csv", ("drv", "size"), (("4", 1), ("4", ""), ("4", 3)))
        self.succeed(support.COTERIE, "predict", self.folder / "run", "--data", new, "--output",
                     self.folder / "p.csv")
        with open(self.folder / "p.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([row["class"] in ("u", "v") for row in rows], [True, False, True])
        self.assertEqual((rows[1]["class"], rows[1]["p_u"]), ("", "nan"))

    def test_conversion(self):
        """The inputs of the file that is made are those of a model trained on the table."""
        self.train("run", self.text)
        self.succeed(support.COTERIE, "convert", self.text, self.folder / "t.h5")
        self.succeed(support.COTERIE, "convert", self.folder / "t.h5", self.folder / "t.csv")
        said = [self.succeed(support.COTERIE, "evaluate", self.folder / "run", "--data", data,
                             "--json").stdout.splitlines()[-1]
                for data in (self.text, self.folder / "t.h5", self.folder / "t.csv")]
        self.assertEqual(said[0], said[1].replace("t.h5", "text.csv"))
        self.assertEqual(said[0], said[2].replace("t.csv", "text.csv"))


if __name__ == "__main__":
    support.main()
