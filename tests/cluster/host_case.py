# SPDX-License-Identifier: BSD-3-Clause
"""What tests of several hosts without Slurm share.

Hosts have two networks, as clusters do: eth0 for mpirun's own messages and eth1 for those of the
ranks. Cutting only the second is what mpirun cannot notice.
"""
import signal
import time

import cluster
import harness
import support

HANG_TIMEOUT = 4
NETWORKS = {"OMPI_MCA_btl_tcp_if_include": "eth1", "OMPI_MCA_oob_tcp_if_include": "eth0"}
# docs/reliability.md has these for runs by hand, with longer times.
KEEPALIVE = {"OMPI_MCA_oob_tcp_keepalive_time": 3, "OMPI_MCA_oob_tcp_keepalive_intvl": 1,
             "OMPI_MCA_oob_tcp_keepalive_probes": 3}
LIMIT = 50  # seconds from the failure to the end of the job; some 6 and 12 on a machine at rest


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

    def launch(self, hosts, per_host, run, *extra, env=None, epochs=20, data=None,
               program=support.COTERIE):
        options = ("train", "--data", data or self.data, "--experts", 5, "--batch-size", 50,
                   "--hang-timeout", HANG_TIMEOUT, "--progress", "never", "--epochs", epochs,
                   "--checkpoint-every", "7s", "--output", self.folder / run, *extra)
        process = self.cluster.start_mpirun(hosts, per_host, program, *options,
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
        support.wait_for(lambda: harness.generations(self.folder / run), process)
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
