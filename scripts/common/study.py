# SPDX-License-Identifier: BSD-3-Clause
"""Many runs at once: each on one rank, as many side by side as there are processors."""
import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import numpy

from common import environment


class Study:
    """Trains in folders that are gone afterwards, and keeps the metrics."""

    def __init__(self, program="coterie_d", jobs=None):
        self.program = environment.find_coterie(program)
        # Short runs wait for nearly half of their time, while MPI starts and ends.
        self.jobs = jobs or 2 * len(os.sched_getaffinity(0))
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="coterie-study-"))

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def coterie(self, *words):
        return self.timed([self.program, *map(str, words)])[0]

    def timed(self, command):
        """What a program writes to stdout, and the seconds of processor time that it took."""
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            # Runs side by side must not share their processors with threads of BLAS.
            process = subprocess.Popen(command, stdout=out, stderr=err, stdin=subprocess.DEVNULL,
                                       env={**os.environ, "OPENBLAS_NUM_THREADS": "1"})
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            err.seek(0)
            if process.returncode != 0:
                raise RuntimeError(f"{' '.join(map(str, command))}\n{err.read()}")
            return out.read(), usage.ru_utime + usage.ru_stime

    def train(self, options, seed):
        """The lines of metrics.jsonl."""
        output = tempfile.mkdtemp(dir=self.folder)
        self.coterie("train", *options, "--seed", seed, "--output", output, "--quiet",
                     "--checkpoint-every", 0)
        with open(f"{output}/metrics.jsonl", encoding="utf-8") as file:
            found = [json.loads(line) for line in file]
        shutil.rmtree(output)
        return found

    def run(self, title, systems, seeds, keep=lambda metrics: metrics[-1]):
        """systems {key: options} -> {key: [keep(metrics) of each seed]}"""
        begin = time.monotonic()
        print(f"{title}: {len(systems) * len(seeds)} runs", end="", file=sys.stderr, flush=True)
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            try:
                waiting = {key: [pool.submit(lambda o, s: keep(self.train(o, s)), options, seed)
                                 for seed in seeds] for key, options in systems.items()}
                found = {key: [run.result() for run in runs] for key, runs in waiting.items()}
            except RuntimeError as error:
                pool.shutdown(cancel_futures=True)
                environment.stop(str(error), 1)
        print(f", {time.monotonic() - begin:.0f} s", file=sys.stderr)
        return found


def spread(values, form="{:.0f} ± {:.0f}"):
    """Mean and standard deviation over the seeds."""
    return form.format(numpy.mean(values), numpy.std(values, ddof=1) if len(values) > 1 else 0)


def table(head, rows):
    """Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"
