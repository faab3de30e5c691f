# SPDX-License-Identifier: BSD-3-Clause
# labels: quick
# timeout: 300
"""inspect --verify: if it passes, the file is what was written, to the last bit, for any reader."""
import random
import shutil

import h5py
import numpy
import support

KINDS = {
    "classes, adam, validation": ("--optimizer", "adam", "--experts", 3, "--epochs", 4),
    "a Gaussian gate, EM": ("--data", "builtin:vowels/train", "--optimizer", "em", "--gate", "gaussian",
                            "--experts", 2, "--epochs", 3),
    "hidden layers, learned variance": ("--targets", "ia", "--optimizer", "momentum", "--variance",
                                        "learned", "--expert-hidden", 3, "--gate-hidden", 2, "--experts", 2,
                                        "--epochs", 3, "--metrics-every", 2),
}
FLIPS = 16  # of each kind; fault/flip_bytes tries them all


def contents(path):
    """All that h5py reads of a file, bit for bit."""
    found = {}
    with h5py.File(path) as file:
        def visit(name, item):
            for attribute, value in item.attrs.items():
                found[f"{name}@{attribute}"] = repr(value)
            if isinstance(item, h5py.Dataset):
                value = item[()]
                found[name] = value.tolist() if value.dtype == object else value.tobytes()
        visit("/", file)
        file.visititems(visit)
    return found


class Flips(support.TestCase):
    def setUp(self):
        super().setUp()
        self.draw = random.Random(20261129)

    def verify(self, path):
        return support.run(support.COTERIE, "inspect", "--verify", path)

    def test_every_bit_counts(self):
        for kind, options in KINDS.items():
            run = self.folder / kind
            self.succeed(support.COTERIE, "train", *options, "--output", run)
            good, bad = run / "checkpoints/latest", self.folder / "bad.h5"
            self.assert_rc(self.verify(good), 0, "verified")
            data = good.read_bytes()
            contents(good)
            places = [0, 8, len(data) - 1, len(data) - 17, len(data) - 33]
            places += self.draw.sample(range(len(data)), FLIPS - len(places))
            for place in places:
                bit = self.draw.randrange(8)
                with self.subTest(kind, place=place, bit=bit):
                    flipped = bytearray(data)
                    flipped[place] ^= 1 << bit
                    bad.write_bytes(flipped)
                    self.assert_rc(self.verify(bad), (1, 2))

    def test_lengths(self):
        run = self.folder / "run"
        self.succeed(support.COTERIE, "train", "--epochs", 2, "--output", run)
        good, bad = run / "checkpoints/latest", self.folder / "bad.h5"
        data = good.read_bytes()
        for cut in (1, 16, 32, 33, len(data) // 2, len(data) - 1):
            bad.write_bytes(data[:-cut])
            self.assert_rc(self.verify(bad), (1, 2))
        bad.write_bytes(data + b"\0")
        self.assert_rc(self.verify(bad), 1, "whole file")

    def test_changed_by_others(self):
        """What h5py writes anew is a sound HDF5 file, but not the checkpoint that was written."""
        run = self.folder / "run"
        self.succeed(support.COTERIE, "train", "--epochs", 2, "--output", run)
        shutil.copyfile(run / "checkpoints/latest", self.folder / "bad.h5")
        with h5py.File(self.folder / "bad.h5", "r+") as file:
            file.attrs["created"] = numpy.bytes_("2001-01-01T00:00:00Z")
        self.assert_rc(self.verify(self.folder / "bad.h5"), 1, "whole file")


class BesideTraining(support.TestCase):
    def test_pruned_meanwhile_is_not_damaged(self):
        run = self.folder / "run"
        training = support.start(support.COTERIE, "train", "--epochs", 1000000, "--checkpoint-every", "1e",
                                 "--keep", 1, "--learning-rate", 0.001, "--output", run, "--quiet")
        self.addCleanup(training.kill)
        support.wait_for(lambda: (run / "checkpoints/best").exists(), training)
        for _ in range(12):
            result = support.run(support.COTERIE, "inspect", run, "--verify")
            self.assertNotIn("damaged", result.stdout, str(result))
            self.assert_rc(result, 0)
        (run / "stop").touch()
        self.assert_rc(support.finish(training), 75)


if __name__ == "__main__":
    support.main()
