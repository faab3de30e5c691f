# SPDX-License-Identifier: BSD-3-Clause
# labels: long
# timeout: 600
"""Several hosts over TCP, without Slurm: hosts and networks that are lost."""
import cluster
import harness
import host_case
import support


class Lost(host_case.Hosts):
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


if __name__ == "__main__":
    cluster.skip_unless_possible()
    support.main()
