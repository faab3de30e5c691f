# SPDX-License-Identifier: BSD-3-Clause
# It mostly waits: other tests may run meanwhile.
# timeout: 300
"""Killed, preempted, out of time: a run ends within seconds and goes on as if nothing had been."""
import os
import pathlib
import re
import signal
import time

import harness
import support

ENDLESS = 10 ** 7  # epochs


def catches(pid, number):
    text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(re.search(r"SigCgt:\s*(\w+)", text)[1], 16) >> (number - 1) & 1


class Kill(harness.FaultTest):
    def launch(self, ranks, *extra, fault=None):
        """An endless run that has saved something."""
        process = self.shop.start(*self.shop.options("run", ENDLESS, extra=extra), ranks=ranks,
                                  fault=fault)
        self.addCleanup(support.send_signal, process, signal.SIGKILL)
        support.wait_for(lambda: harness.generations(self.run_directory), process)
        return process

    def end(self, process, timeout):
        """Waits for the end, of all ranks too."""
        pids = support.rank_processes(process).values()
        result = support.finish(process, timeout)
        self.assertEqual(harness.wait_gone(pids, 5), [], str(result))
        self.assert_no_trace(result)
        return result

    def goes_on(self, ranks, *extra):
        """Resumes from the newest generation, and ends as if nothing had happened."""
        newest = harness.generations(self.run_directory)[-1]
        epochs = harness.progress(newest, "epoch") + 3
        result = self.assert_resumes("run", *extra, ranks=ranks, epochs=epochs)
        self.assertNotIn("skipping", result.stderr)
        self.assertIn(newest.name, result.stdout)


class RankDies(Kill):
    # Site, rank, step, ranks before and after; tests/fault/faults draws more of them.
    CASES = (("exchange_gather", 1, 17, 2, None), ("exchange_combine", 2, 14, 3, 2),
             ("save_collect", 0, 35, 2, 3), ("shared_publish", 1, 0, 2, None),
             ("scatter_rows", 0, 0, 1, 2))

    def test_at_collective_boundaries(self):
        for site, rank, step, ranks, other in self.CASES:
            with self.subTest(site=site, rank=rank, step=step, ranks=ranks):
                self.shop.clear("run")
                # Only a resumed run hands parameters out, and they do so before the first step.
                if site == "scatter_rows":
                    self.assert_rc(self.shop.train("run", epochs=2), 0)
                    step = "*"
                result = self.shop.train("run", "--resume", "auto", ranks=ranks,
                                         fault=f"{site}:{rank}:{step}:kill", timeout=30)
                self.assert_rc(result, support.codes_of_death(signal.SIGKILL), "signal 9")
                self.assert_no_trace(result)
                if harness.generations(self.run_directory):
                    self.assert_verifies()
                self.assert_resumes(ranks=other)


class LauncherEnds(Kill):
    def test_signals(self):
        """Open MPI gives its ranks no time to save: the last generation must do. MPICH does."""
        for number, (name, codes) in enumerate((("SIGTERM", (1, 75)), ("SIGINT", (1, 75)),
                                                ("SIGKILL", (-9,)))):
            with self.subTest(signal=name):
                self.shop.clear("run")
                process = self.launch(3 - number % 2)
                pids = support.rank_processes(process)
                process.send_signal(signal.Signals[name])
                result = support.finish(process, 15)
                self.assertEqual(harness.wait_gone(pids.values(), 5), [])
                self.assert_rc(result, codes)
                self.assert_verifies()
                self.goes_on(2 + number % 2)


class AskedToStop(Kill):
    def test_of_mpirun_and_of_ranks(self):
        for whom, name, ranks in (("mpirun", "SIGUSR1", 3), (0, "SIGUSR1", 2), (1, "SIGTERM", 4),
                                  (0, "SIGINT", 2)):
            with self.subTest(whom=whom, signal=name):
                self.shop.clear("run")
                process = self.launch(ranks)
                victim = process.pid if whom == "mpirun" else support.rank_processes(process)[whom]
                os.kill(victim, signal.Signals[name])
                result = self.end(process, 15)
                self.assert_rc(result, 75, "--resume auto")
                self.assertEqual(harness.error_lines(result), [], str(result))
                self.goes_on(3 if ranks == 2 else 2)

    def test_within_a_step(self):
        """Steps of 0.2 s: the one under way when the signal comes is the last, or the next is."""
        process = self.launch(2, "--checkpoint-every", "1s", fault="update:1:*:slow")
        seen = harness.progress(harness.generations(self.run_directory)[-1], "total_steps")
        process.send_signal(signal.SIGUSR1)
        self.assert_rc(self.end(process, 10), 75)
        step = harness.progress(harness.latest(self.run_directory), "total_steps")
        self.assertLessEqual(step - seen, 3)

    def test_before_training(self):
        """While data are read: that is given up, and nothing is written."""
        for name, ranks in (("SIGUSR1", 2), ("SIGTERM", None)):
            with self.subTest(signal=name):
                self.shop.clear("run")
                process = self.shop.start(*self.shop.options("run", ENDLESS), ranks=ranks,
                                          fault="data_read:0:*:slow")
                self.addCleanup(support.send_signal, process, signal.SIGKILL)
                pids = support.wait_for(lambda: self.catching(process, ranks, signal.Signals[name]),
                                        process)
                self.assertFalse(self.run_directory.exists())
                os.kill(process.pid if name == "SIGUSR1" else pids[0], signal.Signals[name])
                self.assert_rc(self.end(process, 15), 75, "while reading", "nothing is lost")
                self.assertFalse(self.run_directory.exists())

    def catching(self, process, ranks, number):
        """The processes of all ranks, by rank, once they catch the signal."""
        pids = support.rank_processes(process) if ranks else {0: process.pid}
        return pids if len(pids) == (ranks or 1) and \
            all(catches(pid, number) for pid in pids.values()) else None

    def test_repeated_soon_is_the_same_request(self):
        process = self.launch(2, fault="hdf5_close:0:*:slow,hdf5_sync:0:*:slow,link:0:*:slow")
        for _ in range(3):
            process.send_signal(signal.SIGUSR1)
            time.sleep(0.2)
        self.assert_rc(self.end(process, 15), 75)
        self.assert_verifies()
        self.goes_on(1)

    def interrupt_saving(self):
        """A run whose saving takes half a minute, while it does so."""
        self.assert_rc(self.shop.train("run", epochs=2), 0)
        process = self.shop.start(*self.shop.options("run", ENDLESS, extra=("--resume", "auto")),
                                  ranks=2, fault="hdf5_write:0:*:slow")
        self.addCleanup(support.send_signal, process, signal.SIGKILL)
        support.wait_for(lambda: list(self.run_directory.glob("checkpoints/step-*.tmp")), process)
        return process

    def test_repeated_later_ends_at_once(self):
        """The saving is given up, without harm to what was saved before."""
        process = self.interrupt_saving()
        rank = support.rank_processes(process)[0]
        os.kill(rank, signal.SIGTERM)
        time.sleep(2.5)
        self.assertIsNone(process.poll())
        os.kill(rank, signal.SIGTERM)
        self.assert_rc(self.end(process, 15), 1)
        self.assert_verifies()
        self.goes_on(1)

    def test_signals_of_slurm_one_after_the_other(self):
        """USR1 before the time limit, TERM to the ranks at the limit: the saving goes on."""
        process = self.interrupt_saving()
        rank = support.rank_processes(process)[0]
        for number in (signal.SIGUSR1, signal.SIGUSR1, signal.SIGTERM):
            os.kill(rank, number)
            time.sleep(2.2)
            self.assertIsNone(process.poll())

    def test_file_asks_to_stop(self):
        process = self.launch(2)
        (self.run_directory / "stop").touch()
        self.assert_rc(self.end(process, 10), 75, "on request")
        self.goes_on(1)
        self.assertFalse((self.run_directory / "stop").exists())


