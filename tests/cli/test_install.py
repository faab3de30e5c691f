# SPDX-License-Identifier: BSD-3-Clause
# timeout: 120
"""cmake --install: what is put where, with what in it."""
import os
import pathlib
import re
import shutil

import support

BUILD = pathlib.Path(support.COTERIE).parent


class Install(support.TestCase):
    def test_layout(self):
        prefix = self.folder / "coterie" / "1.2.3"
        self.succeed("cmake", "--install", BUILD, "--prefix", prefix)
        share = prefix / "share"
        for name in ("coterie/slurm/train.sbatch", "coterie/slurm/README.md", "man/man1/coterie.1",
                     "doc/coterie/README.md", "doc/coterie/LICENSE", "doc/coterie/docs/data.md",
                     "bash-completion/completions/coterie"):
            self.assertGreater((share / name).stat().st_size, 100, name)
        for name in ("coterie", "coterie_d"):
            self.assertIn(name, self.succeed(prefix / "bin" / name, "--version").stdout.split())
        first = share / "doc/coterie/examples/01-first-run/run"
        self.succeed(first, env={"PATH": f"{prefix}/bin:{os.environ['PATH']}"})
        self.check_module(prefix, next((share / "coterie/modulefiles/coterie").iterdir()))
        self.check_manual(share / "man/man1")
        self.check_completion(prefix)

    def check_module(self, prefix, path):
        text = path.read_text(encoding="utf-8")
        version = self.succeed(support.COTERIE, "--version").stdout.split()[1]
        self.assertEqual(path.name, version)
        self.assertNotIn("@", text)
        self.assertEqual(re.findall(r"^set prefix (.*)$", text, re.MULTILINE), [str(prefix)])
        for name in re.findall(r"\$prefix/(\S+)$", text, re.MULTILINE):
            self.assertTrue((prefix / name).is_dir(), name)

    def check_manual(self, folder):
        """A page for the program and each command, with all its options."""
        overview = self.succeed(support.COTERIE, "--help").stdout
        commands = re.findall(r"^  ([a-z]+) ", overview.split("Commands\n")[1].split("\n\n")[0], re.MULTILINE)
        self.assertEqual({path.name for path in folder.iterdir()},
                         {"coterie.1", *(f"coterie-{command}.1" for command in commands)})
        self.assertIn("sweep", commands)
        if not shutil.which("groff"):
            print("groff is not there: the manual pages were not set")
            return
        for command in commands:
            page = self.set_page(folder / f"coterie-{command}.1")
            help_text = self.succeed(support.COTERIE, command, "--help").stdout
            for option in re.findall(r"^  (--\S+)", help_text, re.MULTILINE):
                self.assertRegex(page, rf"\n +{option}\b")
            self.assertIn(re.search("^Usage: (.*)$", help_text, re.MULTILINE)[1], " ".join(page.split()))
            self.assertIn(f"coterie-{command}(1)", self.set_page(folder / "coterie.1"))

    def set_page(self, path):
        self.assertEqual(self.succeed("groff", "-man", "-ww", "-z", path).stderr, "")
        return self.succeed("groff", "-man", "-rHY=0", "-Tascii", "-P-c", "-P-b", "-P-u", path).stdout

    def check_completion(self, prefix):
        def complete(*words):
            script = (f". {prefix}/share/bash-completion/completions/coterie; COMP_WORDS=(\"$@\"); "
                      "COMP_CWORD=$(($# - 1)); _coterie; echo ${COMPREPLY[@]}")
            path = f"{prefix}/bin:{os.environ['PATH']}"
            return self.succeed("bash", "-c", script, "bash", *words, env={"PATH": path}).stdout.split()
        self.assertIn("sweep", complete("coterie", ""))
        self.assertEqual(complete("coterie", "sub"), ["submit"])
        self.assertEqual(complete("coterie", "train", "--dry"), ["--dry-run"])


if __name__ == "__main__":
    support.main()
