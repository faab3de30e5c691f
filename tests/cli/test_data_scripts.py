# SPDX-License-Identifier: BSD-3-Clause
"""scripts/data and what scripts/reproduce and scripts/data/compare stand on."""
import importlib.util
import json
import pathlib
import sys
import unittest

import h5py
import numpy
import support

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))
from common import arm, samples  # noqa: E402


class Arm(unittest.TestCase):
    """The energy is computed apart from the forces: the two must agree."""

    def setUp(self):
        rng = numpy.random.default_rng(1)
        self.q = rng.uniform(*arm.ANGLES, size=(200, 4))
        self.velocity, self.torque = rng.uniform(-2, 2, size=(2, 200, 4))

    def test_lagrange(self):
        """Torques are d/dt dT/dq' - dT/dq + dV/dq, by differences of the energy."""
        h, unit = 1e-4, numpy.eye(4)
        q, v = self.q, self.velocity
        acceleration = arm.accelerations(q, v, self.torque)

        def potential(q):
            return arm.energy(q, numpy.zeros_like(q))

        def momentum(q, v):  # T is quadratic in the velocity: a difference of any length is exact
            return numpy.stack([(arm.energy(q, v + u) - arm.energy(q, v - u)) / 2 for u in unit], 1)

        def lagrangian(q):
            return arm.energy(q, v) - 2 * potential(q)

        rate = (momentum(q + h * v, v + h * acceleration)
                - momentum(q - h * v, v - h * acceleration)) / (2 * h)
        force = numpy.stack([(lagrangian(q + h * u) - lagrangian(q - h * u)) / (2 * h)
                             for u in unit], 1)
        numpy.testing.assert_allclose(rate - force, self.torque, atol=1e-4)

    def test_it_falls_as_a_pendulum(self):
        """Only the lift moves, the arm stretched: a rod pendulum of textbooks (and the motor)."""
        q = numpy.array([[0, 0.7, 0, 0.0]])
        still = numpy.zeros_like(q)
        torque = arm.torques(q, still, still)[0, 1]
        (a, b), (m, n) = arm.LENGTH, arm.MASS
        self.assertAlmostEqual(torque, 9.81 * numpy.sin(0.7) * (m * a / 2 + n * (a + b / 2)))
        inertia = arm.torques(q, still, numpy.array([[0, 1.0, 0, 0]]), 0)[0, 1]
        about_shoulder = sum(mass * (3 * arm.RADIUS ** 2 + length ** 2) / 12 + mass * at ** 2
                             for mass, length, at in ((m, a, a / 2), (n, b, a + b / 2)))
        self.assertAlmostEqual(inertia, about_shoulder + arm.MOTOR)


class Files(support.TestCase):
    def test_coterie_reads_what_is_written(self):
        x = numpy.arange(12.0).reshape(6, 2)
        samples.write(self.folder / "d.h5", x, numpy.array(["no", "yes", "no"] * 2), ["a", "b"],
                      ["kind"], group=list("uuvvww"))
        shown = self.succeed(support.COTERIE, "inspect", self.folder / "d.h5").stdout
        for word in ("6 samples", "a", "b", "kind", "2 classes"):
            self.assertIn(word, shown)
        found = samples.read(self.folder / "d.h5")
        numpy.testing.assert_array_equal(found[0], x)
        self.assertEqual(found[1].tolist(), ["no", "yes", "no"] * 2)
        self.assertEqual(found[2].tolist(), list("uuvvww"))

    def test_robot_arm(self):
        self.succeed(SCRIPTS / "data/robot-arm", "--output", self.folder)
        for part, n in (("train", 15000), ("test", 5000)):
            with h5py.File(self.folder / f"robot-arm-{part}.h5") as file:
                x, y = file["x"][()], file["y"][()]
            self.assertEqual((x.shape, y.shape), ((n, 12), (n, 4)))
            # What the torques do is what the inputs say.
            found = arm.torques(x[:50, :4], x[:50, 4:8], y[:50])
            numpy.testing.assert_allclose(found, x[:50, 8:], atol=1e-9)
        again = support.run(SCRIPTS / "data/robot-arm", "--output", self.folder)
        self.assert_rc(again, 2, "is there already")

    def test_scikit_learn(self):
        python = sys.executable
        if importlib.util.find_spec("sklearn") is None:
            result = support.run(python, SCRIPTS / "data/wine", "--output", self.folder)
            self.assert_rc(result, 2, "apt-get install python3-sklearn")
            return
        for name, shape in (("diabetes", (442, 10)), ("wine", (178, 13)), ("digits", (1797, 64))):
            self.succeed(SCRIPTS / "data" / name, "--output", self.folder)
            self.assertEqual(samples.read(self.folder / f"{name}.h5")[0].shape, shape)


class Reproduce(support.TestCase):
    def test_seeds_are_runs_of_their_own(self):
        from common import study
        runs = study.Study("coterie_d", 2)
        self.addCleanup(runs.close)
        found = runs.run("test", {"a": ["--epochs", 3], "b": ["--epochs", 2]}, (1, 2))
        self.assertEqual([[row["epoch"] for row in found[key]] for key in "ab"], [[3, 3], [2, 2]])
        self.succeed(support.COTERIE_D, "train", "--epochs", 3, "--seed", 2, "--output",
                     self.folder / "run")
        last = support.read_metrics(self.folder / "run")[-1]
        self.assertEqual(json.dumps({**found["a"][1], "seconds": 0}),
                         json.dumps({**last, "seconds": 0}))

    def test_spread(self):
        from common import study
        # By hand: mean 4, squares of the differences 4 + 0 + 4, divided by 2.
        self.assertEqual(study.spread([2, 4, 6], "{:.3f} {:.3f}"), "4.000 2.000")


if __name__ == "__main__":
    support.main()
