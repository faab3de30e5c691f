# SPDX-License-Identifier: BSD-3-Clause
# timeout: 120
"""cmake --install: what is put where, with what in it."""
import os
import pathlib
import re
import shutil
import sys

import support

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(support.COTERIE).parent

CALLER = """
#include <coterie.h>
#include <stdio.h>
int main(int argc, char **argv)
{
    char message[512];
    coterie_model *model;
    const double x = 3.5;
    double y;
    coterie_prediction asked = {0};
    int outcome = coterie_model_open(argc > 1 ? argv[1] : "", &model, message, sizeof message);
    if (outcome != COTERIE_OK) {
        fprintf(stderr, "%s\\n", message);
        return outcome;
    }
    asked.mean = &y;
    if (coterie_predict(model, 1, &x, &asked, NULL) == COTERIE_OK)
        printf("%.17g\\n", y);
    coterie_model_close(model);
    return 0;
}
"""


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

    def test_the_library_is_found(self):
        """A program of another project: with pkg-config, with CMake, and with the static library."""
        prefix, data = self.folder / "there", self.folder / "d.csv"
        self.succeed("cmake", "--install", BUILD, "--prefix", prefix)
        data.write_text("x,y\n" + "".join(f"{i},{2 * i}\n" for i in range(40)), encoding="utf-8")
        self.succeed(support.COTERIE, "train", "--data", data, "--optimizer", "em", "--experts", 1,
                     "--output", self.folder / "run", "--quiet")
        source = self.folder / "caller.c"
        source.write_text(CALLER, encoding="utf-8")
        lib = next(path.parent for path in prefix.rglob("coterie.pc")).parent
        env = {"PKG_CONFIG_PATH": str(lib / "pkgconfig"), "LD_LIBRARY_PATH": str(lib)}
        flags = self.succeed("pkg-config", "--cflags", "--libs", "coterie", env=env).stdout.split()
        strict = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror"]
        self.succeed("cc", *strict, source, "-o", self.folder / "shared", *flags)
        (self.folder / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.21)\nproject(caller C)\nfind_package(Coterie REQUIRED)\n"
            "add_executable(caller caller.c)\ntarget_link_libraries(caller Coterie::coterie)\n",
            encoding="utf-8")
        self.succeed("cmake", "-S", self.folder, "-B", self.folder / "b", f"-DCMAKE_PREFIX_PATH={prefix}")
        self.succeed("cmake", "--build", self.folder / "b")
        programs = [self.folder / "shared", self.folder / "b/caller"]
        self.check_fortran(prefix, lib)
        if (lib / "libcoterie.a").exists():
            hdf5 = [flag for flag in self.succeed("pkg-config", "--cflags", "--libs", "hdf5").stdout.split()]
            self.succeed("cc", source, "-o", self.folder / "static", f"-I{prefix}/include",
                         lib / "libcoterie.a", *hdf5, "-lm")
            programs.append(self.folder / "static")
        for program in programs:
            result = self.succeed(program, self.folder / "run", env=env)
            self.assertAlmostEqual(float(result.stdout), 7, places=3)
            self.assert_rc(support.run(program, self.folder / "none", env=env), 2, "no such file")

    def check_fortran(self, prefix, lib):
        """The module as it is installed, through CMake; its source always."""
        self.assertTrue((lib / "coterie/fortran/coterie.f90").is_file())
        if not (lib / "coterie/fortran/coterie.mod").exists():
            print("no Fortran compiler: without the module")
            return
        folder = self.folder / "fortran"
        folder.mkdir()
        (folder / "caller.f90").write_text(
            "use coterie\nprint '(a)', coterie_version()\nend\n", encoding="utf-8")
        (folder / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.21)\nproject(caller C Fortran)\nfind_package(Coterie REQUIRED)\n"
            "add_executable(caller caller.f90)\ntarget_link_libraries(caller Coterie::fortran)\n",
            encoding="utf-8")
        self.succeed("cmake", "-S", folder, "-B", folder / "b", f"-DCMAKE_PREFIX_PATH={prefix}")
        self.succeed("cmake", "--build", folder / "b")
        self.assertIn(self.succeed(folder / "b/caller").stdout.strip(),
                      self.succeed(support.COTERIE, "--version").stdout)

    def test_pip(self):
        """The Python package from the clone, without a network."""
        if support.run(sys.executable, "-c", "import pip, setuptools, wheel").rc != 0:
            self.skipTest("no pip, setuptools or wheel")
        source, site = self.folder / "source", self.folder / "site"
        shutil.copytree(ROOT / "src/bindings/python", source)  # pip builds beside the sources
        self.succeed(sys.executable, "-m", "pip", "install", "--no-build-isolation", "--no-deps", "--no-index",
                     "--target", site, source, env={"PIP_DISABLE_PIP_VERSION_CHECK": 1})
        self.assertEqual({path.name for path in (site / "coterie").glob("*.py")},
                         {path.name for path in (ROOT / "src/bindings/python/coterie").glob("*.py")})
        where = self.succeed(sys.executable, "-c", "import coterie; print(coterie.__file__)", cwd=self.folder,
                             env={"PYTHONPATH": site, "COTERIE_LIBRARY": BUILD / "libcoterie.so"}).stdout
        self.assertIn(str(site), where)

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
