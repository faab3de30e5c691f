# SPDX-License-Identifier: BSD-3-Clause
# labels: quick
"""coterie inspect on data: CSV, HDF5, built-in; what it says and how it finds damage."""
import h5py
import numpy
import support


class Inspect(support.TestCase):
    def inspect(self, path, *options):
        return support.run(support.COTERIE, "inspect", path, *options)

    def assert_row(self, result, *cells):
        """A line of the output that consists of these words."""
        rows = [line.split() for line in result.stdout.splitlines()]
        self.assertIn([str(cell) for cell in cells], rows, str(result))

    def assert_one_line(self, result):
        self.assertRegex(result.stderr, r"\Acoterie: error: [^\n]*\n\Z", str(result))

    def test_builtin(self):
        result = self.inspect("builtin:vowels")
        self.assert_rc(result, 0, "400 samples", "2 inputs", "4 classes of vowel",
                       "50 groups of 8 samples")
        self.assert_row(result, "F1", 190, 534.645, 1040)
        self.assert_row(result, "iy", 100, "25.0", "%")
        self.assert_rc(self.inspect("builtin:vowel"), 2, "did you mean 'builtin:vowels'?")

    def test_csv(self):
        path = self.folder / "table.csv"
        path.write_text("a,b,w,t\n1,-4,1,10\n3,8,0.5,20\n", encoding="utf-8")
        result = self.inspect(path, "--weight", "w")
        self.assert_rc(result, 0, "CSV data, 2 samples", "2 inputs", "1 target", "weights")
        self.assert_row(result, "a", 1, 2, 3)
        self.assert_row(result, "b", -4, 2, 8)
        self.assert_row(result, "t", 10, 15, 20)
        result = self.inspect(path, "--inputs", "t", "--targets", "a,b")
        self.assert_rc(result, 0, "1 input", "2 targets")

    def test_hdf5(self):
        path = self.folder / "data.h5"
        x = numpy.arange(3000.0).reshape(100, 30)
        with h5py.File(path, "w") as file:
            file["x"], file["y"] = x, numpy.arange(100) % 3
            file["group"] = numpy.minimum(numpy.arange(100) // 20, 3)
        result = self.inspect(path)
        self.assert_rc(result, 0, "HDF5 data, 100 samples", "30 inputs", "and 10 more",
                       "3 classes", "4 groups of 20 to 40 samples")
        self.assert_row(result, "x1", 1, 1486, 2971)
        self.assert_row(result, "0", 34, "34.0", "%")

    def test_without_targets(self):
        path = self.folder / "x.h5"
        with h5py.File(path, "w") as file:
            file["x"] = [[1.0], [2.0]]
        self.assert_rc(self.inspect(path), 0, "no targets")

    def test_hdf5_of_another_layout(self):
        path = self.folder / "other.h5"
        with h5py.File(path, "w") as file:
            file["table/speed"], file["label"] = [1.0, 2.0], numpy.array([b"a", b"b"])
        result = self.inspect(path)
        self.assert_rc(result, 0, "--inputs")
        self.assert_row(result, "/table/speed", "numbers", 2)
        self.assert_row(result, "/label", "text", 2)
        self.assert_rc(self.inspect(path, "--inputs", "table/speed", "--targets", "label"), 0,
                       "2 samples")

    def test_verify(self):
        path = self.folder / "data.h5"
        self.succeed(support.COTERIE, "convert", "builtin:vowels", path)
        self.assert_rc(self.inspect(path, "--verify"), 0, "3 data sets read")
        with h5py.File(path) as file:
            offset = file["y"].id.get_chunk_info(0).byte_offset
        damaged = bytearray(path.read_bytes())
        damaged[offset + 10] ^= 1
        path.write_bytes(damaged)
        result = self.inspect(path, "--verify")
        self.assert_rc(result, 1, "data.h5", "/y")
        self.assert_one_line(result)

    def test_what_is_no_data(self):
        empty, text = self.folder / "empty.csv", self.folder / "text.h5"
        empty.write_bytes(b"")
        text.write_text("hello", encoding="utf-8")
        for path in (empty, text, self.folder / "none.csv"):
            result = self.inspect(path)
            self.assert_rc(result, 2, path.name)
            self.assert_one_line(result)


if __name__ == "__main__":
    support.main()
