# SPDX-License-Identifier: BSD-3-Clause
# labels: quick
"""coterie inspect --json: a model for programs without HDF5, held to what h5py reads."""
import json

import h5py
import numpy
import support


class InspectJson(support.TestCase):
    def assert_as_in_the_file(self, run):
        """The object; its arrays are those of the checkpoint, to the last bit."""
        found = json.loads(self.succeed(support.COTERIE, "inspect", run, "--json").stdout)
        arrays = {}
        with h5py.File(run / "checkpoints/best") as file:
            for group in ("gate", "experts", "scaler"):
                file[group].visititems(lambda name, item, group=group: arrays.update(
                    {f"/{group}/{name}": item[()]} if isinstance(item, h5py.Dataset) else {}))
            self.assertEqual(found["options"], {key: value.decode() if isinstance(value, bytes) else value
                                                for key, value in file["config"].attrs.items()})
        self.assertEqual(sorted(found["arrays"]), sorted(arrays))
        for name, values in arrays.items():
            numpy.testing.assert_array_equal(numpy.array(found["arrays"][name], dtype=float).reshape(values.shape),
                                             values, name)
        return found

    def test_classes(self):
        run = self.folder / "run"
        self.succeed(support.COTERIE, "train", "--expert-hidden", "3", "--epochs", "2", "--output", run)
        found = self.assert_as_in_the_file(run)
        self.assertEqual(found["classes"], ["iy", "ih", "aa", "ah"])
        self.assertEqual((found["inputs"], found["epoch"], found["precision"]), (["F1", "F2"], 2, "float"))
        # Four experts of 2x3 + 3 and 3x4 + 4, a gate of 2x4 + 4; a softmax unit of each (the last) is redundant.
        self.assertEqual(found["n_parameters"], 4 * 25 + 12)
        self.assertEqual(found["n_free_parameters"], 4 * (25 - 4) + 12 - 3)

    def test_gaussian_gate_and_weights(self):
        data, run = self.folder / "d.csv", self.folder / "run"
        rows = [(i / 10, abs(i / 10 - 2), 1 + i % 3) for i in range(40)]
        data.write_text('"x, ""mm""",y,w\n' + "".join("%g,%g,%g\n" % row for row in rows), encoding="utf-8")
        options = ("--targets", "y", "--weight", "w")
        self.succeed(support.COTERIE_D, "train", "--data", data, *options, "--experts", "2", "--optimizer", "em",
                     "--gate", "gaussian", "--variance", "learned", "--epochs", "5", "--output", run)
        found = self.assert_as_in_the_file(run)
        self.assertEqual((found["inputs"], found["targets"], found["classes"]), (['x, "mm"'], ["y"], []))
        self.assertIn("/gate/gaussian/covariance", found["arrays"])
        said = json.loads(self.succeed(support.COTERIE_D, "evaluate", run, "--data", data, *options, "--json").stdout)
        self.assertEqual((said["n"], said["weight"]), (40, sum(row[2] for row in rows)))

    def test_not_a_checkpoint(self):
        data = self.folder / "d.csv"
        data.write_text("x,y\n1,2\n", encoding="utf-8")
        for path in (data, self.folder, self.folder / "none"):
            result = support.run(support.COTERIE, "inspect", path, "--json")
            self.assert_rc(result, 2)
            self.assert_one_line(result)


if __name__ == "__main__":
    support.main()
