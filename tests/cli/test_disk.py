# SPDX-License-Identifier: BSD-3-Clause
"""Files that may not be read or written, and a disk that is full."""
import os
import pathlib
import shutil
import signal
import subprocess
import time
import unittest

import h5py
import numpy
import support

D = support.COTERIE_D
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
AS_ROOT = os.geteuid() == 0


def nobody_can_run():
    """None, or why tests of permissions are left out."""
    if not AS_ROOT:
        return None  # we are an unprivileged user ourselves
    if not shutil.which("setpriv"):
        return "as root, permissions can only be tested with setpriv, which is missing"
    if subprocess.run([*NOBODY, "test", "-x", shutil.which(D) or D], check=False).returncode:
        return f"as root, permissions are tested as nobody, who cannot run {D}"
    return None


@unittest.skipIf(nobody_can_run(), nobody_can_run())
class Permissions(support.TestCase):
    def setUp(self):
        super().setUp()
        self.folder.chmod(0o755)
        (self.folder / "data.csv").write_text("a,t\n" + "1,2\n3,4\n" * 5, encoding="utf-8")
        (self.folder / "locked").mkdir(mode=0o555)
        (self.folder / "hidden").mkdir(mode=0o700)
        (self.folder / "temporary").mkdir(mode=0o755)
        for name in ("secret.csv", "secret.h5", "secret.yaml"):
            (self.folder / name).write_text("a,t\n1,2\n", encoding="utf-8")
            (self.folder / name).chmod(0)
        if AS_ROOT:
            os.chown(self.folder / "temporary", 65534, 65534)
        else:
            (self.folder / "hidden").chmod(0)
            self.addCleanup((self.folder / "hidden").chmod, 0o700)

    def run_unprivileged(self, *arguments, ranks=None):
        command = [support.MPIRUN, *support.MPIRUN_OPTIONS, "-n", str(ranks)] if ranks else []
        command = [*(NOBODY if AS_ROOT else []), *command, D, *map(str, arguments)]
        temporary = str(self.folder / "temporary")
        # Without a folder of their own ranks would take root's.
        env = {key: temporary for key in ("HOME", "TMPDIR", "OMPI_MCA_orte_tmpdir_base")}
        return support.run(*command, cwd=self.folder, env=env, timeout=30)

    def refuse(self, path, *arguments, rc=2):
        for ranks in (None, 3):
            with self.subTest(arguments=arguments, ranks=ranks):
                result = self.run_unprivileged(*arguments, ranks=ranks)
                self.assert_rc(result, rc)
                line = self.assert_one_line(result)
                self.assertIn(str(path), line)
                self.assertRegex(line, "(?i)permission|not allowed|may not")
                self.assertFalse(list(pathlib.Path(self.folder / "locked").iterdir()))

    def test_train(self):
        self.refuse("secret.csv", "train", "--data", "secret.csv", "--output", "temporary/run")
        self.refuse("secret.h5", "train", "--data", "secret.h5", "--output", "temporary/run")
        self.refuse("secret.yaml", "train", "--config", "secret.yaml")
        self.refuse("hidden/data.csv", "train", "--data", "hidden/data.csv", "--output",
                    "temporary/run")
        self.refuse("locked", "train", "--data", "data.csv", "--epochs", 1, "--output", "locked/run")
        self.assertFalse((self.folder / "temporary/run").exists())

    def test_predict(self):
        self.succeed(D, "train", "--data", "data.csv", "--epochs", 1, "--output", "run",
                     cwd=self.folder)
        self.refuse("locked/p.csv", "predict", "run", "--data", "data.csv", "--output", "locked/p.csv")
        self.refuse("locked/p.h5", "predict", "run", "--data", "data.csv", "--output", "locked/p.h5")
        (self.folder / "run/checkpoints/latest").resolve().chmod(0)
        self.refuse("run/checkpoints", "evaluate", "run", "--data", "data.csv")
        self.refuse("run directory run", "train", "--output", "run", "--resume", "auto")
        result = self.run_unprivileged("train", "--output", "run", "--resume", "auto", "--dry-run")
        self.assert_rc(result, 2, "warning: skipping", "no permission", "run/checkpoints")


class Ended(support.TestCase):
    def test_nothing_half_written_stays(self):
        """Whoever ends a prediction while its file is written finds no part of it."""
        rng = numpy.random.default_rng(0)
        for name, n in (("few.h5", 100), ("many.h5", 400000)):
            with h5py.File(self.folder / name, "w") as file:
                file["x"], file["y"] = rng.normal(size=(n, 1)), rng.normal(size=(n, 1))
        self.succeed(D, "train", "--data", "few.h5", "--epochs", 1, "--output", "run", cwd=self.folder)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with subprocess.Popen([D, "predict", "run", "--data", "many.h5", "--output", "p.csv"],
                                  cwd=self.folder, stderr=subprocess.DEVNULL) as process:
                while process.poll() is None and not any(path.stat().st_size for path in
                                                         self.folder.glob("p.csv*")):
                    time.sleep(0.01)
                process.send_signal(number)
                self.assertEqual(process.wait(), -number)
            self.assertEqual(list(self.folder.glob("p.csv*")), [])


