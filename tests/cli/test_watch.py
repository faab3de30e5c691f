# SPDX-License-Identifier: BSD-3-Clause
"""coterie watch: what a run directory tells, in a terminal of any size, until the run ends."""
import fcntl
import json
import os
import pathlib
import pty
import re
import resource
import select
import signal
import struct
import termios
import time

import numpy
import support

UTF_8 = {"LC_ALL": "C.UTF-8", "TERM": "xterm"}
ASCII = {"LC_ALL": "C", "TERM": "xterm"}


class Terminal:
    """A program on a terminal of its own, whose keys are ours."""

    def __init__(self, *command, rows=24, columns=80, env=None):
        self.text, self.rc = "", None
        self.pid, self.keys = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execvpe(str(command[0]), list(map(str, command)), {**os.environ, **(env or UTF_8)})
        self.before = termios.tcgetattr(self.keys)

    def read(self, seconds):
        if select.select([self.keys], [], [], seconds)[0]:
            try:
                self.text += os.read(self.keys, 65536).decode("utf-8", "replace")
            except OSError:
                return False
        return True

    def wait_for(self, pattern, seconds=30):
        """What is behind the last place that was found is looked at."""
        until = time.monotonic() + seconds
        while not (found := re.search(pattern, self.text)):
            if time.monotonic() > until or not self.read(1):
                raise AssertionError(f"no {pattern!r} in {self.text[-1500:]!r}")
        self.text = self.text[found.end():]
        return found

    def press(self, key):
        os.write(self.keys, key.encode())

    def end(self, seconds=30):
        until = time.monotonic() + seconds
        while self.read(0.2) and time.monotonic() < until:
            pass
        done, code = os.waitpid(self.pid, os.WNOHANG)
        while not done and time.monotonic() < until:
            time.sleep(0.05)
            done, code = os.waitpid(self.pid, os.WNOHANG)
        if not done:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            raise AssertionError(f"did not end: {self.text!r}")
        os.close(self.keys)
        return os.waitstatus_to_exitcode(code)


