# timeout: 200
"""The scripts in slurm/ on a real Slurm: exit codes, requeueing, job arrays. The rest: long_slurm."""
import os
import re

import cluster
import slurm_case
import support

# Stands in for the program: says what it was told, and stops on request once.
SWEEP = """#!/bin/sh
echo "$@" >>told-$SLURM_ARRAY_TASK_ID
[ "${SLURM_RESTART_COUNT:-0}" != 0 ] || [ $SLURM_ARRAY_TASK_ID = 7 ] || exit 75
"""


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

    def test_array(self):
        """Each task gets its part, in its place of the array, and again after it was stopped."""
        program = self.folder / "program"
        program.write_text(SWEEP, encoding="utf-8")
        os.chmod(program, 0o755)
        job = self.submit("sweep.sbatch", "--output", "sweep", "--grid", "experts=2,4",
                          env={"COTERIE": program}, sbatch=("--array", "3-7:2", "--time", 5))
        for task in (3, 5, 7):
            self.cluster.wait_for_end(f"{job}_{task}")
        for index, task in enumerate((3, 5, 7)):
            told = (self.folder / f"told-{task}").read_text(encoding="utf-8").splitlines()
            self.assertEqual(len(told), 1 if task == 7 else 2)
            for line in told:
                self.assertRegex(line, r"^sweep --output sweep --grid experts=2,4 "
                                       rf"--index {index} --of 3 --time-limit \d+$")
            self.assertEqual(self.output(f"{job}_{task}", "coterie-sweep").count("into the queue"),
                             len(told) - 1)


if __name__ == "__main__":
    cluster.skip_unless_possible(slurm=True)
    support.main()
