# SPDX-License-Identifier: BSD-3-Clause
# timeout: 200
"""The scripts in slurm/ on a real Slurm: exit codes, requeueing, job arrays. The rest: long_slurm."""
import csv
import re

import cluster
import harness
import slurm_case
import support
from slurm_case import ENVIRONMENT

class Slurm(slurm_case.SlurmCase):
    n_nodes = 2

    def test_exit_codes(self):
        """Of each script, by each launcher, on one node and on two."""
        two, one = ("-N", 2, "--ntasks-per-node", 1), ("-N", 1, "-n", 2)
        options = self.options("run", epochs=3)
        first = self.submit("train.sbatch", *options, sbatch=(*one, "--time", 5))
        self.cluster.wait_for_end(first)
        jobs = {
            first: (0, "2 on 1 host"),
            self.submit("train.sbatch", *self.options("other", epochs=3),
                        env={"COTERIE_LAUNCH": "srun"}, sbatch=two): (0, "2 on 2 hosts"),
            self.submit("train.sbatch", "--experts", "none", sbatch=two): (2, "--experts"),
            self.submit("train.sbatch", "--experts", "none", sbatch=two,
                        env={"COTERIE_LAUNCH": "srun"}): (2, "--experts"),
            self.submit("evaluate.sbatch", "run", "--data", self.data, sbatch=two):
                (0, "240 samples"),
            self.submit("evaluate.sbatch", "run", "--data", self.data, sbatch=two,
                        env={"COTERIE_LAUNCH": "srun"}): (0, "240 samples"),
            self.submit("evaluate.sbatch", "nowhere", "--data", self.data, sbatch=one):
                (2, "nowhere"),
        }
        for job, (code, words) in jobs.items():
            state = self.cluster.wait_for_end(job)
            text = self.output(job) + self.output(job, "coterie-evaluate")
            self.assertEqual(state["ExitCode"], f"{code}:0", text)
            self.assertIn(words, text)
            self.assertEqual(state["Restarts"], "0", text)
        # The program knows what Slurm leaves the job, and only where there is a limit.
        limits = [int(re.search(r"^time_limit: (\d+|none)", (self.folder / run / "config.yaml")
                                .read_text(encoding="utf-8"), re.MULTILINE)[1]
                      .replace("none", "0")) for run in ("run", "other")]
        self.assertTrue(280 <= limits[0] <= 300, limits)
        self.assertTrue(limits[1] == 0 or limits[1] > 1e7, limits)

    def test_interrupted_jobs_go_on(self):
        """Asked to save by scancel, and requeued by somebody; with either launcher."""
        fault = slurm_case.slow_steps(20, 24)
        saves = self.train("saves", fault=fault)
        killed = self.train("killed", fault=fault, env={"COTERIE_LAUNCH": "srun"})
        straight = self.straight()
        self.wait_for_step("saves", 20)
        self.cluster.run("ctl", "scancel", "--batch", "--signal=USR1", saves)
        self.wait_for_step("killed", 20)
        self.cluster.run("ctl", "scontrol", "requeue", killed)
        self.assert_ended_as_if_undisturbed(saves, "saves", straight, 1)
        self.assert_ended_as_if_undisturbed(killed, "killed", straight, 1)
        self.assertIn(f"saved; job {saves} goes back into the queue", self.output(saves))

    def test_sweep(self):
        """Three tasks of an array share a sweep and one is interrupted: the table of one process."""
        grid = ("--data", self.data, "--grid", "experts=2,3,4", "--seeds", 2, "--epochs", 10,
                "--batch-size", 50, "--valid", 0.2)
        job = self.submit("sweep.sbatch", "--output", "sweep", *grid,
                          env={"COTERIE_FAULT": slurm_case.slow_steps(5, 12)},
                          sbatch=("--array", "3-7:2", "-n", 2, "--time", 5))
        logs = {task: f"{job}_{task}" for task in (3, 5, 7)}
        support.wait_for(lambda: "output   sweep" in self.output(logs[5], "coterie-sweep"))
        self.cluster.run("ctl", "scancel", "--batch", "--signal=USR1", logs[5])
        done = []
        for task, name in logs.items():
            state = self.cluster.wait_for_end(name)
            text = self.output(name, "coterie-sweep")
            self.assertEqual((state["JobState"], state["Restarts"]),
                             ("COMPLETED", str(int(task == 5))), text)
            self.assertEqual(text.count("goes back into the queue"), int(task == 5), text)
            done.append(re.findall(r"^run (\S+): nll", text, re.MULTILINE))
        # Each did its share, and nothing was done twice.
        self.assertEqual([len(names) for names in done], [2, 2, 2], done)
        self.assertEqual(len(set(sum(done, []))), 6, done)
        alone = self.coterie("sweep", "--output", "alone", *grid)
        shown = self.coterie("sweep", "--output", "sweep", "--table")
        self.assertIn("6 of 6 runs finished; ranked by the nll of the validation", shown.stdout)
        # The rows end with the setting; between are means, deviations and both criteria.
        rows = [re.findall(r"^ +\d  2/2 .*", text, re.MULTILINE)
                for text in (alone.stdout, shown.stdout)]
        self.assertEqual(len(rows[0]), 3, alone)
        self.assertEqual(rows[0], rows[1])
        self.assertEqual(self.table("alone"), self.table("sweep"))
        ranked = [float(row["nll_valid_mean"]) for row in self.table("sweep")]
        self.assertEqual(ranked, sorted(ranked))

    def coterie(self, *arguments):
        """The program outside of Slurm."""
        result = support.run(support.COTERIE, *arguments, cwd=self.folder,
                             env={"SLURM_JOB_ID": None})
        self.assert_rc(result, 0)
        return result

    def table(self, sweep):
        with open(self.folder / sweep / "table.csv", encoding="utf-8", newline="") as file:
            return [{key: value for key, value in row.items() if not key.startswith("seconds")}
                    for row in csv.DictReader(file)]

    def test_submit_now(self):
        """The script is written, handed to sbatch, and its job ends with the bits of any other run."""
        words = self.cluster.run("ctl", support.COTERIE, "submit", "--nodes", 2,
                                 "--tasks-per-node", 2, "--time", "5m", "--job-name", "mine", "--now",
                                 "--", *self.options("run", epochs=3), cwd=self.folder,
                                 env=ENVIRONMENT)
        job = re.search(r"Submitted batch job (\d+)", words)[1]
        state = self.cluster.wait_for_end(job)
        text = f"{state}\n{self.output(job, 'mine')}"
        self.assertEqual((state["JobState"], state["ExitCode"]), ("COMPLETED", "0:0"), text)
        self.assertEqual((state["NumNodes"], state["NumTasks"]), ("2", "4"), text)
        self.assertIn("4 on 2 hosts", text)
        self.assert_same_checkpoint(harness.latest(self.straight(epochs=3)),
                                    harness.latest(self.folder / "run"))


if __name__ == "__main__":
    cluster.skip_unless_possible(slurm=True)
    support.main()
