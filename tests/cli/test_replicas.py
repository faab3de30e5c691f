# SPDX-License-Identifier: BSD-3-Clause
"""--replicas: shared batches, summed gradients; bits, restarts and faults with several gates."""
import os
import pathlib
import shutil
import signal

import h5py
import numpy
import support

# Batches of 90 do not divide by 4, nor 320 samples by 90.
MODEL = ("--experts", 5, "--expert-hidden", 6, "--batch-size", 90, "--valid", 0.2, "--clip", 0.5,
         "--learning-rate", 0.05, "--metrics-every", 1, "--hang-timeout", 3)
KILLED = support.codes_of_death(signal.SIGKILL)
# What legitimately tells two runs apart that share their batches otherwise.
LAYOUT = ("/config@replicas", "/config@micro_batch")


def numbers(path):
    """All parameters, optimiser states and histories of a checkpoint by name."""
    found = {}
    with h5py.File(path, "r") as file:
        for group in {"gate", "experts", "optimizer", "best", "history"} & set(file):
            file[group].visititems(lambda name, item, group=group: found.update(
                {f"{group}/{name}": item[()]} if isinstance(item, h5py.Dataset) else {}))
    found.pop("history/seconds")
    return found


class ReplicasTest(support.TestCase):

    def train(self, name, ranks, replicas, *options, program=support.COTERIE, rc=0, **how):
        """Trains in a folder `name`; the checkpoint and the Result."""
        result = support.run(program, "train", *MODEL, "--output", self.folder / name,
                             *(() if replicas is None else ("--replicas", replicas)), *options,
                             ranks=ranks, **how)
        self.assert_rc(result, rc)
        return pathlib.Path(self.folder / name / "checkpoints/latest"), result

    def assert_close(self, path_a, path_b, tolerance):
        a, b = numbers(path_a), numbers(path_b)
        self.assertEqual(a.keys(), b.keys())
        for name in a:
            numpy.testing.assert_allclose(a[name], b[name], rtol=tolerance, atol=tolerance,
                                          equal_nan=True, err_msg=name)

    def test_replicas_agree_with_one_to_rounding(self):
        """In double precision; each error, clipping, learned variances, validation, Adam."""
        cases = (("--error", "mixture", "--optimizer", "adam"),
                 ("--error", "cooperative", "--optimizer", "momentum"),
                 ("--task", "regression", "--targets", "ia", "--variance", "learned",
                  "--optimizer", "gd"))
        for case, options in enumerate(cases):
            one, _ = self.train(f"one{case}", 1, 1, "--epochs", 4, *options,
                                program=support.COTERIE_D)
            for ranks, replicas in ((2, 2), (4, 4))[:2 if case == 0 else 1]:
                several, _ = self.train(f"several{case}-{replicas}", ranks, replicas, "--epochs", 4,
                                        *options, program=support.COTERIE_D)
                with self.subTest(options=options, replicas=replicas):
                    self.assert_close(one, several, 1e-9)
                    self.assertIsNotNone(support.first_difference(one, several, LAYOUT))

    def test_the_same_bits_for_any_group_size(self):
        for error in ("mixture", "cooperative"):
            runs = [self.train(f"{error}-{ranks}", ranks, 2, "--epochs", 3, "--error", error)[0]
                    for ranks in (2, 6)]
            self.assert_same_checkpoint(*runs)

    def test_more_replicas_than_samples_in_the_last_batch(self):
        """320 samples in batches of 319: one replica of three has the last sample alone."""
        one, _ = self.train("one", 1, 1, "--epochs", 3, "--batch-size", 319,
                            program=support.COTERIE_D)
        three, _ = self.train("three", 3, 3, "--epochs", 3, "--batch-size", 319,
                              program=support.COTERIE_D)
        self.assert_close(one, three, 1e-9)

    def test_restarts(self):
        """A restart keeps G, and its bits, unless told otherwise or the ranks do not fit."""
        whole, _ = self.train("whole", 2, 2, "--epochs", 6, program=support.COTERIE_D)
        how = {"program": support.COTERIE_D}
        self.train("half", 4, 2, "--epochs", 3, **how)
        shutil.copytree(self.folder / "half", self.folder / "run", symlinks=True)
        resumed, result = self.train("run", 2, None, "--resume", "auto", "--epochs", 6, **how)
        self.assert_same_checkpoint(whole, resumed, ("/config@epochs",))
        self.assertNotIn("to rounding", result.stdout)
        for ranks, replicas in ((1, None), (4, 4)):
            name = f"other-{ranks}"
            shutil.copytree(self.folder / "half", self.folder / name, symlinks=True)
            resumed, result = self.train(name, ranks, replicas, "--resume", "auto", "--epochs", 6,
                                         **how)
            with self.subTest(ranks=ranks, replicas=replicas):
                self.assertRegex(result.stdout, r"replicas \d instead of 2 .* to rounding")
                self.assert_close(whole, resumed, 1e-9)

    def test_starts(self):
        """Each start has the bits of any group size, and a killed one goes on with other ranks."""
        options = ("--starts", 3, "--seed", 4, "--epochs", 3, "--checkpoint-every", "5s")
        whole, _ = self.train("whole", 2, 2, *options)
        self.train("run", 4, 2, *options, rc=KILLED, env={"COTERIE_FAULT": "update:3:11:kill"})
        resumed, result = self.train("run", 2, 2, *options, "--resume", "auto")
        self.assertIn("resumed ", result.stdout)
        self.assert_same_checkpoint(whole, resumed)
        # All but the best, which is the run itself.
        losers = [sorted(path.name for path in (self.folder / run / "starts").glob("*.jsonl"))
                  for run in ("whole", "run")]
        self.assertEqual(len(losers[0]), 2)
        self.assertEqual(*losers)
        one, _ = self.train("one", 1, 1, *options, program=support.COTERIE_D)
        two, _ = self.train("two", 2, 2, *options, program=support.COTERIE_D)
        self.assert_close(one, two, 1e-9)

    def test_rollback(self):
        """Steps far too large are halved until they are not, in the same way by any group size."""
        options = ("--epochs", 10, "--checkpoint-every", "1000s", "--on-nan", "rollback",
                   "--targets", "ia", "--task", "regression", "--error", "cooperative",
                   "--expert-hidden", "none", "--clip", 0, "--optimizer", "gd",
                   "--learning-rate", 100)
        runs = [self.train(f"run{ranks}", ranks, 2, *options) for ranks in (2, 4)]
        warnings = [[line for line in support.own_lines(result.stderr) if "back to step 0" in line]
                    for _, result in runs]
        self.assertGreater(len(warnings[0]), 3, str(runs[0][1]))
        self.assertEqual(*warnings)
        self.assert_same_checkpoint(runs[0][0], runs[1][0])

    def test_requests_and_faults_in_any_replica(self):
        checkpoint, result = self.train("nan", 4, 2, env={"COTERIE_FAULT": "step_forward:3:9:nan"},
                                        rc=1)
        self.assertRegex(result.stderr, r"step (9|10): the output of expert \d is not finite")
        self.assertEqual(len([line for line in support.own_lines(result.stderr)
                              if line.startswith("coterie: error")]), 1, str(result))
        _, result = self.train("hang", 3, 3, env={"COTERIE_FAULT": "step_forward:2:30:hang"},
                               rc=1)
        self.assertRegex(result.stderr, r"rank 2 on \S+ hangs.* at step 30")
        self.train("kill", 4, 2, "--checkpoint-every", "10s", "--epochs", 9, rc=KILLED,
                   env={"COTERIE_FAULT": "update:3:25:kill"})
        self.train("kill", 4, 2, "--resume", "auto", "--epochs", 9)
        whole, _ = self.train("whole", 2, 2, "--checkpoint-every", "10s", "--epochs", 9)
        resumed = self.folder / "kill/checkpoints/latest"
        self.assert_same_checkpoint(whole, resumed)
        self.assertFalse(checkpoint.exists())

    def test_a_signal_to_a_rank_of_the_second_replica(self):
        process = support.start(support.COTERIE, "train", *MODEL, "--epochs", 10**7, "--replicas", 2,
                                "--metrics-every", 10**6, "--output", self.folder / "run", ranks=2)
        support.wait_for(lambda: (self.folder / "run/metrics.jsonl").exists(), process)
        os.kill(support.rank_processes(process)[1], signal.SIGUSR1)
        self.assert_rc(support.finish(process), 75, "--resume auto")

    def test_wrong_usage(self):
        for ranks, options, words in (
                (3, ("--replicas", 2), "--replicas 2 does not divide 3 ranks"),
                (4, ("--replicas", 4, "--batch-size", 3), "--replicas 4 share batches of 3"),
                (1, ("--replicas", 0), "--replicas")):
            result = support.run(support.COTERIE, "train", "--output", self.folder / "no", *options,
                                 ranks=ranks)
            self.assert_rc(result, 2, words)
            self.assertFalse((self.folder / "no").exists())

    def test_the_plan_shows_the_layout(self):
        text = self.succeed(support.COTERIE, "train", *MODEL, "--replicas", 2, "--dry-run",
                            ranks=4).stdout
        self.assertIn("replicas 2 of 2 ranks each", text)
        self.assertRegex(text, r"rank 2 .*: gate, experts? 0")


if __name__ == "__main__":
    support.main(jobs=2)
