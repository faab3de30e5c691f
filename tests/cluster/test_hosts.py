# timeout: 200
"""Several hosts over TCP, without Slurm: placement, data, equal bits, hosts and networks that fail.

Hosts have two networks, as clusters do: eth0 for mpirun's own messages and eth1 for those of the
ranks. Cutting only the second is what mpirun cannot notice.
"""
import pathlib
import re
import signal
import time

import cluster
import harness
import support

HANG_TIMEOUT = 4
NETWORKS = {"OMPI_MCA_btl_tcp_if_include": "eth1", "OMPI_MCA_oob_tcp_if_include": "eth0"}
# README.md has these for runs by hand, with longer times.
KEEPALIVE = {"OMPI_MCA_oob_tcp_keepalive_time": 3, "OMPI_MCA_oob_tcp_keepalive_intvl": 1,
             "OMPI_MCA_oob_tcp_keepalive_probes": 3}
LIMIT = 25  # seconds from the failure to the end of the job; some 6 and 12 on a machine at rest


class Hosts(support.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster = cluster.Cluster(4, data_network=True)
        cls.enterClassContext(cls.cluster)

    def setUp(self):
        super().setUp()
        self.folder = self.cluster.new_folder()
        self.data = harness.write_data(self.folder / "data.h5")

    def launch(self, hosts, per_host, run, *extra, env=None, epochs=20):
        options = ("train", "--data", self.data, "--experts", 5, "--batch-size", 50,
                   "--hang-timeout", HANG_TIMEOUT, "--progress", "never", "--epochs", epochs,
                   "--checkpoint-every", "7s", "--output", self.folder / run, *extra)
        process = self.cluster.start_mpirun(hosts, per_host, support.COTERIE, *options,
                                            env={**NETWORKS, **KEEPALIVE, **(env or {})})
        self.addCleanup(support.send_signal, process, signal.SIGKILL)
        return process

    def train(self, hosts, per_host, run, *extra, **how):
        result = support.finish(self.launch(hosts, per_host, run, *extra, **how), 60)
        self.assert_rc(result, 0)
        return result

    def launch_endless(self, run="run"):
        """On two hosts, slow enough not to be far when something happens to it."""
        process = self.launch(["n1", "n2"], 2, run, epochs=10 ** 7,
                              env={"COTERIE_FAULT": "update:0:*:slow"})
        support.wait_for(lambda: harness.generations(self.folder / run)
                         or process.poll() is not None)
        return process

    def assert_goes_on(self, hosts, run="run"):
        """Resumed on other hosts it ends with the bits of an undisturbed run."""
        self.train(hosts, 1, run, "--resume", "auto")
        self.train(["n1"], 1, "straight")
        self.assert_same_checkpoint(harness.latest(self.folder / "straight"),
                                    harness.latest(self.folder / run))
        self.assert_same_metrics(self.folder / "straight", self.folder / run)
        self.assertEqual(harness.left_over(self.folder / run), [])

    def end_in_time(self, process):
        started = time.monotonic()
        result = support.finish(process, 60)
        self.assertLess(time.monotonic() - started, LIMIT, str(result))
        self.assertNotEqual(result.rc, 0, str(result))
        return result

    def replace(self, name):
        """A host without any process of before, its cables plugged in."""
        self.cluster.power_off(name)
        self.cluster.boot(name)


class Placement(Hosts):
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

    def test_one_copy_per_host(self):
        """The ranks of a host map the same memory, and those of another host another."""
        self.data = harness.write_data(self.folder / "data.h5", n=200000)
        bytes_of_x = 200000 * 2 * 4  # in single precision
        process = self.launch(["n1", "n2"], 2, "run", "--batch-size", 50, epochs=10 ** 7)
        support.wait_for(lambda: harness.generations(self.folder / "run")
                         or process.poll() is not None)
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


class Failures(Hosts):
    def test_link_is_cut(self):
        process = self.launch_endless()
        self.cluster.link("n2", "down", "eth0")
        self.cluster.link("n2", "down", "eth1")
        result = self.end_in_time(process)
        self.assertRegex(result.stderr, "lost communication|host n2")
        self.replace("n2")
        self.assert_goes_on(["n3", "n4"])

    def test_data_network_is_cut(self):
        """mpirun sees nothing wrong: the program itself must find it, and say on which hosts."""
        process = self.launch_endless()
        self.cluster.link("n2", "down", "eth1")
        result = self.end_in_time(process)
        lines = harness.error_lines(result)
        self.assertEqual(len(lines), 1, str(result))
        self.assertIn("ranks do not meet", lines[0])
        self.assertRegex(lines[0], r"on n1 .* on n2 |on n2 .* on n1 ")
        self.assertIn("a network that is cut does this", lines[0])
        self.replace("n2")

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
