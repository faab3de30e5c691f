# SPDX-License-Identifier: BSD-3-Clause
# labels: long
# timeout: 400
"""A file of very many data sets: the look at a file before it is read ends in time."""
import h5py
import numpy
import support


class ManyDataSets(support.TestCase):
    def test_many_data_sets(self):
        """More than can be walked through in the five seconds that one piece may take."""
        path = self.folder / "d.h5"
        with h5py.File(path, "w") as file:
            file["x"] = numpy.random.default_rng(1).normal(size=(10, 3))
            file["y"] = file["x"][:, 0]
            group, space = file.create_group("g").id, h5py.h5s.create_simple((2, 2))
            kind, link = h5py.h5t.NATIVE_FLOAT, h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            link.set_layout(h5py.h5d.COMPACT)
            for i in range(120000):
                h5py.h5d.create(group, b"d%d" % i, kind, space, link)
        self.succeed(support.COTERIE, "train", "--data", path, "--epochs", 1, "--experts", 2, "--output",
                     self.folder / "run", timeout=300)


if __name__ == "__main__":
    support.main()
