# SPDX-License-Identifier: BSD-3-Clause
"""`coterie export` to ONNX: the checker of ONNX, and ONNX Runtime against predict.

Needs python3-onnx for the checker; for the run node with the npm package onnxruntime-web, in the
folder that the variable COTERIE_NODE names or in build/node:

    npm install --prefix build/node --ignore-scripts onnxruntime-web@1.20.1

The variable COTERIE_SAMPLES gives the number of samples; at 100000 it takes half a minute.
"""
# timeout: 300
import json
import os
import pathlib
import shutil
import subprocess
import unittest

import h5py
import numpy

import support
from export_case import MODELS, NUMERIC, Trained, difference, samples

try:
    import onnx
except ImportError:
    onnx = None

BUILD = pathlib.Path(support.COTERIE).resolve().parent
RUNTIME = (pathlib.Path(os.environ.get("COTERIE_NODE", BUILD / "node")) / "node_modules"
           / "onnxruntime-web" / "dist" / "ort.min.mjs")
SAMPLES = int(os.environ.get("COTERIE_SAMPLES", 20_000))
SINGLE, DOUBLE = Trained(support.COTERIE), Trained(support.COTERIE_D)
PROBE = support.run(support.COTERIE, "export", "none", "probe.onnx").stderr
# All of both: a Gaussian gate, gelu and top-k are computed otherwise in doubles.
CASES = [(SINGLE, name) for name in MODELS] + [(DOUBLE, name) for name in
                                               ("deep", "gelu", "gaussian-gate", "top-k", "tree",
                                                "student-2", "gamma", "zero-inflated")]


@unittest.skipIf("built without" in PROBE, PROBE.strip())
class OnnxTest(support.TestCase):

    def export(self, trained, name):
        path = self.folder / f"{name}-{trained.program == support.COTERIE_D:d}.onnx"
        self.succeed(support.COTERIE, "export", trained.run(name), path)
        return path

    @unittest.skipIf(onnx is None, "python3-onnx is not installed")
    def test_the_checker_and_what_the_file_says(self):
        for trained, name in CASES:
            with self.subTest(model=name, program=trained.program):
                model = onnx.load(str(self.export(trained, name)))
                onnx.checker.check_model(model, full_check=True)
                self.assertEqual([opset.version for opset in model.opset_import], [13])
                said = {entry.key: entry.value for entry in model.metadata_props}
                self.assertEqual(json.loads(said["inputs"]), ["x0", "x1", "x2", "x3"])
                kind = MODELS[name][0]
                names = {"two": ["0", "1"], "classes": ["0", "1", "2"]}.get(kind, ["y0", "y1"])
                self.assertEqual(json.loads(said["targets" if kind in NUMERIC else "classes"]),
                                 names)
                inputs = [value.name for value in model.graph.input]
                outputs = {value.name for value in model.graph.output}
                wanted = {"proportion", "expert"} | (
                    {"mean", "variance"} if kind in NUMERIC else {"probability"} |
                    ({"class"} if kind != "chances" else set()))
                self.assertEqual((inputs, outputs), (["x"], wanted))

    @unittest.skipIf(not shutil.which("node") or not RUNTIME.exists(),
                     f"there is no node, or no {RUNTIME}: see the head of this file")
    def test_onnx_runtime_against_predict(self):
        """To 2e-6 of the largest number of a column."""
        self.run_all(CASES, samples(SAMPLES, seed=6)[0])

    @unittest.skipIf(not shutil.which("node") or not RUNTIME.exists(),
                     f"there is no node, or no {RUNTIME}: see the head of this file")
    def test_missing_values(self):
        x, targets = samples()
        x[numpy.random.default_rng(9).random(x.shape) < [0.2, 0.2, 0.1, 0]] = numpy.nan
        single, double = (Trained(program, (x, targets)) for program in (support.COTERIE, support.COTERIE_D))
        self.run_all([(single, "deep"), (double, "classes"), (double, "gaussian-gate")], x)

    def run_all(self, cases, x):
        data = self.folder / "x.h5"
        with h5py.File(data, "w") as file:
            file["x"] = x
        jobs = []
        for trained, name in cases:
            kind = "float64" if trained.program == support.COTERIE_D else "float32"
            folder = self.folder / f"{name}-{kind}"
            folder.mkdir()
            x.astype(kind).tofile(self.folder / f"x.{kind}")
            jobs.append({"model": str(self.export(trained, name)), "samples": len(x), "type": kind,
                         "x": str(self.folder / f"x.{kind}"), "folder": str(folder)})
        (self.folder / "jobs.json").write_text(json.dumps(jobs), encoding="utf-8")
        ran = subprocess.run(["node", pathlib.Path(__file__).with_name("run_onnx.mjs"), RUNTIME,
                              self.folder / "jobs.json"],
                             capture_output=True, text=True, check=False)
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))  # not even a warning
        for (trained, name), job in zip(cases, jobs):
            with self.subTest(model=name, program=trained.program):
                self.compare(job, trained.predicted(name, data=data))

    def compare(self, job, wanted):
        names = set()
        for path in pathlib.Path(job["folder"]).iterdir():
            names.add(path.stem)
            if path.suffix == ".json":
                said = json.loads(path.read_text(encoding="utf-8"))
                # A sample between two classes may go either way.
                self.assertLess(numpy.mean(numpy.array(said) != wanted[path.stem]), 1e-4)
                continue
            found = numpy.fromfile(path, path.suffix[1:]).reshape(wanted[path.stem].shape)
            self.assertLess(difference(found, wanted[path.stem]), 2e-6, path.stem)
        self.assertEqual(names, set(wanted))


if __name__ == "__main__":
    support.main()
