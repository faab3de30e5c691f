# SPDX-License-Identifier: BSD-3-Clause
# timeout: 200
"""Streamed samples: the same bits as those kept in memory, in every way of passing over them."""
import h5py
import numpy
import support

N = 3000
# Blocks of 7 samples are 429 blocks in 7 windows; batches of 100 reach over the ends of windows.
CASES = (
    ("numbers", "--batch-size 100 --stream-block 7 --valid 0.2 --weight /w", 3, 1),
    ("numbers", "--batch-size 700 --micro-batch 500 --stream-block 3 --starts 2", 2, 2),
    ("numbers", "--batch-size 0 --stream-block 5 --micro-batch 128 --group /g --valid 0.3", 2, 3),
    ("labels", "--batch-size 64 --valid labels.h5", 2, 2),
    ("chunks", "--batch-size 100 --stream-block 11", 2, 1),
)


def write_data(folder):
    rng = numpy.random.default_rng(5)
    x = rng.normal(size=(N, 100)).astype("f4")
    y = numpy.stack([abs(x[:, 0]) + x[:, 1], x[:, 2] ** 2], axis=1)
    with h5py.File(folder / "numbers.h5", "w") as file:
        file["x"], file["y"] = x, y
        file["w"] = rng.uniform(0.5, 2, size=N)
        file["g"] = numpy.arange(N) // 40
    with h5py.File(folder / "labels.h5", "w") as file:
        file["x"], file["y"] = x, (y[:, 0] > 1).astype("i4")
    with h5py.File(folder / "chunks.h5", "w") as file:
        file.create_dataset("x", data=x, chunks=(64, 100), compression="gzip")
        file.create_dataset("y", data=y, chunks=(64, 2), fletcher32=True)


class Stream(support.TestCase):
    def setUp(self):
        super().setUp()
        write_data(self.folder)

    def train(self, stream, data, options, ranks, *more, name=None, **how):
        run = self.folder / (name or f"{stream}-{ranks}")
        self.succeed(support.COTERIE, "train", "--data", self.folder / f"{data}.h5", *options.split(),
                     "--stream", stream, "--epochs", 3, "--quiet", "--output", run, *more,
                     ranks=ranks, cwd=self.folder, **how)
        return run

    def test_same_bits(self):
        for number, (data, options, memory_ranks, stream_ranks) in enumerate(CASES):
            with self.subTest(data=data, options=options):
                memory = self.train("never", data, options, memory_ranks, name=f"memory{number}")
                stream = self.train("always", data, options, stream_ranks, name=f"stream{number}")
                rows = support.read_metrics(memory)
                self.assertNotEqual(rows[0]["error"], rows[-1]["error"])
                self.assert_same_metrics(memory, stream)
                self.assert_same_checkpoint(memory / "checkpoints/latest",
                                            stream / "checkpoints/latest")

    def test_the_block_is_part_of_the_order(self):
        """So it is fixed with the seed; a larger file would show what a small one does here."""
        errors = {block: support.read_metrics(self.train(
            "never", "numbers", f"--batch-size 100 --stream-block {block}", 1,
            name=f"block{block}"))[-1]["error"] for block in (3, 7, N, 2 * N)}
        self.assertEqual(len(set(errors.values())), 3, errors)
        self.assertEqual(errors[N], errors[2 * N])
        default = self.train("never", "numbers", "--batch-size 100", 1, name="default")
        self.assertEqual(support.read_metrics(default)[-1]["error"], errors[N])
        result = support.run(support.COTERIE, "train", "--resume", "auto", "--output",
                             self.folder / "block3", "--stream-block", 7)
        self.assert_rc(result, 2, "--stream-block is 7", "3")

    def test_resumed_within_an_epoch(self):
        options = "--batch-size 64 --stream-block 3"
        run = self.train("always", "numbers", options, 2, "--checkpoint-every", "60s", "--keep", 9)
        middle = run / "checkpoints/step-000000060.h5"
        with h5py.File(middle) as file:
            self.assertEqual(file["progress"].attrs["epoch"], 1)  # 47 steps each
        again = self.folder / "again"
        self.succeed(support.COTERIE, "train", "--resume", middle, "--stream", "always", "--quiet",
                     "--output", again, ranks=3)
        self.assert_same_checkpoint(run / "checkpoints/latest", again / "checkpoints/latest")

    def test_evaluate_and_predict(self):
        run = self.train("never", "numbers", "--batch-size 100", 1)
        outputs = {}
        for stream in ("never", "always"):
            data = ("--data", self.folder / "numbers.h5", "--stream", stream)
            result = self.succeed(support.COTERIE, "evaluate", run, *data, "--json", ranks=2)
            path = self.folder / f"{stream}.csv"
            self.succeed(support.COTERIE, "predict", run, *data, "--output", path, ranks=2)
            outputs[stream] = result.stdout, path.read_text()
        self.assertEqual(outputs["never"], outputs["always"])

    def test_only_hdf5(self):
        result = support.run(support.COTERIE, "train", "--stream", "always", "--data",
                             "builtin:vowels", "--output", self.folder / "none")
        self.assert_rc(result, 2, "only HDF5 files are streamed", "coterie convert")
        self.assert_one_line(result)

    def test_a_file_that_cannot_be_read_any_more(self):
        """The thread fails in the middle of training, and all ranks end with its message. Windows of
    64 samples: each step takes one. The thread reads ahead when it gets to it, so the fault waits
    at several steps."""
        faults = ",".join(f"data_read:0:{step}:fail" for step in range(50, 65))
        result = support.run(support.COTERIE, "train", "--data", self.folder / "numbers.h5",
                             "--stream", "always", "--stream-block", 1, "--batch-size", 64,
                             "--epochs", 50, "--on-nan", "rollback", "--checkpoint-every", "20s",
                             "--quiet", "--output", self.folder / "fails", ranks=3,
                             env={"COTERIE_FAULT": faults})
        self.assert_rc(result, 1, "data_read fails", "numbers.h5")


if __name__ == "__main__":
    support.main()
