# SPDX-License-Identifier: BSD-3-Clause
# timeout: 200
"""Damaged checkpoints: found, and never trained on.

    test_damage.py                 some bytes and lengths
    test_damage.py --every-byte    all of them, takes minutes
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import h5py
import harness
import numpy
import support

FLIP_BYTES = os.environ.get("FLIP_BYTES", "flip_bytes")
STRIDE = 31  # of the bytes and lengths that are tried


class Bytes(support.TestCase):
    def test_flipped_and_cut(self):
        result = support.run(FLIP_BYTES, self.folder, STRIDE, 7, timeout=7000)
        print(result.stdout, end="", flush=True)
        self.assert_rc(result, 0, " 0 wrong")


class Parts(harness.FaultTest):
    """Whole data sets in the wrong place: no byte of them is damaged, only checksums can tell."""

    def setUp(self):
        super().setUp()
        self.assert_rc(self.shop.train("run", "--keep", 9), 0)
        self.damaged = self.folder / "damaged.h5"

    def generation(self, step):
        return harness.checkpoints(self.run_directory) / f"step-{step:09d}.h5"

    def assert_refused(self, what, *words):
        """By inspect --verify, by training and by evaluation."""
        self.assert_rc(self.shop.run("inspect", self.damaged, "--verify"), 1)
        result = self.shop.train("other", "--resume", self.damaged)
        self.assert_rc(result, 2, "damaged", *words)
        self.assert_one_line(result)
        result = self.shop.run("evaluate", self.damaged, "--data", self.shop.data)
        self.assert_rc(result, 2, *words)
        self.assertFalse((self.folder / "other" / "metrics.jsonl").exists(), what)

    def change(self, action):
        shutil.copyfile(self.generation(80), self.damaged)
        with h5py.File(self.damaged, "r+") as file:
            action(file)

    def test_wrong_experts(self):
        names = ("experts/layer0/weight", "experts/layer0/bias", "experts/variance",
                 "optimizer/m/experts/layer0/weight", "optimizer/m/experts/layer0/bias",
                 "optimizer/v/experts/layer0/weight", "optimizer/v/experts/layer0/bias",
                 "best/experts/layer0/weight", "best/experts/layer0/bias")

        def swap(file, of_all):
            for name in names if of_all else names[:2]:
                rows = file[name][:]
                file[name][0], file[name][2] = rows[2], rows[0]
            if of_all:  # even with their checksums they are in the wrong place
                sums = file["checksum/experts"][:]
                file["checksum/experts"][0], file["checksum/experts"][2] = sums[2], sums[0]

        def duplicate(file):
            for name in names:
                file[name][1] = file[name][0]
            file["checksum/experts"][1] = file["checksum/experts"][0]

        def stale(file):
            with h5py.File(self.generation(70)) as older:
                for name in names:
                    file[name][1] = older[name][1]

        for what, action, word in (("swapped", lambda file: swap(file, False), "expert 0"),
                                   ("swapped with all", lambda file: swap(file, True), "expert 0"),
                                   ("duplicated", duplicate, "expert 1"),
                                   ("stale", stale, "expert 1")):
            with self.subTest(what):
                self.change(action)
                self.assert_refused(what, word)

    def test_wrong_rest(self):
        def set_attribute(group, name, value):
            return lambda file: file[group].attrs.modify(name, value)

        def stale_gate(file):
            with h5py.File(self.generation(70)) as older:
                file["gate/layer0/weight"][:] = older["gate/layer0/weight"][:]

        for what, action, word in (
                ("gate", stale_gate, "the gate"),
                ("step", set_attribute("progress", "step", 79), "progress"),
                ("option", set_attribute("config", "batch_size", b"51"), "configuration"),
                ("data", set_attribute("data", "n", 239), "configuration"),
                ("scaler", lambda file: file["scaler/x_mean"].write_direct(
                    file["scaler/x_scale"][:]), "scaler")):
            with self.subTest(what):
                self.change(action)
                self.assert_refused(what, word)

    def test_part_is_missing(self):
        for name in ("gate/layer0/bias", "experts/layer0/weight", "checksum/experts", "progress",
                     "optimizer/v", "scaler", "config", "history"):
            with self.subTest(name):
                def delete(file, name=name):
                    del file[name]
                self.change(delete)
                result = self.shop.train("other", "--resume", self.damaged)
                self.assert_rc(result, 2)
                self.assert_one_line(result)
                self.assert_rc(self.shop.run("inspect", self.damaged, "--verify"), 1)

    def test_structure(self):
        """What HDF5 guards by checksums of its own; without --verify it is a file of no use."""
        content = bytearray(self.generation(80).read_bytes())
        for place in range(8, len(content), len(content) // 5):
            content[place] ^= 1
            self.damaged.write_bytes(content)
            content[place] ^= 1
            with self.subTest(place):
                self.assert_rc(self.shop.run("inspect", self.damaged, "--verify"), (0, 1))
        self.damaged.write_bytes(content[:len(content) // 2])
        self.assert_rc(self.shop.run("inspect", self.damaged, "--verify"), 1, "damaged")
        self.assert_rc(self.shop.run("inspect", self.damaged), 2, "damaged")


class Walk(harness.FaultTest):
    """The other process that walks through an HDF5 file first. It is made to die or never to end."""

    def other_process(self, pid):
        """Of the one that looks at a file first, once it is there."""
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
        for child in map(int, children.read_text(encoding="utf-8").split()):
            if b"check-file" in pathlib.Path(f"/proc/{child}/cmdline").read_bytes():
                return child
        return None

    def test_it_dies(self):
        result = self.shop.run("train", "--data", self.shop.data, ranks=2,
                               env={"COTERIE_FAULT": "hdf5_walk:0:0:abort"})
        self.assert_rc(result, 2, self.shop.data.name, "crashes on it")
        self.assert_one_line(result)

    def test_it_never_ends(self):
        """Nor does it end when batch systems ask all processes of a job to end."""
        process = self.shop.start("inspect", self.shop.data,
                                  env={"COTERIE_HANG_TIMEOUT": "60",
                                       "COTERIE_FAULT": "hdf5_walk:0:0:spin"})
        child = support.wait_for(lambda: self.other_process(process.pid), process)
        for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT):
            os.kill(child, number)
        self.assert_rc(support.finish(process, 60), 2, self.shop.data.name, "never finishes")

    def test_killed_while_it_looks(self):
        """For want of memory, say: that is not the file's fault."""
        with h5py.File(self.folder / "slow.h5", "w") as file:
            file.create_dataset("x", data=numpy.zeros((4000000, 2)), compression="gzip")
        process = self.shop.start("inspect", self.folder / "slow.h5")
        os.kill(support.wait_for(lambda: self.other_process(process.pid), process), signal.SIGKILL)
        self.assert_rc(support.finish(process, 60), 0)

    def test_what_cannot_be_listed(self):
        """But might be found by its name, and be read."""
        damaged = self.folder / "damaged.h5"
        with h5py.File(damaged, "w") as file:
            header = h5py.h5o.get_info(file.create_group("a").id).addr
            file["x"] = [[0.0, 1.0]] * 50
            file["y"] = [0.0, 1.0] * 25
        content = bytearray(damaged.read_bytes())
        content[header:header + 16] = bytes(16)
        damaged.write_bytes(content)
        result = self.shop.run("train", "--data", damaged)
        self.assert_rc(result, 2, "damaged.h5", "not all that is in it can be opened")
        self.assert_one_line(result)

    def test_not_for_what_is_sealed(self):
        """A checkpoint that is whole is known to be so without another process."""
        self.assert_rc(self.shop.train("run"), 0)
        faulty = {"COTERIE_FAULT": "hdf5_walk:0:0:abort"}
        self.assert_rc(self.shop.run("inspect", self.run_directory, env=faulty), 0)
        sealed = (harness.checkpoints(self.run_directory) / "latest").read_bytes()
        changed = self.folder / "changed.h5"
        changed.write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))
        self.assert_rc(self.shop.run("inspect", changed, env=faulty), 2, "crashes on it")

    def test_probing_is_quick(self):
        """Processor time of the other process; 30 ms are meant, sanitizers and load take more."""
        before = os.times()
        for _ in range(10):
            self.assert_rc(self.shop.run("check-file", self.shop.data), 0)
        after = os.times()
        spent = sum(after[2:4]) - sum(before[2:4])
        print(f"probing a small file: {100 * spent:.0f} ms of processor time", flush=True)
        self.assertLess(spent / 10, 0.3)


