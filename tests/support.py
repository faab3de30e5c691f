# SPDX-License-Identifier: BSD-3-Clause
"""What the Python tests share: running the programs, reading and comparing what they write.

The build passes the programs in the environment: COTERIE and COTERIE_D (the double-precision one)
and MPIRUN, with MPI_LAUNCHER, which is hydra for the one of MPICH. A test file begins with comments that the build reads:

    # labels: quick sanitize   in which runs it takes part: docs/develop/testing.md (its folder is added)
    # alone: yes               no other test at the same time
    # timeout: 300             seconds for the whole file
"""
import atexit
import io
import json
import multiprocessing
import multiprocessing.connection
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import h5py
import numpy

COTERIE = os.environ.get("COTERIE", "coterie")
COTERIE_D = os.environ.get("COTERIE_D", "coterie_d")
MPIRUN = os.environ.get("MPIRUN", "mpirun")
HYDRA = os.environ.get("MPI_LAUNCHER") == "hydra"
MPIRUN_OPTIONS = os.environ.get("MPIRUN_OPTIONS", "" if HYDRA else "--oversubscribe").split()
RANK_VARIABLE = "PMI_RANK" if HYDRA else "OMPI_COMM_WORLD_RANK"
# Ranks of MPICH wait for each other at full speed: slow where there are more of them than cores.
PATIENCE = 4 if HYDRA else 1

# What two runs with the same results may differ in: attributes as /group@name, data sets as paths.
MAY_DIFFER = ("/@created", "/history/seconds", "/progress@seconds")


def _make_place_for_sessions():
    """A folder for the files of Open MPI's sessions, which goes when the tests end."""
    base = pathlib.Path(tempfile.mkdtemp(prefix="coterie-mpi-"))
    owner = os.getpid()
    atexit.register(lambda: os.getpid() == owner and shutil.rmtree(base, ignore_errors=True))
    return base


_SESSIONS = _make_place_for_sessions()


def place_for_session():
    """One for each start: of two in one folder, the one that ends removes what the other makes.

    mkdtemp and not a number, which two tests forked from here would both count from 0.
    """
    return tempfile.mkdtemp(prefix="", dir=_SESSIONS)


class Result:
    """How a program ended. The tuple (rc, stdout, stderr) with names."""

    def __init__(self, command, rc, stdout, stderr):
        self.command, self.rc, self.stdout, self.stderr = command, rc, stdout, stderr

    def __iter__(self):
        return iter((self.rc, self.stdout, self.stderr))

    def __str__(self):
        return (f"{' '.join(self.command)}\nended with {self.rc}\n"
                f"--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}")


def codes_of_death(number):
    """The exit codes that mpirun may have when a signal has ended a rank.

    That of hydra is made of all ranks by `or`, and it kills those that are left.
    """
    return (number, number | signal.SIGKILL) if HYDRA else (128 + number,)


def ended_with(result, codes):
    """Whether a program ended with one of these exit codes.

    That of MPICH 4.0 is sometimes 0 although all ranks have left with another code, the same on all
    (pmodels/mpich issue 7057).
    """
    lost = HYDRA and result.command[0] == MPIRUN and result.rc == 0 and 0 not in codes
    if lost:
        print(f"mpiexec of MPICH says 0 in place of {' or '.join(map(str, codes))}", file=sys.stderr)
    return lost or result.rc in codes


def only_with_open_mpi(why):
    """Leaves a test out under another MPI, and says why."""
    return unittest.skipIf(HYDRA, f"of Open MPI only: {why}")


def _with_fixed_defaults(args):
    """Tests of `train` are about what it is told: it chooses nothing unless they speak of that."""
    words = [str(word) for word in args]
    chooses = any(word.startswith(("--auto", "--effort", "--help")) for word in words)
    return words if words[:1] != ["train"] or chooses else [*words, "--auto", "off"]


def start(program, *args, ranks=None, env=None, cwd=None, launcher=()):
    """Starts a program and returns its Popen. Without ranks it runs without mpirun.

    `launcher`: more options for mpirun. A value of None in `env` removes the variable.
    """
    command = [str(program), *_with_fixed_defaults(args)]
    if ranks is not None:
        command = [MPIRUN, *MPIRUN_OPTIONS, "-n", str(ranks), *map(str, launcher), *command]
    environment = dict(os.environ, OMPI_MCA_orte_tmpdir_base=place_for_session())
    if ranks is None and "ASAN_OPTIONS" in environment:
        # The leaks of Open MPI that only full stacks tell are those of ranks of a launcher.
        environment["ASAN_OPTIONS"] = environment["ASAN_OPTIONS"].replace(":fast_unwind_on_malloc=0", "")
    for name, value in (env or {}).items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = str(value)
    # A session of its own, so that a hung job can be ended with all its ranks.
    return subprocess.Popen(command, env=environment, cwd=cwd, text=True, errors="replace",
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, start_new_session=True)


