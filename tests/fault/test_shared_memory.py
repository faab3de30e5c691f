# SPDX-License-Identifier: BSD-3-Clause
# labels: fault
# timeout: 200
"""What the ranks of a host share, where /dev/shm is small, as in a container, or nothing is large."""
import errno
import os
import pathlib
import shutil
import subprocess
import unittest

import h5py
import harness
import numpy
import support

SHIM = os.environ.get("NO_SUCH_CALL", "")
SANITIZED = "ASAN_OPTIONS" in os.environ or "TSAN_OPTIONS" in os.environ
# A kernel without memory that has no name: files are what is left.
ONLY_FILES = {"LD_PRELOAD": SHIM, "COTERIE_TEST_WITHOUT": f"memfd_create:{errno.ENOSYS}"}


def can_mount():
    command = ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


class Shared(support.TestCase):
    def setUp(self):
        super().setUp()
        rng = numpy.random.default_rng(0)
        x = rng.normal(size=(100000, 50)).astype("f4")  # 19 MiB
        with h5py.File(self.folder / "data.h5", "w") as file:
            file["x"], file["y"] = x, x[:, 0] * (x[:, 1] > 0)
        self.temporary = self.folder / "temporary"
        self.temporary.mkdir()

    def train(self, run, small=(), env=None, place=None, ranks=2, program=support.COTERIE):
        """Trains with these folders as file systems of 16 MiB, from a `place` that is none."""
        place = pathlib.Path(place or self.folder)
        steps = [f"mount --bind '{self.folder}' {place}"] if place != self.folder else []
        steps += [f"mount -t tmpfs -o size=16m tmpfs {folder}" for folder in small]
        (self.folder / "sessions").mkdir(exist_ok=True)
        environment = {"TMPDIR": place / "temporary", "OMPI_MCA_orte_tmpdir_base": place / "sessions",
                       **(env or {})}
        shell = ("unshare", "-m", "sh", "-c", " && ".join(steps + ['exec "$@"']), "sh")
        # Open MPI's own files are not what is tested.
        options = (*support.MPIRUN_OPTIONS, "-n", ranks)
        preload = [f"{name}={value}" for name, value in environment.items()]
        words = (*(shell if steps else ()), "env", *preload, support.MPIRUN, *options)
        return support.run(*words, program, "train", "--data", place / "data.h5",
                           "--experts", 2, "--epochs", 2, "--batch-size", 20000, "--output",
                           place / run, "--progress", "never")

    def assert_as_straight(self, run):
        if not (self.folder / "straight").exists():
            self.assert_rc(self.train("straight", ranks=1), 0)
        self.assert_same_checkpoint(harness.latest(self.folder / "straight"),
                                    harness.latest(self.folder / run))
        self.assertEqual(list(self.temporary.iterdir()), [])

    def assert_silent(self, result):
        self.assert_rc(result, 0)
        self.assertEqual(support.own_lines(result.stderr), [], str(result))

    @unittest.skipUnless(can_mount(), "cannot mount")
    def test_a_small_shm_is_not_needed(self):
        self.assert_silent(self.train("run", ("/dev/shm",)))
        self.assert_as_straight("run")

    @unittest.skipIf(SANITIZED or not SHIM, "the sanitizer must come first")
    def test_files_in_shm(self):
        before = set(os.listdir("/dev/shm"))
        self.assert_silent(self.train("run", env=ONLY_FILES))
        left = [name for name in set(os.listdir("/dev/shm")) - before if "coterie" in name]
        self.assertEqual(left, [])
        self.assert_as_straight("run")

    @unittest.skipIf(SANITIZED or not SHIM or not can_mount(), "needs root and no sanitizer")
    def test_files_elsewhere(self):
        result = self.train("run", ("/dev/shm",), ONLY_FILES)
        self.assert_rc(result, 0)
        lines = support.own_lines(result.stderr)
        self.assertEqual(len(lines), 1, str(result))
        self.assertRegex(lines[0], f"warning: .*{self.temporary}.*/dev/shm: .* MiB free.*shm-size")
        self.assert_as_straight("run")

    @unittest.skipIf(SANITIZED or not SHIM or not can_mount(), "needs root and no sanitizer")
    def test_no_room_anywhere(self):
        small = ("/dev/shm", "/tmp", "/var/tmp", "/mnt/temporary")
        # The build may be in one of the folders that are hidden.
        for path in (support.COTERIE, SHIM):
            shutil.copy(path, self.folder)
        env = {**ONLY_FILES, "LD_PRELOAD": f"/mnt/{pathlib.Path(SHIM).name}"}
        result = self.train("run", small, env, place="/mnt",
                            program=f"/mnt/{pathlib.Path(support.COTERIE).name}")
        line = self.assert_one_line(result)
        self.assert_rc(result, 1)
        for word in ("/dev/shm: ", "/mnt/temporary: ", "/var/tmp: ", "MiB free", "--shm-size",
                     "TMPDIR"):
            self.assertIn(word, line)
        self.assertIsNone(harness.trace_of(result), str(result))

    @unittest.skipIf(SANITIZED, "sanitizers write files of their own")
    def test_a_limit_on_files(self):
        """Memory that is shared counts as a file: no signal ends the job, but a line."""
        shell = ("sh", "-c", 'ulimit -f 16384 && exec "$@"', "sh")
        result = support.run(support.MPIRUN, *support.MPIRUN_OPTIONS, "-n", 2, *shell,
                             support.COTERIE, "train", "--data", self.folder / "data.h5",
                             "--output", self.folder / "run")
        self.assert_rc(result, 1)
        self.assertIn("ulimit -f unlimited", self.assert_one_line(result))


if __name__ == "__main__":
    support.main(jobs=2)
