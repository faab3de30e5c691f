# SPDX-License-Identifier: BSD-3-Clause
"""The step of the program on a modelled cluster, by SimGrid's SMPI (for tests/bench/scaling).

scaling_step.c is built with the sources of the step; its phases take the times that
`coterie bench --plan` measured on this machine. Before any other result counts, the simulation of
one and of two ranks of this machine must come within 15 % of the steps measured there.
"""
import concurrent.futures
import json
import math
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent

TOLERANCE = 0.15
HOST_FLOPS = 1e12  # any: times are given, not operations
SOURCES = ["src/base/*.c", "src/math/*.c", "src/model/*.c", "src/comm/*.c", "src/train/step/step*.c",
           "src/train/step/model.c", "src/train/feed/batch.c", "src/train/step/optimizer.c",
           "tests/bench/scaling_step.c"]
FLAGS = ["-O2", "-Wno-psabi", "-std=gnu11", "-D_GNU_SOURCE", "-Isrc", "-fPIC",
         '-DCOTERIE_VERSION="simulated"', '-DCOTERIE_REVISION=""']
WRAPPED = ["clock_seconds", "memory_alloc", "memory_free", "batch_load", "gate_forward",
           "gate_backward", "experts_forward", "experts_backward", "objective_mixture",
           "exchange_combine", "optimizer_update"]
# Of the batch_load that is wrapped.
NEVER_CALLED = ["stream_next", "stream_done", "stream_x", "stream_y"]
RATES = ["data", "gate_forward", "gate_backward", "posterior", "expert_forward", "expert_backward",
         "combine", "combine_once"]

CASE = ["series", "ranks", "shape", "replicas", "micro_batch", "root_experts", "speed"]

# 32 leaf switches with 32 hosts each, 16 spines: half the bandwidth between leaves.
CLUSTER = """<?xml version='1.0'?>
<!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd">
<platform version="4.1">
  <cluster id="ft" prefix="h" suffix="" radical="0-1023" speed="{flops}f" bw="12.5GBps" lat="1us"
           loopback_bw="50GBps" loopback_lat="200ns" topology="FAT_TREE"
           topo_parameters="2;32,32;1,16;1,1"/>
</platform>
"""
# Two ranks of this machine: what lies between them has the latency and bandwidth measured there.
PAIR = """<?xml version='1.0'?>
<!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd">
<platform version="4.1">
  <zone id="machine" routing="Full">
    <host id="h0" speed="{flops}f"/> <host id="h1" speed="{flops}f"/>
    <link id="memory" bandwidth="{bandwidth}Bps" latency="{latency}s"/>
    <route src="h0" dst="h1"><link_ctn id="memory"/></route>
  </zone>
</platform>
"""


def build(folder):
    """Compiles scaling_step into the folder."""
    objects = []
    for pattern in SOURCES:
        for source in sorted(ROOT.glob(pattern)):
            target = folder / (str(source.relative_to(ROOT)).replace("/", "_") + ".o")
            subprocess.run(["smpicc", *FLAGS, "-c", str(source), "-o", str(target)], cwd=ROOT,
                           check=True)
            objects.append(str(target))
    wraps = [f"-Wl,--wrap={name}" for name in WRAPPED]
    none = [f"-Wl,--defsym,{name}=0" for name in NEVER_CALLED]
    program = folder / "scaling_step"
    subprocess.run(["smpicc", *objects, *wraps, *none, "-o", str(program),
                    "-lopenblas", "-lm", "-lpthread"], cwd=ROOT, check=True)
    return program


