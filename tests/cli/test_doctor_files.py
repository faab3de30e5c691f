# SPDX-License-Identifier: BSD-3-Clause
# timeout: 200
"""`coterie doctor` where files, shared memory or limits are made bad, one at a time."""
import os
import pathlib
import shutil
import subprocess
import sys
import time
import unittest

import support
import test_doctor

SHM = pathlib.Path("/dev/shm")
# Maps a file, says so, and holds it until its input ends.
HOLDER = """
import mmap, sys
with open(sys.argv[1], "r+b") as file:
    mapped = mmap.mmap(file.fileno(), 0)
print(flush=True)
sys.stdin.read()
"""


def can_mount():
    """Whether a file system can be mounted in a namespace of our own."""
    command = ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
        return done.returncode == 0
    except OSError:
        return False


def shell(script):
    """Words that run `script` and then what follows them."""
    return ("sh", "-c", f'{script} && exec "$@"', "sh")


class Files(test_doctor.Doctor):
    def test_folder_of_someone_else(self):
        self.folder.chmod(0o555)
        before = ()
        if test_doctor.IS_ROOT:
            before = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
            if subprocess.run([*before, support.COTERIE, "--help"], capture_output=True,
                              check=False).returncode != 0:
                self.skipTest("nobody may not run the program")
        result = self.assert_finds("output", "FIX", f"{self.folder}.*denied", "--output DIR",
                                   before=before)
        self.assertIn("not tried", result.stdout)

    def test_file_instead_of_folder(self):
        path = self.folder / "file"
        path.touch()
        self.assert_finds("output", "FIX", str(path), "--output DIR", "--output", path)

    def test_failing_disk(self):
        self.assert_finds("output", "FIX", "hdf5_sync fails", "--output DIR",
                          env={"COTERIE_FAULT": "hdf5_sync:0:*:fail"})
        self.assertEqual(list(self.folder.iterdir()), [])

    @unittest.skipIf("ASAN_OPTIONS" in os.environ, "the sanitizer must come first")
    def test_no_locks(self):
        library = self.folder / "nolock.so"
        source = "#include <errno.h>\nint flock(int f, int o) {(void)f, (void)o;" \
                 "errno = ENOLCK; return -1;}\n"
        compiler = shutil.which("cc")
        if not compiler:
            self.skipTest("no compiler")
        subprocess.run([compiler, "-shared", "-fPIC", "-o", library, "-xc", "-"], input=source,
                       text=True, check=True)
        self.assert_finds("file locks", "advice", "flock does not work",
                          "export HDF5_USE_FILE_LOCKING=FALSE", env={"LD_PRELOAD": library})
        _, findings = self.doctor(env={"LD_PRELOAD": library})
        self.assertEqual((findings["output"][0], findings["links"][0]), ("ok", "ok"))

    @unittest.skipUnless(can_mount(), "cannot mount")
    def test_small_file_system_in_memory(self):
        for size, verdict in ((500, "advice"), (50, "FIX")):
            mount = shell(f"mount -t tmpfs -o size={size}m tmpfs '{self.folder}'")
            result = self.assert_finds("disk space", verdict, r"only \d+ MiB free", "make room",
                                       before=("unshare", "-m", *mount))
            self.assertRegex(result.stdout, "(?m)^advice  file system: .* tmpfs: lost at reboot")

    @unittest.skipUnless(can_mount(), "cannot mount")
    def test_small_shared_memory(self):
        for size, verdict in ((200, "advice"), (32, "FIX")):
            mount = shell(f"mount -t tmpfs -o size={size}m tmpfs /dev/shm")
            left = size - (4 if support.HYDRA else 0)  # MPICH takes some even for one rank
            self.assert_finds("shared memory", verdict, f"only {left} MiB free", "--shm-size",
                              before=("unshare", "-m", *mount))

    def test_leftovers(self):
        job = f"vader_segment.test-doctor.{os.geteuid()}.{os.getpid():x}"
        dead = [SHM / f"{job}.{rank}" for rank in range(2)]
        living = SHM / f"{job}1.0"
        long_ago = time.time() - 60
        for path in (*dead, living):
            path.write_bytes(b"\0" * 8192)
            self.addCleanup(path.unlink)
            os.utime(path, (long_ago, long_ago))
        holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(living)],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with holder:
            holder.stdout.readline()
            result = self.assert_finds("leftovers", "advice", "files? of dead jobs in /dev/shm, ",
                                       f"{SHM}/{job}.*")
            self.assertNotIn(f"{job}1.", result.stdout)

    def test_path_of_temporary_files(self):
        path = self.folder / ("x" * 80)
        path.mkdir()
        expected = ("ok", "needs none", "") if support.HYDRA else \
            ("advice", "characters", "TMPDIR=/tmp")
        self.assert_finds("temporary files", *expected,
                          env={"TMPDIR": path, "OMPI_MCA_orte_tmpdir_base": None})

    def test_limits(self):
        for limit, seen in (("-n 256", "only 256 open files"), ("-f 200000", "files are"),
                            ("-v 16000000", "address space")):
            self.assert_finds("limits", "advice", seen, "", before=shell(f"ulimit {limit}"))


if __name__ == "__main__":
    support.main()
