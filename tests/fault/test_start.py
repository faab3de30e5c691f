# SPDX-License-Identifier: BSD-3-Clause
# labels: fault quick
"""Ranks that do not belong together: other programs, builds, options; started one by one."""
import shlex
import shutil
import unittest

import harness
import support

C, D = support.COTERIE, support.COTERIE_D
SHORT = ("train", "--epochs", "3", "--progress", "never")


class Start(support.TestCase):
    def start_mixed(self, *commands):
        """One rank of each."""
        cases = "".join(f"{rank}) exec {shlex.join(map(str, command))} ;;\n"
                        for rank, command in enumerate(commands))
        return support.run("sh", "-c", f'case "${support.RANK_VARIABLE}" in\n{cases}esac',
                           ranks=len(commands), timeout=60)

    def assert_refused(self, result, *words):
        line = self.assert_one_line(result)
        self.assert_rc(result, 2)
        for word in words:
            self.assertIn(word, line)
        self.assertIsNone(harness.trace_of(result), str(result))
        self.assertFalse((self.folder / "run").exists(), "something was written")

    def options(self, *more):
        return (*SHORT, "--output", str(self.folder / "run"), *more)


class Mixed(Start):
    def test_precisions(self):
        own = self.options()
        self.assert_refused(self.start_mixed((C, *own), (D, *own)), "rank 1 on", "coterie_d")
        self.assert_refused(self.start_mixed((D, *own), (D, *own), (C, *own)), "rank 2 on",
                            "different programs")

    def test_builds(self):
        """The same source made otherwise: here a file with one byte more."""
        other = self.folder / "coterie"
        shutil.copy(C, other)
        with open(other, "ab") as file:
            file.write(b"\0")
        own = self.options()
        self.assert_refused(self.start_mixed((C, *own), (other, *own)), "rank 1 on", "build",
                            str(other))

    def test_same_program_in_two_places(self):
        other = self.folder / "copy"
        shutil.copy(C, other)
        own = self.options()
        result = self.start_mixed((C, *own), (other, *own))
        self.assert_rc(result, 0)

    def test_options(self):
        own = self.options()
        for others, words in (((*own, "--quiet"), ("'--quiet'", "nothing")),
                              ((*own[:2], "4", *own[3:]), ("'4'", "'3'")),
                              ((*own[:2], "31", *own[3:]), ("'31'", "'3'")),
                              (own[:-2], ("nothing", "'--output'")),
                              (("evaluate", "x", "--data", "y"), ("'evaluate'", "'train'"))):
            with self.subTest(words=words):
                self.assert_refused(self.start_mixed((C, *own), (C, *own), (C, *others)),
                                    "rank 2 on", "other options", *words)

    def test_long_command_lines(self):
        """Words that do not fit into what is sent are compared all the same."""
        own = self.options("--exclude", "x" * 3000 + "a")
        other = self.options("--exclude", "x" * 3000 + "b")
        self.assert_refused(self.start_mixed((C, *own), (C, *other)), "rank 1 on")

    def test_an_environment_of_one_rank(self):
        """What rank 0 has counts for all."""
        own = self.options()
        prefix = ("env", "COTERIE_HANG_TIMEOUT=1000", "COTERIE_EXCHANGE=messages")
        self.assert_rc(self.start_mixed((C, *own), (*prefix, C, *own)), 0)


class OneByOne(Start):
    """An environment as launchers make it, around a process that MPI believes to be alone."""
    def test_refused(self):
        cases = [("SLURM_STEP_NUM_TASKS=2 SLURM_NTASKS=2 SLURM_PROCID=0 SLURM_LOCALID=0", "Slurm"),
                 ("SLURM_STEP_NUM_TASKS=2 SLURM_NTASKS=2 SLURM_PROCID=1 SLURM_LOCALID=1", "Slurm"),
                 ("SLURM_PROCID=3", "Slurm"), ("MV2_COMM_WORLD_SIZE=2", "MVAPICH"),
                 ("JSM_NAMESPACE_SIZE=4", "jsrun"), ("FLUX_TASK_RANK=1", "flux"),
                 ("PALS_RANKID=1", "PALS")]
        cases += [("OMPI_COMM_WORLD_SIZE=3 OMPI_COMM_WORLD_RANK=0", "Open MPI")] \
            if support.HYDRA else [("PMI_SIZE=2", "MPICH"), ("PMI_RANK=1 PMI_SIZE=2", "MPICH"),
                                   ("PMIX_RANK=1", "PMIx")]
        for variables, word in cases:
            with self.subTest(variables=variables):
                env = dict(pair.split("=") for pair in variables.split())
                result = support.run(C, *self.options(), env=env)
                self.assert_refused(result, word, "--one-rank")

    def test_all_commands_that_share_work(self):
        env = {"SLURM_STEP_NUM_TASKS": 2, "SLURM_PROCID": 0}
        out = str(self.folder / "run")
        for words in (("sweep", "--seeds", 2, "--output", out), ("bench",),
                      ("evaluate", "nowhere", "--data", "builtin:vowels"),
                      ("predict", "nowhere", "--data", "builtin:vowels", "--output", out)):
            with self.subTest(command=words[0]):
                self.assert_refused(support.run(C, *words, env=env), "Slurm", "2")
        for words in (("inspect", "builtin:vowels"), ("--version",), ("train", "--help")):
            with self.subTest(command=words[0]):
                self.assert_rc(support.run(C, *words, env=env), 0)

    def test_not_refused(self):
        cases = ["SLURM_JOB_ID=7 SLURM_NTASKS=8 SLURM_NPROCS=8 SLURM_PROCID=0 SLURM_LOCALID=0 "
                 "ENVIRONMENT=BATCH",                                   # a batch script
                 "SLURM_JOB_ID=7 SLURM_NTASKS=8",                       # the shell of salloc
                 "SLURM_STEP_NUM_TASKS=1 SLURM_NTASKS=8 SLURM_PROCID=0",  # srun -n 1 in a job
                 "SLURM_STEP_NUM_TASKS=1 SLURM_ARRAY_TASK_COUNT=9 SLURM_ARRAY_TASK_ID=3",
                 "NSLOTS=8 PBS_NP=8 LSB_DJOB_NUMPROC=8",                # allocations
                 "PMI_SIZE=words SLURM_STEP_NUM_TASKS="]
        for number, variables in enumerate(cases):
            with self.subTest(variables=variables):
                env = dict(pair.split("=") for pair in variables.split())
                self.assert_rc(support.run(C, *SHORT, "--output", self.folder / f"run{number}",
                                           env=env), 0)

    def test_as_the_user_wants_it(self):
        env = {"SLURM_STEP_NUM_TASKS": 2, "SLURM_PROCID": 1}
        self.assert_rc(support.run(C, *self.options("--one-rank"), env=env), 0)
        # It says how this run was started, and is no part of what is gone on with.
        more = self.options("--resume", "auto", "--epochs", "4")
        self.assert_rc(support.run(C, *more, env=env), 2, "Slurm")
        self.assert_rc(support.run(C, *more), 0)

    @unittest.skipIf(support.HYDRA, "mpirun of MPICH says how many ranks it starts by PMI_SIZE")
    def test_mpirun_in_a_step(self):
        """On other nodes what mpirun starts is below a step of Slurm with a task for each node."""
        command = ("env", "SLURM_STEP_NUM_TASKS=4", "SLURM_PROCID=2", C)
        for ranks in (1, 2):
            self.assert_rc(support.run(*command, *SHORT, "--output", self.folder / f"run{ranks}",
                                       ranks=ranks), 0)


if __name__ == "__main__":
    support.main(jobs=2)
