# SPDX-License-Identifier: BSD-3-Clause
# labels: quick
"""Types of numbers that newer tools write: read, or refused by their name."""
import ctypes
import pathlib
import unittest

import h5py
import numpy

import support


class Types(support.TestCase):
    def write(self, name, x, dtype=None):
        path = self.folder / name
        with h5py.File(path, "w") as file:
            file.create_dataset("x", data=x, dtype=dtype)
            file["y"] = numpy.arange(len(x), dtype=float)
        return path

    def small_float(self, size, exponent_at, exponent_bits, fraction_bits, bias):
        """A type of floating-point numbers as HDF5 2 has some predefined (bfloat16, two of a byte)."""
        made = h5py.h5t.IEEE_F32LE.copy()
        made.set_fields(8 * size - 1, exponent_at, exponent_bits, 0, fraction_bits)
        made.set_precision(8 * size)
        made.set_size(size)
        made.set_ebias(bias)
        return made

    def test_short_floating_point_numbers_are_read(self):
        """Halves up to 3.5 are exact in all of them."""
        x = numpy.arange(12.0).reshape(6, 2) % 8 / 2
        for name, made in (("bfloat16", self.small_float(2, 7, 8, 7, 127)),
                           ("float8_e4m3", self.small_float(1, 3, 4, 3, 7)),
                           ("float8_e5m2", self.small_float(1, 2, 5, 2, 15))):
            with self.subTest(name):
                path = self.folder / f"{name}.h5"
                with h5py.File(path, "w") as file:
                    space = h5py.h5s.create_simple(x.shape)
                    data = h5py.h5d.create(file.id, b"x", made, space)
                    data.write(h5py.h5s.ALL, h5py.h5s.ALL, x)
                    file["y"] = x[:, 0]
                told = support.run(support.COTERIE, "inspect", path)
                self.assert_rc(told, 0)
                lines = [line.split() for line in told.stdout.splitlines()]
                for column in range(2):
                    found = [float(word) for line in lines if line[:1] == [f"x{column}"]
                             for word in line[1:]]
                    wanted = x[:, column]
                    numpy.testing.assert_allclose(
                        found, [wanted.min(), wanted.mean(), wanted.max()], rtol=1e-5)

    def test_complex_numbers_are_refused_by_name(self):
        path = self.write("complex.h5", numpy.ones((6, 2), complex))
        result = support.run(support.COTERIE, "train", "--data", path, "--output", self.folder / "run")
        self.assert_rc(result, 2, "'/x' holds complex numbers", "as columns")
        self.assertFalse((self.folder / "run").exists())

    @unittest.skipIf(h5py.version.hdf5_version_tuple < (2, 0, 0), "HDF5 2 has a type for them")
    def test_complex_numbers_of_hdf5_2(self):
        path = self.write("complex.h5", numpy.ones((6, 2)))
        library = ctypes.CDLL(next(line.split()[-1] for line in pathlib.Path("/proc/self/maps").read_text(
            encoding="utf-8").splitlines() if "libhdf5" in line and "_hl" not in line))
        kind = ctypes.c_int64.in_dll(library, "H5T_COMPLEX_IEEE_F64LE_g").value
        with h5py.File(path, "a") as file:
            del file["x"]
            space = h5py.h5s.create_simple((6, 2))
            library.H5Dcreate2.restype = ctypes.c_int64
            library.H5Dcreate2.argtypes = [ctypes.c_int64, ctypes.c_char_p] + 5 * [ctypes.c_int64]
            data = library.H5Dcreate2(file.id.id, b"x", kind, space.id, 0, 0, 0)
            self.assertGreater(data, 0)
            library.H5Dclose.argtypes = [ctypes.c_int64]
            library.H5Dclose(data)
        result = support.run(support.COTERIE, "train", "--data", path, "--output", self.folder / "run")
        self.assert_rc(result, 2, "'/x' holds complex numbers")


if __name__ == "__main__":
    support.main()
