# SPDX-License-Identifier: BSD-3-Clause
# labels: quick
# timeout: 200
"""`coterie doctor` in environments that are made bad, one at a time, and in a clean one."""
import os
import re
import shutil
import subprocess
import unittest

import support

IS_ROOT = os.geteuid() == 0
CORES = len(os.sched_getaffinity(0))
STRANGE = ("SLURM_", "PMI_", "OMPI_COMM_WORLD", "OPENBLAS_", "OMP_", "HDF5_USE_FILE_LOCKING",
           "TMPDIR", "OMPI_MCA_orte_tmpdir_base", "OMPI_MCA_oob_tcp", "PRTE_MCA_oob_tcp",
           "PRTE_MCA_prte_keepalive", "COTERIE_FAULT")


def clean_environment():
    """What to change in the environment so that nothing in it hurts."""
    return {name: None for name in os.environ if name.startswith(STRANGE)}


class Doctor(support.TestCase):
    def doctor(self, *arguments, before=(), env=None, **how):
        """Runs it behind the words `before`. The result, and {check: (verdict, seen, fix)}."""
        command = [*before, support.COTERIE, "doctor", *arguments]
        if "--output" not in arguments:
            command += ["--output", self.folder]
        result = support.run(*command, env={**clean_environment(), **(env or {})}, **how)
        findings = {}
        for match in re.finditer(r"(?m)^(ok|advice|FIX) +([^:\n]+): (.*)\n((?: {8}.*\n)*)",
                                 result.stdout):
            verdict, name, seen, fix = match.groups()
            self.assertNotIn(name, findings, str(result))
            self.assertEqual(verdict == "ok", not fix, str(result))
            findings[name] = (verdict, seen, fix)
        self.assertRegex(result.stdout, rf"(?m)^{len(findings)} checks on ", str(result))
        must_fix = any(verdict == "FIX" for verdict, _, _ in findings.values())
        self.assert_rc(result, 1 if must_fix else 0)
        return result, findings

    def assert_finds(self, check, verdict, seen, fix, *arguments, **how):
        """One check's verdict, what it has seen (a regular expression), and a part of the fix."""
        result, findings = self.doctor(*arguments, **how)
        self.assertEqual(findings[check][0], verdict, str(result))
        self.assertRegex(findings[check][1], seen)
        self.assertIn(fix, findings[check][2])
        return result


class Clean(Doctor):
    @unittest.skipIf(shutil.disk_usage("/dev/shm").free < 64 << 20, "this machine needs a fix")
    def test_alone_and_on_several_ranks(self):
        for ranks in (None, 2):
            result, findings = self.doctor(ranks=ranks)
            self.assert_rc(result, 0, ": 0 to fix")
            self.assertEqual(support.own_lines(result.stderr), [])
            self.assertEqual(findings["launch"][0], "advice" if not ranks and CORES > 1 else "ok")
            for check in ("BLAS kernel", "BLAS threads", "output", "file locks", "limits"):
                self.assertEqual(findings[check][0], "ok", str(result))
            self.assertRegex(findings["speed"][1], r"gemm [0-9.]+ GFLOP/s")
        self.assertEqual(list(self.folder.iterdir()), [])

    @support.only_with_open_mpi("others end at once")
    def test_lost_hosts(self):
        """The setting has another name in each version of Open MPI."""
        said = subprocess.run([support.MPIRUN, "--version"], capture_output=True, text=True, check=True)
        major = int(re.search(r"\((?:Open MPI|OpenRTE)\) (\d+)", said.stdout)[1])
        names = {4: "OMPI_MCA_oob_tcp_keepalive", 5: "PRTE_MCA_oob_tcp_keepalive",
                 6: "PRTE_MCA_prte_keepalive"}
        hosts = {"LD_PRELOAD": os.environ["SEVERAL_HOSTS"], "COTERIE_TEST_HOSTS": 2}
        for number, name in names.items():
            settings = {f"{name}_{end}": 3 for end in ("time", "intvl", "probes")}
            right = number == major
            self.assert_finds("lost hosts", "ok" if right else "advice",
                              "notices a host that is gone" if right else "waits for ever",
                              "" if right else f"export {names[major]}_time=3", ranks=2,
                              env={**hosts, **settings})

    def test_folder_that_a_run_would_make(self):
        _, findings = self.doctor("--output", self.folder / "a" / "b")
        self.assertEqual(findings["output"][0], "ok")
        self.assertIn(f"in {self.folder}", findings["output"][1])
        self.assertEqual(list(self.folder.iterdir()), [])


