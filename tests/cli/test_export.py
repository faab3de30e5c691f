# SPDX-License-Identifier: BSD-3-Clause
"""`coterie export`: C files against predict, arrays against the checkpoint, what is refused."""
import ctypes
import shutil
import subprocess

import h5py
import numpy

import support
from export_case import MODELS, Trained, difference, samples

DOUBLE = Trained(support.COTERIE_D)


def compile_c(path):
    """The shared library made of a C file, without a single warning."""
    library = path.with_suffix(".so")
    compilers = [name for name in ("gcc", "clang") if shutil.which(name)] or ["cc"]
    for compiler in compilers:
        made = subprocess.run([compiler, "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror",
                               "-O1", "-shared", "-fPIC", path, "-o", library, "-lm"],
                              capture_output=True, text=True, check=False)
        assert made.returncode == 0, f"{compiler}: {made.stderr}"
    return ctypes.CDLL(str(library))


def call(library, prefix, x, wanted):
    """What the functions of the library say of x, as export_case predicts it."""
    what = ["mean", "variance"] if "mean" in wanted else ["probability"]
    what += ["proportion", "expert"]
    found = {name: numpy.full(wanted[name].shape, numpy.nan) for name in what}
    answer = []
    predict = library[f"{prefix}_predict"]
    for i, row in enumerate(x):
        places = [found[name][i].ctypes.data_as(ctypes.c_void_p) for name in what]
        answer.append(predict(row.ctypes.data_as(ctypes.c_void_p), *places))
    if "class" in wanted:
        names = (ctypes.c_char_p * (max(answer) + 1)).in_dll(library, f"{prefix}_class_name")
        found["class"] = numpy.array([names[k].decode() for k in answer])
    return found


def with_gaps():
    """The samples of export_case; of the first three inputs some are missing."""
    x, targets = samples()
    x[numpy.random.default_rng(9).random(x.shape) < [0.2, 0.2, 0.1, 0]] = numpy.nan
    return x, targets


