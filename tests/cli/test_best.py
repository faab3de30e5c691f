# SPDX-License-Identifier: BSD-3-Clause
# labels: quick
# timeout: 300
"""checkpoints/best is the model with the lowest validation error that the run tells, and the one that is spoken of."""
import json
import re

import h5py
import numpy
import support

RUNS = {  # what is trained, and what is done to the run on its way
    "gd": "--optimizer gd --learning-rate 0.5",
    "momentum, patience": "--optimizer momentum --learning-rate 0.3 --patience 4",
    "adam, mini-batches": "--optimizer adam --learning-rate 0.05 --batch-size 16",
    "em": "--optimizer em --variance learned",
    "gd, starts": "--optimizer gd --learning-rate 0.5 --starts 4",
    "adam, starts, patience": "--optimizer adam --learning-rate 0.3 --starts 5 --patience 3",
    "em, starts": "--optimizer em --variance learned --starts 6",
    "metrics-every": "--optimizer adam --learning-rate 0.1 --metrics-every 4",
    "metrics-every, starts": "--optimizer adam --learning-rate 0.1 --starts 3 --metrics-every 7",
    "replicas": "--optimizer momentum --learning-rate 0.3 --replicas 2",
}


def noise(seed, n=60, inputs=12):
    """Samples of which little can be learned: the validation error soon rises again."""
    random = numpy.random.default_rng(seed)
    x = random.normal(size=(n, inputs))
    y = x[:, 0] + 0.5 * numpy.abs(x[:, 1]) + random.normal(size=n)
    names = ",".join([*(f"x{i}" for i in range(inputs)), "y"])
    rows = ("," .join(f"{v:.6f}" for v in [*a, b]) for a, b in zip(x, y))
    return names + "\n" + "\n".join(rows) + "\n"


