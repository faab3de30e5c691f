# SPDX-License-Identifier: BSD-3-Clause
# labels: quick
"""coterie convert: CSV to HDF5 and back, without loss and without overwriting."""
import h5py
import numpy
import support

TABLE = ('\ufeffheight,"width, in m",speaker,kind\n'
         '1.5,0.1,anna,b\n'
         '-2,1e-300,ben,a\n'
         '0.30000000000000004,123456789.123456789,anna,"c ""quoted"""\n')


class Convert(support.TestCase):
    def convert(self, from_path, to_path, *options, **how):
        return support.run(support.COTERIE, "convert", from_path, to_path, *options, **how)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def files(self):
        return sorted(path.name for path in self.folder.iterdir())

    def test_csv_to_hdf5(self):
        table = self.write("table.csv", TABLE)
        result = self.convert(table, self.folder / "table.h5", "--group", "speaker")
        self.assert_rc(result, 0, "3 samples, 2 inputs, labels of 3 classes (kind)")
        with h5py.File(self.folder / "table.h5") as file:
            self.assertEqual(file["x"][:].tolist(), [[1.5, 0.1], [-2, 1e-300],
                                                     [0.30000000000000004, 123456789.123456789]])
            self.assertEqual(file["x"].attrs["names"].tolist(), [b"height", b"width, in m"])
            self.assertEqual(file["y"][:].tolist(), [b"b", b"a", b'c "quoted"'])
            self.assertEqual(file["y"].attrs["names"].tolist(), [b"kind"])
            self.assertEqual(file["y"].attrs["classes"].tolist(), [b"a", b"b", b'c "quoted"'])
            self.assertEqual(file["group"][:].tolist(), [b"anna", b"ben", b"anna"])

    def test_round_trip_of_labels(self):
        first = self.folder / "vowels.csv"
        self.assert_rc(self.convert("builtin:vowels", first), 0)
        header, row = first.read_text().splitlines()[:2]
        self.assertEqual((header, row), ("F1,F2,group,vowel", "240,2280,1,iy"))
        self.assert_rc(self.convert(first, self.folder / "v.h5", "--group", "group"), 0)
        second = self.folder / "again.csv"
        self.assert_rc(self.convert(self.folder / "v.h5", second), 0, "--group group")
        self.assertEqual(first.read_bytes(), second.read_bytes())

    def test_round_trip_of_numbers(self):
        """More samples than one block, single and double precision, weights, several targets."""
        random = numpy.random.default_rng(1)
        x = random.normal(size=(30000, 5)).astype("f4")
        y = random.normal(size=(30000, 2)) * 10.0 ** random.integers(-300, 300, (30000, 2))
        weight = random.random(30000)
        with h5py.File(self.folder / "a.h5", "w") as file:
            file["x"], file["y"], file["weight"] = x, y, weight
        self.assert_rc(self.convert(self.folder / "a.h5", self.folder / "a.csv"), 0,
                       "--weight weight --targets y0,y1")
        self.assert_rc(self.convert(self.folder / "a.csv", self.folder / "b.h5",
                                    "--weight", "weight", "--targets", "y0,y1"), 0)
        with h5py.File(self.folder / "b.h5") as file:
            self.assertTrue(numpy.array_equal(file["x"][:], x.astype("f8")))
            self.assertTrue(numpy.array_equal(file["y"][:], y))
            self.assertTrue(numpy.array_equal(file["weight"][:], weight))
            self.assertEqual(file["y"].attrs["names"].tolist(), [b"y0", b"y1"])

    def test_chosen_columns(self):
        table = self.write("table.csv", "a,b,c\n1,2,3\n4,5,6\n")
        self.assert_rc(self.convert(table, self.folder / "chosen.csv", "--inputs", "c",
                                    "--targets", "a"), 0)
        self.assertEqual((self.folder / "chosen.csv").read_text(), "c,a\n3,1\n6,4\n")

    def test_names_that_inputs_and_targets_share(self):
        with h5py.File(self.folder / "a.h5", "w") as file:
            for name in ("x", "y"):
                file[name] = [[1.0], [2.0]]
                file[name].attrs["names"] = ["speed"]
        self.assert_rc(self.convert(self.folder / "a.h5", self.folder / "a.csv"), 0)
        self.assertEqual((self.folder / "a.csv").read_text(), "speed,speed_\n1,1\n2,2\n")

    def test_never_overwrites(self):
        table = self.write("table.csv", TABLE)
        for name in ("old.h5", "old.csv", "table.csv"):
            if name != "table.csv":
                self.write(name, "precious")
            before = (self.folder / name).read_bytes()
            self.assert_rc(self.convert(table, self.folder / name), 2, name, "exists already")
            self.assertEqual((self.folder / name).read_bytes(), before)

    def test_failure_leaves_nothing(self):
        nan = self.folder / "nan.h5"
        with h5py.File(nan, "w") as file:
            file["x"], file["y"] = [[1.0], [3.0]], [numpy.nan, 2.0]
        table = self.write("table.csv", TABLE)
        bad = self.write("bad.csv", "a,b\n1,2\n3,\n")
        before = self.files()
        self.assert_rc(self.convert(nan, self.folder / "out.csv"), 2, "nan.h5")
        self.assert_rc(self.convert(bad, self.folder / "out.h5"), 2, "bad.csv", "line 3")
        self.assert_rc(self.convert(self.folder / "none.csv", self.folder / "out.h5"), 2,
                       "no such file")
        self.assert_rc(self.convert(table, self.folder / "no" / "out.h5"), 2, "folder")
        self.assert_rc(self.convert(table, self.folder / "out.txt"), 2, ".h5, .hdf5 or .csv")
        self.assert_rc(self.convert(table, self.folder / "out.h5", "--targets", "kinds"), 2,
                       "did you mean 'kind'?")
        self.assertEqual(self.files(), before)

    def test_several_ranks(self):
        table = self.write("table.csv", TABLE)
        self.assert_rc(self.convert(table, self.folder / "table.h5", "--targets", "kinds", ranks=3), 2,
                       "'kind'")
        result = self.convert(table, self.folder / "table.h5", "--group", "speaker", ranks=3)
        self.assert_rc(result, 0)
        self.assertEqual(result.stdout.count("3 samples"), 1)
        self.assertEqual(self.files(), ["table.csv", "table.h5"])


if __name__ == "__main__":
    support.main()
