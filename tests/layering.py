#!/usr/bin/env python3
"""Checks who includes what, and what lies at the top of the tree.

    layering.py [--self-test] [ROOT]

A layer includes only layers to its left: base -> math -> {data, model, comm} -> train -> app. A few
outside headers are the business of one module. Prints one line per violation; exit code 1 if any.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

INNER = {"base", "math"}
MAY_INCLUDE = {
    "base": {"base"},
    "math": INNER,
    "data": INNER | {"data"},
    "model": INNER | {"model"},
    "comm": INNER | {"comm"},
    "train": INNER | {"data", "model", "comm", "train"},
    "app": INNER | {"data", "model", "comm", "train", "app"},
}
# Header of a library, the files that may include it, and how to say so.
LIBRARIES = [
    (r"(hdf5(_hl)?|H5\w+)\.h", r"src/data/hdf5_[^/]*", "src/data/hdf5_*"),
    (r"(cblas|lapacke|lapack|f77blas|openblas_config)\.h", r"src/math/blas\.c", "src/math/blas.c"),
    (r"libxsmm\.h", r"src/math/gemm\.c", "src/math/gemm.c"),
    (r"mpi\.h", r"(src|include/coterie)/(comm|app)/[^/]*", "comm and app"),
]
TOP_LEVEL = {"src", "include", "scripts", "tests", "slurm", "docs", "examples", "findings", "LICENSES",
             "CMakeLists.txt", "CMakePresets.json", "README.md", "LICENSE", "CHANGELOG.md",
             "CONTRIBUTING.md", "CITATION.cff", "REUSE.toml"}
NOT_OURS = re.compile(r"build.*|runs")  # what .gitignore names, where there is no git

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
SOURCE = re.compile(r"(?:src|include/coterie)/([^/]+)/[^/]+\.[ch]")


def list_files(root):
    """Paths of the repository's files, relative to root."""
    listing = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, text=True, check=False)
    if listing.returncode == 0 and (root / ".git").exists():
        names = [name for name in listing.stdout.split("\0") if name]
    else:
        names = [str(path.relative_to(root)) for path in root.rglob("*")
                 if not NOT_OURS.fullmatch(path.relative_to(root).parts[0])]
    return sorted(name for name in names if (root / name).is_file())


def check_include(root, name, layer, bracket, header):
    """What is wrong with one #include, or None."""
    own = header.startswith("coterie/")
    if own:
        included = header.split("/")[1]
        if included not in MAY_INCLUDE[layer]:
            return f"{layer} must not include {included}: {header}"
        if not (root / "include" / header).is_file():
            return f"no such header: include/{header}"
    for pattern, users, place in LIBRARIES:
        if re.fullmatch(pattern, header.split("/")[-1]) and not own \
                and not re.fullmatch(users, name):
            return f"{header} belongs to {place}"
    # The build generates .inc files; every other plain name is a private header.
    if bracket == '"' and not own and not header.endswith(".inc"):
        if name.startswith("include/"):
            return f"a public header must not include a private one: {header}"
        if "/" in header or not (root / "src" / layer / header).is_file():
            return f"private headers are those of the own layer, src/{layer}/: {header}"
    return None


def violations(root):
    """One line of text per violation."""
    found = []
    files = list_files(root)
    for top in sorted({name.split("/")[0] for name in files}):
        if top not in TOP_LEVEL and not top.startswith("."):
            found.append(f"{top}: does not belong at the top of the tree")
    for name in files:
        if not re.fullmatch(r"(src|include)/.*\.[ch]", name):
            continue
        match = SOURCE.fullmatch(name)
        if not match or match.group(1) not in MAY_INCLUDE:
            found.append(f"{name}: not in src/<layer>/ or include/coterie/<layer>/")
            continue
        text = (root / name).read_text(encoding="utf-8")
        for bracket, header in INCLUDE.findall(text):
            problem = check_include(root, name, match.group(1), bracket, header)
            if problem:
                found.append(f"{name}: {problem}")
    return found