class Machine:
    """Rates of one `bench --plan` and a platform to run them on."""

    def __init__(self, folder, name, plan, platform):
        self.folder, self.name, self.plan = folder, name, plan
        link = plan["inside"]
        # A message costs its sender and its receiver half of what lies between two of a stream.
        self.overhead = link["overhead"] / 2
        latency = max(link["latency"] - link["overhead"], 1e-8)
        self.platform = folder / f"{name}.xml"
        self.platform.write_text(platform.format(flops=HOST_FLOPS, bandwidth=link["bandwidth"],
                                                 latency=latency))
        self.hosts = folder / f"{name}.hosts"
        self.hosts.write_text("".join(f"h{i}\n" for i in range(1024 if "FAT" in platform else 2)))

    def rates(self, micro_batch, speed=1):
        """The file of rates for micro-batches of a size that was measured, and the rates; `speed`:
        by how much the cores are to be faster."""
        point = next(p for p in self.plan["points"] if p["samples"] == micro_batch)
        rates = {name: point[name] for name in RATES}
        rates.update(update=self.plan["update"], add=self.plan["add"])
        rates = {name: seconds / speed for name, seconds in rates.items()}
        path = self.folder / f"{self.name}-{micro_batch}-{speed}.rates"
        path.write_text("".join(f"{name} {value}\n" for name, value in rates.items()))
        return path, rates

    def run(self, program, case):
        """Simulates one step; {"step": seconds, "gradients": ..., "root": {...}, "last": {...}}."""
        path, _ = self.rates(case["micro_batch"], case.get("speed", 1))
        overhead = f"0:{self.overhead}:0"
        command = ["smpirun", "-np", str(case["ranks"]), "-platform", str(self.platform),
                   "-hostfile", str(self.hosts), "--cfg=smpi/simulate-computation:no",
                   "--cfg=smpi/coll-selector:mpich", f"--cfg=smpi/os:{overhead}",
                   f"--cfg=smpi/ois:{overhead}", f"--cfg=smpi/or:{overhead}",
                   "--cfg=smpi/bw-factor:0:1", "--cfg=smpi/lat-factor:0:1",
                   "--cfg=network/TCP-gamma:0", "--log=root.thresh:warning", str(program),
                   case["shape"], str(case["replicas"]), str(case["micro_batch"]),
                   str(case["root_experts"]), str(path)]
        run = subprocess.run(command, text=True, capture_output=True, check=False,
                             stdin=subprocess.DEVNULL,
                             env=dict(os.environ, COTERIE_EXCHANGE="messages"))
        result = {"root": {}, "last": {}}
        for line in run.stdout.splitlines():
            *words, value = line.split()
            if words[0] in ("root", "last"):
                result[words[0]][" ".join(words[1:])] = float(value)
            else:
                result[words[0]] = float(value)
        if run.returncode != 0 or "step" not in result or "Deadlock" in run.stderr:
            sys.exit(f"{' '.join(command)} ended with {run.returncode}: {run.stdout}{run.stderr}")
        return result


def balanced_root(rates, n_experts, n_shards):
    """The experts of rank 0 that make the slower of rank 0 and the others fastest."""
    if n_shards == 1:
        return n_experts
    expert = rates["expert_forward"] + rates["expert_backward"]
    gate = n_experts * (rates["gate_forward"] + rates["gate_backward"])

    def slowest(k0):
        return max(k0 * expert + gate, math.ceil((n_experts - k0) / (n_shards - 1)) * expert)
    most = math.ceil(n_experts / n_shards)
    return min(range(most, -1, -1), key=slowest)


