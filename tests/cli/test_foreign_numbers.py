# SPDX-License-Identifier: BSD-3-Clause
# labels: quick
"""Numbers of files by other programs that are not what they seem: fill values, codes, packing.

Written by h5py in the form that the other program gives them (h5dump of its files); where netCDF4
and PyTables are installed their own files are read too.
"""
import os

import h5py
import numpy
import support
from foreign_case import N, Foreign

FILL = numpy.float32(9.969209968386869e36)  # NC_FILL_FLOAT of netcdf.h


class Packed(Foreign):
    def packed(self, stored, **attributes):
        with self.file(t=stored) as file:
            for name, value in attributes.items():
                file["t"].attrs[name] = value

    def test_unpacked(self):
        stored = numpy.arange(-20, 20, dtype="i2")
        self.packed(stored, scale_factor=0.25, add_offset=100.0)
        self.assertEqual(self.columns("--inputs", "t")["t"], (95.0, 104.75))

    def test_one_of_the_two(self):
        self.packed(numpy.arange(N, dtype="f4"), scale_factor=numpy.array([2.0]))
        self.assertEqual(self.columns("--inputs", "t")["t"], (0, 2 * (N - 1)))
        self.packed(numpy.arange(N, dtype="i4"), add_offset="-7")
        self.assertEqual(self.columns("--inputs", "t")["t"], (-7, N - 8))

    def test_unsigned(self):
        stored = numpy.arange(N, dtype="u1") * 6  # 0 .. 234
        self.packed(stored.view("i1"), _Unsigned="true", _FillValue=numpy.int8(-1))
        self.assertEqual(self.columns("--inputs", "t")["t"], (0, 234))
        stored[5] = 255
        self.packed(stored.view("i1"), _Unsigned="true", _FillValue=numpy.int8(-1))
        self.refused("'t'", "row 5", "_FillValue", options=("--inputs", "t"))
        self.packed((numpy.arange(N) - 20).astype("i2").view("u2"), _Unsigned="false")
        self.assertEqual(self.columns("--inputs", "t")["t"], (-20, N - 21))

    def test_missing(self):
        """A scalar, several, text; as the numbers are stored, though the attribute is a double."""
        for attribute, value, number in (("_FillValue", 1e20, 1e20), ("missing_value", -999, -999),
                                         ("missing_value", [-1.5, 1e35], 1e35),
                                         ("missing_value", "-888", -888)):
            stored = numpy.arange(N, dtype="f4")
            stored[7] = number
            self.packed(stored, **{attribute: value})
            self.refused("'t'", "row 7", "no value", attribute, options=("--inputs", "t"))
            # It matters only where it is used.
            self.plan("--inputs", "x")

    def test_missing_value_as_unpacked(self):
        """A number that cannot be stored is meant as it comes out; a whole one as it is stored."""
        stored = numpy.arange(N, dtype="i2") - 10
        stored[7] = -999
        for number in (-99.9, -999.0, numpy.float32(-99.9)):
            self.packed(stored, missing_value=number, scale_factor=0.1)
            self.refused("'t'", "row 7", "missing_value", options=("--inputs", "t"))

    def test_valid_range(self):
        stored = numpy.arange(N, dtype="i2")
        for attributes in ({"valid_min": 1}, {"valid_max": numpy.int16(N - 2)},
                           {"valid_range": numpy.array([0, N - 2], "i2")},
                           # Of another type: after unpacking, by the users' guide of netCDF.
                           {"valid_range": [0.0, 2.0 * N - 3], "scale_factor": 2.0}):
            self.packed(stored, **attributes)
            self.refused("'t'", "valid range", options=("--inputs", "t"))
        self.packed(stored, valid_range=[0.0, 2.0 * N - 2], scale_factor=2.0)
        self.plan("--inputs", "t")

    def test_another_convention(self):
        self.packed(numpy.arange(N, dtype="i2"), Slope=0.5, Offset=1.0)
        self.refused("'t'", "'Slope'", "packed", options=("--inputs", "t"))
        self.packed(numpy.arange(N, dtype="i2"), gain=numpy.array([1.0, 2.0]))
        self.refused("'t'", "'gain'", "packed", options=("--inputs", "t"))
        for name in ("Scale_Factor", "SCALE", "scaling_factor"):
            self.packed(numpy.arange(N, dtype="i2"), **{name: 0.1})
            self.refused("'t'", f"'{name}'", "packed", options=("--inputs", "t"))
        self.packed(numpy.arange(N, dtype="i2"), scale="logarithmic")
        self.plan("--inputs", "t")
        self.packed(numpy.arange(N, dtype="i2"), ScaleFactor=1.0, Offset=0.0)
        self.plan("--inputs", "t")

    def test_in_a_matrix_of_which_some_columns_are_taken(self):
        matrix = numpy.arange(3 * N, dtype="i4").reshape(N, 3)
        matrix[9, 2] = -5
        with self.file(x=matrix) as file:
            file["x"].attrs["_FillValue"] = numpy.int32(-5)
            file["x"].attrs["scale_factor"] = 0.5
        self.refused("'x2'", "row 9", "-5 is its _FillValue")
        self.assertEqual(self.columns("--inputs", "x1,x0")["x1"], (0.5, 0.5 * (3 * N - 2)))

    def test_predictions_are_of_unpacked_numbers(self):
        """The same numbers, packed and not, give the same model and predictions."""
        stored = numpy.arange(-20, 20, dtype="i2")
        self.packed(stored, scale_factor=0.25, add_offset=10.0)
        plain = self.folder / "plain.h5"
        with h5py.File(plain, "w") as file:
            file["t"], file["y"] = stored * 0.25 + 10, self.y
        for run, data in (("a", self.path), ("b", plain)):
            self.succeed(support.COTERIE, "train", "--data", data, "--inputs", "t", "--epochs", 3,
                         "--output", self.folder / run)
        self.assert_same_metrics(self.folder / "a", self.folder / "b")
        self.succeed(support.COTERIE, "predict", self.folder / "a", "--data", self.path, "--inputs",
                     "t", "--output", self.folder / "p.csv")


