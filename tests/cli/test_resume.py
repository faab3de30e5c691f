# SPDX-License-Identifier: BSD-3-Clause
# timeout: 300
"""--resume: an interrupted run ends with the bits of an uninterrupted one, whatever interrupted it."""
import os
import shutil
import signal

import h5py
import numpy
import support

D, F = support.COTERIE_D, support.COTERIE
VOWELS = ("--data", "builtin:vowels/train", "--experts", 5)

# Full batches and small ones, with all that an optimiser, a variance and validation remember.
RUNS = {
    "gd": "--optimizer gd --scale standard",
    "adam": "--optimizer adam --expert-hidden 4 --gate-hidden 3",
    "momentum, small batches": "--optimizer momentum --batch-size 60",
    "learned variance": "--targets iA --variance learned --optimizer adam --batch-size 128 --clip 1",
    "competitive": "--error competitive --optimizer momentum --micro-batch 64",
    "validation": "--valid 0.2 --batch-size 100 --optimizer adam --learning-rate 0.3",
    "validation, full batches": "--valid 0.2 --learning-rate 0.5",
}


class Resume(support.TestCase):
    def train(self, run, *options, program=D, ranks=None, rc=0, **how):
        result = support.run(program, "train", *options, "--output", self.folder / run,
                             "--progress", "never", ranks=ranks, **how)
        self.assert_rc(result, rc)
        return result

    def latest(self, run):
        return self.folder / run / "checkpoints" / "latest"

    def step(self, run, number):
        return self.folder / run / "checkpoints" / f"step-{number:09d}.h5"

    def steps(self, run):
        """The numbers of the checkpoints that are there."""
        folder = self.folder / run / "checkpoints"
        return sorted(int(path.stem[len("step-"):]) for path in folder.glob("step-*.h5"))

    def progress(self, run, name):
        with h5py.File(self.latest(run)) as file:
            return file["progress"].attrs[name]

    def assert_same_run(self, run_a, run_b):
        self.assert_same_checkpoint(self.latest(run_a), self.latest(run_b))
        self.assert_same_metrics(self.folder / run_a, self.folder / run_b)
        best_a, best_b = (self.folder / run / "checkpoints" / "best" for run in (run_a, run_b))
        self.assertEqual(best_a.exists(), best_b.exists())


class SameAsStraight(Resume):
    def test_on_another_number_of_ranks(self):
        for number, (name, options) in enumerate(RUNS.items()):
            ranks = (None, 3, 2, 4)[number % 4], (2, None, 4, 1)[number % 4]
            program = (D, F)[number % 2]
            with self.subTest(name, ranks=ranks):
                both = {"program": program}
                self.train(f"straight {name}", *VOWELS, *options.split(), "--epochs", 20, **both)
                self.train(f"parts {name}", *VOWELS, *options.split(), "--epochs", 10, **both,
                           ranks=ranks[0])
                self.train(f"parts {name}", "--epochs", 20, "--resume", "auto", **both,
                           ranks=ranks[1])
                self.assert_same_run(f"straight {name}", f"parts {name}")

    def test_within_an_epoch(self):
        """7 batches an epoch; every generation of steps, within epochs and at their ends."""
        options = (*VOWELS, "--batch-size", 60, "--valid", "0.1", "--weight-decay", 0.01,
                   "--epochs", 6, "--checkpoint-every", "3s", "--keep", 99)
        self.train("straight", *options)
        self.assertEqual(self.steps("straight"), list(range(3, 37, 3)))
        for step, ranks in ((3, 2), (6, None), (9, 3), (18, 2), (33, None)):
            with self.subTest(step=step):
                shutil.rmtree(self.folder / "again", ignore_errors=True)
                shutil.copytree(self.folder / "straight", self.folder / "again", symlinks=True)
                self.train("again", "--resume", self.step("again", step), ranks=ranks)
                self.assert_same_run("straight", "again")

    def test_epochs_without_a_line_of_metrics(self):
        """The first part ends in an epoch that a straight run does not measure."""
        options = (*VOWELS, "--metrics-every", 7, "--valid", 0.1)
        self.train("straight", *options, "--epochs", 20)
        self.train("parts", *options, "--epochs", 10)
        self.train("parts", "--epochs", 20, "--resume", "auto")
        self.assert_same_run("straight", "parts")

    def test_newer_metrics_are_cut_away(self):
        options = (*VOWELS, "--checkpoint-every", "5e", "--keep", 9)
        self.train("run", *options, "--epochs", 20)
        result = self.train("run", "--resume", self.step("run", 5), "--epochs", 8)
        self.assertIn("epoch 5", result.stdout)
        self.assertEqual([row["epoch"] for row in support.read_metrics(self.folder / "run")],
                         list(range(9)))
        self.assertEqual(self.progress("run", "epoch"), 8)

    def test_learning_rate_may_change(self):
        self.train("run", *VOWELS, "--epochs", 3)
        self.train("run", "--epochs", 6, "--resume", "auto", "--learning-rate", 0.5)
        rates = [row["learning_rate"] for row in support.read_metrics(self.folder / "run")]
        self.assertEqual(rates, [0.01] * 4 + [0.5] * 3)

    def test_nothing_left_to_do(self):
        """Epochs, patience, and with small batches an error that was reached; and how to go on."""
        ends = {"epochs": ("--epochs", 3), "patience": ("--learning-rate", 3, "--epochs", 99,
                                                        "--valid", 0.2, "--patience", 2),
                "stop-error": ("--batch-size", 100, "--epochs", 99, "--stop-error", 0.9)}
        further = {"epochs": 6, "patience": 0, "stop-error": 0.01}
        for option, options in ends.items():
            with self.subTest(option):
                self.train(option, *VOWELS, *options)
                epoch = self.progress(option, "epoch")
                self.assertLess(epoch, 99)
                again = self.train(option, "--resume", "auto", ranks=2).stdout
                self.assertRegex(again, rf"nothing to do: .*--{option} .*to continue give .*\n")
                self.assertEqual(self.progress(option, "epoch"), epoch)
                more = self.train(option, "--resume", "auto", f"--{option}", further[option])
                self.assertNotIn("nothing to do", more.stdout)
                self.assertGreater(self.progress(option, "epoch"), epoch)

    def test_into_another_directory(self):
        options = (*VOWELS, "--batch-size", 100)
        self.train("straight", *options, "--epochs", 9)
        self.train("first", *options, "--epochs", 4)
        self.train("second", "--resume", self.latest("first"), "--epochs", 9)
        self.assert_same_run("straight", "second")
        self.assertEqual(self.progress("first", "epoch"), 4)


