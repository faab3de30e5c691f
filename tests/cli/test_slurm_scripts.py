# SPDX-License-Identifier: BSD-3-Clause
# labels: quick
"""slurm/train.sbatch with stand-ins for mpirun, srun, scontrol and coterie.

tests/cluster has the scripts on a real Slurm; here is what would need other sites, or luck.
"""
import pathlib
import signal
import time

import support

SCRIPT = pathlib.Path(__file__).parents[2] / "slurm" / "train.sbatch"

STAND_INS = {
    # Options end where the path of the program begins.
    "mpirun": '[ "$1" != --version ] || { echo "mpirun (Open MPI) 4.1.4"; exit; }\n'
              'echo "mpirun got $*"; while [[ $1 != /* ]]; do shift; done; exec "$@"',
    "srun": '[ "$1" != --mpi=list ] || { echo "none pmi2 pmix"; exit; }\n'
            'echo "srun got $*"; while [[ $1 != /* ]]; do shift; done; exec "$@"',
    # It lists them in version 4; later ones leave that to prte_info.
    "ompi_info": '[ -n "$PRTE" ] || echo "  MCA plm: ${PLM:-rsh} (MCA v2.1.0, API v2.0.0)"',
    "prte_info": '[ -z "$PRTE" ] || echo "  MCA plm: ${PLM:-ssh} (MCA v2.1.0, API v2.0.0)"',
    "squeue": '[ -z "$SECONDS_LEFT" ] || date --date "$SECONDS_LEFT seconds" +%FT%T',
    "scontrol": 'if [ "$1" = --oneliner ]; then echo "JobId=17 Restarts=${RESTARTS:-0}"; exit; fi\n'
                'echo "scontrol got $*"; exit "${SCONTROL_CODE:-0}"',
    "sleep": "exit 0",
    "coterie": 'echo "threads $OPENBLAS_NUM_THREADS $OMP_NUM_THREADS"; echo "$@"\n'
               'env | grep keepalive\n'
               '[ -z "$SAVES" ] || { mkdir -p "$SAVES"; ln -s step-7.h5 "$SAVES/latest"; }\n'
               '[ -z "$TAKES_UP" ] || touch "$TAKES_UP"\n'
               'folder=runs/job-0 previous=; for word in "$@"; do\n'
               '[ "$previous" != --output ] || folder=$word; folder=${folder#--output=}\n'
               'case $word in --output=*) folder=${word#*=} ;; --config*) folder=there ;; esac\n'
               'previous=$word; done\n'
               '[ "$END" != 0 ] || [ -n "$LOST" ] || { mkdir -p "$folder" && date +%N >"$folder/finished"; }\n'
               '[ -z "$END" ] || exit "$END"\n'
               'trap "echo saved; exit 75" USR1; touch "$READY"\n'
               'for ((i = 0; i < 200; i++)); do /bin/sleep 0.05; done; exit 9',
}


