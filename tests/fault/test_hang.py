# SPDX-License-Identifier: BSD-3-Clause
# alone: yes
# timeout: 200
"""A rank that hangs is named and ends the job; one that is only slow is left alone."""
import os
import re
import time

import harness
import support

TIMEOUT = 3  # of harness.MODEL


class Named(harness.FaultTest):
    def hang_all(self, cases):
        """Starts a job for each (fault, ranks) at once; their Results with the time each took."""
        started = time.monotonic()
        jobs = [self.shop.start(*self.shop.options(f"run{i}"), ranks=ranks, fault=fault)
                for i, (fault, ranks) in enumerate(cases)]
        for (fault, _), job in zip(cases, jobs):
            result = support.finish(job, 90)
            yield fault, result, time.monotonic() - started

    def assert_named(self, result, rank, step, seconds):
        self.assertNotEqual(result.rc, 0, str(result))
        lines = harness.error_lines(result)
        self.assertEqual(len(lines), 1, str(result))
        self.assertRegex(lines[0], rf"rank {rank} on \S+ hangs.* at step {step}\b")
        self.assertIn("--resume auto", lines[0])
        # Soon, but nine ranks that start on few cores take their time.
        self.assertLess(seconds, TIMEOUT + 25 * support.PATIENCE, str(result))


class Hang(Named):
    def test_each_rank_hangs(self):
        cases = [("step_forward:0:9:hang", 3), ("exchange_gather:1:16:hang", 3),
                 ("update:2:23:hang", 3)]
        for (fault, result, seconds), (rank, step) in zip(self.hang_all(cases),
                                                          ((0, 9), (1, 16), (2, 23))):
            with self.subTest(fault):
                self.assert_named(result, rank, step, seconds)

    def test_each_rank_is_stopped(self):
        cases = [("step_backward:0:9:stop", 3), ("step_forward:1:16:stop", 3),
                 ("exchange_scatter:2:23:stop", 3)]
        for (fault, result, seconds), (rank, step) in zip(self.hang_all(cases),
                                                          ((0, 9), (1, 16), (2, 23))):
            with self.subTest(fault):
                self.assert_named(result, rank, step, seconds)
                self.assertIn("its process is stopped", result.stderr)

    def test_before_training_and_while_saving(self):
        """Loading, the first collectives, and a disk that does not answer."""
        cases = [("shared_publish:1:0:hang", 2), ("data_read:0:0:hang", 2),
                 ("hdf5_sync:0:14:hang", 2)]
        for (fault, result, seconds), rank in zip(self.hang_all(cases), (1, 0, 0)):
            with self.subTest(fault):
                self.assert_named(result, rank, r"\d+", seconds)

        self.assert_verifies("run2")
        self.assert_resumes("run2", ranks=3)


class SeveralHosts(Named):
    """Hosts tell each other by files in the run directory; here all of them are this one."""

    def start_on(self, hosts, ranks, run, fault):
        env = {"LD_PRELOAD": os.environ["SEVERAL_HOSTS"], "COTERIE_TEST_HOSTS": hosts}
        return self.shop.start(*self.shop.options(run), ranks=ranks, fault=fault, env=env)

    def test_several_hosts(self):
        """A late rank of another host; a host whose only rank is stopped, as if it were down."""
        (self.folder / "down").mkdir()
        (self.folder / "down/hang-1").write_bytes(b"of an earlier run" * 100)
        late = self.start_on(2, 4, "late", "update:2:16:hang")
        down = self.start_on(3, 3, "down", "update:1:16:stop")
        result = support.finish(late, 30)
        self.assertIn("4 on 2 hosts", result.stdout)
        self.assert_named(result, 2, 16, 0)
        self.assertEqual(list((self.folder / "late").glob("hang-*")), [])
        line, = harness.error_lines(support.finish(down, 30))
        self.assertRegex(line, rf"host {os.uname().nodename}, of rank 1, does not answer .* while "
                               r"rank [02] on \S+ waits in \w+ at step \d+.*--resume auto")


class DeafAbort(Named):
    """MPI_Abort may hang, too: an alarm then ends the rank that called it, and so the run."""

    def test_abort_that_does_not_return(self):
        env = {"LD_PRELOAD": os.environ["SEVERAL_HOSTS"], "COTERIE_TEST_DEAF_ABORT": "1"}
        job = self.shop.start(*self.shop.options("run"), ranks=2, fault="update:1:16:hang", env=env)
        ranks = support.wait_for(
            lambda: len(found := support.rank_processes(job)) == 2 and found, job)
        result = support.finish(job, 90)
        self.assert_named(result, 1, 16, 0)
        self.assertEqual(harness.wait_gone(ranks.values()), [])

    def test_one_rank_without_a_launcher(self):
        result = self.shop.train("run", fault="update:0:16:hang", timeout=90)
        self.assert_rc(result, 1)
        self.assert_named(result, 0, 16, 0)


class NotHung(harness.FaultTest):
    def test_slow_rank(self):
        """Every step takes longer on one rank: 5 s, more than the timeout."""
        result = self.shop.train("run", ranks=3, epochs=6, fault="step_backward:1:*:slow")
        self.assert_rc(result, 0)
        self.assertIsNone(re.search("hang|waits|not meet", result.stderr), str(result))
        self.assert_same_checkpoint(self.straight(epochs=6), harness.latest(self.run_directory))

    def test_normal_run(self):
        result = self.shop.train("run", ranks=4)
        self.assert_rc(result, 0)
        self.assertEqual(support.own_lines(result.stderr), [])


if __name__ == "__main__":
    support.main(jobs=4)