class NetCdf(Foreign):
    def netcdf(self, name, stored, **how):
        """A variable of netCDF-4 without attributes, as nc_def_var makes it."""
        with self.file() as file:
            file.attrs["_NCProperties"] = numpy.bytes_("version=2,netcdf=4.9.0,hdf5=1.10.8")
            file.create_dataset(name, data=stored, **how)

    def test_default_fill(self):
        for kind, fill in (("f4", FILL), ("f8", float(FILL)), ("i2", -32767), ("i4", -2147483647),
                           ("i8", -9223372036854775806), ("u2", 65535), ("u4", 4294967295)):
            for missing in (False, True):
                stored = numpy.arange(N).astype(kind)
                if missing:
                    stored[4] = fill
                self.netcdf("t", stored, fillvalue=numpy.array(fill, kind))
                if missing:
                    self.refused("'t'", "row 4", "no value", options=("--inputs", "t"))
                else:
                    self.plan("--inputs", "t")

    def test_numbers_that_may_be_meant(self):
        """Single bytes are not filled; nor is a variable with NOFILL, or of another format."""
        stored = numpy.arange(N, dtype="u1")
        stored[4] = 255
        self.netcdf("t", stored, fillvalue=255)
        self.plan("--inputs", "t")
        stored = stored.astype("u2")
        stored[4] = 65535
        self.netcdf("t", stored)
        self.plan("--inputs", "t")
        with self.file(t=numpy.where(numpy.arange(N) == 4, -32767, 1).astype("i2")):
            pass
        self.plan("--inputs", "t")

    def test_coordinates_are_no_proposal(self):
        with self.file(x=None, y=None) as file:
            for i, name in enumerate("abc"):
                file[name] = self.x[:, i]
            file["t"] = self.y
            file["obs"] = numpy.arange(N, dtype="i4")
            file["obs"].make_scale("obs")
            file["t"].dims[0].attach_scale(file["obs"])
        result = self.succeed(support.COTERIE, "inspect", self.path)
        self.assertIn("--inputs /a,/b,/c --targets /t\n", result.stdout)

    def test_a_dimension_is_no_variable(self):
        with self.file() as file:
            file.create_dataset("n", shape=(N,), dtype=">f4")
            file["n"].make_scale("This is a netCDF dimension but not a netCDF variable.        40")
        self.refused("'n'", "dimension", options=("--inputs", "n"))

    def test_files_of_netcdf(self):
        try:
            import netCDF4
        except ImportError:
            self.skipTest("python3-netcdf4 is not installed")
        with netCDF4.Dataset(self.path, "w") as file:
            file.createDimension("n", N)
            file.createVariable("x", "f4", ("n",))[:] = self.x[:, 0]
            y = file.createVariable("y", "f8", ("n",))
            y[:9], y[10:] = self.y[:9], self.y[10:]
            t = file.createVariable("t", "i2", ("n",), fill_value=-32768)
            t.scale_factor, t.add_offset = 0.5, 20.0
            t[:] = 20 + numpy.arange(N) / 2
        self.refused("'/y'", "row 9", "netCDF")
        self.assertEqual(self.columns("--targets", "t", "--inputs", "x")["t"], (20, 20 + (N - 1) / 2))


