# SPDX-License-Identifier: BSD-3-Clause
# timeout: 300
"""coterie-selftest: an installed copy that is sound, and two that are not."""
import pathlib
import subprocess
import tempfile

import support

BUILD = pathlib.Path(support.COTERIE).parent
CHECKS = ("both programs start", "known answers", "checkpoints verify", "the same bits after a restart",
          "the same bits on two ranks", "the library, from C")


class SelfTest(support.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.prefix = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory())) / "there"
        subprocess.run(["cmake", "--install", BUILD, "--prefix", cls.prefix], check=True, capture_output=True)

    def selftest(self, *options):
        return support.run(self.prefix / "bin/coterie-selftest", *options)

    def spoil(self, name, text):
        """Puts a script in the place of a program, which it may start as $real."""
        path = self.prefix / "bin" / name
        real = path.rename(path.with_name(f"{name}.real"))
        self.addCleanup(real.rename, path)
        path.write_text(f"#!/bin/sh\nreal={real}\n{text}\n", encoding="utf-8")
        path.chmod(0o755)

    def test_sound(self):
        result = self.selftest()
        self.assert_rc(result, 0)
        self.assertEqual(result.stdout.splitlines()[1:], [f"ok        {what}" for what in CHECKS])
        result = self.selftest("--launcher", "none-of-this-name -n 2")
        self.assert_rc(result, 0)
        self.assertIn("left out  the same bits on two ranks: there is no none-of-this-name", result.stdout)

    def test_other_bits_on_two_ranks(self):
        self.spoil("coterie", '[ -z "$OMPI_COMM_WORLD_SIZE$PMI_SIZE" ] || set -- "$@" --seed 4\nexec "$real" "$@"')
        result = self.selftest()
        self.assert_rc(result, 1)
        self.assertEqual([line for line in result.stdout.splitlines() if line.startswith("FAILED")],
                         ["FAILED    the same bits on two ranks"])

    def test_wrong_answer(self):
        self.spoil("coterie_d", 'set -e\n"$real" "$@"\n[ "$1" != predict ] || sed -i "s/^4.5,/4.5000001,/" line.out.csv')
        result = self.selftest("--launcher", "none")
        self.assert_rc(result, 1)
        self.assertIn("FAILED    known answers", result.stdout)


if __name__ == "__main__":
    support.main()
