# SPDX-License-Identifier: BSD-3-Clause
"""What the tests with faults share: a small run that touches every site, its files, its ends."""
import os
import pathlib
import re
import shutil
import signal
import time

import h5py
import numpy
import support

COTERIE = support.COTERIE

# The model: mini-batches, an optimiser with slots, a learned best, a checkpoint every few steps.
MODEL = ("--experts", 3, "--optimizer", "adam", "--batch-size", 50, "--valid", 0.2,
         "--hang-timeout", 3)
# Every site of base/site.h by what happens there.
COLLECTIVE_SITES = (
    "agree", "broadcast", "maximum", "gather", "gather_rows", "scatter_rows", "barrier",
    "exchange_gather", "exchange_scatter", "exchange_combine", "shared_create", "shared_publish",
    "step_forward", "step_backward", "update", "save_collect")
FILE_SITES = (
    "data_open", "data_read", "hdf5_create", "hdf5_open", "hdf5_write", "hdf5_read", "hdf5_sync",
    "hdf5_close", "checkpoint_rename", "folder_sync", "lock", "link", "prune", "metrics_write",
    "config_write")


def write_data(path, n=240, seed=0):
    """A small HDF5 file of samples: two inputs, three labels."""
    rng = numpy.random.default_rng(seed)
    with h5py.File(path, "w") as file:
        x = rng.normal(size=(n, 2))
        file["x"] = x
        file["y"] = (x[:, 0] * x[:, 1] > 0).astype("i4") + (x[:, 0] > 1)
    return path


def checkpoints(run):
    return pathlib.Path(run) / "checkpoints"


def generations(run):
    """The files of the generations, oldest first."""
    return sorted(checkpoints(run).glob("step-*.h5"))


def latest(run):
    return checkpoints(run) / "latest"


def left_over(run):
    """Files that a finished run must not leave."""
    return sorted(str(path.relative_to(run)) for path in pathlib.Path(run).rglob("*")
                  if path.name.endswith(".tmp") or path.name.startswith("hang-"))


def progress(path, name):
    with h5py.File(path, "r") as file:
        return int(file["progress"].attrs[name])


def parameters(path):
    """The bytes of all parameters of a checkpoint, by name."""
    found = {}
    with h5py.File(path, "r") as file:
        for group in ("gate", "experts"):
            file[group].visititems(lambda name, item, group=group: found.update(
                {f"{group}/{name}": item[()].tobytes()} if isinstance(item, h5py.Dataset) else {}))
    return found


def error_lines(result):
    return [line for line in support.own_lines(result.stderr)
            if line.startswith("coterie: error: ")]


def is_alive(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return state.rpartition(")")[2].split()[0] not in "ZX"


def wait_gone(pids, timeout=10):
    """Waits until none of the processes runs any more; those that still do after `timeout`."""
    end = time.monotonic() + timeout
    pids = list(pids)
    while (alive := [pid for pid in pids if is_alive(pid)]) and time.monotonic() < end:
        time.sleep(0.02)
    return alive


def trace_of(result):
    """What looks like a crash in the output, or None. Open MPI prints a trace for SIGSEGV."""
    found = re.search(r"Process received signal|Sanitizer|assertion|core dumped|\*\*\* Error",
                      result.stdout + result.stderr)
    return found and found[0]


class Workshop:
    """A folder in which runs are made, with Open MPI's own files below it too."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.data = write_data(self.folder / "data.h5")
        # What mpirun cannot clear away when it is killed lies here, and goes with the folder.
        self.scratch = self.folder / "tmp"
        self.scratch.mkdir()
        self.env = {"TMPDIR": str(self.scratch),
                    "OMPI_MCA_btl_vader_backing_directory": str(self.scratch),
                    "COTERIE_HANG_TIMEOUT": "3"}

    def options(self, run, epochs=20, every="7s", extra=()):
        return ("train", "--data", self.data, *MODEL, "--epochs", epochs, "--checkpoint-every",
                every, "--output", self.folder / run, "--progress", "never", *extra)

    def start(self, *arguments, ranks=None, fault=None, env=None, program=COTERIE):
        environment = {**self.env, "COTERIE_FAULT": fault, **(env or {})}
        return support.start(program, *arguments, ranks=ranks, env=environment)

    def run(self, *arguments, timeout=60, **how):
        return support.finish(self.start(*arguments, **how), timeout)

    def train(self, run, *extra, epochs=20, every="7s", **how):
        return self.run(*self.options(run, epochs, every, extra), **how)

    def clear(self, run):
        shutil.rmtree(self.folder / run, ignore_errors=True)

    def end_all(self, process):
        """Ends what is left of a started program; its Result."""
        support.send_signal(process, signal.SIGKILL)
        return support.finish(process, 10)


class FaultTest(support.TestCase):
    """A test with a workshop, and with an undisturbed run to compare with."""
    straight_ranks = None

    def setUp(self):
        super().setUp()
        self.shop = Workshop(self.folder)
        self.run_directory = self.folder / "run"

    def straight(self, **how):
        """The final checkpoint of a run that nothing disturbs; made once for the same options."""
        name = "straight" + "".join(f"-{key}{value}" for key, value in sorted(how.items()))
        if not (self.folder / name).exists():
            self.assert_rc(self.shop.train(name, **how), 0)
        return latest(self.folder / name)

    def assert_resumes(self, run="run", *extra, ranks=None, **how):
        """--resume auto goes on to the end, with the bits of an undisturbed run."""
        result = self.shop.train(run, "--resume", "auto", *extra, ranks=ranks, **how)
        self.assert_rc(result, 0)
        self.assert_same_checkpoint(self.straight(**how), latest(self.folder / run))
        self.assert_same_metrics(self.straight(**how).parent.parent, self.folder / run)
        self.assertEqual(left_over(self.folder / run), [])
        return result

    def assert_verifies(self, run="run"):
        """All generations that are there are good."""
        self.assert_rc(self.shop.run("inspect", self.folder / run, "--verify"), 0)

    def assert_no_trace(self, result):
        self.assertIsNone(trace_of(result), str(result))


def have_root():
    return os.geteuid() == 0
