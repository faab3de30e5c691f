# SPDX-License-Identifier: BSD-3-Clause
"""coterie compare: the numbers of each run's metrics and of evaluate, and which of them may be compared."""
# labels: sanitize
import json

import support


class Compare(support.TestCase):
    def setUp(self):
        super().setUp()
        self.data = self.write("line.csv", "x,y\n" + "".join(
            f"{i / 10},{(i * 37 % 11) / 20 + abs(i - 20) / 10}\n" for i in range(40)))

    def write(self, name, text):
        (self.folder / name).write_text(text, encoding="utf-8")
        return self.folder / name

    def train(self, name, *options, data=None):
        self.succeed(support.COTERIE, "train", "--data", data or self.data, "--output",
                     self.folder / name, "--quiet", "--epochs", 12, "--learning-rate", 0.05, *options)
        return self.folder / name

    def compare(self, *args):
        return json.loads(self.succeed(support.COTERIE, "compare", "--json", *args).stdout)

    def metrics_of(self, run, epoch):
        lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        return {row["epoch"]: row for row in map(json.loads, lines)}[epoch]

    def test_runs_are_judged_by_what_they_held_out(self):
        runs = {name: self.train(name, *options) for name, options in {
            "small": ["--valid", 0.2, "--experts", 1],
            "large": ["--valid", "0.20", "--experts", 3, "--expert-hidden", 4],
            "other": ["--valid", 0.2, "--experts", 1, "--seed", 2],
            "committee": ["--committee", 2, "--experts", 2],
            "nothing": ["--experts", 2]}.items()}
        found = self.compare(*(runs[name] for name in ("nothing", "small", "large", "other", "committee")))
        self.assertFalse(found["same_rows"])
        by_name = {}
        for row in found["runs"]:
            name = row["run"].rsplit("/", 1)[1]
            by_name[name] = row
            said = self.metrics_of(runs[name], row["epoch"])
            for kind, suffix in (("errors", "_valid"), ("errors_trained_on", "")):
                for error in ("nll", "rmse", "accuracy"):
                    self.assertEqual(row[kind][error], said.get(error + suffix), (name, error))
        self.assertEqual(by_name["small"]["rows"], by_name["large"]["rows"])
        letters = {name: row["rows"] for name, row in by_name.items()}
        self.assertEqual(len(set(letters.values())), 4, letters)
        self.assertIsNone(letters["nothing"])
        # 3 experts 1-4-1, and a gate 1-3; members of the committee have 2 experts each.
        self.assertEqual(by_name["large"]["parameters"], 3 * (8 + 5) + 6)
        self.assertEqual((by_name["committee"]["experts"], by_name["committee"]["committee"]), (4, 2))
        # The order: letters as they come, in each by nll, and last who held out nothing.
        order = [(row["rows"] or "Z", row["errors"]["nll"] or 0) for row in found["runs"]]
        self.assertEqual(order, sorted(order))

        said = self.succeed(support.COTERIE, "compare", runs["small"], runs["large"]).stdout
        better = min(("small", "large"), key=lambda name: by_name[name]["errors"]["nll"])
        self.assertIn(f"The same rows: {runs[better]} has the least nll.", said)
        said = self.succeed(support.COTERIE, "compare", runs["small"], runs["other"]).stdout
        self.assertIn("Not the same rows", said)
        self.assertTrue(self.compare(runs["small"], runs["large"])["same_rows"])

    def test_on_other_samples(self):
        """--data: what evaluate says, whoever held out what; and who has learned them is told."""
        one = self.train("one", "--valid", 0.2)
        two = self.train("two", "--experts", 2)
        new = self.write("new.csv", "x,y\n0.5,1\n1.5,0.75\n3.5,2\n")
        found = self.compare(two, one / "checkpoints" / "latest", "--data", new)
        self.assertTrue(found["same_rows"])
        for row in found["runs"]:
            said = json.loads(self.succeed(support.COTERIE, "evaluate", row["checkpoint"], "--data", new,
                                           "--json").stdout)
            self.assertEqual({error: row["errors"][error] for error in ("nll", "rmse")},
                             {error: said[error] for error in ("nll", "rmse")})
            self.assertFalse(row["trained_on_rows"])
        self.assertTrue(all(row["trained_on_rows"]
                            for row in self.compare(one, two, "--data", self.data)["runs"]))

    def test_files_of_validation(self):
        """The same content is the same rows; of other targets the errors have other units."""
        first, copy = (self.write(name, "x,y\n1,1\n2,0\n") for name in ("a.csv", "b.csv"))
        other = self.write("c.csv", "x,y\n1,1\n2,0.5\n")
        runs = [self.train(f"run{i}", "--valid", valid) for i, valid in enumerate((first, copy, other))]
        self.assertEqual([row["rows"] for row in self.compare(*runs)["runs"]], ["A", "A", "B"])
        text = self.data.read_text(encoding="utf-8").replace("x,y", "x,z")
        renamed = self.train("renamed", "--valid", 0.2, data=self.write("z.csv", text))
        plain = self.train("plain", "--valid", 0.2)
        self.assertFalse(self.compare(plain, renamed)["same_rows"])

    def test_what_is_no_run(self):
        result = support.run(support.COTERIE, "compare", self.folder / "none")
        self.assert_rc(result, 2)
        self.assert_one_line(result)
        result = support.run(support.COTERIE, "compare")
        self.assert_rc(result, 2)
        self.assertIn("needs RUN", result.stderr)


if __name__ == "__main__":
    support.main()