def cases(machine, most):
    """What is simulated on the cluster, as dictionaries with a `series`."""
    listed = []

    def add(series, ranks, shape, replicas, micro_batch=256, root_experts=None, speed=1):
        n_experts = int(shape.split(",")[4])
        shards = ranks // replicas
        if ranks > most or shards < 1 or shards > n_experts:
            return
        if root_experts is None:
            root_experts = balanced_root(machine.rates(micro_batch)[1], n_experts, shards)
        listed.append({"series": series, "ranks": ranks, "shape": shape, "replicas": replicas,
                       "micro_batch": micro_batch, "root_experts": root_experts, "speed": speed})
    strong = "4096,256,1024,32,1024"
    for ranks in (1, 4, 16, 64):
        add("weak, more experts", ranks, f"4096,256,1024,32,{4 * ranks}", 1)
    for ranks in (1, 4, 16, 32, 64, 128, 256):
        add("strong", ranks, strong, 1)
    for ranks, replicas in ((1024, 16), (32, 2), (64, 2), (64, 4), (128, 2), (128, 4), (128, 8),
                            (256, 4), (256, 8)):
        add("strong", ranks, strong, replicas)
    # A group of 64 with as many experts as it can, and more groups; or more experts on all.
    for replicas in (16, 1, 4):
        add("weak, more samples", 64 * replicas, f"{4096 * replicas},256,1024,32,256", replicas)
    for ranks, replicas in ((1024, 16), (1024, 8), (256, 4)):
        add("weak, more experts", ranks, f"4096,256,1024,32,{4 * ranks}", replicas)
    # Faster cores leave more to the network.
    for ranks, replicas in ((1, 1), (256, 8)):
        add("strong, cores twice as fast", ranks, strong, replicas, speed=2)
    # What else could lift the root's limit on 256 ranks: larger micro-batches.
    for micro_batch in (1024, 512):
        add("micro-batch", 256, strong, 1, micro_batch)
    add("strong", 512, strong, 8)
    return listed


class Simulation:
    """The program built for SMPI, in the folder smpi/ of the results."""

    def __init__(self, options):
        self.options = options
        self.folder = options.output / "smpi"
        self.folder.mkdir(exist_ok=True)
        self.program = build(self.folder)

    def check(self, measured):
        """Simulates what was measured on one and two ranks; whether all came near enough."""
        rows = []
        for key, plan in measured.items():
            ranks, shape = key.split()
            done = plan["check"]
            case = {"ranks": int(ranks), "replicas": 1, "micro_batch": done["micro_batch"],
                    "root_experts": done["root_experts"],
                    "shape": ",".join([*shape.split(",")[:4], str(done["experts"])])}
            machine = Machine(self.folder, f"pair-{len(rows)}", plan, PAIR)
            seconds = machine.run(self.program, case)["step"]
            error = seconds / done["measured_seconds"] - 1
            rows.append({**case, "measured": done["measured_seconds"], "simulated": seconds,
                         "formula": done["predicted_seconds"], "error": error,
                         "sgemm_gflops": plan["sgemm_gflops"]})
            print(f"check     {ranks} ranks, {case['shape']}: measured "
                  f"{1e3 * done['measured_seconds']:.4g} ms, simulated {1e3 * seconds:.4g} ms "
                  f"({100 * error:+.1f} %){'' if abs(error) <= TOLERANCE else '  TOO FAR OFF'}",
                  flush=True)
        (self.options.output / "checks.json").write_text(json.dumps(rows, indent=1))
        return all(abs(row["error"]) <= TOLERANCE for row in rows)

    def simulate(self, plan):
        """All cases that are not in simulated.json yet, with the rates of this plan."""
        machine = Machine(self.folder, "cluster", plan, CLUSTER)
        path = self.options.output / "simulated.json"
        results = json.loads(path.read_text()) if path.exists() else []
        known = [{key: row[key] for key in CASE} for row in results]
        missing = [case for case in cases(machine, self.options.most) if case not in known]
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            running = [pool.submit(lambda case: {**case, **machine.run(self.program, case)}, case)
                       for case in missing]
            for future in concurrent.futures.as_completed(running):
                result = future.result()
                results.append(result)
                path.write_text(json.dumps(results, indent=1))
                print(f"simulated {result['series']}: {result['ranks']} ranks, "
                      f"{result['replicas']} x {result['ranks'] // result['replicas']}, "
                      f"micro-batch {result['micro_batch']}, {result['root_experts']} experts on "
                      f"rank 0: {1e3 * result['step']:.4g} ms", flush=True)
