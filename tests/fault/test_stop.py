# SPDX-License-Identifier: BSD-3-Clause
# labels: fault
"""Requests to stop by each signal that batch systems and users send, in training and before it."""
import signal
import time

import h5py
import harness
import numpy
import support

NOTICES = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU)
SIGNALS = (*NOTICES, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Requests(harness.FaultTest):
    def start(self, *arguments, **how):
        process = self.shop.start(*arguments, **how)
        self.addCleanup(support.send_signal, process, signal.SIGKILL)
        return process


class Stop(Requests):
    def has_begun(self):
        metrics = self.run_directory / "metrics.jsonl"
        return metrics.exists() and metrics.read_bytes().count(b"\n") > 2

    def test_in_training(self):
        for number in SIGNALS:
            with self.subTest(signal=number.name):
                self.shop.clear("run")
                process = self.start(*self.shop.options("run", 10 ** 7, every="0"))
                support.wait_for(self.has_begun, process)
                process.send_signal(number)
                result = support.finish(process, 20)
                self.assert_rc(result, 75, "stopped on request")
                self.assertTrue(harness.latest(self.run_directory).exists())
                self.assert_verifies()

    def test_one_of_three_ranks(self):
        for number in (signal.SIGUSR2, signal.SIGXCPU):
            with self.subTest(signal=number.name):
                self.shop.clear("run")
                process = self.start(*self.shop.options("run", 10 ** 7, every="0"), ranks=3)
                support.wait_for(self.has_begun, process)
                ranks = support.rank_processes(process)
                support.os.kill(ranks[2], number)
                self.assert_rc(support.finish(process, 20), 75, "stopped on request")
                self.assertTrue(harness.latest(self.run_directory).exists())

    def test_notices_are_repeated(self):
        """The kernel sends XCPU again and again: that ends nothing before the checkpoint is there."""
        slow = "hdf5_sync:0:*:slow,hdf5_close:0:*:slow,checkpoint_rename:0:*:slow,link:0:*:slow"
        process = self.start(*self.shop.options("run", 10 ** 7, every="0"), fault=slow)
        support.wait_for(self.has_begun, process)
        end = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < end:
            process.send_signal(signal.SIGXCPU)
            time.sleep(0.1)
        self.assert_rc(support.finish(process, 20), 75, "stopped on request")
        self.assert_verifies()


class WhileReading(Requests):
    def setUp(self):
        """Data in some hundred blocks, of which each takes a fifth of a second."""
        super().setUp()
        self.large = self.folder / "large.h5"
        with h5py.File(self.large, "w") as file:
            shape, chunks = (400000, 20), (20000, 20)
            file.create_dataset("x", shape, "f4", chunks=chunks, compression="gzip",
                                data=numpy.arange(20, dtype="f4") + numpy.zeros(shape, "f4"))
            file["y"] = numpy.zeros(shape[0], "f4")

    def stop(self, number, *more, ranks=None):
        process = self.start("train", "--data", self.large, "--output", self.run_directory,
                             "--epochs", 5, *more, fault="data_read:0:*:slow", ranks=ranks)
        time.sleep(2.5)
        self.assertIsNone(process.poll(), "it should still read")
        before = time.monotonic()
        process.send_signal(number)
        result = support.finish(process, 30)
        passed = time.monotonic() - before
        self.assert_rc(result, 75, "while reading", "large.h5")
        self.assertLess(passed, 2 * support.PATIENCE + 2, "seconds, with some for a busy machine")
        self.assertFalse(self.run_directory.exists())

    def test_alone(self):
        for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGXCPU):
            with self.subTest(signal=number.name):
                self.stop(number)

    def test_by_mpirun(self):
        if support.HYDRA:
            self.skipTest("mpiexec of MPICH passes on other signals")
        self.stop(signal.SIGUSR2, ranks=2)

    def test_text(self):
        text = self.folder / "large.csv"
        rows = "0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8\n" * 20000
        with open(text, "w", encoding="utf-8") as file:
            file.write("a,b,c,d,e,f,g,y\n")
            for _ in range(150):
                file.write(rows)
        process = self.start("train", "--data", text, "--output", self.run_directory)
        time.sleep(0.7)
        process.send_signal(signal.SIGUSR1)
        before = time.monotonic()
        result = support.finish(process, 30)
        self.assertLess(time.monotonic() - before, 12)
        self.assert_rc(result, 75, "while reading", "large.csv")


if __name__ == "__main__":
    support.main(jobs=2)
