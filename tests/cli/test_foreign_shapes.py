# SPDX-License-Identifier: BSD-3-Clause
# labels: quick
"""Arrays on their side, and files that are more than arrays: stores of other programs."""
import h5py
import numpy
import support
from foreign_case import N, Foreign


class OnItsSide(Foreign):
    def test_shapes_that_leave_no_doubt(self):
        """All are the same samples; only the first needs no word about it."""
        one = self.x[:, :1]
        for x, y, said in ((self.x, self.y, False), (self.x.T, self.y, True),
                           (self.x.T, self.y[None, :], True), (self.x, self.y[None, :], True),
                           (self.x.T, self.x[:, :2].T, True), (one.T, self.y[None, :], True)):
            with self.file(x=x, y=y):
                pass
            plan = self.plan()
            self.assertIn(f"{N} training samples, {min(x.shape)} input", plan, str((x.shape, y.shape)))
            self.assertEqual("on its side" in plan, said)

    def test_the_same_numbers(self):
        runs = []
        for x in (self.x, self.x.T):
            with self.file(x=x):
                pass
            runs.append(self.folder / f"run{len(runs)}")
            self.succeed(support.COTERIE, "train", "--data", self.path, "--epochs", 3, "--output",
                         runs[-1], ranks=2)
        self.assert_same_metrics(*runs)
        with h5py.File(self.path, "w") as file:  # without targets the model tells
            file["x"] = self.x[:7].T
        self.assertIn("7 samples", self.succeed(
            support.COTERIE, "predict", runs[0], "--data", self.path, "--output",
            self.folder / "p.csv").stdout.replace("7 predictions", "7 samples"))

    def test_what_cannot_be_told(self):
        with self.file(x=self.x[:3, :3], y=self.y[:3][None, :]):
            pass
        self.refused("on their side", "square")
        with self.file(x=self.x[:8].T, y=self.x[:8].T + 1):
            pass
        self.assertIn("transpose", self.plan())

    def test_matlab_and_octave_say_so(self):
        """Square or not, and where shapes alone would say otherwise."""
        square = numpy.arange(9.0).reshape(3, 3)
        with self.file(x=square.T, y=numpy.arange(3.0)[None, :]) as file:
            for name in ("x", "y"):
                file[name].attrs["MATLAB_class"] = numpy.bytes_("double")
        self.assertEqual(self.columns()["x1"], (1, 7))
        with self.file(x=None, y=None) as file:
            for name, array in (("x", square.T), ("y", numpy.arange(3.0)[None, :])):
                group = file.create_group(name)
                group.attrs["OCTAVE_NEW_FORMAT"] = numpy.uint8(1)
                group["type"], group["value"] = numpy.bytes_("matrix"), array
        self.assertEqual(self.columns()["x1"], (1, 7))

    def octave(self, name, kind, value, **attributes):
        with h5py.File(self.path, "a") as file:
            group = file.create_group(name)
            group.attrs["OCTAVE_NEW_FORMAT"] = numpy.uint8(1)
            group["type"], group["value"] = numpy.bytes_(kind), value
            group.attrs.update(attributes)
            return group.name + "/value"

    def test_empty_matrix_of_octave(self):
        """zeros(0, 3) is the two numbers 0 and 3, which two samples must not take for a target."""
        with self.file(x=self.x[:2], y=None):
            pass
        self.octave("y", "matrix", numpy.int64([0, 3]))
        self.assertIn("2 training samples", self.plan())  # without the mark
        with self.file(x=self.x[:2], y=None):
            pass
        self.octave("y", "matrix", numpy.int64([0, 3]), OCTAVE_EMPTY_MATRIX=numpy.uint8(1))
        self.refused("'/y/value'", "empty matrix of Octave")

    def test_range_of_octave(self):
        with self.file(y=None):
            pass
        row = numpy.zeros((), [("base", "f8"), ("limit", "f8"), ("increment", "f8")])
        value = self.octave("y", "double_range", row)
        with h5py.File(self.path, "a") as file:
            file[value].attrs["OCTAVE_RANGE_NELEM"] = N
        self.refused("'/y/value'", "range of Octave", "x = [x]")

    def test_text_of_matlab(self):
        with self.file(y=numpy.full((1, N), 97, "u2")) as file:
            file["y"].attrs["MATLAB_class"] = numpy.bytes_("char")
        self.refused("'/y'", "text", "MATLAB")


class Stores(Foreign):
    def test_pandas(self):
        with self.file(x=None, y=None) as file:
            group = file.create_group("df")
            group.attrs["pandas_type"] = numpy.bytes_("frame")
            group["axis0"], group["axis1"] = [b"a", b"b"], numpy.arange(N)
            group["block0_items"], group["block0_values"] = [b"a", b"b"], self.x[:, :2]
        line = self.refused("pandas", "to_csv")
        self.assertNotIn("--targets", line)
        self.refused("pandas", "to_csv", options=("--inputs", "/df"))

    def test_sparse(self):
        with self.file(x=None, y=None) as file:
            group = file.create_group("X")
            group.attrs["encoding-type"] = "csr_matrix"
            group["data"], group["indices"] = numpy.ones(99), numpy.zeros(99, "i4")
            group["indptr"] = numpy.arange(N + 1)
        line = self.refused("sparse", "toarray")
        self.assertNotIn("--inputs /X", line)
        for name in ("/X", "/X/data"):
            self.refused("sparse", options=("--inputs", name))
        self.assertIn("toarray", self.succeed(support.COTERIE, "inspect", self.path).stdout)

    def test_frame_of_anndata(self):
        with self.file(x=None, y=None) as file:
            group = file.create_group("obs")
            group.attrs["encoding-type"], group.attrs["_index"] = "dataframe", "number"
            group["number"], group["a"], group["b"] = numpy.arange(N), self.x[:, 0], self.y
        self.refused("--inputs /obs/a --targets /obs/b")
        self.refused("columns one by one", "/obs/a", options=("--inputs", "/obs"))

    def test_files_of_pytables(self):
        try:
            import tables
        except ImportError:
            self.skipTest("python3-tables is not installed")
        with tables.open_file(self.path, "w") as file:
            file.create_array("/", "x", self.x)
            file.create_array("/", "y", self.x[:, 0] > 0)
        self.assertIn("2 classes (0, 1)", self.plan())
        with tables.open_file(self.path, "w") as file:
            file.create_array("/", "y", self.y)
            file.create_carray("/", "x", obj=self.x, filters=tables.Filters(5, "blosc"))
        self.refused("Blosc", "32001")


if __name__ == "__main__":
    support.main(jobs=2)