class FullDisk(support.TestCase):
    """On a tmpfs of 400 KiB; a checkpoint has 30 to 40."""

    def setUp(self):
        super().setUp()
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(self.disk)],
                                 capture_output=True, text=True, check=False)
        if mounted.returncode != 0:
            self.skipTest(f"no small disk can be mounted here: {mounted.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", str(self.disk)], check=False)
        self.run_folder = self.disk / "run"

    def fill(self, leave):
        """Takes all room but `leave` bytes, which are a multiple of 4096."""
        filler = self.disk / "filler"
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
        os.truncate(filler, filler.stat().st_size - leave)

    def train(self, *options, ranks=None):
        return support.run(D, "train", "--experts", 3, "--output", self.run_folder, *options,
                           ranks=ranks, timeout=60)

    def assert_says_full(self, result, path):
        """Code 1, and a line of ours that names the file and why, with nothing of HDF5's own."""
        self.assert_rc(result, 1)
        lines = support.own_lines(result.stderr)
        self.assertRegex(lines[-1], f"(?i){path}.*(no space left|free space|disk is full)")
        for line in lines:
            self.assertRegex(line, "^coterie: (warning|error): ", str(result))

    def assert_nothing_half(self):
        """Each checkpoint that is there is whole, and no temporary file is left."""
        for path in self.disk.rglob("*"):
            self.assertNotIn(".tmp", path.name)
            if path.suffix == ".h5":
                self.succeed(D, "inspect", path, "--verify")

    def test_no_room_from_the_beginning(self):
        self.fill(4096 * 4)
        for ranks in (None, 3):
            shutil.rmtree(self.run_folder, ignore_errors=True)
            result = self.train("--epochs", 5, "--quiet", ranks=ranks)
            self.assert_says_full(result, self.run_folder)
            self.assert_nothing_half()

    def test_full_later(self):
        """The old generation stays, and when there is room again the run goes on from it."""
        self.assert_rc(self.train("--epochs", 5), 0)
        self.fill(4096 * 3)
        result = self.train("--epochs", 40, "--checkpoint-every", "4e", "--resume", "auto", ranks=3)
        self.assert_says_full(result, self.run_folder)
        self.assert_nothing_half()
        latest = self.run_folder / "checkpoints" / "latest"
        with h5py.File(latest) as file:
            self.assertEqual(file["progress"].attrs["epoch"], 5)
        (self.disk / "filler").unlink()
        self.assert_rc(self.train("--epochs", 40, "--resume", "auto", ranks=2), 0)
        self.succeed(D, "train", "--experts", 3, "--epochs", 40, "--output", self.folder / "straight")
        self.assert_same_checkpoint(latest, self.folder / "straight/checkpoints/latest",
                                    ("/config@checkpoint_every", "/checksum/rest"))
        self.assert_same_metrics(self.run_folder, self.folder / "straight")

    def test_room_for_the_last_one(self):
        """A checkpoint that cannot be saved on the way does not end a run that can end well."""
        self.assert_rc(self.train("--epochs", 5, "--keep", 1), 0)
        self.fill(4096 * 3)
        process = support.start(D, "train", "--output", self.run_folder, "--epochs", 40000,
                                "--checkpoint-every", "1000e", "--metrics-every", 40000,
                                "--resume", "auto", "--progress", "never")
        warning = process.stderr.readline()
        (self.disk / "filler").unlink()
        self.assert_rc(support.finish(process), 0)
        self.assertIn("warning", warning)
        self.assertIn("training continues", warning)
        with h5py.File(self.run_folder / "checkpoints/latest") as file:
            self.assertEqual(file["progress"].attrs["epoch"], 40000)

    def test_predictions(self):
        self.assert_rc(self.train("--epochs", 1), 0)
        data = self.folder / "data.csv"
        data.write_text("F1,F2\n" + "300,2000\n" * 1000, encoding="utf-8")
        self.fill(4096 * 2)
        for name in ("p.csv", "p.h5"):
            for ranks in (None, 3):
                result = support.run(D, "predict", self.run_folder, "--data", data, "--output",
                                     self.disk / name, ranks=ranks)
                with self.subTest(name, ranks=ranks):
                    self.assert_says_full(result, name)
                    self.assert_one_line(result)
                    self.assertFalse((self.disk / name).exists())
                    self.assert_nothing_half()

    def test_no_room_at_all(self):
        """Not the advice to look for a folder that is there."""
        data = self.folder / "data.csv"
        data.write_text("a,y\n1,2\n2,3\n", encoding="utf-8")
        self.fill(0)
        result = support.run(D, "convert", data, self.disk / "data.h5")
        self.assert_says_full(result, "data.h5")
        self.assertIn("the disk is full", result.stderr)
        self.assertNotIn("folder exists", result.stderr)


if __name__ == "__main__":
    support.main()
