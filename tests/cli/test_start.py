# SPDX-License-Identifier: BSD-3-Clause
"""How a program starts and ends with the process that has started it.

Without a launcher it does without MPI: nothing is left behind, and the results are the same.
"""
# labels: quick
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

from support import (COTERIE, first_difference, finish, main, metrics_without_time, only_with_open_mpi,
                     place_for_session, rank_processes, run, start, wait_for)

LONG = ("--epochs", 10_000_000, "--metrics-every", 1000, "--quiet")


def is_running(pid):
    """Whether there is such a process, and not only its exit code."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] not in "ZX"


def is_training(output):
    """Whether there are metrics of more than the beginning."""
    metrics = output / "metrics.jsonl"
    return metrics.exists() and metrics.read_bytes().count(b"\n") > 1


class Alone(unittest.TestCase):
    def test_nothing_is_left_behind_and_nothing_is_shared(self):
        with tempfile.TemporaryDirectory() as folder:
            temporary = pathlib.Path(folder, "tmp")
            temporary.mkdir()
            output = pathlib.Path(folder, "run")
            # The variables of support.py would lead Open MPI's files elsewhere.
            process = start(COTERIE, "train", "--output", output, *LONG,
                            env={"TMPDIR": temporary, "OMPI_MCA_orte_tmpdir_base": None})
            wait_for(lambda: is_training(output), process)
            shared = [line for line in pathlib.Path(f"/proc/{process.pid}/maps").read_text(
                encoding="utf-8").splitlines() if "/dev/shm/" in line or str(temporary) in line]
            process.send_signal(signal.SIGUSR1)
            self.assertEqual(finish(process).rc, 75)
            self.assertEqual(shared, [])
            self.assertFalse((output / "finished").exists())
            self.assertEqual(list(temporary.iterdir()), [])

    def test_the_bits_are_those_of_one_rank_under_mpirun(self):
        with tempfile.TemporaryDirectory() as folder:
            alone, under = pathlib.Path(folder, "alone"), pathlib.Path(folder, "under")
            for output, ranks in ((alone, None), (under, 1)):
                result = run(COTERIE, "train", "--output", output, "--epochs", 30, ranks=ranks)
                self.assertEqual(result.rc, 0, result)
                self.assertEqual((output / "finished").read_text(encoding="utf-8"), "epoch 30\n")
            self.assertEqual(metrics_without_time(alone), metrics_without_time(under))
            self.assertIsNone(first_difference(alone / "checkpoints/latest",
                                               under / "checkpoints/latest"))
            texts = []
            for name, ranks in (("a.csv", None), ("b.csv", 1)):
                predictions = pathlib.Path(folder, name)
                result = run(COTERIE, "predict", alone, "--data", "builtin:vowels/test", "--output",
                             predictions, ranks=ranks)
                self.assertEqual(result.rc, 0, result)
                texts.append(predictions.read_text(encoding="utf-8"))
            self.assertEqual(texts[0], texts[1])
            # What goes on is not finished.
            result = run(COTERIE, "train", "--output", alone, "--resume", "auto", "--epochs", 1000000,
                         "--time-limit", 1)
            self.assertEqual(result.rc, 75, result)
            self.assertFalse((alone / "finished").exists())


class Orphans(unittest.TestCase):
    def test_a_rank_whose_launcher_is_gone_ends(self):
        """A script with the name of a launcher: only the name and the end of it count."""
        for between in ("", "sh -c '\"$@\"; true' between "):
            with self.subTest(between=between), tempfile.TemporaryDirectory() as folder:
                launcher = pathlib.Path(folder, "prterun")
                launcher.write_text(f'#!/bin/sh\n{between}"$@" &\necho $!\nwait\n', encoding="utf-8")
                launcher.chmod(0o755)
                output = pathlib.Path(folder, "run")
                said = pathlib.Path(folder, "said")
                with open(said, "wb") as file:
                    process = subprocess.Popen(
                        [launcher, COTERIE, "train", "--output", output, *map(str, LONG)],
                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=file,
                        start_new_session=True,
                        env=dict(os.environ, OMPI_MCA_orte_tmpdir_base=place_for_session()))
                wait_for(lambda: is_training(output), process)
                rank = int((output / "lock").read_text(encoding="utf-8").split("process ")[1].split()[0])
                self.assertTrue(is_running(rank))
                process.kill()
                wait_for(lambda: not is_running(rank), timeout=3)
                process.communicate()
                text = said.read_text(encoding="utf-8")
                self.assertIn("prterun, which started the ranks on", text)
                self.assertIn("--resume auto", text)

    @only_with_open_mpi("its mpirun may leave ranks behind")
    def test_no_rank_outlives_mpirun(self):
        with tempfile.TemporaryDirectory() as folder:
            output = pathlib.Path(folder, "run")
            process = start(COTERIE, "train", "--output", output, *LONG, ranks=3)
            wait_for(lambda: is_training(output), process)
            ranks = rank_processes(process).values()
            self.assertEqual(len(ranks), 3)
            process.kill()
            wait_for(lambda: not any(map(is_running, ranks)), timeout=4)
            finish(process)


if __name__ == "__main__":
    main()
