# SPDX-License-Identifier: BSD-3-Clause
# timeout: 120
"""Sweeps: the same results on any groups of ranks, what the table says, failures, going on."""
import csv
import json
import math
import signal
import time

import h5py
import numpy

import support
from support import COTERIE

GRID = ("--grid", "experts=2,3", "--grid", "learning-rate=0.1,0.02", "--seeds", 2)
SHORT = ("--epochs", 20)
SETTINGS = [f"experts={e}_learning-rate={r}" for e in (2, 3) for r in ("0.1", "0.02")]


def table(folder):
    """The rows of table.csv without what depends on the clock."""
    with open(folder / "table.csv", encoding="utf-8", newline="") as file:
        return [{key: value for key, value in row.items() if not key.startswith("seconds")}
                for row in csv.DictReader(file)]


def results(folder):
    """{name of a run: its result.json}"""
    return {path.parent.name: json.loads(path.read_text(encoding="utf-8"))
            for path in folder.glob("runs/*/result.json")}


def softmax(z):
    z = numpy.exp(z - z.max(axis=-1, keepdims=True))
    return z / z.sum(axis=-1, keepdims=True)


def criteria(checkpoint, x, labels):
    """nll, BIC and ICL of a linear mixture of softmax experts, from their definitions."""
    with h5py.File(checkpoint) as file:
        best = file["best"] if "best" in file else file
        gate = [best["gate/layer0"][part][()].astype(float) for part in ("weight", "bias")]
        experts = [best["experts/layer0"][part][()].astype(float) for part in ("weight", "bias")]
        x = (x - file["scaler/x_mean"][()]) / file["scaler/x_scale"][()]
    g = softmax(x @ gate[0].T + gate[1])
    p = softmax(numpy.einsum("nd,ecd->nec", x, experts[0]) + experts[1])
    joint = g * p[numpy.arange(len(x)), :, labels]
    likelihood = joint.sum(axis=1)
    h = joint / likelihood[:, None]
    n_experts, n_classes, n_inputs = experts[0].shape
    k = (n_experts - 1) * (n_inputs + 1) + n_experts * (n_classes - 1) * (n_inputs + 1)
    bic = -2 * numpy.log(likelihood).sum() + k * math.log(len(x))
    return {"nll": -numpy.log(likelihood).mean(), "parameters": k, "bic": bic,
            "icl": bic - 2 * (h * numpy.log(h)).sum()}