class Launch(Doctor):
    def test_strangers(self):
        for variables, seen, fix in (
                ({"SLURM_NTASKS": 4}, "one process without a launcher", "mpirun -n 4"),
                ({"SLURM_NTASKS": 4, "SLURM_STEP_NUM_TASKS": 4}, "the same PMI",
                 "--mpi=pmi2" if support.HYDRA else "--mpi=pmix"),
                ({"PMI_SIZE": 3, "PMI_RANK": 0}, "PMI_SIZE=3", "-n 3 coterie"),
                ({"OMPI_COMM_WORLD_SIZE": 2}, "mpirun of Open MPI started 2", "libmpi")):
            self.assert_finds("launch", "FIX", seen, fix, env=variables)

    def test_only_the_first_of_strangers_reports(self):
        result = support.run(support.COTERIE, "doctor", "--output", self.folder,
                             env={**clean_environment(), "SLURM_NTASKS": 4, "SLURM_PROCID": 3})
        self.assert_rc(result, 1)
        self.assertEqual(len(result.stdout.splitlines()), 1, str(result))

    def test_a_part_of_a_slurm_job_by_mpirun(self):
        _, findings = self.doctor(ranks=2, env={"SLURM_NTASKS": 8})
        self.assertEqual(findings["launch"][0], "ok")
        self.assertIn("2 ranks by mpirun", findings["launch"][1])

    @support.only_with_open_mpi("its mpirun refuses to run for root")
    @unittest.skipUnless(IS_ROOT, "needs root")
    def test_root(self):
        self.assert_finds("root", "advice", "refuses", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1",
                          env={"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": None})


class Speed(Doctor):
    def test_poor_kernel(self):
        version = self.succeed(support.COTERIE, "--version", env=clean_environment()).stdout
        if not re.search(r"kernel (Haswell|Zen|SkylakeX|Cooperlake|Sapphire)", version):
            self.skipTest("an old processor")
        self.assert_finds("BLAS kernel", "FIX", "OPENBLAS_CORETYPE=Prescott",
                          "unset OPENBLAS_CORETYPE", env={"OPENBLAS_CORETYPE": "Prescott"})

    def test_block_size(self):
        self.assert_finds("BLAS kernel", "advice", "OPENBLAS_L2_SIZE=", "unset OPENBLAS_L2_SIZE",
                          env={"OPENBLAS_L2_SIZE": 512})

    def test_threads_on_one_core(self):
        core = min(os.sched_getaffinity(0))
        self.assert_finds("BLAS threads", "FIX", "^4 for rank 0, which may run on 1 core",
                          "OPENBLAS_NUM_THREADS=1", before=("taskset", "-c", core),
                          env={"OPENBLAS_NUM_THREADS": 4})

    @unittest.skipUnless(2 <= CORES <= 64, "needs 2 cores")
    def test_threads_times_ranks(self):
        self.assert_finds("BLAS threads", "FIX", f"^{2 * CORES} BLAS threads .2 ranks. on {CORES} ",
                          "OPENBLAS_NUM_THREADS=1", ranks=2, launcher=("--bind-to", "none"),
                          env={"OPENBLAS_NUM_THREADS": CORES})

    @unittest.skipUnless(CORES <= 6, "too many cores to fill")
    def test_more_ranks_than_cores(self):
        if support.HYDRA:  # never yields
            result = self.assert_finds("ranks and cores", "FIX", f"{CORES + 2} ranks on {CORES} ",
                                       f"mpirun -n {CORES}", ranks=CORES + 2)
            self.assertNotIn("OMPI", result.stdout)
            return
        # Slots enough, so that mpirun does not switch yielding on.
        how = {"ranks": CORES + 2, "launcher": ("--host", "localhost:64", "--bind-to", "none")}
        for yields, verdict, fix in ((0, "FIX", "OMPI_MCA_mpi_yield_when_idle=1"),
                                     (1, "advice", f"mpirun -n {CORES}")):
            self.assert_finds("ranks and cores", verdict, f"{CORES + 2} ranks on {CORES} ", fix,
                              env={"OMPI_MCA_mpi_yield_when_idle": yields,
                                   "OMPI_MCA_mpi_oversubscribe": 0}, **how)

    @unittest.skipUnless(CORES >= 2, "needs 2 cores")
    def test_ranks_on_one_core(self):
        core = min(os.sched_getaffinity(0))
        command = (support.MPIRUN, *support.MPIRUN_OPTIONS, "--bind-to", "none", "-n", 2,
                   "taskset", "-c", core)
        self.assert_finds("binding", "FIX", f"2 ranks share 1 core .from core {core} ",
                          "--bind-to none", before=command)


if __name__ == "__main__":
    support.main()
