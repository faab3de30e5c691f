# SPDX-License-Identifier: BSD-3-Clause
# labels: quick
"""Checkpoints of format version 1, written by an earlier coterie (data/README.md), are read and gone on from."""
import json
import pathlib
import shutil

import h5py
import support

OLD = pathlib.Path(__file__).parent.parent / "data/checkpoint-version-1.h5"


class VersionOne(support.TestCase):
    def test_is_verified_and_evaluated(self):
        with h5py.File(OLD) as file:
            self.assertEqual(file.attrs["format_version"], 1)
            error = file["history/error_valid"][-1]
        for program in (support.COTERIE, support.COTERIE_D):
            self.assert_rc(support.run(program, "inspect", "--verify", OLD), 0, "verified")
            told = json.loads(self.succeed(program, "evaluate", OLD, "--data", "builtin:vowels/test",
                                           "--json").stdout)
            self.assertLess(abs(told["error"] / error - 1), 1e-6)

    def test_goes_on(self):
        """The same as a run that has always been of the present format."""
        with h5py.File(OLD) as file:
            epoch = int(file["progress"].attrs["epoch"])
        run = self.folder / "run"
        self.succeed(support.COTERIE, "train", "--resume", OLD, "--output", run, "--epochs", epoch + 4)
        self.succeed(support.COTERIE, "train", "--experts", 2, "--optimizer", "gd", "--checkpoint-every",
                     "1e", "--output", self.folder / "new", "--epochs", epoch + 4)
        with h5py.File(run / "checkpoints/latest") as old, \
                h5py.File(self.folder / "new/checkpoints/latest") as new:
            self.assertEqual(old.attrs["format_version"], 2)
            for name in ("gate/layer0/weight", "experts/layer0/weight", "best/experts/layer0/bias",
                         "history/error_valid"):
                self.assertEqual(old[name][()].tobytes(), new[name][()].tobytes(), name)
            for name in ("best_epoch", "best_error", "stale_epochs"):
                self.assertEqual(old["progress"].attrs[name], new["progress"].attrs[name], name)

    def test_damage_is_found(self):
        data = bytearray(OLD.read_bytes())
        with h5py.File(OLD) as file:
            at = file["experts/layer0/weight"].id.get_chunk_info(0).byte_offset
        data[at] ^= 1
        (self.folder / "bad.h5").write_bytes(data)
        self.assert_rc(support.run(support.COTERIE, "inspect", "--verify", self.folder / "bad.h5"), 1, "damaged")


if __name__ == "__main__":
    support.main()