class Sweep(support.TestCase):
    def sweep(self, name, *options, ranks=None, rc=0, **how):
        result = support.run(COTERIE, "sweep", "--output", self.folder / name, *options,
                             ranks=ranks, **how)
        self.assert_rc(result, rc)
        return result

    def test_results_do_not_depend_on_the_groups(self):
        self.sweep("one", *GRID, *SHORT)
        expected = table(self.folder / "one")
        self.assertEqual(len(expected), 4)
        for name, ranks, options in (("three", 3, ()), ("pairs", 5, ("--ranks-per-run", 2)),
                                     ("all", 2, ("--ranks-per-run", 2))):
            self.sweep(name, *GRID, *SHORT, *options, ranks=ranks)
            self.assertEqual(table(self.folder / name), expected, name)
        run = f"{SETTINGS[2]}-s2"
        self.succeed(COTERIE, "train", "--output", self.folder / "alone", "--experts", 3,
                     "--learning-rate", "0.1", "--seed", 2, *SHORT)
        for name in ("one", "pairs"):
            self.assert_same_checkpoint(self.folder / name / "runs" / run / "checkpoints/latest",
                                        self.folder / "alone/checkpoints/latest")

    def test_the_table_against_numpy(self):
        result = self.sweep("s", *GRID, *SHORT)
        self.succeed(COTERIE, "convert", "builtin:vowels/train", self.folder / "v.h5")
        with h5py.File(self.folder / "v.h5") as file:
            x, y = file["x"][()].astype(float), [str(name) for name in file["y"].asstr()[()]]
        with h5py.File(next(self.folder.glob("s/runs/*/checkpoints/latest"))) as file:
            names = [name.decode() for name in file["classes"]]
        self.assertEqual(sorted(names), sorted(set(y)))
        labels = numpy.array([names.index(name) for name in y])
        runs = results(self.folder / "s")
        self.assertEqual(sorted(runs), sorted(f"{s}-s{k}" for s in SETTINGS for k in (1, 2)))
        for name, row in runs.items():
            for key, value in criteria(self.folder / "s/runs" / name / "checkpoints/latest", x,
                                       labels).items():
                self.assertTrue(math.isclose(row[key], value, rel_tol=1e-4), (name, key, value, row))
        rows = table(self.folder / "s")
        for row in rows:
            own = [runs[f"experts={row['experts']}_learning-rate={row['learning-rate']}-s{k}"]
                   for k in (1, 2)]
            for key in ("nll_valid", "nll", "bic", "icl"):
                values = [run[key] for run in own]
                self.assertAlmostEqual(float(row[f"{key}_mean"]), numpy.mean(values))
                self.assertAlmostEqual(float(row[f"{key}_sd"]), numpy.std(values, ddof=1))
        means = [float(row["nll_valid_mean"]) for row in rows]
        self.assertEqual(means, sorted(means))
        shown = [line.split()[-2:] for line in result.stdout.splitlines()[-4:]]
        self.assertEqual(shown, [[f"experts={r['experts']}", f"learning-rate={r['learning-rate']}"]
                                 for r in rows])

    def test_validation_is_of_the_best_parameters(self):
        """evaluate takes checkpoints/best: its nll must be the table's."""
        self.sweep("s", "--seeds", 2, "--epochs", 60, "--learning-rate", 2, "--experts", 8)
        for name, row in results(self.folder / "s").items():
            result = self.succeed(COTERIE, "evaluate", self.folder / "s/runs" / name, "--data",
                                 "builtin:vowels/test", "--json")
            self.assertAlmostEqual(json.loads(result.stdout)["nll"], row["nll_valid"], places=5)

    def test_a_failed_run_is_in_the_table(self):
        grid = ("--grid", "learning-rate=0.1,1e300", "--optimizer", "gd", "--seeds", 2, *SHORT)
        result = self.sweep("s", *grid, ranks=2, rc=1)
        rows = table(self.folder / "s")
        self.assertEqual([(row["finished"], row["failed"]) for row in rows], [("2", "0"), ("0", "2")])
        self.assertIn("(2 failed)", result.stdout)
        self.assertIn("is not finite", result.stdout)
        self.assertIn("2 of 4 runs failed", result.stderr)
        # Only what has failed is tried again.
        self.assertIn("= 4 runs, 2 to do", self.sweep("s", rc=1).stdout)

    def test_going_on_after_a_stop(self):
        grid = ("--grid", "experts=2,6", "--seeds", 3, "--epochs", 800)
        self.sweep("whole", *grid, ranks=2)
        process = support.start(COTERIE, "sweep", "--output", self.folder / "s", *grid, ranks=2)
        support.wait_for(lambda: results(self.folder / "s"), process)
        time.sleep(0.1)
        process.send_signal(signal.SIGUSR1)
        result = support.finish(process)
        self.assert_rc(result, 75)
        self.assertLess(len(results(self.folder / "s")), 6)
        self.assertIn("of 6 runs finished", result.stdout)
        begun = [path.parent.name for path in self.folder.glob("s/runs/*/checkpoints")]
        self.assertGreaterEqual(len(begun), len(results(self.folder / "s")))
        self.sweep("s", ranks=3)
        self.assertEqual(table(self.folder / "s"), table(self.folder / "whole"))

    def test_time_limit(self):
        self.sweep("s", "--seeds", 3, "--epochs", 100000, "--time-limit", 1, rc=75)

    def test_parts_of_a_job_array(self):
        for index in (1, 0):
            self.sweep("s", *GRID, *SHORT, "--index", index, "--of", 2)
        shown = self.sweep("s", "--table").stdout
        self.assertIn("8 of 8 runs finished", shown)
        self.sweep("s", "--index", 2, "--of", 2, rc=2)
        self.sweep("s", "--index", 1, rc=2)
        self.sweep("s", "--of", 2, rc=2)

    def test_grid_from_a_file(self):
        config = self.folder / "grid.yaml"
        config.write_text("grid:\n  experts: [2, 3]\n  expert_hidden: [none, '4,4']\n"
                          "seeds: 1\nepochs: 3\n", encoding="utf-8")
        self.sweep("s", "--config", config)
        by_option = ("--grid", "experts=2,3", "--grid", "expert-hidden=none;4,4", "--epochs", 3)
        self.sweep("t", *by_option)
        self.assertEqual(table(self.folder / "s"), table(self.folder / "t"))
        self.assertIn("expert-hidden=4,4", self.sweep("t", "--table").stdout)
        self.sweep("u", "--config", self.folder / "t/sweep.yaml")
        self.assertEqual(table(self.folder / "s"), table(self.folder / "u"))

    def test_going_on_remembers_how(self):
        """What was said at first is said for runs that begin later; how a run is done may change."""
        first = ("--grid", "experts=2,3", "--metrics-every", 7, "--keep", 1, "--checkpoint-every", "2e",
                 "--hang-timeout", 500, "--epochs", 20)
        self.sweep("s", *first)
        self.sweep("t", *first, "--index", 0, "--of", 2)
        self.sweep("t", "--profile", "--read", "root", "--stream", "never", "--keep", 2)
        for run in ("experts=2-s1", "experts=3-s1"):
            config = (self.folder / "t/runs" / run / "config.yaml").read_text(encoding="utf-8")
            for line in ("metrics_every: 7", "checkpoint_every: 2e", "hang_timeout: 500"):
                self.assertIn(line, config)
        self.assertIn("keep: 2", config)
        columns = ("nll_valid_mean", "accuracy_valid_mean")
        self.assertEqual(*([[row[c] for c in columns] for row in table(self.folder / name)]
                           for name in "st"))
        self.assert_rc(self.sweep("t", "--metrics-every", 3, rc=2), 2, "metrics-every", "was begun with 7")

    def test_going_on_from_another_folder(self):
        """Relative paths stay those of the folder in which the sweep was begun."""
        home, other = self.folder / "home", self.folder / "other"
        for folder, n in ((home, 40), (other, 30)):
            folder.mkdir()
            rows = "".join(f"{i},{i * i % 7}.5\n" for i in range(n))
            (folder / "d.csv").write_text("x,y\n" + rows, encoding="utf-8")
        options = ("--grid", "experts=1,2", "--data", "d.csv", "--epochs", 3)
        self.succeed(COTERIE, "sweep", "--output", "s", *options, "--index", 0, "--of", 2, cwd=home)
        # In `other` the same words are another file.
        result = support.run(COTERIE, "sweep", "--output", home / "s", *options, cwd=other)
        self.assert_rc(result, 2, "--data is d.csv", f"{home.resolve()}/d.csv")
        # Looking at the table changes nothing, even while the data are away.
        (home / "d.csv").rename(home / "away")
        self.succeed(COTERIE, "sweep", "--output", home / "s", "--table", cwd=other)
        (home / "away").rename(home / "d.csv")
        self.succeed(COTERIE, "sweep", "--output", home / "s", cwd=other)
        self.assertEqual([row["n_mean"] for row in table(home / "s")], ["40", "40"])
        self.succeed(COTERIE, "sweep", "--output", "s", *options, cwd=home)

    def test_errors_are_in_the_table(self):
        shown = self.sweep("s", "--grid", "experts=1,2", "--epochs", 3).stdout
        self.assertIn("valid. accuracy", shown)
        self.assertNotIn("takes the place", shown)
        accuracy = float(table(self.folder / "s")[0]["accuracy_valid_mean"])
        self.assertIn(f"{accuracy:.5g}", shown)
        shown = self.sweep("t", "--grid", "experts=1,2", "--epochs", 3, "--targets", "iA", "--data",
                           "builtin:vowels/train").stdout
        self.assertIn("train. rmse", shown)
        self.assertIn(f"{float(table(self.folder / 't')[0]['rmse_mean']):.5g}", shown)

    def test_two_in_one_folder(self):
        """The second is refused at once if it has a run of the first, and none is called failed."""
        long = ("--grid", "experts=2,3", "--epochs", 3000, "--optimizer", "gd")
        for part, others, free in (((), ((), (0, 2), (1, 3)), ()),
                                   ((0, 2), ((), (0, 2), (0, 1)), (1, 2))):
            with self.subTest(part=part):
                name = f"s{len(part)}"
                said, *others, free = [("--index", p[0], "--of", p[1]) if p else ()
                                       for p in (part, *others, free)]
                first = support.start(COTERIE, "sweep", "--output", self.folder / name,
                                      *map(str, (*long, *said)))
                support.wait_for(lambda: list((self.folder / name).glob("runs/*/lock")), first)
                first.send_signal(signal.SIGSTOP)
                for other in others:
                    result = self.sweep(name, *long, *other, rc=2)
                    self.assertIn("another sweep is at work", result.stderr)
                    self.assert_one_line(result)
                if free:
                    self.sweep(name, *long, *free)
                self.assertIsNone(first.poll(), "too short")
                first.send_signal(signal.SIGCONT)
                self.assert_rc(support.finish(first), 0)
                self.assertEqual([row["failed"] for row in table(self.folder / name)], ["0", "0"])
                self.sweep(name)

    def test_the_grid_takes_the_place_of_an_option(self):
        shown = self.sweep("s", "--experts", 5, "--grid", "experts=2,3", *SHORT).stdout
        self.assertIn("grid     takes the place of --experts 5", shown)
        self.assertEqual(sorted(row["experts"] for row in table(self.folder / "s")), ["2", "3"])

    def test_without_validation_bic_ranks(self):
        result = self.sweep("s", "--grid", "experts=1,4", "--data", "builtin:vowels/train", *SHORT)
        self.assertIn("ranked by BIC", result.stdout)
        means = [float(row["bic_mean"]) for row in table(self.folder / "s")]
        self.assertEqual(means, sorted(means))
        # A grid without what has been run is not taken in silence.
        self.assertNotIn("not in the table", result.stdout)
        result = self.sweep("s", "--grid", "experts=2")
        self.assertIn("not in the table", result.stdout)
        self.assertEqual([row["experts"] for row in table(self.folder / "s")], ["2"])

    def test_what_is_refused(self):
        self.sweep("s", "--seeds", 2, *SHORT)
        for message, options in (
                ("no settings to try", ()),
                ("was begun with 20", ("--epochs", 30)),
                ("experts must be a whole number", ("--grid", "experts=2,x")),
                ("has 2 twice", ("--grid", "experts=2,02")),
                ("did you mean experts?", ("--grid", "expert=2")),
                ("use --seeds N", ("--grid", "seed=1,2")),
                ("valid cannot be in a grid", ("--grid", "valid=0.1,0.2")),
                ("group cannot be in a grid", ("--grid", "group=a,b")),
                ("experts is given twice", ("--grid", "experts=2,3", "--grid", "experts=4")),
                ("an option and its values", ("--grid", "experts")),
                ("no such file", ("--seeds", 2, "--data", "missing.csv")),
                ("more than the 1 ranks", ("--seeds", 2, "--ranks-per-run", 2)),
                ("must be auto", ("--seeds", 2, "--resume", "no"))):
            name = "s" if "begun" in message else "new"
            result = self.sweep(name, *options, rc=2)
            self.assertIn(message, result.stderr)
            self.assertFalse((self.folder / "new").exists(), options)
        self.sweep("new", "--seeds", 2, "--dry-run")
        self.assertFalse((self.folder / "new").exists())


if __name__ == "__main__":
    support.main()
