# labels: quick
"""slurm/train.sbatch with stand-ins for mpirun, srun, scontrol and coterie."""
import pathlib
import signal
import time

import support

SCRIPT = pathlib.Path(__file__).parents[2] / "slurm" / "train.sbatch"

STAND_INS = {
    # Options end where the path of the program begins.
    "mpirun": 'echo "mpirun got $*"; while [[ $1 != /* ]]; do shift; done; exec "$@"',
    "srun": '[ "$1" != --mpi=list ] || { echo "none pmi2 pmix"; exit; }\n'
            'echo "srun got $*"; while [[ $1 != /* ]]; do shift; done; exec "$@"',
    "scontrol": 'echo "scontrol got $*"; exit "${SCONTROL_CODE:-0}"',
    "sleep": "exit 0",
    "coterie": 'echo "threads $OPENBLAS_NUM_THREADS $OMP_NUM_THREADS"; echo "$@"\n'
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
        return support.run("bash", SCRIPT, *args, env={**self.environment, **env}, timeout=30)

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
                       "oob_tcp_keepalive_time")
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
        self.assert_rc(self.run_script(COTERIE_LAUNCH="prun"), 2, "mpirun or srun")
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
        result = self.run_script(END=75, SLURM_JOB_ID=17, SLURM_RESTART_COUNT=5,
                                 COTERIE_MAX_RESTARTS=5)
        self.assert_rc(result, 75, "not again")


if __name__ == "__main__":
    support.main()
