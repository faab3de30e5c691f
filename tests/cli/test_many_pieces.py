# SPDX-License-Identifier: BSD-3-Clause
"""Files of very many pieces: chunks of one row. In processor time, not on the clock. Many data sets:
test_many_pieces_long.py."""
import resource
import time

import h5py
import numpy
import support


class ManyPieces(support.TestCase):
    def setUp(self):
        super().setUp()
        self.path = self.folder / "d.h5"

    def train(self):
        """Processor seconds."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.succeed(support.COTERIE, "train", "--data", self.path, "--epochs", 1, "--experts", 2,
                     "--output", self.folder / "run")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def test_chunks_of_one_row(self):
        """Twice the time of h5py and the start; 12 s and more if each is looked for among all others."""
        x = numpy.random.default_rng(0).normal(size=(40000, 24)).astype("f4")
        with h5py.File(self.path, "w") as file:
            file.create_dataset("x", data=x, chunks=(1, 24), maxshape=(None, 24))
            file["y"] = x[:, 0]
        start = time.process_time()
        with h5py.File(self.path) as file:
            self.assertEqual(file["x"][:].shape, x.shape)
        self.assertLess(self.train(), 5 + 6 * (time.process_time() - start))


if __name__ == "__main__":
    support.main()
