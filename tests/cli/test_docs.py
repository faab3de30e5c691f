# SPDX-License-Identifier: BSD-3-Clause
# timeout: 180
"""README and docs: links lead somewhere, options exist, and examples print what is shown.

docs/develop/testing.md says how examples are written.
"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import sys

import support

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md"),
                *ROOT.glob("*/README.md"), *ROOT.glob("scripts/*/README.md"),
                *ROOT.glob("tests/*/README.md")})
FENCE = re.compile(r"^(?:<!-- file: (?P<file>\S+) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$"
                   r"|^<!-- file: (?P<hidden>\S+)\n(?P<hidden_text>.*?)^-->$",
                   re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"|<a href=\"([^\"]+)\"")
REPOSITORY_PATH = re.compile(r"(?:src|tests|scripts|docs|slurm|examples|findings)(?:/[\w.-]+)*/?")
NUMBER = re.compile(r"(?<!exit code )[-+−]?(?:\d[\d.]*(?:e[-+]?\d+)?|nan|inf)\b")
# Options that are not Coterie's: of mpirun, srun, sbatch, cmake, git and scripts.
FOREIGN = set("--oversubscribe --no-build-isolation --self-test --prefix --by-slot --cpus-per-task --help --version".split())
# A place to run `scripts/demo` in, which writes below its own folder.
DEMO_FILES = ("scripts/demo", "scripts/lib.sh")


def name_of(page):
    return str(page.relative_to(ROOT))


def anchors(text):
    """The anchors of a page's headings, as GitHub makes them."""
    found = set()
    for heading in re.findall(r"^#+ +(.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        anchor = re.sub(r"[^\w\- ]", "", heading).replace(" ", "-")
        number = 0
        while (anchor + (f"-{number}" if number else "")) in found:
            number += 1
        found.add(anchor + (f"-{number}" if number else ""))
    return found


def prose(text):
    """A page without its blocks of code."""
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def broken_links(page):
    text = page.read_text(encoding="utf-8")
    for groups in LINK.findall(prose(text)):
        target, _, anchor = "".join(groups).partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        path = (page.parent / target) if target else page
        if not path.exists():
            yield f"{name_of(page)}: no {target}"
        elif anchor and anchor not in anchors(path.read_text(encoding="utf-8")):
            yield f"{name_of(page)}: no heading for {target}#{anchor}"
    for span in re.findall(r"`([^`\n]+)`", prose(text)):
        if REPOSITORY_PATH.fullmatch(span) and not (ROOT / span).exists() and "<" not in span:
            yield f"{name_of(page)}: no {span}"


class Example:
    """The commands of a page that are run, with the lines shown below each."""

    def __init__(self, page):
        self.files, self.steps = [], []
        for block in FENCE.finditer(page.read_text(encoding="utf-8")):
            if block["hidden"]:
                self.files.append((block["hidden"], block["hidden_text"]))
            elif block["file"]:
                self.files.append((block["file"], block["text"]))
            elif block["language"] == "console":
                self.add_commands(block["text"])
            elif block["language"] == "python":
                self.steps.append((["python3", "-c", block["text"]], ["..."]))

    def add_commands(self, text):
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            match = re.match(r"(?P<command>(?:[^\n]*\\\n)*[^\n]*)\n(?P<shown>.*)", part, re.DOTALL)
            self.steps.append((["bash", "-c", f"exec 2>&1\n{match['command']}"], match["shown"].splitlines()))


def pattern_of(line):
    """A line that is shown, as an expression: numbers are any, and '...' is anything."""
    parts = [r"\s+".join(map(re.escape, NUMBER.sub("#", part).split())) for part in line.split("...")]
    return re.compile(r"\s*" + r".*".join(parts) + r"\s*")


def first_difference(shown, printed):
    """The first line shown that is not where it should be in the lines printed, or None."""
    printed = [NUMBER.sub("#", line) for line in printed]
    at, anywhere = 0, False
    for line in shown:
        if line.strip() == "...":
            anywhere = True
            continue
        expected = pattern_of(line)
        while anywhere and at < len(printed) and not expected.fullmatch(printed[at]):
            at += 1
        if at == len(printed) or not expected.fullmatch(printed[at]):
            return line
        at, anywhere = at + 1, False
    return None if anywhere or at == len(printed) else f"nothing more, but there is: {printed[at]}"


class Docs(support.TestCase):
    def setUp(self):
        super().setUp()
        self.bin = self.folder / "bin"
        self.bin.mkdir()
        for name, target in (("coterie", support.COTERIE), ("coterie_d", support.COTERIE_D),
                             ("python3", sys.executable)):
            (self.bin / name).symlink_to(shutil.which(target))
        launcher = self.bin / "mpirun"
        options = [option for option in support.MPIRUN_OPTIONS if option != "--oversubscribe"]
        extra = "" if support.HYDRA else "--oversubscribe "
        launcher.write_text("#!/bin/bash\n[ \"$1\" != --oversubscribe ] || shift\n"
                            f"exec {shutil.which(support.MPIRUN)} {extra}{' '.join(options)} \"$@\"\n",
                            encoding="utf-8")
        launcher.chmod(0o755)
        build = pathlib.Path(support.COTERIE).resolve().parent
        self.environment = {"PATH": f"{self.bin}:{os.environ['PATH']}", "COTERIE": support.COTERIE,
                            # For the examples of the library, as if it were installed.
                            "C_INCLUDE_PATH": ROOT / "include", "LIBRARY_PATH": build,
                            "LD_LIBRARY_PATH": build, "COTERIE_LIBRARY": build / "libcoterie.so",
                            "PYTHONPATH": ROOT / "src/bindings/python"}

    def test_links(self):
        self.assertGreater(len(PAGES), 20)
        self.assertEqual([problem for page in PAGES for problem in broken_links(page)], [])

    def test_the_map_has_all_pages(self):
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        testing = (ROOT / "docs/develop/testing.md").read_text(encoding="utf-8")
        for page in ROOT.glob("docs/**/*.md"):
            if page.name != "long-runs.md":
                self.assertIn(f"({name_of(page)}", readme)
        self.assertIn("(long-runs.md)", testing)
        self.assertLessEqual(readme.count("\n"), 150)

    def test_one_version(self):
        """CMakeLists.txt has the version; header, citation, and after a release the changelog agree."""
        version = re.search(r"project\(coterie VERSION ([\d.]+)",
                            (ROOT / "CMakeLists.txt").read_text(encoding="utf-8"))[1]
        citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
        self.assertEqual(re.findall(r"^version: (.*)$", citation, re.MULTILINE), [version])
        header = (ROOT / "include/coterie.h").read_text(encoding="utf-8")
        self.assertEqual(re.findall(r"^#define COTERIE_VERSION_M[AI]\w+ (\d+)", header, re.MULTILINE),
                         version.split(".")[:2])
        self.assertIn(f'version = "{version}"',
                      (ROOT / "src/bindings/python/pyproject.toml").read_text(encoding="utf-8"))
        self.assertIn(f"coterie {version}", support.run(support.COTERIE, "--version").stdout)
        heads = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
        self.assertIn(heads[0], ("Unreleased", version))

    def options(self):
        """The options in the --help of each command."""
        overview = support.run(support.COTERIE, "--help").stdout.split("Commands")[1].split("\n\n")[0]
        return {command: set(re.findall(r"^  (--[a-z][\w-]*)", support.run(
            support.COTERIE, command, "--help").stdout, re.MULTILINE))
            for command in re.findall(r"^  ([a-z]+) ", overview, re.MULTILINE)}

    def test_every_command_and_option_has_its_place(self):
        """A command is in the table of README, an option on a page of docs (or of slurm)."""
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        text = "".join(page.read_text(encoding="utf-8") for page in PAGES
                       if page.parent in (ROOT / "docs", ROOT / "slurm"))
        for command, options in self.options().items():
            self.assertIn(f"| `coterie {command}", readme)
            for option in sorted(options - {"--help"}):
                with self.subTest(command=command, option=option):
                    self.assertRegex(text, rf"{option}\b(?!-)", f"say in docs what {option} does")

    def test_options(self):
        """What is said of a command's options is in its --help."""
        known = self.options()
        every = set.union(*known.values()) | FOREIGN
        problems = []
        for page in PAGES:
            text = page.read_text(encoding="utf-8").replace("\\\n", " ")
            for command, rest in re.findall(r"\bcoterie(?:_d)? ([a-z]+) ([^\n`|#]*)", text):
                if command not in known:
                    continue
                for part in re.split(r" -- ", rest):
                    command = {"sweep": "sweep"}.get(part.split()[0] if part.split() else "", command) \
                        if part is not rest else command
                    mine = known[command] | (known["train"] if command == "submit" else set())
                    problems += [f"{name_of(page)}: {command} {option}" for option in re.findall(
                        r"(?<!\S)--[a-z][\w-]*", part) if option not in mine]
            if page.parent in (ROOT, ROOT / "docs"):
                problems += [f"{name_of(page)}: {option}" for option in re.findall(
                    r"`(--[a-z][a-z-]*)", prose(text)) if option not in every]
        self.assertEqual(problems, [])

    def run_page(self, page):
        """What is wrong with a page's examples, as text; all in a folder of the page's own."""
        example = Example(page)
        if not example.steps:
            return None
        folder = self.folder / name_of(page).replace("/", "-")
        for name in DEMO_FILES if page.name == "README.md" else ():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
        folder.mkdir(exist_ok=True)
        for name, text in example.files:
            (folder / name).write_text(text, encoding="utf-8")
        for command, shown in example.steps:
            result = support.run(*command, env=self.environment, cwd=folder)
            difference = first_difference(shown, (result.stdout + result.stderr).splitlines())
            if result.rc != 0 or difference:
                return f"{name_of(page)}: expected {difference or 'exit code 0'}\n{result}"
        return None

    def test_examples(self):
        """Those of examples/ have a test of their own."""
        pages = [page for page in PAGES if ROOT / "examples" not in page.parents]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            problems = [problem for problem in pool.map(self.run_page, pages) if problem]
        self.assertEqual(problems, [], "\n".join(problems))

    def test_what_counts_as_different(self):
        for shown, printed, wrong in (("a 1", "a 22.5e-3", None), ("a 1", "b 1", "a 1"), ("...\nc", "a\nb\nc", None),
                                      ("a ...", "a b", None), ("a", "a\nb", "nothing more, but there is: b"),
                                      ("a\nb", "a", "b"), ("a   b", "a b", None), ("...", "", None),
                                      ("exit code 2", "exit code 1", "exit code 2")):
            with self.subTest(shown=shown, printed=printed):
                self.assertEqual(first_difference(shown.splitlines(), printed.splitlines()), wrong)


if __name__ == "__main__":
    support.main()
