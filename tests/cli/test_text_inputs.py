# SPDX-License-Identifier: BSD-3-Clause
"""Columns of text among the inputs: from training to prediction, and back to a table."""
import csv
import os

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
        odd = self.write("odd.csv", ("hue", "size"), (("red", 1), ("pink", 2)))
        result = support.run(support.COTERIE, "predict", self.folder / "run", "--data", odd,
                             "--output", self.folder / "none.csv", ranks=2)
        self.assert_rc(result, 2, "line 3", "'pink'", "blue, green, red")
        self.assert_one_line(result)

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
