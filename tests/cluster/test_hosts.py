# SPDX-License-Identifier: BSD-3-Clause
# timeout: 600
"""Several hosts over TCP, without Slurm: placement, data, equal bits, and a rank that hangs."""
import pathlib
import re
import signal

import cluster
import h5py
import harness
import host_case
import support


class Placement(host_case.Hosts):
    def test_experts_and_data(self):
        """The plan: experts over all hosts, and one copy of the data on each."""
        data = support.run(support.COTERIE, "train", "--data", self.data, "--experts", 5,
                           "--dry-run", "--output", self.folder / "run")
        amount = re.search(r"([\d.]+) MiB of it data", data.stdout)[1]
        result = self.train(["n1", "n2", "n3"], 2, "run", "--dry-run")
        self.assertIn("ranks    6 on 3 hosts", result.stdout)
        places = re.findall(r"rank (\d)   (n\d): (.*), [\d.]+ MiB", result.stdout)
        self.assertEqual([(int(rank), host) for rank, host, _ in places],
                         [(rank, f"n{1 + rank // 2}") for rank in range(6)])
        experts = [int(e) for _, _, text in places for e in re.findall(r"expert (\d)", text)]
        self.assertEqual(experts, list(range(5)), result.stdout)
        self.assertEqual(re.findall(r"memory   host (n\d): .* MiB free, ([\d.]+) MiB of it data",
                                    result.stdout),
                         [(host, amount) for host in ("n1", "n2", "n3")])

    def test_unequal_hosts(self):
        """The kernel of old processors on one host: fewer experts there, and a warning."""
        program = self.folder / "coterie"
        program.write_text("#!/bin/sh\n[ $HOSTNAME != n2 ] || export OPENBLAS_CORETYPE=Prescott\n"
                           f"exec {support.COTERIE} \"$@\"\n", encoding="utf-8")
        program.chmod(0o755)
        result = self.train(["n1", "n2", "n3"], 1, "run", "--experts", 40, "--placement", "measured",
                            program=program)
        percent = int(re.search(r"rank 1 is the slowest, with (\d+) %", result.stdout)[1])
        self.assertLess(percent, 75, result.stdout)
        # Not of rank 0, which has the gate, too.
        slow, fast = (int(last or first) - int(first) + 1 for first, last in
                      re.findall(r"rank [12] .*: experts? (\d+)(?:-(\d+))?", result.stdout))
        self.assertLess(slow, fast, result.stdout)
        self.assertRegex(result.stderr, "warning: ranks compute with different kernels.*rank 1 on n2 has Prescott")

    def test_one_copy_per_host(self):
        """The ranks of a host map the same memory, and those of another host another."""
        self.data = harness.write_data(self.folder / "data.h5", n=200000)
        bytes_of_x = 200000 * 2 * 4  # in single precision
        process = self.launch(["n1", "n2"], 2, "run", "--batch-size", 50, epochs=10 ** 7)
        support.wait_for(lambda: harness.generations(self.folder / "run"), process)
        maps = {}
        for rank, pid in support.rank_processes(process).items():
            lines = pathlib.Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines()
            for line in lines:
                span, mode, _, device, inode = line.split()[:5]
                begin, end = (int(part, 16) for part in span.split("-"))
                # Shared memory between ranks for messages is larger than 4 MiB, or smaller.
                if mode.endswith("s") and bytes_of_x <= end - begin <= 4 << 20:
                    maps.setdefault(rank, set()).add((device, inode))
        support.send_signal(process, signal.SIGTERM)
        support.finish(process, 30)
        self.assertEqual(sorted(maps), [0, 1, 2, 3])
        self.assertEqual((maps[0], maps[2]), (maps[1], maps[3]))
        self.assertFalse(maps[0] & maps[2])

    def test_same_bits(self):
        self.train(["n1"], 1, "one")
        for hosts, per_host in ((["n1", "n2", "n3", "n4"], 1), (["n2", "n3"], 3)):
            run = f"{len(hosts)}x{per_host}"
            with self.subTest(run):
                result = self.train(hosts, per_host, run)
                self.assertIn(f"on {len(hosts)} hosts", result.stdout)
                self.assert_same_checkpoint(harness.latest(self.folder / "one"),
                                            harness.latest(self.folder / run))
                self.assert_same_metrics(self.folder / "one", self.folder / run)


    def test_replicas(self):
        """One to a host, and two of three ranks each that lie on three hosts."""
        for hosts, per_host in ((["n1"], 2), (["n1", "n2"], 2), (["n2", "n3", "n4"], 2)):
            run = f"replicas-{len(hosts)}"
            result = self.train(hosts, per_host, run, "--replicas", 2)
            self.assertIn(f"replicas 2 of {len(hosts)} rank", result.stdout)
            self.assert_same_checkpoint(harness.latest(self.folder / "replicas-1"),
                                        harness.latest(self.folder / run))