class Classes(Foreign):
    def enumeration(self, names, codes):
        with self.file(y=None) as file:
            file.create_dataset("y", data=numpy.asarray(codes),
                                dtype=h5py.enum_dtype(names, basetype="i4"))

    def test_names_of_an_enumeration(self):
        self.enumeration({"dog": 5, "cat": 0, "eel": 2}, numpy.tile([0, 5, 2, 5], N // 4))
        self.assertIn("3 classes (cat, dog, eel)", self.plan())
        self.refused("'y'", "codes", "cat", options=("--inputs", "y", "--targets", "x0"))

    def test_flags_of_cf(self):
        """flag_values and flag_meanings say what an enumeration says."""
        flags = numpy.tile([4, 1, 2, 1], N // 4).astype("i1")
        with self.file(y=flags, q=flags) as file:
            for name in "yq":
                file[name].attrs["flag_values"] = numpy.array([1, 2, 4], "i1")
                file[name].attrs["flag_meanings"] = "clear cloudy rain"
        self.assertIn("3 classes (clear, cloudy, rain)", self.plan())
        self.refused("'q'", "codes of names", "cloudy", options=("--inputs", "x,q"))
        flags[6] = 3
        with self.file(y=flags) as file:
            file["y"].attrs.update({"flag_values": [1, 2, 4], "flag_meanings": "clear cloudy rain"})
        self.refused("'/y'", "row 6", "the code 3")
        with self.file(y=flags) as file:  # bits, each of which has a name
            file["y"].attrs.update({"flag_masks": [1, 2], "flag_meanings": "wet cold"})
        self.assertIn("4 classes (1, 2, 3, 4)", self.plan())

    def test_factors_and_logicals_of_hdf5r(self):
        factor = numpy.tile([1, 2], N // 2)
        self.enumeration({"hi": 1, "lo": 2}, factor)
        self.assertIn("2 classes (hi, lo)", self.plan())
        factor[6] = -2147483648
        self.enumeration({"hi": 1, "lo": 2}, factor)
        self.refused("'/y'", "row 6", "no value")
        logical = numpy.tile([0, 1], N // 2)
        self.enumeration({"FALSE": 0, "TRUE": 1, "NA": 2}, logical)
        self.assertIn("2 classes (0, 1)", self.plan())
        logical[4] = 2
        self.enumeration({"FALSE": 0, "TRUE": 1, "NA": 2}, logical)
        self.refused("'/y'", "row 4", "no value")
        self.refused("'y'", "row 4", "neither false nor true",
                     options=("--inputs", "y", "--targets", "x0"))

    def test_booleans_are_numbers(self):
        with self.file(b=self.x[:, 0] > 0):
            pass
        self.assertEqual(self.columns("--inputs", "b")["b"], (0, 1))

    def test_na_of_r(self):
        for kind, na in (("i4", -2147483648), ("i8", -9223372036854775808)):
            for values, options in ((N, ()), (3, ()), (3, ("--inputs", "z", "--targets", "x0"))):
                whole = numpy.arange(N, dtype=kind) % values
                whole[11] = na
                with self.file(y=whole, z=whole):
                    pass
                self.refused("row 11", "no value", "R", options=options)

    def test_na_of_rhdf5(self):
        """Which says by attributes what it writes: logical NA is -128, NA among texts is no text."""
        logical = numpy.tile(numpy.array([0, 1], "i1"), N // 2)
        texts = numpy.array([b"a", b"NA", b"b", b"b"] * (N // 4))
        for told in (True, False):
            logical[3] = -128
            with self.file(y=texts, z=logical) as file:
                if told:
                    file["z"].attrs["storage.mode"] = [b"logical"]
                    file["y"].attrs["as.na"] = numpy.array([1], "i4")
            options = ("--inputs", "x", "--targets", "z")
            if told:
                self.refused("'/y'", "row 1", "NA")
                self.refused("'z'", "row 3", "-128", "NA", options=options)
            else:
                self.assertRegex(self.plan(), "3 classes [(]NA, a, b(.|\n)*")
                self.assertIn("a class NA", self.plan())
                self.assertIn("-128", self.plan(*options))

    def test_categories_of_anndata(self):
        codes = (self.x[:, 0] > 0).astype("i1")
        codes[:2] = 0, 1
        for missing in (False, True):
            if missing:
                codes[3] = -1
            with self.file(x=None, y=None, X=self.x) as file:
                group = file.create_group("obs/t")
                group.attrs["encoding-type"] = "categorical"
                group["codes"], group["categories"] = codes, [b"hi", b"lo"]
            for name in ("/obs/t", "/obs/t/codes"):
                if missing:
                    self.refused("row 3", "no value", options=("--inputs", "/X", "--targets", name))
                else:
                    self.assertIn("2 classes (hi, lo)", self.plan("--inputs", "/X", "--targets", name))
        self.refused("codes of names", "hi, lo", options=("--inputs", "/obs/t", "--targets", "/X"))

    def test_categories_of_older_anndata(self):
        codes = numpy.arange(N, dtype="i1") % 2
        for missing, rc in ((0, 0), (-1, 2)):
            codes[6] = missing
            with self.file() as file:
                file["obs/t"], file["obs/__categories/t"] = codes, [b"hi", b"lo"]
            result = support.run(support.COTERIE, "train", "--data", self.path, "--dry-run",
                                 "--targets", "/obs/t", "--missing", "refuse")
            self.assert_rc(result, rc, "row 6" if missing else "2 classes (hi, lo)")

    def test_nullable_of_anndata(self):
        with self.file() as file:
            group = file.create_group("obs/age")
            group.attrs["encoding-type"] = "nullable-integer"
            group["values"], group["mask"] = numpy.arange(N), numpy.arange(N) == 8
        self.refused("row 8", "mask", options=("--inputs", "/obs/age"))

    def test_bool_of_pytables(self):
        """A bit field of one byte."""
        with self.file(y=None) as file:
            space = h5py.h5s.create_simple((N,))
            made = h5py.h5d.create(file.id, b"y", h5py.h5t.STD_B8LE, space)
            bits = (self.x[:, 0] > 0).astype("u1")
            made.write(h5py.h5s.ALL, h5py.h5s.ALL, bits, mtype=h5py.h5t.NATIVE_B8)
        self.assertIn("2 classes (0, 1)", self.plan())
        self.assertEqual(self.columns("--inputs", "y", "--targets", "x0")["y"], (0, 1))

    def test_whole_numbers_that_are_amounts(self):
        n = 200
        x = numpy.random.default_rng(1).normal(size=(n, 2))
        for amounts, classes in ((numpy.round(1000 + 100 * x[:, 0]), None), (numpy.arange(n) % 50, None),
                                 (numpy.arange(n) % 10, 10), (numpy.arange(n) % 3, 3)):
            with self.file(x=x, y=amounts.astype("i8")):
                pass
            said = self.plan()
            if classes:
                self.assertIn(f"{classes} classes", said)
            else:
                self.assertIn("1 target (y", said)
                self.assertIn("--task classification", said)
                self.assertIn("classes", self.plan("--task", "classification"))
        names = numpy.array([f"sample {i}" for i in range(n)], dtype="S12")
        with self.file(x=x, y=names):
            pass
        self.refused("200 classes", "--targets")


class NotThere(Foreign):
    def test_never_written(self):
        with self.file(x=None) as file:
            file.create_dataset("x", (N, 3), "f8")
        self.refused("'/x'", "never written")
        with self.file(x=None) as file:
            file.create_dataset("x", (N, 3), "f8", chunks=(10, 3), maxshape=(None, 3))[:20] = 1
            file["x"][30:] = 2
        self.refused("'/x'", "1 of its 4 chunks", "row 20")
        with self.file(x=None) as file:
            file.create_dataset("x", (N, 3), "f8", chunks=(10, 3), fillvalue=-9999.0)
            file["x"][:35] = 1
        self.refused("'/x'", "row 35", "fill value")

    def test_compact_and_small(self):
        """What the library keeps elsewhere than in blocks is all there."""
        with self.file(x=None) as file:
            creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            creation.set_layout(h5py.h5d.COMPACT)
            space = h5py.h5s.create_simple((N, 3))
            h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_DOUBLE, space, creation).write(
                h5py.h5s.ALL, h5py.h5s.ALL, numpy.ascontiguousarray(self.x))
        self.plan()

    def parts(self, n=4):
        layout, rows = h5py.VirtualLayout((N, 3), "f8"), N // n
        for i in range(n):
            with h5py.File(self.folder / f"part{i}.h5", "w") as file:
                file["q"] = self.x[rows * i:rows * i + rows]
            layout[rows * i:rows * i + rows] = h5py.VirtualSource(f"part{i}.h5", "q", (rows, 3))
        with self.file(x=None) as file:
            file.create_virtual_dataset("x", layout)

    def test_virtual(self):
        self.parts()
        self.plan()
        part = self.folder / "part2.h5"
        for contents, words in ((None, "missing"), ({"q": self.x[:3]}, "smaller"), ({"z": 1}, "'q'")):
            part.unlink(missing_ok=True)
            if contents:
                with h5py.File(part, "w") as file:
                    for name, array in contents.items():
                        file[name] = array
            self.refused("part2.h5", words)
        with h5py.File(part, "w") as file:
            file.create_dataset("q", (N // 4, 3), "f8")
        line = support.run(support.COTERIE, "inspect", self.path).stderr
        self.assertIn("never written", line)

    def test_virtual_with_a_hole(self):
        """Of three parts two are of the same rows."""
        self.parts()
        layout = h5py.VirtualLayout((N, 3), "f8")
        for i, first in ((0, 0), (1, 10), (2, 30), (3, 0)):
            layout[first:first + 10] = h5py.VirtualSource(f"part{i}.h5", "q", (10, 3))
        with self.file(x=None) as file:
            file.create_virtual_dataset("x", layout)
        self.refused("30 of the 120 numbers", "fill value")

    def test_virtual_parts_by_number(self):
        self.parts()
        rows = N // 4
        with self.file(x=None) as file:
            space = h5py.h5s.create_simple((rows, 3), (h5py.h5s.UNLIMITED, 3))
            space.select_hyperslab((0, 0), (h5py.h5s.UNLIMITED, 1), (rows, 1), (rows, 3))
            creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            creation.set_virtual(space, b"part%b.h5", b"q", h5py.h5s.create_simple((rows, 3)))
            h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_DOUBLE, space, creation)
        self.plan()
        (self.folder / "part1.h5").unlink()
        self.refused("part 1 of it", "part%b.h5", "missing")

    def test_external(self):
        raw = self.folder / "x.bin"
        raw.write_bytes(self.x.tobytes())
        with self.file(x=None) as file:
            file.create_dataset("x", (N, 3), "f8", external=[("x.bin", 0, N * 24)])
        self.plan()
        os.truncate(raw, N * 24 - 1)
        self.refused("x.bin", "too short", str(N * 24))
        raw.rename(self.folder / "elsewhere.bin")
        self.refused("x.bin", "missing")
        (self.folder / "elsewhere.bin").rename(raw)
        raw.write_bytes(self.x.tobytes())
        # HDF5 looks in the current folder, not beside the file, unless it is told to.
        for env, rc in ((None, 2), (str(self.folder), 0), ("${ORIGIN}", 0)):
            result = support.run(support.COTERIE, "train", "--data", self.path, "--dry-run",
                                 env={"HDF5_EXTFILE_PREFIX": env}, cwd="/")
            self.assert_rc(result, rc)
            self.assertEqual("HDF5_EXTFILE_PREFIX=" in result.stderr, rc == 2)

    def test_a_filter_that_the_library_lacks(self):
        with self.file(x=None) as file:
            file.create_dataset("x", data=numpy.round(self.x), compression="lzf")
        line = self.refused("'/x'", "LZF", "32000", "GZIP")
        self.assertNotIn("damaged", line)

    def test_floats_that_lost_their_nan(self):
        """The scale-offset filter gives another number for NaN, unless a fill value stands for it."""
        x = self.x.copy()
        x[7, 1] = numpy.nan
        for fill, rc in ((None, 2), (numpy.nan, 2), (-9999, 0)):
            with self.file(x=None) as file:
                file.create_dataset("x", data=x if rc else self.x, scaleoffset=3, fillvalue=fill,
                                    chunks=(10, 3))
            if rc:
                self.refused("'/x'", "scale-offset", "NaN", "h5repack")
            else:
                self.succeed(support.COTERIE, "train", "--data", self.path, "--dry-run")
        with self.file(x=None) as file:
            file.create_dataset("x", data=numpy.round(self.x).astype("i4"), scaleoffset=0)
        self.succeed(support.COTERIE, "train", "--data", self.path, "--dry-run")

    def test_a_newer_library(self):
        """Of another object in the file it is no matter."""
        with self.file(z=self.x):
            pass
        data = bytearray(self.path.read_bytes())
        places = [i for i in range(len(data) - 9) if data[i:i + 4] == b"\x08\x00\x18\x00"]
        self.assertEqual([data[i + 8] for i in places], [3, 3, 3])  # version of the layout message
        x, _, z = places
        for place, rc in ((x, 2), (z, 0)):
            changed = bytearray(data)
            changed[place + 8] = 9
            self.path.write_bytes(changed)
            self.plan(rc=rc)
        data[x + 8] = 9
        self.path.write_bytes(data)
        self.assertNotIn("the file is damaged", self.refused("'/x'", "newer", "h5repack"))


if __name__ == "__main__":
    support.main(jobs=2)
