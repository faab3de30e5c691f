# SPDX-License-Identifier: BSD-3-Clause
"""What the tests with Slurm share: jobs of the scripts in slurm/, and the run to compare with."""
import re

import cluster
import harness
import support

SCRIPTS = cluster.PROJECT / "slurm"
ENVIRONMENT = {
    "COTERIE": support.COTERIE,
    # Faster than the 30 s and 10 s of the scripts.
    "OMPI_MCA_oob_tcp_keepalive_time": 3, "OMPI_MCA_oob_tcp_keepalive_intvl": 1}


def slow_steps(first, n):
    """COTERIE_FAULT: n steps of 0.2 s; a job that is disturbed at the first does not end before."""
    return ",".join(f"update:{i // 16}:{first + i}:slow" for i in range(n))


class SlurmCase(support.TestCase):
    n_nodes = 3

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster = cluster.SlurmCluster(cls.n_nodes)
        cls.enterClassContext(cls.cluster)

    def setUp(self):
        super().setUp()
        self.folder = self.cluster.new_folder()
        self.data = harness.write_data(self.folder / "data.h5")

    def submit(self, script, *arguments, sbatch=("-N", 2, "--ntasks-per-node", 2), env=None):
        return self.cluster.submit(*sbatch, SCRIPTS / script, *arguments,
                                   env={**ENVIRONMENT, **(env or {})}, cwd=self.folder)

    def options(self, run, epochs=20, every="10s"):
        return ("--data", self.data, *harness.MODEL, "--hang-timeout", 20, "--epochs", epochs,
                "--checkpoint-every", every, "--progress", "never", "--output", run)

    def train(self, run, *, fault, epochs=20, every="10s", env=None, **how):
        """Submits a training."""
        return self.submit("train.sbatch", *self.options(run, epochs, every),
                           env={"COTERIE_FAULT": fault, **(env or {})}, **how)

    def output(self, job, name="coterie"):
        path = self.folder / f"{name}-{job}.out"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def wait_for_step(self, run, step):
        """Waits until the run has saved this step or a later one."""
        try:
            support.wait_for(lambda: any(int(re.search(r"\d+", path.name)[0]) >= step
                                         for path in harness.generations(self.folder / run)), timeout=100)
        except AssertionError as error:
            logs = [path.read_text(errors="replace") for path in self.folder.glob("*.out")]
            raise AssertionError(f"{error}: step {step} of {run}; {logs}") from None

    def straight(self, **how):
        """The same training without Slurm or any disturbance."""
        result = support.run(support.COTERIE, "train", *self.options("straight", **how),
                             cwd=self.folder, env={"SLURM_JOB_ID": None})
        self.assert_rc(result, 0)
        return self.folder / "straight"

    def assert_ended_as_if_undisturbed(self, job, run, straight, restarts, timeout=120):
        state = self.cluster.wait_for_end(job, timeout)
        text = f"{state}\n{self.output(job)}"
        self.assertEqual((state["JobState"], state["ExitCode"]), ("COMPLETED", "0:0"), text)
        self.assertGreaterEqual(int(state["Restarts"]), restarts, text)
        # One log of all starts.
        self.assertGreaterEqual(self.output(job).count("resumed  "), restarts, text)
        self.assert_same_checkpoint(harness.latest(straight), harness.latest(self.folder / run))
        self.assert_same_metrics(straight, self.folder / run)
        self.assertEqual(harness.left_over(self.folder / run), [])
        return state