class Reading(host_case.Hosts):
    """--read root and node: who sees the file, who reads it, and that the bits are the same."""

    def write_csv(self):
        """The samples of self.data, with weights, and classes that `evaluate` must number anew."""
        with h5py.File(self.data, "r") as file:
            rows = [f"{u!r},{v!r},{'cab'[c]},{1 + i % 3}" for i, ((u, v), c) in
                    enumerate(zip(file["x"][()].tolist(), file["y"][()].tolist()))]
        path = self.folder / "data.csv"
        path.write_text("\n".join(["u,v,class,w", *rows, ""]), encoding="utf-8")
        return path

    def on_host(self, name, path):
        """A copy that no other host sees; its path there."""
        place = f"/tmp/own{path.suffix}"
        self.cluster.run(name, "cp", path, place)
        self.addCleanup(self.cluster.run, name, "rm", "-f", place)
        return place

    def refuse(self, data, *extra):
        """The one line of a training on n1 and n2 that reads on each host."""
        result = support.finish(self.launch(["n1", "n2"], 2, "refused", "--read", "node", *extra,
                                            data=data), 60)
        self.assert_rc(result, 2)
        lines = harness.error_lines(result)
        self.assertEqual(len(lines), 1, str(result))
        return lines[0]

    def test_same_bits(self):
        columns = {self.data: (), self.write_csv(): ("--targets", "class", "--weight", "w")}
        for data, more in columns.items():
            with self.subTest(data.suffix):
                extra = (*more, "--valid", 0.2)
                one, node = f"one{data.suffix}", f"node{data.suffix}"
                self.train(["n1"], 1, one, *extra, data=data)
                result = self.train(["n1", "n2", "n3"], 2, node, *extra, "--read", "node",
                                    data=data)
                self.assertIn("read     on each host", result.stdout)
                self.assert_same_checkpoint(harness.latest(self.folder / one),
                                            harness.latest(self.folder / node))
                self.assert_same_metrics(self.folder / one, self.folder / node)

        self.evaluate()

    def evaluate(self):
        """Data of two classes, which have other numbers in the file than in the model."""
        path = self.folder / "data.csv"
        lines = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join(line for line in lines if ",a," not in line), encoding="utf-8")
        command = ("evaluate", self.folder / "one.csv", "--data", path, "--targets", "class",
                   "--weight", "w", "--json")
        one = self.succeed(support.COTERIE, *command)
        process = self.cluster.start_mpirun(["n1", "n2"], 1, support.COTERIE, *command, "--read",
                                            "node", env=host_case.NETWORKS)
        several = support.finish(process, 60)
        self.assert_rc(several, 0)
        self.assertEqual(one.stdout, several.stdout)

    def test_file_on_one_host(self):
        """Rank 0 reads it for the others by default; asked to read it themselves, one is named."""
        data = self.on_host("n1", self.data)
        self.train(["n1", "n2"], 2, "run", data=data)
        self.assertRegex(self.refuse(data), f"rank 2 on n2: {data}.*--read root")
        data = self.on_host("n1", self.write_csv())
        self.assertRegex(self.refuse(data, "--targets", "class"),
                         f"rank 2 on n2: {data}.*--read root")
        result = support.finish(self.launch(["n1", "n2"], 1, "streamed", "--read", "root",
                                            "--stream", "always"), 60)
        self.assert_rc(result, 2, "--read root", "is streamed", "--read node")

    def test_another_file_on_one_host(self):
        """With as many samples, and with fewer; the first sample differs, or one in the middle."""
        data = self.on_host("n1", self.data)
        self.on_host("n2", harness.write_data(self.folder / "other.h5", seed=1))
        self.assertRegex(self.refuse(data, "--read", "auto", "--stream", "always"),
                         f"{data}: holds other samples on host n2")
        with h5py.File(harness.write_data(self.folder / "one.h5"), "r+") as file:
            file["x"][17, 1] += 1e-6
        self.on_host("n2", self.folder / "one.h5")
        self.assertRegex(self.refuse(data), f"{data}: holds other samples on host n2")
        self.on_host("n2", harness.write_data(self.folder / "less.h5", n=239))
        self.assertRegex(self.refuse(data), f"{data}: is another file on host n2")


class Hang(host_case.Hosts):
    def test_a_rank_hangs_on_another_host(self):
        """Hosts tell each other through files in the run directory, which must not stay."""
        result = support.finish(self.launch(["n1", "n2", "n3"], 1, "run",
                                            env={"COTERIE_FAULT": "step_forward:2:9:hang"}), 60)
        lines = harness.error_lines(result)
        self.assertEqual(len(lines), 1, str(result))
        self.assertRegex(lines[0], "rank 2 on n3 hangs.* at step 9, while rank . on n[12] waits")
        self.assertEqual(harness.left_over(self.folder / "run"), [])


if __name__ == "__main__":
    cluster.skip_unless_possible()
    support.main()