class Requeued(Kill):
    def test_earlier_start_of_the_job_gives_way(self):
        """Slurm has lost a node and starts the job again, while the earlier start runs on."""
        options = self.shop.options("run", ENDLESS)
        early = self.shop.start(*options, env={"SLURM_JOB_ID": "17"})
        self.addCleanup(support.send_signal, early, signal.SIGKILL)
        support.wait_for(lambda: harness.generations(self.run_directory), early)
        late = self.shop.start(*options, "--resume", "auto",
                               env={"SLURM_JOB_ID": "17", "SLURM_RESTART_COUNT": "1"})
        self.addCleanup(support.send_signal, late, signal.SIGKILL)
        self.assert_rc(support.finish(early, 20), 75, "on request")
        epochs = harness.progress(harness.generations(self.run_directory)[-1], "epoch")
        support.wait_for(lambda: harness.progress(harness.generations(self.run_directory)[-1],
                                                  "epoch") > epochs, late)
        late.send_signal(signal.SIGTERM)
        result = support.finish(late, 20)
        self.assert_rc(result, 75, "waiting for an earlier run", "Slurm job 17", "resumed")

    def test_other_jobs_do_not(self):
        options = self.shop.options("run", ENDLESS)
        early = self.shop.start(*options, env={"SLURM_JOB_ID": "17"})
        self.addCleanup(support.send_signal, early, signal.SIGKILL)
        support.wait_for(lambda: harness.generations(self.run_directory), early)
        late = self.shop.start(*options, "--resume", "auto",
                               env={"SLURM_JOB_ID": "1", "SLURM_RESTART_COUNT": "1"})
        time.sleep(4)
        self.assertEqual((early.poll(), late.poll()), (None, None))
        self.assertFalse((self.run_directory / "stop").exists())
        late.send_signal(signal.SIGTERM)
        self.assert_rc(support.finish(late, 5), 75, "on request while waiting", "Slurm job 17")


class TimeLimit(Kill):
    def test_margin_is_measured(self):
        """Rounds of 0.2 s and a saving of 1 s or more: there is time for both before the limit."""
        slow = ",".join(f"{site}:0:*:slow" for site in ("update", "hdf5_close", "hdf5_sync",
                                                        "folder_sync", "link"))
        started = time.monotonic()
        result = self.shop.run(*self.shop.options("run", ENDLESS, every="1000e", extra=(
            "--time-limit", "10s")), fault=slow)
        self.assert_rc(result, 75, "--time-limit")
        self.assertLess(time.monotonic() - started, 10 + 1)  # and the start of MPI
        self.goes_on(1)

    def test_limit_counts_from_the_start_of_the_program(self):
        """Preparations take all of it; the file is complete all the same."""
        result = self.shop.run(*self.shop.options("run", ENDLESS, extra=("--time-limit", "1s")),
                               fault="agree:0:0:slow")
        self.assert_rc(result, 75, "--time-limit")
        self.assertEqual(harness.progress(harness.latest(self.run_directory), "step"), 0)

    def test_in_time(self):
        started = time.monotonic()
        result = self.shop.run(*self.shop.options("run", ENDLESS, extra=("--time-limit", "4s")),
                               ranks=2)
        self.assert_rc(result, 75, "--time-limit")
        self.assertLess(time.monotonic() - started, 4 + 12)  # and the start of MPI
        self.assertTrue(re.search(r"stopped by --time-limit after \d+ epochs", result.stdout))
        self.goes_on(3, "--time-limit", 0)


if __name__ == "__main__":
    support.main(jobs=4)