class ExportTest(support.TestCase):

    def test_missing_values_in_c(self):
        """NaN is one where training had some; elsewhere the result is no number."""
        trained = Trained(support.COTERIE_D, with_gaps())
        for name in ("deep", "gaussian-gate", "classes", "top-k"):
            with self.subTest(model=name):
                path = self.folder / f"{name}.c"
                self.succeed(support.COTERIE, "export", trained.run(name), path)
                wanted = trained.predicted(name)
                library, prefix = compile_c(path), path.stem.replace("-", "_")
                found = call(library, prefix, trained.x, wanted)
                for what in found:
                    if what != "class":
                        self.assertLess(difference(found[what], wanted[what]), 1e-12, what)
                row = numpy.where(numpy.arange(4) == 3, numpy.nan, 1.0)[None]
                self.assertTrue(numpy.isnan(call(library, prefix, row, {
                    key: value[:1] for key, value in wanted.items()})["proportion"]).all())

    def test_c_files_against_predict(self):
        """In double precision, for models of either: to 1e-12."""
        single = Trained(support.COTERIE)
        for trained, names in ((DOUBLE, MODELS), (single, ["deep", "gaussian-gate", "top-k"])):
            for name in names:
                with self.subTest(program=trained.program, model=name):
                    path = self.folder / f"{trained is DOUBLE:d}-{name}.c"
                    self.succeed(support.COTERIE, "export", trained.run(name), path)
                    prefix = "m" + path.stem.replace("-", "_")
                    wanted = trained.predicted(name, program=support.COTERIE_D)
                    found = call(compile_c(path), prefix, trained.x, wanted)
                    for what in found:
                        if what == "class":
                            self.assertEqual(list(found[what]), list(wanted[what]))
                        else:
                            self.assertLess(difference(found[what], wanted[what]), 1e-12, what)

    def test_a_c_file_declares_what_it_holds(self):
        """Twice in one program, and from C++ where there is a compiler."""
        for name in ("deep", "classes"):
            self.succeed(support.COTERIE, "export", DOUBLE.run(name), self.folder / f"{name}.c")
        (self.folder / "main.c").write_text("""
#define DEEP_DECLARATIONS
#include "deep.c"
#define CLASSES_DECLARATIONS
#include "classes.c"
#include <stdio.h>
int main(void)
{
    double x[DEEP_INPUTS] = {0}, mean[DEEP_TARGETS], p[CLASSES_CLASSES];
    deep_predict(x, mean, 0, 0, 0);
    printf("%s %s\\n", deep_input_name[DEEP_INPUTS - 1], deep_target_name[DEEP_TARGETS - 1]);
    printf("%s\\n", classes_class_name[classes_predict(x, p, 0, 0)]);
    return 0;
}
""")
        for compiler in ("cc -x c -std=c99", "c++ -x c++"):
            if not shutil.which(compiler.split()[0]):
                continue
            subprocess.run(["cc", "-c", "deep.c", "classes.c"], cwd=self.folder, check=True)
            subprocess.run([*compiler.split(), "-c", "main.c"], cwd=self.folder, check=True)
            subprocess.run("cc main.o deep.o classes.o -lm -o main".split(), cwd=self.folder,
                           check=True)
            said = subprocess.run("./main", cwd=self.folder, capture_output=True, text=True,
                                  check=True).stdout.split()
            self.assertEqual(said[:2], ["x3", "y1"])
            self.assertIn(said[2], ("0", "1", "2"))

    def test_names_of_all_letters(self):
        names = ['a"b', "c??/d", "back\\slash", "Größe", "*/"]
        rows = numpy.random.default_rng(1).normal(size=(40, 5))
        with h5py.File(self.folder / "d.h5", "w") as file:
            file["x"], file["y"] = rows[:, :4], rows[:, 4]
            file["x"].attrs["names"] = names[:4]
            file["y"].attrs["names"] = names[4:]
        run = self.folder / "run"
        self.succeed(support.COTERIE, "train", "--data", self.folder / "d.h5", "--epochs", 1,
                     "--output", run, "--quiet")
        self.succeed(support.COTERIE, "export", run, self.folder / "odd name.c")
        library = compile_c(self.folder / "odd name.c")
        found = (ctypes.c_char_p * 4).in_dll(library, "odd_name_input_name")
        self.assertEqual([text.decode() for text in found], names[:4])
        if self.built_with(".npz", run):
            self.succeed(support.COTERIE, "export", run, self.folder / "a.npz")
            arrays = numpy.load(self.folder / "a.npz")
            self.assertEqual(list(arrays["names/inputs"]), names[:4])

    def built_with(self, ending, run):
        """Whether this format is there; if not, the message is tried."""
        result = support.run(support.COTERIE, "export", run, self.folder / f"probe{ending}")
        if result.rc == 0:
            return True
        self.assertEqual(result.rc, 2, result)
        self.assertIn("was built without", result.stderr)
        print(f"{ending} is left out: {result.stderr.strip()}")
        return False

    def test_arrays_have_the_names_and_bits_of_the_checkpoint(self):
        single = Trained(support.COTERIE, samples(60))
        if not self.built_with(".npz", DOUBLE.run("deep")):
            return
        for trained in (DOUBLE, single):
            run = trained.run("deep")
            path = self.folder / f"{trained is single:d}.npz"
            self.succeed(trained.program, "export", run, path)
            arrays = dict(numpy.load(path))
            wanted = {}
            with h5py.File(run / "checkpoints" / "latest") as file:
                for group in ("/", "/config", "/data", "/progress"):
                    for key in file[group].attrs:
                        wanted[f"{group}/{key}".lstrip("/")] = None
                self.assertEqual(arrays["config/likelihood"], "gaussian")
                self.assertEqual(arrays["format"], "coterie-checkpoint")
                file.visititems(lambda name, item: wanted.update({name: item[()]})
                                if isinstance(item, h5py.Dataset) else None)
            self.assertEqual(set(arrays), set(wanted))
            for name, value in wanted.items():
                if value is None:
                    continue
                if value.dtype.kind in "SO":
                    self.assertEqual(list(arrays[name]), [text.decode() for text in value])
                else:
                    self.assertEqual(arrays[name].dtype, value.dtype.newbyteorder("="), name)
                    numpy.testing.assert_array_equal(arrays[name], value, name)

    def test_the_same_model_gives_the_same_file(self):
        for ending in (".c", ".npz"):
            if self.built_with(ending, DOUBLE.run("deep")):
                self.succeed(support.COTERIE, "export", DOUBLE.run("deep"),
                             self.folder / f"again{ending}")
                self.assertEqual((self.folder / f"again{ending}").read_bytes(),
                                 (self.folder / f"probe{ending}").read_bytes()
                                 .replace(b"probe", b"again").replace(b"PROBE", b"AGAIN"))

    def test_what_is_refused(self):
        run = DOUBLE.run("deep")
        for arguments, why in (
                ((run, self.folder / "m.pt"), "the ending of the name decides"),
                ((run, self.folder / "no" / "m.c"), "cannot be written to"),
                ((run, __file__), "the ending of the name decides"),
                ((self.folder / "none", self.folder / "m.c"), "none"),
                ((run,), "needs OUT")):
            self.assert_rc(support.run(support.COTERIE, "export", *arguments), 2, why)
        rows = numpy.random.default_rng(1).normal(size=(40, 2)) * 1e40
        with h5py.File(self.folder / "far.h5", "w") as file:
            file["x"], file["y"] = rows, rows[:, 0] / 1e40
        self.succeed(support.COTERIE, "train", "--data", self.folder / "far.h5", "--epochs", 1, "--output",
                     self.folder / "far", "--quiet")
        if self.built_with(".onnx", run):
            self.assert_rc(support.run(support.COTERIE, "export", self.folder / "far", self.folder / "far.onnx"),
                           2, "too large for the single precision")
        self.succeed(support.COTERIE, "export", self.folder / "far", self.folder / "far.c")
        for made in ("probe.onnx", "far.h5", "far.c"):
            (self.folder / made).unlink(missing_ok=True)
        shutil.rmtree(self.folder / "far")
        (self.folder / "there.c").write_text("mine")
        self.assert_rc(support.run(support.COTERIE, "export", run, self.folder / "there.c"), 2,
                       "exists already")
        self.assertEqual((self.folder / "there.c").read_text(), "mine")
        self.assertEqual([path.name for path in self.folder.iterdir()], ["there.c"])


if __name__ == "__main__":
    support.main()