GOOD_TREE = {
    "README.md": "",
    ".gitignore": "",
    "build/junk.h": '#include "nowhere.h"\n',
    "include/coterie/base/log.h": "",
    "include/coterie/math/blas.h": '#include "coterie/base/log.h"\n',
    "include/coterie/comm/shard.h": "#include <mpi.h>\n",
    "include/coterie/model/gate.h": '#include "coterie/math/blas.h"\n',
    "include/coterie/data/csv.h": "",
    "src/math/blas.c": "#include <cblas.h>\n#include <lapacke.h>\n",
    "src/data/hdf5_file.c": '#include "table.inc"\n#include <hdf5.h>\n',
    "src/model/inner.h": "",
    "src/model/gate.c": '#include "coterie/model/gate.h"\n#include "inner.h"\n#include <math.h>\n',
    "src/train/step.c": '#include "coterie/comm/shard.h"\n#include "coterie/model/gate.h"\n',
}
# One wrong file at a time, and a part of the line that it must cause.
WRONG_FILES = [
    ("notes.txt", "", "top of the tree"),
    ("drawer/a.c", "", "top of the tree"),
    ("src/other/a.c", "", "not in src/<layer>/"),
    ("src/model/deep/a.c", "", "not in src/<layer>/"),
    ("include/gate.h", "", "not in src/<layer>/"),
    ("src/base/a.c", '#include "coterie/math/blas.h"', "base must not include math"),
    ("src/math/a.c", '#include "coterie/model/gate.h"', "math must not include model"),
    ("src/data/a.c", '#include "coterie/model/gate.h"', "data must not include model"),
    ("src/model/a.c", '#include <coterie/comm/shard.h>', "model must not include comm"),
    ("src/comm/a.c", '#  include "coterie/data/csv.h"', "comm must not include data"),
    ("src/comm/b.c", '#include "coterie/train/step.h"', "comm must not include train"),
    ("src/train/a.c", '#include "coterie/app/main.h"', "train must not include app"),
    ("include/coterie/base/a.h", '#include "coterie/data/csv.h"', "base must not include data"),
    ("src/app/a.c", '#include "coterie/base/gone.h"', "no such header"),
    ("src/train/b.c", "#include <hdf5.h>", "hdf5.h belongs to"),
    ("include/coterie/data/a.h", "#include <H5public.h>", "H5public.h belongs to"),
    ("src/model/b.c", "#include <cblas.h>", "cblas.h belongs to"),
    ("src/train/c.c", "#include <lapacke.h>", "lapacke.h belongs to"),
    ("src/train/d.c", "#include <openmpi/mpi.h>", "mpi.h belongs to"),
    ("src/base/b.c", '#include "mpi.h"', "mpi.h belongs to"),
    ("src/train/e.c", '#include "inner.h"', "private headers"),
    ("src/train/f.c", '#include "../model/inner.h"', "private headers"),
    ("include/coterie/model/a.h", '#include "inner.h"', "public header"),
]


def write(root, name, text):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def self_test():
    """Each rule must fire on a tree that breaks it, and none on one that breaks none."""
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in GOOD_TREE.items():
            write(root, name, text)
        if violations(root):
            print("a good tree is refused:", *violations(root), sep="\n  ")
            failures += 1
        for name, text, expected in WRONG_FILES:
            write(root, name, text + "\n")
            found = violations(root)
            (root / name).unlink()
            if len(found) != 1 or expected not in found[0] or name.split("/")[0] not in found[0]:
                print(f"{name} with '{text}' should give '{expected}', gave {found}")
                failures += 1
    print(f"layering self-test: {len(WRONG_FILES) + 1 - failures} rules fire, {failures} do not")
    return failures == 0


def main(arguments):
    if "--self-test" in arguments:
        return 0 if self_test() else 1
    root = pathlib.Path(arguments[0] if arguments else pathlib.Path(__file__).parent.parent)
    found = violations(root)
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
