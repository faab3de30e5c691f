# SPDX-License-Identifier: BSD-3-Clause
# timeout: 200
"""Numbers that are not finite: named, and stopped at or rolled back from; never saved."""
import re
import signal

import harness
import support


class NotFinite(harness.FaultTest):
    def test_stop_names_step_and_expert(self):
        """Three experts on 1-4 ranks; a rank's first number is its first expert's."""
        for ranks, rank, expert in ((1, 0, 0), (3, 1, 1), (3, 2, 2), (2, 1, None)):
            with self.subTest(ranks=ranks, rank=rank):
                self.shop.clear("run")
                result = self.shop.train("run", ranks=ranks, fault=f"step_forward:{rank}:17:nan")
                self.assert_rc(result, 1)
                line = self.assert_one_line(result)
                named = re.search(r"step (\d+): .*expert (\d+)", line)
                self.assertTrue(named, line)
                # Told at the next decision of all ranks, before a further update is saved.
                self.assertIn(int(named[1]), (17, 18), line)
                if expert is not None:
                    self.assertEqual(int(named[2]), expert, line)
                self.assertIn("--learning-rate", line)
                self.assert_verifies()
                self.assert_resumes(ranks=5 - ranks)

    def test_in_the_first_step(self):
        result = self.shop.train("run", ranks=2, fault="step_forward:1:0:nan")
        self.assert_rc(result, 1)
        self.assertRegex(self.assert_one_line(result), r"step [01]: .*expert \d")
        self.assertEqual(harness.generations(self.run_directory), [])
        self.assert_resumes()

    def test_in_validation_alone(self):
        """At the end there is a validation, but no further pass of training."""
        result = self.shop.train("run", ranks=3, epochs=7, fault="step_forward:2:28:nan")
        self.assert_rc(result, 1)
        self.assertRegex(self.assert_one_line(result),
                         "step 28: the output of expert 2 in validation is not finite")
        self.assertEqual(support.read_metrics(self.run_directory)[-1]["epoch"], 6)
        self.assertEqual(harness.generations(self.run_directory)[-1].name, "step-000000021.h5")

    def test_rollback_from_validation(self):
        result = self.shop.train("run", "--on-nan", "rollback", epochs=7,
                                 fault="step_forward:0:28:nan")
        self.assert_rc(result, 1)
        warnings = [line for line in support.own_lines(result.stderr) if "warning" in line]
        self.assertEqual(len(warnings), 10, str(result))
        self.assertRegex(warnings[0], r"step 28: .* in validation .*back to step 21, .*times 0\.5$")

    def test_parameters_that_overflow(self):
        """An update beyond single precision: the checkpoint after it is where that is seen."""
        result = self.shop.train("run", "--optimizer", "gd", "--learning-rate", 1e42, "--task",
                                 "regression", "--on-nan", "rollback", epochs=6, every="1s")
        self.assert_rc(result, 1)
        self.assertRegex(result.stderr, r"step 1: the parameters of (expert \d|the gating network) "
                                        r"are not finite; back to step 0, .*times 0\.5\n")
        self.assertEqual(len(harness.error_lines(result)), 1)
        self.assertEqual(harness.generations(self.run_directory), [])

    def test_the_last_of_two_starts(self):
        """A start that goes wrong has lost; the run has not."""
        options = self.shop.options("run", 1, extra=("--starts", 2, "--on-nan", "stop"))
        process = self.shop.start(*options, fault="update:0:*:slow")
        self.addCleanup(support.send_signal, process, signal.SIGKILL)
        support.wait_for(lambda: (self.run_directory / "starts/0.h5").exists(), process)
        process.send_signal(signal.SIGUSR1)
        self.assert_rc(support.finish(process, 10), 75)
        result = self.shop.run(*options, "--resume", "auto", fault="step_forward:0:3:nan")
        self.assert_rc(result, 0, "start 0 is the best", "all epochs are done")
        self.assertEqual(harness.progress(harness.latest(self.run_directory), "best_start"), 0)

    def test_rollback(self):
        result = self.shop.train("run", "--on-nan", "rollback", ranks=3,
                                 fault="step_forward:2:17:nan")
        # The same fault comes again at the same step: a smaller step does not help.
        self.assert_rc(result, 1)
        warnings = [line for line in support.own_lines(result.stderr) if "warning" in line]
        self.assertEqual(len(warnings), 10, str(result))
        self.assertRegex(warnings[0], r"step 1[78]: .*expert 2.*back to step 14, .*times 0\.5$")
        self.assertRegex(warnings[1], r"times 0\.25$")
        self.assertEqual(len(harness.error_lines(result)), 1)
        self.assert_verifies()

    def test_rollback_that_helps(self):
        """A learning rate that overflows; without a fault."""
        options = ("--optimizer", "gd", "--learning-rate", 1e38, "--on-nan", "rollback",
                   "--error", "cooperative", "--expert-output", "identity", "--task", "regression")
        result = self.shop.train("run", *options, epochs=6, ranks=2)
        self.assertIn(result.rc, (0, 1), str(result))
        self.assertIn("back to step", result.stderr)
        self.assert_no_trace(result)
        if harness.generations(self.run_directory):
            self.assert_verifies()

    def test_rollback_after_a_saving_that_failed(self):
        """The generation that was resumed is gone back to; a full disk is not the end of a rollback."""
        self.assert_rc(self.shop.train("run", epochs=2), 0)
        result = self.shop.train("run", "--on-nan", "rollback", "--resume", "auto",
                                 fault="step_forward:0:17:nan,hdf5_sync:0:*:fail")
        warnings = [line for line in support.own_lines(result.stderr) if "back to step" in line]
        self.assertTrue(warnings, str(result))
        self.assertIn("back to step 8", warnings[0])


if __name__ == "__main__":
    support.main(jobs=4)