class Watch(support.TestCase):
    def run_of(self, errors, name="run", epochs=200, **more):
        """A run directory as training writes it: one second an epoch, no checkpoint."""
        run = self.folder / name
        run.mkdir()
        (run / "config.yaml").write_text(f"epochs: {epochs}\n")
        (run / "lock").write_text("host there, process 17\n")
        (run / "log.txt").write_text(
            "coterie 0.1.0 abc, float, Open MPI v4.1.4, kernel Haswell, libxsmm, 6 ranks on 2 hosts, started 2026-01-01T00:00:00Z\n"
            "epoch 0 of 200\n"
            "coterie 0.1.0 abc, float, Open MPI v4.1.4, kernel Haswell, libxsmm, 12 ranks on 3 hosts, Slurm job 5, started "
            "2026-01-02T03:04:05Z\n")
        self.add(run, range(len(errors)), errors, **more)
        return run

    def add(self, run, epochs, errors, **more):
        with open(run / "metrics.jsonl", "a", encoding="utf-8") as file:
            for epoch, error in zip(epochs, errors, strict=True):
                row = {"epoch": epoch, "step": epoch, "error": float(error), "accuracy": None, "seconds": float(epoch)}
                file.write(json.dumps(row | more) + "\n")

    def once(self, run, rows=24, columns=80, env=None):
        result = support.run(support.COTERIE, "watch", run, "--once",
                             env={**(env or ASCII), "LINES": str(rows), "COLUMNS": str(columns)})
        self.assertEqual(result.rc, 0, str(result))
        return result.stdout

    def hold(self, run):
        """The lock, as a run that goes on holds it."""
        file = open(run / "lock", "r+", encoding="utf-8")
        fcntl.lockf(file, fcntl.LOCK_EX)
        self.addCleanup(file.close)
        return file

    def test_trained_run(self):
        result = support.run(support.COTERIE, "train", "--epochs", 30, "--valid", 0.2, "--output", self.folder / "run",
                             "--quiet", ranks=2)
        self.assertEqual(result.rc, 0, str(result))
        text, last = self.once(self.folder / "run"), support.read_metrics(self.folder / "run")[-1]
        self.assertRegex(text, r"/run, started 20\d\d-.*\nfinished, 2 ranks on 1 host\n")
        self.assertIn("epoch 30 of 30", text)
        self.assertIn(f"error {last['error']:.6g} (validation {last['error_valid']:.6g})", text)
        self.assertIn(f"accuracy {last['accuracy']:.6g} (validation {last['accuracy_valid']:.6g})", text)
        self.assertIn("checkpoint step-000000030.h5", text)

    def test_curve(self):
        """Every star at the place that the value asks for, by NumPy."""
        errors = 3 + numpy.sin(numpy.arange(64) / 9)
        run = self.run_of(errors)
        lines = self.once(run, rows=26, columns=9 + 64).splitlines()
        top = next(i for i, line in enumerate(lines) if line.strip() == "error")
        chart = [line[9:].ljust(64) for line in lines[top + 1:] if line[8:9] == "|"]
        share = (errors - errors.min()) / (errors.max() - errors.min())
        rows = numpy.rint((1 - share) * (len(chart) - 1)).astype(int)
        for x, y in enumerate(rows):
            self.assertEqual(chart[y][x], "*", "\n".join(chart))
        self.assertIn(f"{errors.max():8.4g}|", lines[top + 1])
        self.assertIn(f"{errors.min():8.4g}|", lines[top + len(chart)])

    def test_validation_and_scales(self):
        """Of three decades, and with values that are none."""
        errors = numpy.logspace(0, -3, 60)
        errors[10] = numpy.nan
        run = self.folder / "run"
        run.mkdir()
        (run / "config.yaml").write_text("epochs: 60\n")
        with open(run / "metrics.jsonl", "w", encoding="utf-8") as file:
            for epoch, error in enumerate(errors):
                value = None if numpy.isnan(error) else error
                file.write(json.dumps({"epoch": epoch, "step": epoch, "error": value, "error_valid": value,
                                       "seconds": epoch}) + "\n")
        text = self.once(run, rows=30)
        self.assertIn("error (logarithmic)", text)
        chart = [line for line in text.splitlines() if line[8:9] == "|"]
        self.assertGreater(sum(line.count("o") for line in chart), 20)
        # A straight line: about as many columns in the upper half as in the lower.
        half = len(chart) // 2
        upper, lower = ("".join(part) for part in (chart[:half], chart[-half:]))
        self.assertAlmostEqual(upper.count("o") / lower.count("o"), 1, delta=0.35)

    def test_any_size(self):
        run = self.run_of(numpy.linspace(1, 0.1, 150), error_valid=0.5, accuracy=0.7, learning_rate=0.1)
        for env, is_ascii in ((UTF_8, False), (ASCII, True), ({"LC_ALL": "C.UTF-8", "TERM": "dumb"}, True)):
            for rows, columns in ((5, 20), (12, 40), (24, 80), (60, 200)):
                text = self.once(run, rows, columns, env)
                self.assertEqual(text.isascii(), is_ascii or rows < 6)
                self.assertNotIn("\x1b", text)
                self.assertLessEqual(max(map(len, text.splitlines())), columns)
                self.assertLessEqual(len(text.splitlines()), rows)
        self.assertRegex(self.once(run, 60, 200), r"(?s)error .*accuracy .*learning_rate|error .*accuracy ")

    def test_names_cannot_speak_to_the_terminal(self):
        run = self.run_of([1.0, 0.5], name="a\x1b[31m\u6e29b\x07")
        self.assertIn("a?[31m?", self.once(run).replace("???", "?"))
        self.assertIn("a?[31m\u6e29b?", self.once(run, env=UTF_8))

    def test_many_epochs(self):
        run = self.run_of(1 / numpy.arange(1, 100_002), epochs=100_000)
        with open(run / "metrics.jsonl", "a", encoding="utf-8") as file:
            file.write('{"epoch": 100001, "er')
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        text = self.once(run)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.assertLess(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 0.2)
        self.assertIn("epoch 100000 of 100000", text)

    def test_goes_on_and_ends(self):
        run = self.run_of(numpy.linspace(1, 0.5, 101))
        lock = self.hold(run)
        terminal = Terminal(support.COTERIE, "watch", run)
        terminal.wait_for(r"run, started 2026-01-02T03:04:05Z\x1b\[K\r+\nrunning, host there, process 17, 12 ranks on 3 hosts\x1b")
        left = terminal.wait_for(r"epoch 100 of 200, 1m40s, at most 1m(\d\d)s left, until \d\d:\d\d")
        self.assertLessEqual(int(left[1]), 40)
        self.assertGreater(int(left[1]), 5)
        self.add(run, range(101, 151), numpy.linspace(0.5, 0.25, 50))
        terminal.wait_for(r"epoch 150 of 200")
        fcntl.ioctl(terminal.keys, termios.TIOCSWINSZ, struct.pack("HHHH", 10, 30, 0, 0))
        terminal.wait_for(r"\x1b\[Hrun|\x1b\[H")
        (run / "finished").write_text("epoch 200\n")
        lock.close()
        terminal.wait_for(r"\x1b\[\?1049l")
        terminal.wait_for(r"finished")
        self.assertEqual(terminal.end(), 0)

    def test_keys(self):
        run = self.run_of(numpy.linspace(1, 0.5, 101))
        self.hold(run)
        for key in ("q", "\x03"):
            terminal = Terminal(support.COTERIE, "watch", run)
            terminal.wait_for(r"epoch 100 of 200")
            terminal.press("x" + key)
            terminal.wait_for(r"\x1b\[\?1049l")
            terminal.wait_for(r"epoch 100 of 200")
            self.assertEqual(termios.tcgetattr(terminal.keys)[3], terminal.before[3])
            self.assertEqual(terminal.end(), 0)

    def test_signals_while_a_frame_is_written(self):
        """The terminal takes no more than a part of a large frame until somebody reads it."""
        run = self.run_of(numpy.linspace(1, 0.5, 101))
        self.hold(run)
        terminal = Terminal(support.COTERIE, "watch", run, rows=500, columns=500)
        call = pathlib.Path(f"/proc/{terminal.pid}/syscall")
        writes = ("1 0x1 ", "64 0x1 ")  # of x86-64 and others, to standard output
        support.wait_for(lambda: call.read_text(encoding="utf-8").startswith(writes))
        for _ in range(3):
            os.kill(terminal.pid, signal.SIGWINCH)
            time.sleep(0.05)
        terminal.wait_for(r"epoch 100 of 200")
        terminal.press("q")
        self.assertEqual(terminal.end(), 0)

    def test_dumb_terminal(self):
        run = self.run_of(numpy.linspace(1, 0.5, 101))
        self.hold(run)
        terminal = Terminal(support.COTERIE, "watch", run, env={"LC_ALL": "C.UTF-8", "TERM": "dumb"})
        terminal.wait_for(r"epoch 100 of 200")
        terminal.press("\x03")
        self.assertEqual(terminal.end(), 0)
        self.assertNotIn("\x1b", terminal.text)
        self.assertTrue(terminal.text.isascii())

    def test_what_is_there_only_in_part(self):
        run = self.run_of([], name="young")
        self.assertIn("no metrics yet", self.once(run))
        self.assertIn("no checkpoint yet", self.once(run))
        self.assertIn("not running", self.once(run))
        (run / "config.yaml").write_text("of_tomorrow: 5\n")
        self.add(run, [0, 1], [2, 1])
        self.assertIn("epoch 1,", self.once(run))
        result = support.run(support.COTERIE, "watch", self.folder)
        self.assertEqual(result.rc, 2)
        self.assertIn("is no run directory", result.stderr)


if __name__ == "__main__":
    support.main()
