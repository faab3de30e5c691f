# SPDX-License-Identifier: BSD-3-Clause
# labels: quick
"""How often the data are read before training: once if they can be kept in memory.

The kernel counts what a process and those it has waited for have read (rchar). What does not depend
on the size of the file falls out of the difference between a small and a large one.
"""
import pathlib
import subprocess

import h5py
import numpy
import support

SMALL, LARGE = 300, 60000
# Checkpoints of both hold as many scores of samples held out: 10000.
HELD_OUT_SMALL, HELD_OUT_LARGE = 60000, 120000


def bytes_read():
    lines = pathlib.Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return int(dict(line.split(": ") for line in lines)["rchar"])


class BytesRead(support.TestCase):
    def setUp(self):
        super().setUp()
        if not pathlib.Path("/proc/self/io").exists():
            self.skipTest("the kernel does not count bytes")

    def write(self, name, n, labels):
        rng = numpy.random.default_rng(n)
        x = rng.normal(size=(n, 12))
        with h5py.File(self.folder / name, "w") as file:
            file["x"] = x
            file["y"] = (x[:, 0] > 0).astype(int) if labels else x[:, :4] ** 2
        return (self.folder / name).stat().st_size

    def read_by(self, *command):
        before = bytes_read()
        subprocess.run([support.COTERIE, *map(str, command)], cwd=self.folder, check=True,
                       stdout=subprocess.DEVNULL)
        return bytes_read() - before

    def passes(self, *options, labels=False, lengths=(SMALL, LARGE)):
        """How often the whole file is read by train, without the process that checks it first."""
        sizes, read = [], []
        for name, n in zip(("small.h5", "large.h5"), lengths):
            sizes.append(self.write(name, n, labels))
            checked = self.read_by("check-file", name)
            read.append(self.read_by("train", "--auto", "off", "--data", name, "--quiet",
                                     "--output", f"run-{name}", *options) - checked)
        return (read[1] - read[0]) / (sizes[1] - sizes[0])

    def test_evaluate(self):
        """The held-out part, known by the fingerprint of all: one pass, then from memory."""
        read = {}
        for name, n in (("small.h5", HELD_OUT_SMALL), ("large.h5", HELD_OUT_LARGE)):
            size = self.write(name, n, False)
            self.read_by("train", "--auto", "off", "--data", name, "--valid", 0.2, "--epochs", 0,
                         "--quiet", "--output", name[:5])
            read[size] = self.read_by("evaluate", name[:5]) - self.read_by("check-file", name)
        (small, at_small), (large, at_large) = read.items()
        self.assertLess((at_large - at_small) / (large - small), 1.05)

    def test_once_if_kept(self):
        self.assertLess(self.passes("--epochs", 1, "--batch-size", 5000), 1.05)

    def test_once_with_a_share_for_validation(self):
        self.assertLess(self.passes("--epochs", 0, "--valid", 0.2,
                                    lengths=(HELD_OUT_SMALL, HELD_OUT_LARGE)), 1.05)

    def test_once_with_labels(self):
        self.assertLess(self.passes("--epochs", 0, labels=True), 1.05)


class OwnCheckpoints(support.TestCase):
    def test_no_process_looks_at_them_first(self):
        """Read back by the one that wrote them: a process of its own would read its libraries, too."""
        if not pathlib.Path("/proc/self/io").exists():
            self.skipTest("the kernel does not count bytes")
        read = []
        for number in (2, 12):
            before = bytes_read()
            self.succeed(support.COTERIE, "train", "--epochs", number, "--checkpoint-every", "1e", "--output",
                         self.folder / f"{number}", "--quiet")
            read.append(bytes_read() - before)
        size = (self.folder / "12/checkpoints/latest").stat().st_size
        self.assertLess((read[1] - read[0]) / 10, 4 * size)


if __name__ == "__main__":
    support.main()
