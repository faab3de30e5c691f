# SPDX-License-Identifier: BSD-3-Clause
"""Files as other programs write them, by h5py."""
import h5py
import numpy
import support

N = 40


class Foreign(support.TestCase):
    def setUp(self):
        super().setUp()
        rng = numpy.random.default_rng(3)
        self.x = rng.normal(size=(N, 3))
        self.y = self.x @ [1.0, 2.0, 3.0]
        self.path = self.folder / "d.h5"

    def file(self, **arrays):
        """A file with x, y unless given; the arrays may be changed by who gets it."""
        file = h5py.File(self.path, "w")
        for name, array in {"x": self.x, "y": self.y, **arrays}.items():
            if array is not None:
                file[name] = array
        return file

    def plan(self, *options, rc=0):
        result = support.run(support.COTERIE, "train", "--data", self.path, "--dry-run", *options,
                             cwd=self.folder)
        self.assert_rc(result, rc)
        return result.stdout

    def refused(self, *words, options=()):
        result = support.run(support.COTERIE, "train", "--data", self.path, "--dry-run", "--missing",
                             "refuse", *options, cwd=self.folder)
        self.assert_rc(result, 2)
        line = self.assert_one_line(result)
        for word in ("d.h5", *words):
            self.assertIn(word, line)
        return line

    def columns(self, *options):
        """Least and largest number of each column, as inspect tells them."""
        result = self.succeed(support.COTERIE, "inspect", self.path, *options)
        rows = [line.split() for line in result.stdout.splitlines() if line.startswith("  ")]
        return {row[0]: (float(row[1]), float(row[3])) for row in rows}
