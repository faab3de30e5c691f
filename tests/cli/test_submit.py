# SPDX-License-Identifier: BSD-3-Clause
# timeout: 120
"""submit: the batch script it writes, what it refuses, and how it hands the script to sbatch."""
import pathlib
import re
import shutil

import support
from support import COTERIE

SLURM = pathlib.Path(__file__).parents[2] / "slurm"

STAND_INS = {
    "sbatch": 'echo "sbatch got $*"; env | grep -c "^PMIX_\\|^OMPI_MCA_ess" ; exit "${SBATCH_CODE:-0}"',
    # Options end where the path of the program begins.
    "mpirun": 'while [[ $1 != /* ]]; do shift; done; exec "$@"',
    "squeue": "exit 1",
}
JOB = ("--nodes", 2, "--tasks-per-node", 4, "--time", "90m")


class Submit(support.TestCase):
    def setUp(self):
        super().setUp()
        (self.folder / "bin").mkdir()
        for name, text in STAND_INS.items():
            path = self.folder / "bin" / name
            path.write_text(f"#!/usr/bin/env bash\n{text}\n", encoding="utf-8")
            path.chmod(0o755)
        self.path = f"{self.folder / 'bin'}:/usr/bin:/bin"

    def submit(self, *options, rc=0, **env):
        result = support.run(COTERIE, "submit", *options, cwd=self.folder,
                             env={"PATH": self.path, **env})
        self.assert_rc(result, rc)
        return result

    def directives(self, name="coterie.sbatch"):
        text = (self.folder / name).read_text(encoding="utf-8")
        head = text.partition("\n\n")[0]
        return dict(re.findall(r"^#SBATCH --([a-z-]+)(?:=(.*))?$", head, re.MULTILINE))

    def shellcheck(self, name):
        if not shutil.which("shellcheck"):
            print("shellcheck is not there: the script was not checked by it")
            return
        self.succeed("shellcheck", self.folder / name)

    def test_the_script(self):
        self.submit(*JOB, "--partition", "long", "--account", "me", "--memory", "7G",
                    "--sbatch-options", "qos=high exclusive signal=B:USR1@60", "--", "--output", "r")
        found = self.directives()
        self.assertEqual(found, {
            "job-name": "coterie", "chdir": str(self.folder), "nodes": "2", "ntasks-per-node": "4",
            "time": "0-01:30:00", "mem": "7G", "partition": "long", "account": "me",
            "qos": "high", "exclusive": "", "signal": "B:USR1@60",
            "output": "%x-%j.out", "open-mode": "append", "requeue": ""})
        self.shellcheck("coterie.sbatch")
        # From its first command on, but for the arguments, it is slurm/train.sbatch.
        body = (self.folder / "coterie.sbatch").read_text(encoding="utf-8").partition("\nset -u")
        original = (SLURM / "train.sbatch").read_text(encoding="utf-8").partition("\nset -u")
        self.assertEqual(body[2], original[2])

    def test_names_that_need_quotes(self):
        """As sbatch itself reads them, where it is there; and the job runs in that folder."""
        odd = self.folder / """my "dir" with 'all' of $HOME \\ `x` #1"""
        odd.mkdir()
        result = support.run(COTERIE, "submit", "--account", "two words", "--script", "a b.sh",
                             "--sbatch-options", "comment='one two' qos=high", "--", "--output",
                             "it's\nhere", "--epochs", 2, cwd=odd, env={"PATH": self.path})
        self.assert_rc(result, 0, "submit it by `sbatch 'a b.sh'`")
        text = (odd / "a b.sh").read_text(encoding="utf-8")
        quoted = str(odd).replace("\\", "\\\\").replace('"', '\\"')
        self.assertIn(f'#SBATCH --chdir="{quoted}"\n', text)
        for line in ('--account="two words"', "--comment='one two'", "--qos=high"):
            self.assertIn(f"#SBATCH {line}\n", text)
        result = support.run("bash", odd / "a b.sh", cwd=odd,
                             env={"PATH": self.path, "COTERIE": None, "SLURM_JOB_ID": None})
        self.assert_rc(result, 0, "finished after 2 epochs")
        self.assertTrue((odd / "it's\nhere/checkpoints/latest").exists())
        if not shutil.which("sbatch", path="/usr/bin:/bin"):
            self.skipTest("sbatch is not there: the script was not read by it")
        conf = self.folder / "slurm.conf"
        conf.write_text("ClusterName=x\nSlurmctldHost=localhost\nAuthType=auth/none\n"
                        "NodeName=localhost\nPartitionName=p Nodes=ALL Default=YES\n",
                        encoding="utf-8")
        read = support.run("timeout", 5, "sbatch", "-vv", "--test-only", odd / "a b.sh",
                           env={"SLURM_CONF": conf})
        self.assertRegex(read.stderr, f"(?m)chdir +: {re.escape(str(odd))}$")
        self.assertRegex(read.stderr, "(?m)comment +: one two$")
        self.assertRegex(read.stderr, "(?m)account +: two words$")

    def test_line_breaks_are_refused(self):
        broken = self.folder / "a\nb"
        broken.mkdir()
        result = support.run(COTERIE, "submit", "--", "--output", "r", cwd=broken,
                             env={"PATH": self.path})
        self.assert_rc(result, 2)
        self.assertIn("the present folder holds a line break", self.assert_one_line(result))
        for option in ("--account", "--partition", "--sbatch-options", "--memory"):
            result = self.submit(option, "x\nrm -rf y", "--", "--output", "r", rc=2)
            self.assertIn(f"{option} holds a line break", self.assert_one_line(result))
        self.assertEqual(list(broken.iterdir()), [])
        self.assertFalse((self.folder / "coterie.sbatch").exists())

    def test_output_in_a_file_of_options(self):
        """Plain and in both quotes: the script finds the folder that the program uses."""
        name = "it's a \\ run"
        forms = (name, "'" + name.replace("'", "''") + "'", '"' + name.replace("\\", "\\\\") + '"')
        for form in forms:
            with self.subTest(form=form):
                (self.folder / "c.yaml").write_text(f"epochs: 2\noutput: {form}\n",
                                                    encoding="utf-8")
                self.submit("--", "--config", "c.yaml")
                shutil.rmtree(self.folder / "runs", ignore_errors=True)
                result = support.run("bash", self.folder / "coterie.sbatch", cwd=self.folder,
                                     env={"PATH": self.path, "COTERIE": None, "SLURM_JOB_ID": 7})
                self.assert_rc(result, 0)
                self.assertTrue((self.folder / name / "checkpoints/latest").exists())
                self.assertFalse((self.folder / "runs").exists())
                shutil.rmtree(self.folder / name)

    def test_it_runs(self):
        self.submit("--job-name", "odd", "--", "train", "--output", "it's here; $HOME", "--epochs", 2)
        for _ in range(2):  # the second goes on, and has nothing to do
            result = support.run("bash", self.folder / "odd.sbatch", cwd=self.folder,
                                 env={"PATH": self.path, "COTERIE": None, "SLURM_JOB_ID": None})
            self.assert_rc(result, 0, "finished after 2 epochs")
        self.assertTrue((self.folder / "it's here; $HOME/checkpoints/latest").exists())

    def test_without_output(self):
        """As slurm/README.md says, the run is in a directory of the job's own."""
        self.submit("--", "--epochs", 2)
        result = support.run("bash", self.folder / "coterie.sbatch", cwd=self.folder,
                             env={"PATH": self.path, "COTERIE": None, "SLURM_JOB_ID": 17})
        self.assert_rc(result, 0, "finished after 2 epochs")
        self.assertTrue((self.folder / "runs/job-17/checkpoints/latest").exists())
        self.assertIn("missing.csv: no such file",
                      self.submit("--", "--data", "missing.csv", rc=2).stderr)

    def test_memory_grows_with_data_and_experts(self):
        def memory(*options, job=JOB):
            self.submit(*job, "--", "--output", "r", *options)
            return int(self.directives()["mem"].rstrip("M"))
        small = memory()
        # 1000 experts of 2 x 2000 + 2000 x 4 weights in 4 bytes, and Adam's two slots.
        weights = 1000 * (2 * 2000 + 2000 * 4) * 4 / 2**20
        large = memory("--experts", 1000, "--expert-hidden", 2000)
        self.assertGreater(large, small + 3 * weights / 2)
        self.assertGreater(memory(job=("--tasks-per-node", 16)), small)

    def test_now(self):
        result = self.submit("--script", "a.sh", "--now", "--", "--output", "r")
        self.assertIn("sbatch got a.sh\n0\n", result.stdout)  # 0 variables of this MPI process
        result = self.submit("--now", "--", "--output", "r", rc=1, SBATCH_CODE=3)
        self.assertIn("sbatch refused coterie.sbatch", result.stderr)
        (self.folder / "bin/sbatch").write_text("#!/bin/sh\nkill -KILL $$\n", encoding="utf-8")
        result = self.submit("--now", "--", "--output", "r", rc=1)
        self.assertIn("sbatch was ended by a signal (Killed)", result.stderr)
        (self.folder / "bin/sbatch").unlink()
        if not shutil.which("sbatch", path=self.path):
            self.assertIn("cannot start sbatch", self.submit("--now", "--", "--output", "r", rc=1).stderr)

    def test_what_is_refused(self):
        same = ("--data", "missing.csv", "--output", "r")
        trained = support.run(COTERIE, "train", "--dry-run", *same, cwd=self.folder)
        self.assertEqual(self.submit("--", *same, rc=2).stderr, trained.stderr)
        for message, options in (
                ("what is to be trained?", ()),
                ("such options follow --", ("--experts", 3)),
                ("--array is for a sweep", ("--array", 3, "--", "--output", "r")),
                ("no settings to try", ("--", "sweep", "--output", "s")),
                ("must be one word", ("--job-name", "a b", "--", "--output", "r"))):
            self.assertIn(message, self.submit(*options, rc=2).stderr)
        self.assertEqual(list(self.folder.glob("*.sbatch")), [])
        (self.folder / "coterie.sbatch").write_text("mine\n", encoding="utf-8")
        self.assertIn("choose another --script", self.submit("--", "--output", "r", rc=2).stderr)
        self.assertEqual((self.folder / "coterie.sbatch").read_text(encoding="utf-8"), "mine\n")

    def test_array_for_a_sweep(self):
        if not (SLURM / "sweep.sbatch").exists():
            print("slurm/sweep.sbatch is not there: no script for a sweep was written")
            return
        self.submit("--array", 4, "--", "sweep", "--output", "s", "--grid", "experts=2,3")
        self.assertEqual(self.directives()["array"], "0-3")
        self.shellcheck("coterie.sbatch")
        for index in range(4):
            result = support.run("bash", self.folder / "coterie.sbatch", cwd=self.folder, env={
                "PATH": self.path, "COTERIE": None, "SLURM_JOB_ID": 10 + index,
                "SLURM_ARRAY_JOB_ID": 10, "SLURM_ARRAY_TASK_ID": index, "SLURM_ARRAY_TASK_MIN": 0,
                "SLURM_ARRAY_TASK_COUNT": 4})
            self.assert_rc(result, 0)
        self.assertIn("2 of 2 runs finished", result.stdout)


if __name__ == "__main__":
    support.main()
