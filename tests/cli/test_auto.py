# SPDX-License-Identifier: BSD-3-Clause
# timeout: 200
"""--auto: what `train` chooses by the data, that what is given holds, and who takes charge."""
import csv
import math
import re

import numpy
import support


class Auto(support.TestCase):
    def data(self, kind, n=80):
        rng = numpy.random.default_rng(5)
        x = rng.uniform(-2, 2, size=(n, 2))
        if kind == "line":
            t = x @ [1, -2] + 0.3 * rng.normal(size=n)
        elif kind == "bend":
            t = 3 * numpy.abs(x[:, 0]) + x[:, 1] + 0.1 * rng.normal(size=n)
        else:
            t = numpy.where(x[:, 0] * x[:, 1] > 0, "same", "other")
        path = self.folder / f"{kind}.csv"
        path.write_text("a,b,t\n" + "".join(f"{a},{b},{c}\n" for (a, b), c in zip(x, t)),
                        encoding="utf-8")
        return path

    def train(self, data, name, *options, ranks=None, program=support.COTERIE):
        return self.succeed(program, "train", "--data", data, "--output", self.folder / name,
                            *options, ranks=ranks)

    def config(self, name):
        lines = (self.folder / name / "config.yaml").read_text(encoding="utf-8").splitlines()
        return dict(line.split(": ", 1) for line in lines if ": " in line)

    def test_chooses_by_the_data(self):
        """By nll, and ln rmse of numbers; another than the usual must be better by 1/sqrt(n)."""
        names = {}
        for kind in ("line", "bend"):
            said = self.train(self.data(kind), kind, "--auto", "on").stdout
            tried = re.findall(r"tried +(.*\S) +nll (\S+), rmse (\S+), ", said)
            self.assertEqual(len(tried), 5)
            score = {name: float(nll) + math.log(float(rmse)) for name, nll, rmse in tried}
            usual = tried[0][0]
            others = min((name for name in score if name != usual), key=score.get)
            names[kind] = others if score[others] < score[usual] - 80 ** -0.5 else usual
            self.assertIn(f"chosen   {names[kind]}, because", said)
        config = self.config("line")
        self.assertEqual((config["committee"], config["batch_size"]), ("10", "32"))
        self.assertEqual(config["variance"], "unseen:1")
        self.assertNotIn("linear", names["bend"])
        said = self.train(self.data("classes"), "classes", "--auto", "on").stdout
        self.assertIn("chosen   ", said)
        self.assertNotIn("chosen   1 linear expert", said)
        last = support.read_metrics(self.folder / "bend")[-1]
        self.assertLess(last["rmse_valid"], 0.5)  # a line is off by 1.1
        self.assertGreater(support.read_metrics(self.folder / "classes")[-1]["accuracy_valid"], 0.8)

    def test_same_bits_on_any_rank_count(self):
        data = self.data("bend", n=60)
        for program, name in ((support.COTERIE, "f"), (support.COTERIE_D, "d")):
            self.train(data, f"{name}1", "--effort", 2, program=program)
            self.train(data, f"{name}3", "--effort", 2, program=program, ranks=3)
            self.assert_same_checkpoint(self.folder / f"{name}1/checkpoints/best",
                                        self.folder / f"{name}3/checkpoints/best")
            self.assert_same_metrics(self.folder / f"{name}1", self.folder / f"{name}3")

    def test_what_is_given_holds(self):
        self.train(self.data("line"), "run", "--experts", 3, "--batch-size", 16, "--effort", 5)
        config = self.config("run")
        self.assertEqual((config["experts"], config["batch_size"]), ("3", "16"))

    def test_samples_held_out_take_no_part_in_the_choice(self):
        """Their targets are changed: everything chosen and learned stays the same."""
        data = self.data("line")
        self.train(data, "a", "--valid", 0.2, "--effort", 2)
        said = {}
        for part in ("all", "valid"):
            self.succeed(support.COTERIE, "predict", self.folder / "a", "--data", data, "--part",
                         part, "--output", self.folder / f"{part}.csv")
            with open(self.folder / f"{part}.csv", encoding="utf-8") as file:
                said[part] = [float(row["y_t"]) for row in csv.DictReader(file)]
        held_out = [row for row, y in enumerate(said["all"]) if numpy.isclose(y, said["valid"], rtol=1e-5).any()]
        self.assertEqual(len(held_out), 16)
        lines = data.read_text(encoding="utf-8").splitlines()
        for row in held_out:
            lines[1 + row] = lines[1 + row].rsplit(",", 1)[0] + ",1000"
        (self.folder / "other.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.train(self.folder / "other.csv", "b", "--valid", 0.2, "--effort", 2)
        rows = [support.read_metrics(self.folder / name) for name in "ab"]
        self.assertEqual([row["error"] for row in rows[0]], [row["error"] for row in rows[1]])
        self.assertLess(rows[0][-1]["rmse_valid"], 1)
        self.assertGreater(rows[1][-1]["rmse_valid"], 900)

    def test_off_is_the_fixed_defaults(self):
        data = self.data("line")
        self.train(data, "off", "--auto", "off")
        self.train(data, "epochs", "--auto", "on", "--epochs", 500)
        self.assert_same_metrics(self.folder / "off", self.folder / "epochs")
        rows = support.read_metrics(self.folder / "off")
        self.assertEqual((len(rows), rows[-1]["step"]), (501, 500))
        for options in (("--optimizer", "momentum"), ("--error", "competitive")):
            said = self.train(data, options[1], "--auto", "on", *options).stdout
            self.assertNotIn("chosen", said)

    def test_goes_on_with_what_it_has_chosen(self):
        data = self.data("line")
        self.train(data, "run", "--effort", 2)
        said = self.train(data, "run", "--effort", 2, "--resume", "auto").stdout
        self.assertNotIn("tried", said)
        self.assertIn("resumed", said)

    def test_closing_words(self):
        """rmse of the committee, of linear models and of the mean, on samples left out."""
        said = self.train(self.data("bend"), "bend", "--auto", "on", "--effort", 2).stdout
        found = re.search(r"on samples left out: rmse (\S+); one linear model (\S+); always the "
                          r"mean (\S+)", said)
        model, line, mean = map(float, found.groups())
        best = min(support.read_metrics(self.folder / "bend")[1:], key=lambda r: r["error_valid"])
        self.assertAlmostEqual(model, best["rmse_valid"], delta=1e-4 * model)
        with open(self.folder / "bend.csv", encoding="utf-8") as file:
            rows = numpy.array([[float(v) for v in row] for row in list(csv.reader(file))[1:]])
        self.assertAlmostEqual(mean, rows[:, 2].std(), delta=1e-4 * mean)
        ones = numpy.hstack([rows[:, :2], numpy.ones((len(rows), 1))])
        residual = rows[:, 2] - ones @ numpy.linalg.lstsq(ones, rows[:, 2], rcond=None)[0]
        self.assertGreater(line, residual.std())
        self.assertLess(line, 1.2 * residual.std())
        self.assertIn("and than one linear model", said)
        self.assertIn("as good as one linear model",
                      self.train(self.data("line"), "line", "--effort", 2).stdout)

    def test_evaluate_on_what_was_held_out(self):
        data = self.data("line")
        said = self.train(data, "none", "--auto", "off").stdout
        self.assertIn("nothing was held out", said)
        result = support.run(support.COTERIE, "evaluate", self.folder / "none")
        self.assert_rc(result, 2, "--data", "nothing was held out")
        self.assert_one_line(result)
        self.train(data, "share", "--auto", "off", "--valid", 0.2)
        self.train(data, "file", "--auto", "off", "--valid", self.data("bend"))
        for name, explicit in (("share", ("--data", data, "--part", "valid")),
                               ("file", ("--data", self.folder / "bend.csv"))):
            short = self.succeed(support.COTERIE, "evaluate", self.folder / name, ranks=2)
            full = self.succeed(support.COTERIE, "evaluate", self.folder / name, *explicit)
            self.assertEqual(short.stdout, full.stdout)
        for _ in range(2):  # the second run moves the link
            self.succeed(support.COTERIE, "train", "--epochs", 3, "--quiet", cwd=self.folder)
        newest = sorted(path.name for path in (self.folder / "runs").iterdir()
                        if not path.is_symlink())[-1]
        self.assertEqual((self.folder / "runs/latest").readlink().name, newest)
        said = self.succeed(support.COTERIE, "evaluate", "runs/latest", cwd=self.folder).stdout
        self.assertIn("200 samples", said)

    def test_few_samples_are_left_alone(self):
        said = self.train(self.data("line", n=8), "run", "--auto", "on").stdout
        self.assertNotIn("chosen", said)

    def test_efforts(self):
        result = support.run(support.COTERIE, "train", "--data", self.data("line"), "--effort", 10)
        self.assert_rc(result, 2, "--effort")
        said = self.train(self.data("line"), "quick", "--effort", 1).stdout
        self.assertNotIn("tried", said)


if __name__ == "__main__":
    support.main()
