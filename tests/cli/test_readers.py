# SPDX-License-Identifier: BSD-3-Clause
# timeout: 100
"""Samples of a large file, of which several ranks of a host read a share each."""
import h5py
import numpy
import support

N = 200000


class Readers(support.TestCase):
    def setUp(self):
        super().setUp()
        rng = numpy.random.default_rng(2)
        x = rng.normal(size=(N, 50)).astype("f4")
        with h5py.File(self.folder / "data.h5", "w") as file:
            file["x"] = x
            file["y"] = x[:, :2] + numpy.abs(x[:, 2:4])

    def command(self, output, *more):
        return (support.COTERIE, "train", "--data", "data.h5", "--experts", 3, "--batch-size", 5000,
                "--epochs", 1, "--quiet", "--output", output, *more)

    def test_same_bits(self):
        for number, options in enumerate(([], ["--valid", "0.3"])):
            with self.subTest(options=options):
                for ranks in (1, 3):
                    self.succeed(*self.command(f"{number}-{ranks}", *options), ranks=ranks,
                                 cwd=self.folder)
                one, three = self.folder / f"{number}-1", self.folder / f"{number}-3"
                self.assert_same_metrics(one, three)
                self.assert_same_checkpoint(one / "checkpoints/latest", three / "checkpoints/latest")

    def test_who_reads(self):
        fault = {"COTERIE_FAULT": "data_read:2:*:fail"}
        result = support.run(*self.command("auto"), ranks=3, cwd=self.folder, env=fault)
        self.assert_rc(result, 1, "rank 2", "data.h5", "injected")
        self.succeed(*self.command("root", "--read", "root"), ranks=3, cwd=self.folder, env=fault)


if __name__ == "__main__":
    support.main()