class Best(support.TestCase):
    def setUp(self):
        super().setUp()
        self.data, self.valid = self.folder / "d.csv", self.folder / "v.csv"
        self.data.write_text(noise(1))
        self.valid.write_text(noise(2))

    def train(self, run, *options, program=support.COTERIE, rc=0, **how):
        result = support.run(program, "train", "--data", self.data, "--valid", self.valid, "--output",
                             self.folder / run, "--progress", "never", *options, **how)
        self.assert_rc(result, rc)
        return result

    def evaluate(self, run, data, program=support.COTERIE):
        result = self.succeed(program, "evaluate", self.folder / run, "--data", data, "--json")
        return json.loads(result.stdout)

    def lowest(self, run):
        rows = [row for row in support.read_metrics(self.folder / run) if row["epoch"] > 0]
        return min(rows, key=lambda row: row["error_valid"])

    def assert_best(self, run, result=None, program=support.COTERIE):
        """All that tells of the best model tells the same."""
        lowest = self.lowest(run)
        found = self.evaluate(run, self.valid, program)
        near = 1e-5 if program == support.COTERIE else 1e-10
        self.assertLess(abs(found["error"] / lowest["error_valid"] - 1), near, f"{found} {lowest}")
        for name in ("latest", "best"):
            with h5py.File(self.folder / run / "checkpoints" / name) as file:
                progress = file["progress"].attrs
                self.assertEqual(progress["best_error"], lowest["error_valid"], name)
                self.assertEqual(progress["best_epoch"], lowest["epoch"], name)
        with h5py.File(self.folder / run / "checkpoints/latest") as latest, \
                h5py.File(self.folder / run / "checkpoints/best") as best:
            self.assertEqual(latest["best/experts/layer0/weight"][()].tobytes(),
                             best["experts/layer0/weight"][()].tobytes())
        if result:
            said = dict(re.findall(r"^(training|validation) +error (\S+)", result.stdout, re.M))
            self.assertEqual(said["validation"], f"{found['error']:.6g}")
            error = self.evaluate(run, self.data, program)["error"]
            self.assertEqual(said["training"], f"{error:.6g}")
            self.assertIn(f"the lowest validation error, {lowest['error_valid']:.6g}, was in epoch "
                          f"{lowest['epoch']}: checkpoints/best", result.stdout)

    def assert_best_so_far(self, run):
        """Within --starts: of this start and those before."""
        with h5py.File(self.folder / run / "checkpoints/latest") as latest, \
                h5py.File(self.folder / run / "checkpoints/best") as best:
            least = min(latest["progress"].attrs[key] for key in ("best_error", "best_start_error"))
            self.assertEqual(best["progress"].attrs["best_error"], least)

    def assert_same_best(self, run_a, run_b):
        """The model: what else is in the file tells when it was written."""
        def model(run):
            found = {}
            with h5py.File(self.folder / run / "checkpoints/best") as file:
                for part in ("gate", "experts"):
                    file[part].visititems(lambda name, item, part=part: found.update(
                        {f"{part}/{name}": item[()].tobytes()} if isinstance(item, h5py.Dataset) else {}))
            return found

        self.assertEqual(model(run_a), model(run_b))

    def test_is_the_lowest(self):
        for number, (name, options) in enumerate(RUNS.items()):
            ranks = 2 if "replicas" in name else (None, 3)[number % 2]
            program = (support.COTERIE, support.COTERIE_D)[number % 2]
            with self.subTest(name, program=program):
                run = f"run {number}"
                result = self.train(run, *options.split(), "--epochs", 30, "--experts", 3, ranks=ranks,
                                    program=program)
                self.assert_best(run, result, program)

    def test_of_a_later_start_with_the_same_best_epoch(self):
        """EM: the best epoch is often the first or second of a start, and of several."""
        for seed in range(3):
            with self.subTest(seed=seed):
                result = self.train(f"run {seed}", "--optimizer", "em", "--starts", 5, "--seed", seed,
                                    "--variance", "learned", "--experts", 3, "--epochs", 12)
                self.assert_best(f"run {seed}", result)

    def test_of_an_interrupted_run_with_starts(self):
        """Stopped in a worse start `best` stays that of the better one before."""
        options = ("--optimizer", "adam", "--learning-rate", 0.3, "--starts", 3, "--epochs", 20,
                   "--checkpoint-every", "5e")
        self.train("straight", *options)
        for run, steps in (("a", (7, 3)), ("b", (7, 3, 1))):
            with self.subTest(steps=steps):
                for step in steps:  # 7 in the first start, the next in the second and third
                    self.train(run, *options, "--resume", "auto", rc=75,
                               env={"COTERIE_FAULT": f"step_forward:0:{step}:request"})
                    self.assert_best_so_far(run)
                (self.folder / run / "checkpoints/best").unlink()  # killed before it was there
                self.train(run, "--resume", "auto", rc=75,
                           env={"COTERIE_FAULT": f"step_forward:0:{steps[-1] + 1}:request"})
                self.assert_best_so_far(run)
                result = self.train(run, "--resume", "auto")
                self.assert_best(run, result)
                self.assert_same_best("straight", run)

    def test_row_at_the_end_is_forgotten(self):
        """--metrics-every passes epoch 13 over; the run that ends there has its row all the same."""
        options = ("--metrics-every", 6, "--learning-rate", 0.2, "--optimizer", "adam")
        for end in (7, 13):
            with self.subTest(end=end):
                self.train(f"straight {end}", *options, "--epochs", 40)
                result = self.train(f"parts {end}", *options, "--epochs", end)
                self.assert_best(f"parts {end}", result)
                self.train(f"parts {end}", "--resume", "auto", "--epochs", 40)
                self.assert_same_checkpoint(self.folder / f"straight {end}/checkpoints/latest",
                                            self.folder / f"parts {end}/checkpoints/latest")
                self.assert_same_best(f"straight {end}", f"parts {end}")
                self.assert_same_metrics(self.folder / f"straight {end}", self.folder / f"parts {end}")

    def test_row_at_the_end_of_a_start_stays(self):
        """EM stops by itself in an epoch without a row of its own, in each of several starts."""
        self.train("run", "--optimizer", "em", "--starts", 3, "--metrics-every", 50, "--epochs", 400,
                   "--variance", "learned", "--stop-likelihood", 1e-6)
        last = support.read_metrics(self.folder / "run")[-1]["epoch"]
        self.assertNotEqual(last % 50, 0)
        with h5py.File(self.folder / "run/checkpoints/latest") as file:
            self.assertEqual(file["progress"].attrs["epoch"], last)
        self.assert_best("run")

    def test_drawn_parameters_are_never_the_best(self):
        """Every step makes it worse: epoch 0 has the lowest error, and epoch 1 is the best."""
        result = self.train("run", "--optimizer", "gd", "--learning-rate", 30, "--epochs", 5, "--clip", 40)
        rows = support.read_metrics(self.folder / "run")
        self.assertLess(rows[0]["error_valid"], min(row["error_valid"] for row in rows[1:]))
        self.assert_best("run", result)
        self.assertIn("warning: no epoch beats the best constant answer", result.stderr)

    def test_no_warning_without_need(self):
        result = self.train("run", "--optimizer", "em", "--experts", 1, "--epochs", 20)
        self.assertNotIn("constant answer", result.stderr)

    def test_nothing_was_trained(self):
        result = self.train("run", "--epochs", 0)
        self.assertNotIn("lowest validation", result.stdout)
        self.evaluate("run", self.valid)


