# SPDX-License-Identifier: BSD-3-Clause
"""The Fortran module: numbers of the Python package in both precisions, shapes, errors."""
# labels: quick
import os
import pathlib
import shutil
import sys

import h5py
import numpy

import support

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(support.COTERIE).resolve().parent
if not shutil.which("gfortran") or not (BUILD / "libcoterie_fortran.a").exists():
    print("skipped: no gfortran, or none when this was built")
    sys.exit(77)
os.environ.setdefault("COTERIE_LIBRARY", str(BUILD / "libcoterie.so"))
sys.path.insert(0, str(ROOT / "src/bindings/python"))
import coterie  # noqa: E402  (needs the two lines above)

N, D = 40, 3
# Reads x, asks for everything and writes it in one stream. KIND is real32 or real64.
ASK = """
program ask
    use coterie
    use, intrinsic :: iso_fortran_env, only: kind_asked => KIND
    implicit none
    integer, parameter :: n = 40, d = 3
    type(coterie_model) :: model
    character(200) :: path
    real(kind_asked) :: x(d, n), one(n)
    real(kind_asked), allocatable :: mean(:, :), variance(:, :), probability(:, :), proportion(:, :), &
        expert(:, :, :), jacobian(:, :, :), given(:, :)
    integer :: outputs, file
    call get_command_argument(1, path)
    call model%open(path)
    open (newunit=file, file='x', access='stream', form='unformatted', status='old')
    read (file) x
    close (file)
    do outputs = 1, d
        call model%input_range(outputs, one(1), one(2))
        if (one(1) /= minval(x(outputs, :)) .or. one(2) /= maxval(x(outputs, :))) error stop 'range'
    end do
    call model%input_range(d + 1, one(1), one(2), outputs)
    if (outputs /= COTERIE_USAGE) error stop 'no such input'
    outputs = max(model%n_targets(), model%n_classes())
    allocate (mean(outputs, n), variance(outputs, n), probability(outputs, n), &
        proportion(model%n_experts(), n), expert(outputs, model%n_experts(), n), jacobian(d, outputs, n))
    open (newunit=file, file='y', access='stream', form='unformatted', status='replace')
    call model%jacobian(x, jacobian)
    if (model%n_classes() > 0) then
        call model%predict(x, probability=probability, proportion=proportion, expert=expert)
        allocate (given(1, n), source=2.0_kind_asked)
        call model%log_density(x, given, one)
        write (file) probability, proportion, expert, jacobian, one
        print '(2a)', model%class_name(1), model%class_name(2)
    else
        call model%predict(x, mean, variance, proportion=proportion, expert=expert)
        allocate (given, source=mean)
        call model%log_density(x, given, one)
        write (file) mean, variance, proportion, expert, jacobian, one
        call model%quantile(x, 2, 0.25_kind_asked, one)
        write (file) one
        print '(7a)', model%input_name(d), model%target_name(2), model%input_name(4), model%class_name(1), &
            model%input_unit(d), model%target_unit(2), model%input_unit(4)
    end if
    call model%close()
end program
"""
WRONG = """
program wrong
    use coterie
    use, intrinsic :: iso_fortran_env, only: real64
    implicit none
    type(coterie_model) :: model
    character(200) :: path, message
    real(real64) :: x(3, 2), y(2, 2), narrow(1, 2)
    integer :: status(6), i
    call get_command_argument(1, path)
    x = 1
    call model%predict(x, mean=y, status=status(1)) ! not open
    call model%open('none', status(2), message)
    call model%open(path)
    call model%predict(x(1:2, :), mean=y, status=status(3))
    call model%predict(x, mean=narrow, status=status(4))
    call model%predict(x, probability=y, status=status(5))
    x(1, 2) = sqrt(x(1, 2) - 2) ! NaN
    call model%predict(x, mean=y, status=status(6))
    print '(6i2, 4l2)', status, [(y(1, i) == y(1, i), y(2, i) == y(2, i), i=1, 2)]
    print '(a)', trim(message)
    call model%predict(x(1:2, :), mean=y)
    print '(a)', 'not reached'
end program
"""


class Fortran(support.TestCase):
    def setUp(self):
        super().setUp()
        rng = numpy.random.default_rng(3)
        self.x = rng.normal(size=(N, D))
        for name, y in (("numbers", self.x[:, :2] ** 2), ("classes", (self.x[:, 0] > 0).astype(int))):
            with h5py.File(self.folder / f"{name}.h5", "w") as file:
                file["x"], file["y"] = self.x, y
                file["x"].attrs["units"], file["y"].attrs["units"] = ["m", "", "km/h"], "W"
            self.succeed(support.COTERIE_D, "train", "--data", self.folder / f"{name}.h5", "--auto", "off",
                         "--epochs", 20, "--expert-hidden", 4, "--output", self.folder / name, "--quiet")

    def build(self, name, text):
        """With the module as it was built: as users of the installed one do."""
        source = self.folder / f"{name}.f90"
        source.write_text(text, encoding="utf-8")
        self.succeed("gfortran", "-fcheck=all", f"-I{BUILD}/fortran", source, "-o", self.folder / name,
                     BUILD / "libcoterie_fortran.a", BUILD / "libcoterie.so", f"-Wl,-rpath,{BUILD}")
        return self.folder / name

    def test_numbers(self):
        for kind, dtype, tolerance in (("real64", numpy.float64, 1e-14), ("real32", numpy.float32, 2e-6)):
            program = self.build(f"ask_{kind}", ASK.replace("KIND", kind))
            x = self.x.astype(dtype)
            x.tofile(self.folder / "x")  # (N, D) of C is (D, N) of Fortran
            for name in ("numbers", "classes"):
                model = coterie.load(self.folder / name)
                said = self.succeed(program, self.folder / name, cwd=self.folder).stdout.strip()
                if name == "numbers":
                    mean = model.predict(x)
                    wanted = [mean, model.predict_variance(x), model.gate(x), model.experts(x),
                              model.jacobian(x), model.log_density(x, mean.astype(dtype)),
                              model.predict_quantile(x, 0.25, 1)]
                    self.assertEqual(said, model.inputs[2] + model.targets[1] + "km/hW")
                else:
                    wanted = [model.predict_proba(x), model.gate(x), model.experts(x), model.jacobian(x),
                              model.log_density(x, [model.classes[1]] * N)]
                    self.assertEqual(said, "".join(model.classes))
                found = numpy.fromfile(self.folder / "y", dtype)
                numpy.testing.assert_allclose(found, numpy.concatenate([part.ravel() for part in wanted]),
                                              rtol=tolerance, atol=tolerance)

    def test_errors(self):
        """Not open, no such file, wrong width, wrong result, nothing of that kind, NaN; then without status."""
        program = self.build("wrong", WRONG)
        result = support.run(program, self.folder / "numbers", cwd=self.folder)
        self.assert_rc(result, 1, "coterie: error: the model")
        numbers, message = result.stdout.splitlines()
        self.assertEqual(numbers.split(), [*"222224", "T", "T", "F", "F"])
        self.assertIn("no such file", message)


if __name__ == "__main__":
    support.main()