class Signals(Resume):
    def interrupt(self, run, options, ready, ranks=3, to=1, number=signal.SIGUSR1):
        """Sends a signal to one rank once ready() holds."""
        process = support.start(D, "train", *options, "--output", self.folder / run,
                                ranks=ranks)
        try:
            support.wait_for(ready, process)
            os.kill(support.rank_processes(process)[to], number)
        finally:
            result = support.finish(process)
        self.assert_rc(result, 75, "--resume auto")

    def lines(self, path):
        path = self.folder / path
        return path.read_text(encoding="utf-8").count("\n") if path.exists() else 0

    def test_to_any_rank(self):
        options = (*VOWELS, "--batch-size", 30)
        for to, number in ((1, signal.SIGUSR1), (0, signal.SIGTERM)):
            with self.subTest(rank=to):
                run, straight = f"run {to}", f"straight {to}"
                self.interrupt(run, (*options, "--epochs", 10 ** 6),
                               lambda run=run: self.lines(f"{run}/metrics.jsonl") > 2, to=to,
                               number=number)
                epochs = self.progress(run, "epoch") + 10
                self.train(run, "--resume", "auto", "--epochs", epochs, "--quiet", ranks=2)
                self.train(straight, *options, "--epochs", epochs, "--quiet")
                self.assert_same_run(straight, run)

    def test_between_starts(self):
        """In the second of three starts; the best is chosen as if nothing had been."""
        options = (*VOWELS, "--batch-size", 60, "--starts", 3, "--epochs", 400)
        self.train("straight", *options, "--quiet")
        self.interrupt("run", options, lambda: self.lines("run/starts/1.jsonl") > 3)
        self.assertEqual(self.progress("run", "start"), 1)
        self.assertLess(self.progress("run", "epoch"), 400)
        self.train("run", "--resume", "auto", "--quiet", ranks=2)
        self.assert_same_run("straight", "run")
        for start in range(3):
            self.assertTrue((self.folder / f"straight/starts/{start}.jsonl").exists()
                            or start == self.progress("run", "best_start"), start)
        # Of what was kept of each start only the best is left: an older generation may need it.
        kept = [path.name for path in (self.folder / "run/starts").glob("*.h5")]
        self.assertEqual(kept, [f"{self.progress('run', 'best_start')}.h5"])


class Starts(Resume):
    def test_each_generation(self):
        options = (*VOWELS, "--starts", 3, "--epochs", 6, "--checkpoint-every", "4e", "--keep", 99,
                   "--valid", 0.2)
        self.train("straight", *options)
        steps = self.steps("straight")
        self.assertGreaterEqual(len(steps), 5)
        for step in steps:
            with self.subTest(step=step):
                shutil.rmtree(self.folder / "again", ignore_errors=True)
                shutil.copytree(self.folder / "straight", self.folder / "again", symlinks=True)
                self.train("again", "--resume", self.step("again", step), ranks=2)
                self.assert_same_run("straight", "again")


class OtherPrecision(Resume):
    def test_each_reads_the_other(self):
        for first, second in ((F, D), (D, F)):
            with self.subTest(first=first):
                run = f"from {first.rsplit('/', 1)[-1]}"
                self.train(run, *VOWELS, "--epochs", 10, program=first)
                self.train(run, "--epochs", 20, "--resume", "auto", program=second)
                errors = [row["error"] for row in support.read_metrics(self.folder / run)]
                self.assertEqual(len(errors), 21)
                straight = f"straight {run}"
                self.train(straight, *VOWELS, "--epochs", 20, program=D)
                expected = [row["error"] for row in support.read_metrics(self.folder / straight)]
                numpy.testing.assert_allclose(errors, expected, rtol=1e-5)
                with h5py.File(self.latest(run)) as file:
                    double = second == D
                    self.assertEqual(file.attrs["precision"], b"double" if double else b"float")
                    self.assertEqual(file["gate/layer0/weight"].dtype, "f8" if double else "f4")


if __name__ == "__main__":
    support.main(jobs=2)
