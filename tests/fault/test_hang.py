# ranks: 4
# timeout: 200
"""A rank that hangs is named and ends the job; one that is only slow is left alone."""
import re
import time

import harness
import support

TIMEOUT = 3  # of harness.MODEL


class Hang(harness.FaultTest):
    def hang_all(self, cases):
        """Starts a job for each (fault, ranks) at once; their Results with the time each took."""
        started = time.monotonic()
        jobs = [self.shop.start(*self.shop.options(f"run{i}"), ranks=ranks, fault=fault)
                for i, (fault, ranks) in enumerate(cases)]
        for (fault, _), job in zip(cases, jobs):
            result = support.finish(job, 60)
            yield fault, result, time.monotonic() - started

    def assert_named(self, result, rank, step, seconds):
        self.assertNotEqual(result.rc, 0, str(result))
        lines = harness.error_lines(result)
        self.assertEqual(len(lines), 1, str(result))
        self.assertRegex(lines[0], rf"rank {rank} on \S+ hangs.* at step {step}\b")
        self.assertIn("--resume auto", lines[0])
        # Three jobs on few cores start within two seconds.
        self.assertLess(seconds, TIMEOUT + 6 + 2, str(result))

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
    support.main()
