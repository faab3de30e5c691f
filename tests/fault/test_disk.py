# SPDX-License-Identifier: BSD-3-Clause
# timeout: 300
"""Disks that are full or fail, and two runs in one directory: nothing good is lost."""
import os
import resource
import shutil
import signal
import subprocess
import time

import h5py
import harness
import support


class Disk(harness.FaultTest):
    def assert_ends_well(self, result):
        """Training went on, with warnings, or ended with one clear line."""
        self.assert_no_trace(result)
        self.assertIn(result.rc, (0, 1), str(result))
        self.assertEqual(len(harness.error_lines(result)), result.rc, str(result))

    def assert_kept(self, run, before):
        """The newest generation before, or a newer one, is there, and all that is there is good."""
        self.assertGreaterEqual(harness.generations(run)[-1:], before[-1:])
        self.assert_rc(self.shop.run("inspect", run, "--verify"), 0)


class FullDisk(Disk):
    """A small tmpfs; needs root."""

    def setUp(self):
        super().setUp()
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        mounted = harness.have_root() and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", self.disk],
            stderr=subprocess.DEVNULL, check=False).returncode == 0
        if not mounted:
            reason = "a small tmpfs cannot be mounted: not root, or not allowed here"
            print("skipped:", reason, flush=True)
            self.skipTest(reason)
        self.addCleanup(subprocess.run, ["umount", "-l", self.disk], check=False)
        self.run_directory = self.disk / "run"

    def fill(self, leave):
        """Fills the disk but for `leave` bytes."""
        with open(self.disk / "filler", "wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)) == 4096:
                    pass
            except OSError:
                pass
            file.truncate(max(0, file.tell() - leave))

    def test_full_while_it_trains(self):
        for leave, ranks in ((16384, None), (40960, 2), (0, 1)):
            with self.subTest(leave=leave):
                self.shop.clear("disk/run")
                self.assert_rc(self.shop.train("disk/run", epochs=4), 0)
                before = harness.generations(self.run_directory)
                self.fill(leave)
                result = self.shop.train("disk/run", "--resume", "auto", ranks=ranks)
                self.assert_rc(result, 1)
                self.assertIn("No space left", result.stderr)
                self.assert_ends_well(result)
                self.assert_kept(self.run_directory, before)
                (self.disk / "filler").unlink()
                self.assert_resumes("disk/run", ranks=2)


class TooLarge(Disk):
    def test_limit_on_file_size(self):
        """As by ulimit -f, from when it trains on (Open MPI itself needs more to start)."""
        process = self.shop.start(*self.shop.options("run", 10 ** 7), ranks=2,
                                  fault="update:1:*:slow")
        self.addCleanup(support.send_signal, process, signal.SIGKILL)
        support.wait_for(lambda: harness.generations(self.run_directory), process)
        before = harness.generations(self.run_directory)
        rank = support.rank_processes(process)[0]
        resource.prlimit(rank, resource.RLIMIT_FSIZE, (16384, 16384))
        time.sleep(2)
        process.send_signal(signal.SIGUSR1)
        result = support.finish(process, 20)
        self.assert_rc(result, 1, "File too large")
        self.assert_ends_well(result)
        self.assert_kept(self.run_directory, before)
        self.assert_resumes()


class Injected(Disk):
    def test_each_operation_fails(self):
        """Always, or only around one generation."""
        self.assert_rc(self.shop.train("first", epochs=2), 0)
        before = [path.name for path in harness.generations(self.folder / "first")]
        once = ("hdf5_write", "checkpoint_rename", "link")
        for site, step in [(site, "*") for site in harness.FILE_SITES] + [(s, 14) for s in once]:
            with self.subTest(site=site, step=step):
                self.shop.clear("run")
                shutil.copytree(self.folder / "first", self.run_directory, symlinks=True)
                result = self.shop.train("run", "--resume", "auto", fault=f"{site}:0:{step}:fail")
                self.assert_no_trace(result)
                # Data or checkpoints that cannot be read are the user's to look after: 2.
                self.assertIn(result.rc, (0, 1, 2), str(result))
                self.assertEqual(len(harness.error_lines(result)), int(result.rc != 0),
                                 str(result))
                after = [path.name for path in harness.generations(self.run_directory)]
                self.assertGreaterEqual(after[-1:], before[-1:])
                again = self.shop.train("run", "--resume", "auto")
                self.assert_rc(again, 0)
                self.assertNotIn("skipping", again.stderr)
                # Lines of metrics that were not written are in the checkpoint, but not made up.
                self.assert_same_checkpoint(self.straight(), harness.latest(self.run_directory))
                self.assertEqual(harness.left_over(self.run_directory), [])

    def test_config_is_kept(self):
        """A run that cannot write its config.yaml anew, or dies meanwhile, leaves the old one."""
        self.assert_rc(self.shop.train("run", epochs=1), 0)
        config = self.run_directory / "config.yaml"
        before = config.read_bytes()
        for kind in ("fail", "kill"):
            with self.subTest(kind=kind):
                result = self.shop.train("run", "--resume", "auto", epochs=2,
                                         fault=f"config_write:0:*:{kind}")
                self.assertNotEqual(result.rc, 0, str(result))
                self.assertEqual(config.read_bytes(), before)
        self.assert_resumes(epochs=2)
        self.assertIn(b"epochs: 2\n", config.read_bytes())

    def test_the_last_saving_fails(self):
        result = self.shop.train("run", fault="checkpoint_rename:0:*:fail", ranks=2)
        self.assert_rc(result, 1, "checkpoint not saved")
        self.assert_ends_well(result)
        self.assertEqual(harness.generations(self.run_directory), [])
        self.assert_resumes()


class Folder(Disk):
    def test_unfinished_files_go(self):
        self.assert_rc(self.shop.train("run", epochs=4), 0)
        folder = harness.checkpoints(self.run_directory)
        for name in ("step-000000999.h5.tmp", "best-000000003.h5.tmp", "latest.tmp", "best.tmp"):
            (folder / name).write_bytes(b"half a file")
        (self.run_directory / "metrics.jsonl.tmp").write_text("{")
        self.assert_resumes()

    def test_keep(self):
        for keep in (1, 2, 5):
            with self.subTest(keep=keep):
                self.shop.clear("run")
                self.assert_rc(self.shop.train("run", "--keep", keep, every="9s"), 0)
                steps = [int(path.stem[5:]) for path in harness.generations(self.run_directory)]
                best = os.readlink(harness.checkpoints(self.run_directory) / "best")
                # The best may be a generation of its own, beside those that are kept.
                steps = [step for step in steps if best != f"step-{step:09d}.h5" or
                         step > 80 - 9 * keep]
                self.assertEqual(steps, [*range(9, 80, 9), 80][-keep:])

    def test_best_is_never_pruned(self):
        """An early best: its parameters stay, whatever is saved after it, also within epochs."""
        for every in ("7s", "4s", "3e"):
            with self.subTest(every=every):
                self.shop.clear("run")
                self.assert_rc(self.shop.train("run", "--keep", 1, "--learning-rate", 2,
                                               every=every, epochs=30), 0)
                folder = harness.checkpoints(self.run_directory)
                self.assertLess(harness.progress(folder / "latest", "best_epoch"), 29)
                with h5py.File(folder / "latest") as latest, h5py.File(folder / "best") as best:
                    for name in ("gate/layer0/weight", "experts/layer0/weight"):
                        self.assertEqual(latest[f"best/{name}"][()].tobytes(),
                                         best[name][()].tobytes(), name)
                self.assertEqual(len(list(folder.glob("best-*"))) +
                                 len(harness.generations(self.run_directory)), 2)

    def test_links_left_behind_are_moved(self):
        """A run that could not move its links is put right by the next, even if it is finished."""
        result = self.shop.train("run", epochs=6, fault="link:0:*:fail")
        self.assert_rc(result, 1)
        self.assertFalse(harness.latest(self.run_directory).is_symlink())
        self.assert_resumes(epochs=6)
        best = harness.checkpoints(self.straight(epochs=6).parent.parent) / "best"
        self.assert_same_checkpoint(best, harness.checkpoints(self.run_directory) / "best")

    def test_a_branch_that_was_given_up(self):
        """After going on from an older generation the newer ones are no longer what is resumed."""
        self.assert_rc(self.shop.train("run", "--keep", 9), 0)
        older = harness.checkpoints(self.run_directory) / "step-000000028.h5"
        self.assert_rc(self.shop.train("run", "--resume", older, "--learning-rate", 0.5,
                                       epochs=9), 0)
        result = self.shop.train("run", "--resume", "auto", epochs=10)
        self.assert_rc(result, 0, "step-000000036.h5")
        rates = [row["learning_rate"] for row in support.read_metrics(self.run_directory)]
        self.assertEqual(rates[-3:], [0.5] * 3)


class Lock(Disk):
    def test_second_run(self):
        first = self.shop.start(*self.shop.options("run", 10 ** 7), ranks=2)
        self.addCleanup(support.send_signal, first, signal.SIGKILL)
        support.wait_for(lambda: harness.generations(self.run_directory), first)
        holder = support.rank_processes(first)[0]
        started = time.monotonic()
        result = self.shop.train("run", "--resume", "auto", epochs=10 ** 7)
        self.assert_rc(result, 2, f"process {holder}", f"host {os.uname().nodename}")
        self.assert_one_line(result)
        self.assertGreater(time.monotonic() - started, 9)
        self.assertLess(time.monotonic() - started, 40)
        self.assertIsNone(first.poll())
        first.send_signal(signal.SIGUSR1)
        self.assert_rc(support.finish(first, 20), 75)
        self.assert_verifies()

    def test_two_begin_at_once(self):
        """Both find no run in the new directory; one of them trains."""
        for resume in ("no", "auto"):
            with self.subTest(resume=resume):
                self.shop.clear("run")
                options = self.shop.options("run", 1, extra=("--resume", resume))
                # The lock is asked for late: both have looked for a run by then.
                late = ",".join(f"{site}:0:*:slow" for site in ("data_open", "shared_publish", "lock"))
                both = [self.shop.start(*options, "--learning-rate", rate, fault=late)
                        for rate in (0.01, 0.02)]
                results = [support.finish(process, 20) for process in both]
                self.assertEqual(sorted(result.rc for result in results), [0, 2],
                                 f"{results[0]}\n{results[1]}")
                winner = [result.rc for result in results].index(0)
                self.assertIn("another run has begun in", self.assert_one_line(results[1 - winner]))
                self.assertEqual(support.read_metrics(self.run_directory)[-1]["learning_rate"],
                                 (0.01, 0.02)[winner])

    def test_waits_for_one_that_ends(self):
        first = self.shop.start(*self.shop.options("run", 10 ** 7))
        self.addCleanup(support.send_signal, first, signal.SIGKILL)
        support.wait_for(lambda: harness.generations(self.run_directory), first)
        second = self.shop.start(*self.shop.options("run", extra=("--resume", "auto"), epochs=1))
        time.sleep(1)
        first.send_signal(signal.SIGUSR1)
        self.assert_rc(support.finish(first, 20), 75)
        newest = harness.generations(self.run_directory)[-1]
        result = support.finish(second, 20)
        self.assert_rc(result, 0)
        # What the first saved while the second waited is what the second goes on from.
        self.assertIn(newest.name, result.stdout, str(result))


if __name__ == "__main__":
    support.main(jobs=4)
