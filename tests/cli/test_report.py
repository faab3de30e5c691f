# SPDX-License-Identifier: BSD-3-Clause
"""coterie report: one page that is whole, asks nobody, and tells the numbers of evaluate and metrics."""
# labels: sanitize
import json
import re
import xml.etree.ElementTree as ElementTree

import numpy
import support

NAMES = ["a<b>&\"'x", "</script><script>alert(1)</script>", "\u6e29\u5ea6 " * 20]


class Report(support.TestCase):
    def train(self, *options, data="builtin:vowels"):
        self.succeed(support.COTERIE, "train", "--data", data, "--output", self.folder / "run",
                     "--quiet", *options)
        return self.folder / "run"

    def page(self, run, *options):
        self.succeed(support.COTERIE, "report", run, *options)
        text = (run / "report.html").read_text(encoding="utf-8")
        self.assertLess(len(text.encode()), 500_000)
        root = ElementTree.fromstring(text)
        self.check_page(root)
        return root

    def check_page(self, root):
        """No request, no script, and whoever sees nothing is told what is to be seen."""
        names = [element.get("id") for element in root.iter() if element.get("id")]
        self.assertEqual(len(names), len(set(names)), "ids are unique")
        for element in root.iter():
            self.assertNotIn(element.tag, ("script", "link", "img", "iframe", "object", "image", "use"))
            self.assertIsNone(element.get("src"))
            self.assertRegex(element.get("href", "#"), r"^#")
            self.assertFalse([key for key in element.keys() if key.startswith("on")])
        self.assertNotRegex(root.find("head/style").text, r"url\(|@import")
        self.assertEqual(root.get("lang"), "en")
        self.assertEqual({a.get("href")[1:] for a in root.iter("a")} - set(names), set())
        figures = list(root.iter("figure"))
        self.assertTrue(figures)
        for figure in figures:
            picture = figure.find("svg")
            self.assertEqual(picture.get("role"), "img")
            labels = picture.get("aria-labelledby").split()
            for label, tag in zip(labels, ("title", "desc"), strict=True):
                self.assertTrue(picture.find(f"{tag}[@id='{label}']").text.strip())
        for table in root.iter("table"):
            self.assertTrue(table.find("caption").text.strip())
        return figures

    def section(self, root, name):
        return root.find(f".//section[@id='{name}']")

    def values(self, element):
        return [float(data.get("value")) for data in element.iter("data")]

    def evaluate(self, run, *options):
        return json.loads(self.succeed(support.COTERIE, "evaluate", run, "--json", *options).stdout)

    def test_classes(self):
        run = self.train("--experts", 3, "--epochs", 40)
        root, told = self.page(run), self.evaluate(run)
        model = self.section(root, "quality").find(".//tbody/tr")
        self.assertEqual(self.values(model), [told["n"], told["error"], told["nll"],
                                              told["expected_square"], told["accuracy"]])
        classes = self.section(root, "classes").findall(".//tbody")[0]
        self.assertEqual([self.values(row)[:2] for row in classes],
                         [[one["n"], one["recall"]] for one in told["classes"]])
        experts = self.section(root, "experts").findall(".//tbody")[-1]
        self.assertEqual([self.values(row) for row in experts],
                         [[e["mean_g"], e["mean_h"], e["first_for"]] for e in told["experts"]])
        self.assertEqual(self.values(self.section(root, "calibration"))[-1], told["calibration_error"])
        self.assertIsNotNone(root.find(".//svg/title[@id='regions-t']"))
        self.assertIsNone(self.section(root, "residuals"))
        # The curves are those of the file: every epoch, to 6 digits.
        rows = support.read_metrics(run)
        for metric, word, choose in (("error", "least", min), ("accuracy", "most", max)):
            best = choose(row[f"{metric}_valid"] for row in rows)
            self.assertIn(f"the {word} being {best:.4g} ", root.find(f".//svg/desc[@id='{metric}-d']").text)
        table = self.section(root, "learning").find(".//details//tbody")
        shown = [[cell.text for cell in row] for row in table]
        self.assertEqual([row[0] for row in shown], [str(row["epoch"]) for row in rows])
        self.assertEqual([row[1] for row in shown], [f"{row['error']:.6g}" for row in rows])

    def test_confusions(self):
        """As predict says, counted by NumPy."""
        run = self.train("--experts", 2, "--epochs", 20)
        self.succeed(support.COTERIE, "predict", run, "--data", "builtin:vowels/test", "--output",
                     self.folder / "p.csv")
        said = numpy.loadtxt(self.folder / "p.csv", delimiter=",", dtype=str, skiprows=1)[:, 0]
        self.succeed(support.COTERIE, "convert", "builtin:vowels/test", self.folder / "t.csv")
        head, *lines = (self.folder / "t.csv").read_text().splitlines()
        true = [line.split(",")[head.split(",").index("vowel")] for line in lines]
        classes = ["iy", "ih", "aa", "ah"]
        expected = [[sum(t == a and s == b for t, s in zip(true, said, strict=True)) for b in classes]
                    for a in classes]
        table = self.section(self.page(run), "classes").findall(".//tbody")[1]
        self.assertEqual([[int("".join(cell.itertext())) for cell in row[1:]] for row in table], expected)

    def write(self, n=120):
        rng = numpy.random.default_rng(1)
        x = rng.normal(size=(n, 3))
        y = numpy.where(x[:, 0] > 0, 3 * x[:, 1], -x[:, 2]) + 0.1 * rng.normal(size=n) + 7
        quoted = ['"' + name.replace('"', '""') + '"' for name in NAMES + ["y & co"]]
        numpy.savetxt(self.folder / "d.csv", numpy.column_stack([x, y]), delimiter=",", fmt="%.17g",
                      header=",".join(quoted), comments="", encoding="utf-8")
        return self.folder / "d.csv"

    def test_regression_and_names_that_are_markup(self):
        run = self.train("--auto", "off", "--experts", 2, "--epochs", 60, "--variance", "learned",
                         "--valid", 0.3, data=self.write())
        root, told = self.page(run), self.evaluate(run)
        model = self.section(root, "quality").find(".//tbody/tr")
        self.assertEqual(self.values(model), [told["n"], told["error"], told["nll"],
                                              told["expected_square"], told["rmse"]])
        text = "".join(root.itertext())
        for name in NAMES[:2]:
            self.assertIn(name, text)
        self.assertEqual(len(self.section(root, "response").findall(".//figure")), 3)
        # The residuals' root mean square, by bins, is the rmse.
        bins = [self.values(row) for row in self.section(root, "residuals").find(".//tbody")]
        squares = sum(row[2] * row[4] ** 2 for row in bins)
        self.assertAlmostEqual((squares / told["n"]) ** 0.5, told["rmse"], 12)
        coverage = {row[0]: row[1] for row in map(self.values, self.section(root, "calibration").find(".//tbody"))}
        self.assertEqual(coverage[0.9], told["coverage_90"])
        self.check_coefficients(root, run)

    def check_coefficients(self, root, run):
        """Against the parameters in the checkpoint, in NumPy: z = W (x - m) / s + b, target scaled."""
        with support.h5py.File(run / "checkpoints/best") as file:
            weight, bias = file["experts/layer0/weight"][:, 0], file["experts/layer0/bias"][:, 0]
            scaler = {key: file[f"scaler/{key}"][:] for key in file["scaler"]}
        slope = weight * scaler["y_scale"] / scaler["x_scale"]
        constant = bias * scaler["y_scale"] + scaler["y_mean"] - slope @ scaler["x_mean"]
        table = self.section(root, "coefficients").find(".//tbody")
        numpy.testing.assert_allclose([self.values(row) for row in table],
                                      numpy.vstack([constant, slope.T]), rtol=1e-5)

    def test_run_alone(self):
        """Without its data, and without a checkpoint: what is missing is said, the rest is there."""
        run = self.train("--auto", "off", "--epochs", 5, data=self.write())
        (self.folder / "d.csv").unlink()
        root = self.page(run)
        self.assertIn("d.csv: no such file", root.find(".//p[@class='missing']").text)
        self.assertIsNone(self.section(root, "quality"))
        self.assertIsNotNone(self.section(root, "coefficients"))
        support.shutil.rmtree(run / "checkpoints")
        root = self.page(run)
        self.assertIn("no checkpoint", root.find(".//p[@class='missing']").text)
        self.assertIsNotNone(self.section(root, "learning"))
        options = {row[0].text: row[1].text for row in self.section(root, "configuration").find(".//tbody")}
        self.assertEqual(options["epochs"], "5")

    def shares(self, run):
        return [json.loads(line) for line in (run / "experts.jsonl").read_text().splitlines()]

    def test_shares_of_experts(self):
        """In the end those of evaluate; the same bytes after a stop; on the page those of the largest seven."""
        options = ("--experts", 9, "--epochs", 12, "--batch-size", 50)
        run = self.train(*options, data=self.write())
        rows = self.shares(run)
        self.assertEqual([row["epoch"] for row in rows], list(range(13)))
        for row in rows:
            self.assertAlmostEqual(sum(row["mean_g"]), 1, 6)
        undisturbed = (run / "experts.jsonl").read_text()
        support.shutil.rmtree(run)
        whole = self.train("--experts", 9, "--epochs", 12, data=self.folder / "d.csv")
        numpy.testing.assert_allclose(self.shares(whole)[-1]["mean_g"],
                                      [e["mean_g"] for e in self.evaluate(whole, "--data", self.folder / "d.csv")["experts"]], rtol=2e-6)
        support.shutil.rmtree(run)
        self.train(*options[:3], 5, *options[4:], data=self.folder / "d.csv")
        with open(run / "experts.jsonl", "a", encoding="utf-8") as file:
            file.write('{"epoch": 6, "mean_g": [1]}\n{"epoch": 7, "mean')
        self.train(*options, "--resume", "auto", data=self.folder / "d.csv")
        self.assertEqual((run / "experts.jsonl").read_text(), undisturbed)
        figure = self.section(self.page(run), "experts").find(".//svg/title[@id='shares-t']/../..")
        last = numpy.array(rows[-1]["mean_g"])
        drawn = sorted(numpy.argsort(-last, kind="stable")[:7])
        self.assertEqual([th.text for th in figure.findall(".//thead//th")],
                         ["epoch"] + [f"expert {e}" for e in drawn])
        self.assertEqual([td.text for td in figure.findall(".//tbody/tr")[-1][1:]], [f"{last[e]:.4g}" for e in drawn])

    def test_shares_of_a_long_run(self):
        """All rows of 128, then every second, fourth, ... of each doubling; of the start that was the best."""
        run = self.train("--epochs", 600, "--experts", 2, "--starts", 2, data=self.write(20))
        expected = [e for e in range(601) if e % (1 if e < 128 else 2 if e < 256 else 4 if e < 512 else 8) == 0]
        self.assertEqual([row["epoch"] for row in self.shares(run)], expected)
        self.assertEqual(len(list((run / "starts").glob("*.experts"))), 1)

    def test_long_run(self):
        """Of many epochs some are drawn, the first and the last among them."""
        run = self.train("--epochs", 1)
        line = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
        with open(run / "metrics.jsonl", "w", encoding="utf-8") as file:
            for epoch in range(100_001):
                file.write(json.dumps(line | {"epoch": epoch, "error": 1 + epoch}) + "\n")
            file.write('{"epoch": 100001, "err')
        table = self.section(self.page(run), "learning").find(".//details//tbody")
        epochs = numpy.array([int(row[0].text) for row in table])
        self.assertEqual((epochs[0], epochs[-1]), (0, 100_000))
        self.assertTrue(250 <= len(epochs) <= 300, len(epochs))
        self.assertLess(max(numpy.diff(epochs)), 500)
        self.assertEqual([row[1].text for row in table], [f"{1 + e:.6g}" for e in epochs])

    def test_what_is_refused(self):
        run = self.train("--epochs", 1)
        (self.folder / "mine.html").write_text("<html><body>mine</body></html>")
        for words, expected in (((self.folder,), "no run directory"),
                                ((run, "--output", self.folder / "mine.html"), "no report of coterie"),
                                ((run, "--output", self.folder / "gone/r.html"), "cannot write")):
            result = support.run(support.COTERIE, "report", *words)
            self.assertIn(result.rc, (1, 2))
            self.assertIn(expected, result.stderr)
            self.assertEqual(result.stderr.count("\n"), 1, str(result))
        self.assertIn("mine", (self.folder / "mine.html").read_text())
        self.page(run)
        self.page(run)  # its own may be replaced

    def test_citation(self):
        """As CITATION.cff has it."""
        cff = (support.pathlib.Path(__file__).resolve().parents[2] / "CITATION.cff").read_text()
        said = "".join(self.section(self.page(self.train("--epochs", 1)), "citation").itertext())
        for key in ("doi", "journal", "volume", "year", "start", "end", "version"):
            self.assertIn(re.search(rf"^ *{key}: (.*)$", cff, re.M)[1], said)
        for name in re.findall(r"family-names: (.*)$", cff, re.M):
            self.assertIn(name, said)


if __name__ == "__main__":
    support.main()