def finish(process, timeout=100):
    """Waits for a started program and returns its Result; a hung one is killed and a failure."""
    timeout *= PATIENCE
    try:
        stdout, stderr = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        send_signal(process, signal.SIGTERM)  # mpirun then clears its shared memory away
        try:
            stdout, stderr = process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            send_signal(process, signal.SIGKILL)
            stdout, stderr = process.communicate()
        hung = Result(process.args, process.returncode, stdout, stderr)
        raise AssertionError(f"still running after {timeout} s: {hung}") from None
    return Result(process.args, process.returncode, stdout, stderr)


def send_signal(process, number):
    """Sends a signal to a started program and to all that it started on this side of mpirun."""
    if process.poll() is not None and os.path.exists(f"/proc/{process.pid}"):
        return  # its number is that of another program by now
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


def rank_processes(process):
    """The process of each rank that a started mpirun has by now: {rank: pid}."""
    parents = {}
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            status = (entry / "stat").read_text(encoding="utf-8", errors="replace")
            parents[int(entry.name)] = int(status.rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = {}
    for pid in parents:
        ancestor = pid
        while ancestor in parents and ancestor != process.pid:
            ancestor = parents[ancestor]
        if ancestor != process.pid or pid == process.pid:
            continue
        try:
            variables = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            continue
        found.update({pid: int(v.partition(b"=")[2]) for v in variables
                      if v.startswith(f"{RANK_VARIABLE}=".encode())})
    # What a rank starts has its environment too.
    return {rank: pid for pid, rank in found.items() if parents[pid] not in found}


def wait_for(condition, process=None, timeout=60):
    """Waits until condition() is true; its value. A `process` that ends before has failed."""
    end = time.monotonic() + timeout * PATIENCE
    while not (value := condition()):
        if process and process.poll() is not None:
            raise AssertionError(f"too soon: {finish(process)}")
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout} s in vain")
        time.sleep(0.02)
    return value


def run(program, *args, timeout=100, **how):
    """start and finish in one."""
    return finish(start(program, *args, **how), timeout)


# mpirun's blocks are between two lines of dashes; that of Open MPI 5 puts a NUL byte behind them, and
# one may fall into the middle of a line of ours.
BLOCK_OF_MPIRUN = re.compile(r"-{60,}\n.*?\n-{60,}\n", re.DOTALL)
# Open MPI 5 says this of networks and of its own event loop.
LINE_OF_OPEN_MPI = re.compile(r"\[warn\] Epoll MOD|Unable to find reachable pairing")


def own_lines(stderr):
    """The lines of stderr that are not mpirun's.

    MPICH has one line for MPI_Abort.
    """
    text = BLOCK_OF_MPIRUN.sub("", stderr.replace("\0", ""))
    return [line for line in text.splitlines() if line.strip() and not LINE_OF_OPEN_MPI.search(line)
            and not (HYDRA and line.startswith("Abort("))]