class Train(support.TestCase):
    def setUp(self):
        super().setUp()
        for name, text in STAND_INS.items():
            path = self.folder / name
            path.write_text(f"#!/usr/bin/env bash\n{text}\n", encoding="utf-8")
            path.chmod(0o755)
        self.ready = self.folder / "ready"
        self.environment = {
            "PATH": f"{self.folder}:/usr/bin:/bin", "COTERIE": self.folder / "coterie",
            "READY": self.ready, "OPENBLAS_NUM_THREADS": None, "OMP_NUM_THREADS": None}

    def run_script(self, *args, **env):
        return support.run("bash", SCRIPT, *args, env={**self.environment, **env}, timeout=30,
                           cwd=self.folder)

    def interrupt_script(self, number, **env):
        process = support.start("bash", SCRIPT, "--output", "run",
                                env={**self.environment, **env})
        deadline = time.monotonic() + 20
        while not self.ready.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(number)
        return support.finish(process, timeout=30)

    def test_arguments_and_exit_code(self):
        result = self.run_script("--output", "a b", END=3)
        self.assert_rc(result, 3, "train --output a b --resume auto", "threads 1 1",
                       "OMPI_MCA_oob_tcp_keepalive_time=30", "PRTE_MCA_oob_tcp_keepalive_intvl=10",
                       "PRTE_MCA_prte_keepalive_probes=3")
        self.assertNotIn("scontrol got", result.stdout)

    def test_users_choices_are_kept(self):
        for said in (["--resume", "no"], ["--resume=no"]):
            result = self.run_script(*said, END=1, OPENBLAS_NUM_THREADS=4)
            self.assert_rc(result, 1, "threads 4 1")
            self.assertNotIn("auto", result.stdout)

    def test_srun(self):
        result = self.run_script(END=2, COTERIE_LAUNCH="srun", COTERIE_LAUNCH_OPTIONS="-c 2 -v")
        self.assert_rc(result, 2, "srun got -K0 --wait=10 --mpi=pmix -c 2 -v /")

    def test_wrong_settings(self):
        self.assert_rc(self.run_script(COTERIE_LAUNCH="prun"), 2, "auto, mpirun or srun")
        self.assert_rc(self.run_script(COTERIE="/nowhere/coterie"), 2, "set COTERIE")

    def test_signals_save_and_requeue(self):
        for number in (signal.SIGUSR1, signal.SIGTERM):
            self.ready.unlink(missing_ok=True)
            result = self.interrupt_script(number, SLURM_JOB_ID=17)
            self.assert_rc(result, 75, "saved", "scontrol got requeue 17")

    def test_no_requeue(self):
        result = self.interrupt_script(signal.SIGUSR1)
        self.assert_rc(result, 75, "saved")
        self.assertNotIn("scontrol", result.stdout)
        result = self.run_script(END=75, SLURM_JOB_ID=17, SCONTROL_CODE=1)
        self.assert_rc(result, 75, "submit it again")
        result = self.run_script(END=75, SLURM_JOB_ID=17, SLURM_RESTART_COUNT=5, RESTARTS=5,
                                 COTERIE_MAX_RESTARTS=5)
        self.assert_rc(result, 75, "not again")

    def test_launcher_that_can_reach_the_nodes(self):
        """srun where Open MPI was built without Slurm, but only if there are other nodes."""
        for nodes, plm, prte, launcher in ((1, "rsh", "", "mpirun"), (2, "slurm", "", "mpirun"),
                                           (2, "rsh", "", "srun"), (2, "slurm", 1, "mpirun"),
                                           (2, "ssh", 1, "srun")):
            result = self.run_script(END=0, SLURM_JOB_NUM_NODES=nodes, PLM=plm, PRTE=prte)
            self.assert_rc(result, 0, f"{launcher} got")
        result = self.run_script(END=0, SLURM_JOB_NUM_NODES=2, COTERIE_LAUNCH="mpirun")
        self.assert_rc(result, 0, "mpirun got")

    def test_every_start_finds_the_run(self):
        """Without --output each would begin anew; told to go on elsewhere, each would do so."""
        result = self.run_script(END=0, SLURM_JOB_ID=17)
        self.assert_rc(result, 0, "--output runs/job-17 --resume auto")
        result = self.run_script(END=0, SLURM_JOB_ID=18, SLURM_ARRAY_JOB_ID=17,
                                 SLURM_ARRAY_TASK_ID=3)
        self.assert_rc(result, 0, "--output runs/job-17_3 --resume auto")
        (self.folder / "c.yaml").write_text('output: "there"\n', encoding="utf-8")
        for said in (["--output", "there"], ["--output=there"], ["--config", "c.yaml"],
                     ["--config=c.yaml"]):
            result = self.run_script(*said, END=0, SLURM_JOB_ID=17)
            self.assert_rc(result, 0, f"train {' '.join(said)} --resume auto\n")
        result = self.run_script("--output", "run", "--resume", "old", END=0, SLURM_JOB_ID=17,
                                 SLURM_RESTART_COUNT=1)
        self.assert_rc(result, 0, "--resume old --resume auto")

    def test_time_limit(self):
        result = self.run_script("--output", "run", END=0, SLURM_JOB_ID=17, SECONDS_LEFT=500)
        self.assertRegex(result.stdout, "--time-limit (500|49[0-9]) --resume auto")
        result = self.run_script("--time-limit", "9", END=0, SLURM_JOB_ID=17, SECONDS_LEFT=500)
        self.assertEqual(result.stdout.count("--time-limit"), 2)  # of the launcher and the program
        result = self.run_script(END=0, SLURM_JOB_ID=17)
        self.assertNotIn("--time-limit", result.stdout)

    def test_failures(self):
        """Queued again only if something was saved, so that what always fails comes to an end."""
        saves = self.folder / "run" / "checkpoints"
        for code, begun, requeued in ((1, False, True), (205, False, True), (1, True, False),
                                      (205, True, True), (2, False, False), (0, False, False)):
            with self.subTest(code=code, begun=begun):
                (saves / "latest").unlink(missing_ok=True)
                result = self.run_script("--output", "run", END=code, SLURM_JOB_ID=17,
                                         SAVES=None if begun else saves)
                self.assert_rc(result, code)
                self.assertEqual("scontrol got requeue" in result.stdout, requeued, str(result))

    def test_a_launcher_that_ends_with_0_has_not_finished(self):
        """mpirun 5 does so when it has lost a node; what an earlier start left does not count."""
        for left in (False, True):
            with self.subTest(left=left):
                if left:
                    self.assert_rc(self.run_script("--output", "run", END=0, SLURM_JOB_ID=17), 0)
                result = self.run_script("--output", "run", END=0, LOST=1, SLURM_JOB_ID=17)
                self.assert_rc(result, 1, "no new run/finished", "scontrol got requeue 17")
                result = self.run_script("--output", "run", END=0, LOST=1, SLURM_JOB_ID=17,
                                         SLURM_RESTART_COUNT=10, RESTARTS=10)
                self.assert_rc(result, 1, "no new run/finished")
                self.assertNotIn("scontrol got requeue", result.stdout)
        self.assert_rc(self.run_script("--output", "run", "--dry-run", END=0, LOST=1), 0)

    def test_a_part_of_a_sweep_that_was_lost(self):
        environment = {**self.environment, "SLURM_JOB_ID": 18, "SLURM_ARRAY_JOB_ID": 17,
                       "SLURM_ARRAY_TASK_ID": 3, "SLURM_ARRAY_TASK_MIN": 2, "END": 0,
                       "SLURM_ARRAY_TASK_COUNT": 4, "SLURM_JOB_NUM_NODES": 1}
        program = self.folder / "coterie"
        for marker, rc in (("finished-0-of-4", 1), ("finished-1-of-4", 0)):
            program.write_text(f"#!/bin/sh\nmkdir -p s; touch s/{marker}\n", encoding="utf-8")
            result = support.run("bash", SCRIPT.with_name("sweep.sbatch"), "--output", "s",
                                 env=environment, timeout=30, cwd=self.folder)
            self.assert_rc(result, rc)
            self.assertEqual("scontrol got requeue 17_3" in result.stdout, rc == 1, str(result))

    def test_start_that_fails_after_a_restart(self):
        """Of a job that has run before: on a node that has just come up nothing may start."""
        lock = self.folder / "run" / "lock"
        lock.parent.mkdir()
        lock.touch()
        for restarts, takes_up, requeued in ((1, False, True), (9, False, True), (10, False, False),
                                             (1, True, False), (0, False, False)):
            with self.subTest(restarts=restarts, takes_up=takes_up):
                result = self.run_script("--output", "run", END=1, SLURM_JOB_ID=17,
                                         SLURM_RESTART_COUNT=restarts, RESTARTS=restarts,
                                         TAKES_UP=lock if takes_up else None)
                self.assert_rc(result, 1)
                self.assertEqual("scontrol got requeue" in result.stdout, requeued, str(result))

    def test_a_later_start_goes_on(self):
        result = self.run_script(END=75, SLURM_JOB_ID=17, RESTARTS=1)
        self.assert_rc(result, 75, "a later start of job 17 goes on")
        self.assertNotIn("scontrol got", result.stdout)


if __name__ == "__main__":
    support.main()