class Fallback(harness.FaultTest):
    def test_generation_by_generation(self):
        """The newest three are bad in three ways; each is named with what is wrong."""
        self.assert_rc(self.shop.train("run", "--keep", 5, epochs=12), 0)
        files = harness.generations(self.run_directory)[::-1]
        size = files[0].stat().st_size
        with open(files[0], "r+b") as file:
            file.truncate(size // 2)
        with h5py.File(files[1], "r+") as file:
            file["experts/layer0/bias"][1] += 1
        files[2].write_bytes(b"not an HDF5 file")
        self.assert_rc(self.shop.run("inspect", self.run_directory, "--verify"), 1)
        result = self.assert_resumes("run", "--keep", 3, epochs=12)
        skipped = [line for line in support.own_lines(result.stderr) if "skipping" in line]
        self.assertEqual(len(skipped), 3, str(result))
        for path, line, why in zip(files, skipped, ("its end is missing", "expert 1",
                                                    "not an HDF5 file")):
            self.assertIn(path.name, line)
            self.assertIn(why, line)
        self.assertIn(files[3].name, result.stdout)

    def test_none_is_left(self):
        self.assert_rc(self.shop.train("run", epochs=4), 0)
        for path in harness.generations(self.run_directory):
            with open(path, "r+b") as file:
                file.truncate(1000)
        before = [path.stat().st_mtime_ns for path in harness.generations(self.run_directory)]
        result = self.shop.train("run", "--resume", "auto", epochs=4)
        self.assert_rc(result, 2, "none of the")
        self.assertEqual(before, [path.stat().st_mtime_ns
                                  for path in harness.generations(self.run_directory)])


def every_byte():
    """In two processes, for the time it takes."""
    folder = support.tempfile.mkdtemp(prefix="coterie-flip-")
    jobs = [subprocess.Popen([FLIP_BYTES, folder, "2", str(first)]) for first in (0, 1)]
    codes = [job.wait() for job in jobs]
    shutil.rmtree(folder)
    return max(codes)


if __name__ == "__main__":
    if sys.argv[1:] == ["--every-byte"]:
        sys.exit(every_byte())
    support.main(jobs=4)