def read_metrics(run_directory):
    """The objects of metrics.jsonl in order."""
    lines = (pathlib.Path(run_directory) / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def metrics_without_time(run_directory):
    """The metrics without what may differ between equal runs."""
    return [{key: value for key, value in row.items() if key != "seconds"}
            for row in read_metrics(run_directory)]


def _comparable(value):
    """Type, shape, bytes and the value itself; strings of variable length are compared as text."""
    data = numpy.asarray(value)
    plain = repr(data.tolist()).encode() if data.dtype == object else data.tobytes()
    return str(data.dtype), data.shape, plain, value


def _contents(path, ignore):
    """All groups, data sets and attributes of an HDF5 file by name, as _comparable."""
    found = {}

    def visit(name, item):
        name = "/" + name.strip("/")
        if name in ignore:
            return
        found[name] = _comparable(item[()] if isinstance(item, h5py.Dataset) else "group")
        for attribute, value in item.attrs.items():
            if f"{name}@{attribute}" not in ignore:
                found[f"{name}@{attribute}"] = _comparable(value)

    with h5py.File(path, "r") as file:
        visit("/", file)
        file.visititems(visit)
    return found


def first_difference(path_a, path_b, ignore=()):
    """The first difference of two HDF5 files as text, or None if they agree bit for bit.

    Not compared: MAY_DIFFER and `ignore`, named as there.
    """
    ignore = set(MAY_DIFFER) | set(ignore)
    contents_a, contents_b = _contents(path_a, ignore), _contents(path_b, ignore)
    for name in sorted(contents_a.keys() | contents_b.keys()):
        if name not in contents_a or name not in contents_b:
            return f"{name} is only in {path_a if name in contents_a else path_b}"
        (type_a, shape_a, bytes_a, a), (type_b, shape_b, bytes_b, b) = \
            contents_a[name], contents_b[name]
        if (type_a, shape_a) != (type_b, shape_b):
            return f"{name}: {type_a} {shape_a} in {path_a}, {type_b} {shape_b} in {path_b}"
        if bytes_a != bytes_b:
            return f"{name}{_first_element(a, b)} ({path_a}, {path_b})"
    return None


def _first_element(a, b):
    """Where two values of one type and shape differ first, and how many elements do."""
    a, b = numpy.atleast_1d(a), numpy.atleast_1d(b)
    # By bytes, so that 0 and -0 differ and a NaN equals itself.
    differs = [_comparable(x)[2] != _comparable(y)[2] for x, y in zip(a.ravel(), b.ravel())]
    where = differs.index(True)
    index = tuple(int(i) for i in numpy.unravel_index(where, a.shape))
    return (f"{list(index)}: {a[index]!r} and {b[index]!r}; "
            f"{sum(differs)} of {len(differs)} elements differ")


class TestCase(unittest.TestCase):
    """A test with a folder of its own, self.folder, removed afterwards."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="coterie-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def assert_rc(self, result, expected, *words):
        """The exit code, one or several, and that each of `words` is said on either stream."""
        codes = expected if isinstance(expected, tuple) else (expected,)
        self.assertTrue(ended_with(result, codes), f"not {expected}: {result}")
        for word in words:
            self.assertIn(word, result.stdout + result.stderr, str(result))

    def succeed(self, program, *args, **how):
        """Runs a program that must end with 0, and returns its Result."""
        result = run(program, *args, **how)
        self.assert_rc(result, 0)
        return result

    def assert_one_line(self, result):
        """An error is one line on stderr, of rank 0 only; mpirun's own words aside. The line."""
        lines = own_lines(result.stderr)
        self.assertEqual(len(lines), 1, str(result))
        self.assertTrue(lines[0].startswith("coterie: error: "), str(result))
        return lines[0]

    def assert_same_checkpoint(self, path_a, path_b, ignore=()):
        difference = first_difference(path_a, path_b, ignore)
        self.assertIsNone(difference, difference)

    def assert_same_metrics(self, run_a, run_b):
        for row_a, row_b in zip(metrics_without_time(run_a), metrics_without_time(run_b)):
            self.assertEqual(row_a, row_b, f"metrics of {run_a} and {run_b}")
        self.assertEqual(len(read_metrics(run_a)), len(read_metrics(run_b)))


def _run_one(name):
    """One test in a process of its own: whether it went well, and what it said."""
    said = io.StringIO()
    suite = unittest.defaultTestLoader.loadTestsFromName(name, sys.modules["__main__"])
    result = unittest.TextTestRunner(said, verbosity=2).run(suite)
    return result.wasSuccessful(), said.getvalue()


def _names(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from _names(test)
        else:
            yield test.id().removeprefix("__main__.")


def _send_result(function, item, pipe):
    pipe.send(function(item))


def in_processes(function, items, jobs):
    """(item, function(item)) as they end, in a process each, `jobs` at a time; None of one that dies.

    Forked, so that nothing is imported again; and from a process without threads, one of which might
    hold a lock that the child then waits for.
    """
    context = multiprocessing.get_context("fork")
    waiting, running = list(items), {}
    while waiting or running:
        while waiting and len(running) < jobs:
            item = waiting.pop(0)
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=_send_result, args=(function, item, sender))
            process.start()
            sender.close()  # the child's is the only one: its end is seen
            running[receiver] = item, process
        for receiver in multiprocessing.connection.wait(list(running)):
            item, process = running.pop(receiver)
            try:
                result = receiver.recv()
            except EOFError:
                result = None
            receiver.close()
            process.join()
            yield item, result


def main(jobs=1):
    """Runs the tests of this file, or those named in the command line.

    With `jobs` that many at a time: for tests that wait more than they compute.
    """
    if jobs == 1:
        unittest.main(verbosity=2)  # says why a test was left out
    names = sys.argv[1:] or list(_names(
        unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])))
    failed = []
    for name, result in in_processes(_run_one, names, jobs):
        good, said = result or (False, f"{name}: its process died\n")
        print(said, end="", file=sys.stderr, flush=True)
        if not good:
            failed.append(name)
    print(f"{len(names)} tests, {len(failed)} failed {' '.join(failed)}", file=sys.stderr)
    sys.exit(1 if failed or not names else 0)