class ChangedValidation(support.TestCase):
    @staticmethod
    def files(run):
        return {path: hash(path.read_bytes()) for path in run.rglob("*")
                if path.is_file() and path.name != "lock"}

    def test_is_refused(self):
        data, valid, run = (self.folder / name for name in ("d.csv", "v.csv", "run"))
        data.write_text(noise(1))
        valid.write_text(noise(2))
        options = ("--data", data, "--valid", valid, "--output", run)
        self.succeed(support.COTERIE, "train", *options, "--epochs", 3)
        before = self.files(run)
        valid.write_text(noise(3))
        result = support.run(support.COTERIE, "train", *options, "--resume", "auto", "--epochs", 6)
        self.assert_rc(result, 2, "--valid", "v.csv")
        self.assert_one_line(result)
        self.assertEqual(before, self.files(run))
        valid.write_text(noise(2))
        self.succeed(support.COTERIE, "train", *options, "--resume", "auto", "--epochs", 6)


class RollbackAfterStop(support.TestCase):
    """Where a run was interrupted does not matter to where --on-nan rollback goes back to."""

    def train(self, run, fault, rc, *options):
        result = support.run(
            support.COTERIE, "train", "--data", "builtin:vowels/train", "--optimizer", "gd",
            "--learning-rate", 1, "--epochs", 30, "--checkpoint-every", "10e", "--keep", 1, "--on-nan",
            "rollback", "--output", self.folder / run, "--progress", "never", "--resume", "auto",
            *options, env={"COTERIE_FAULT": f"step_forward:0:{fault}"})
        self.assert_rc(result, rc)
        return result

    def test_same_as_undisturbed(self):
        self.train("straight", "15:nan", 1)
        for stop in (4, 12, 14):
            with self.subTest(stop=stop):
                self.train(f"stopped {stop}", f"{stop}:request", 75)
                result = self.train(f"stopped {stop}", "15:nan", 1)
                self.assertIn("back to step 10,", result.stderr)
                self.assert_same_metrics(self.folder / "straight", self.folder / f"stopped {stop}")

    def test_before_the_first_due_checkpoint(self):
        self.train("straight", "6:nan", 1)
        self.train("stopped", "4:request", 75)
        result = self.train("stopped", "6:nan", 1)
        self.assertIn("back to step 0,", result.stderr)
        self.assert_same_metrics(self.folder / "straight", self.folder / "stopped")

    def test_not_into_an_earlier_start(self):
        self.train("run", "25:request", 75, "--starts", 2)
        result = self.train("run", "4:nan", 0)  # behind step 25 of the first start: in the second
        self.assertIn("back to step 0,", result.stderr)
        self.assertNotIn("back to step 20,", result.stderr)
        self.assertIn("start 0 is the best of 2", result.stdout)


if __name__ == "__main__":
    support.main()
