#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Checks who includes what, and what lies at the top of the tree.

    layering.py [--self-test] [ROOT]

A room is a folder of src. ROOMS says which headers of a room others may include (its faces), and
which rooms it may include itself: only rooms above it in the table, so that there is no way back.
All other headers are private to their folder. Inside a room the files have no cycle either. A few
outside headers are the business of one room. Prints one line per violation; exit code 1 if any.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

MOST_SOURCES = 16  # in a room

# room: (its faces, the rooms that it may include)
ROOMS = {
    "base": ("clock fresh_file json_number log memory message pointer processor profile real rng site status "
             "stop_request string_list thread",
             ""),
    "math": ("activation bf16 bf16_activation blas dots gamma_functions gemm lanes moments portable_math "
             "portable_softmax rational_tanh "
             "semidefinite softmax transpose vector_math",
             "base"),
    "data/hdf5": ("hdf5_file hdf5_guest hdf5_meaning hdf5_probe hdf5_storage", "base"),
    "data/csv": ("csv csv_cell csv_odd dictionary", "base"),
    "data/source": ("fingerprint gap_inputs source source_blocks source_format source_internal", "base data/hdf5 data/csv"),
    "data/source/hdf5": ("source_hdf5", "base data/hdf5 data/csv data/source"),
    "data/formats": ("formats", "base data/hdf5 data/csv data/source data/source/hdf5"),
    "data/samples": ("data_survey dataset epoch_order sampler scaler split", "base data/hdf5 data/source"),
    "model/mixture": ("count_mixture dispersion mixture_quantile normal_mixture target_mixture", "base math"),
    "model/likelihood": ("likelihood output", "base math model/mixture"),
    "model/network": ("input_choice inputs mlp parameters", "base math"),
    "model/gate": ("committee gate gate_gaussian gate_kind gate_levels gate_terms gaussian_gate routing",
                   "base math model/network"),
    "model": ("chosen_rows experts model_config objective optimizer_kind",
              "base math model/likelihood model/network model/gate"),
    "comm": ("communicator exchange launcher ordered_sum shard shared_memory watchdog",
             "base math"),
    "checkpoint": ("checkpoint known_samples progress record snapshot",
                   "base data/hdf5 data/samples model/likelihood model/network model"),
    "predict": ("conformal novelty predictor recorded_model self_check whitener",
                "base math data/hdf5 data/source data/samples model/likelihood model/network model/gate model checkpoint"),
    "export": ("export",
               "base data/hdf5 data/source data/samples model/likelihood model checkpoint predict"),
    "library": ("",
                "base data/hdf5 model/likelihood model checkpoint predict"),
    "train/feed": ("batch samples stream",
                   "base math data/source data/formats data/samples model/likelihood "
                   "model/network model/gate model comm"),
    "train/step": ("early_update evaluate metrics model optimizer replicas schedule "
                   "snapshot_gather step",
                   "base math data/samples model/likelihood model/network model/gate model comm "
                   "checkpoint train/feed"),
    "train/em": ("em", "base math data/samples comm train/step"),
    "train/inference": ("basis covariance information information_layout refit sample_groups split_expert",
                        "base math data/samples model/likelihood model/network model/gate model "
                        "comm checkpoint train/feed"),
    "train/reshape": ("reshape",
                      "base math model/likelihood model/gate model checkpoint"),
    "train/events": ("event_file", "base checkpoint"),
    "train/loop": ("run_directory trainer",
                   "base data/samples comm checkpoint predict train/feed train/step train/em "
                   "train/reshape train/events"),
    "app/options": ("command number_text option_entry option_text options",
                    "base math data/samples model/likelihood model/network model comm train/feed "
                    "train/step train/loop"),
    "app/problem": ("baseline columns data_request problem samples_check",
                    "base comm data/hdf5 data/csv data/source data/formats data/samples "
                    "checkpoint train/feed train/step "
                    "app/options"),
    "app/judge": ("class_recall dealt_predictions evaluation exact_targets expert_outputs "
                  "expert_survey expert_use loaded_model shared_networks trust",
                  "base math data/source data/formats data/samples model/likelihood model/network "
                  "model comm checkpoint predict train/feed train/step app/problem"),
    "app/doctor": ("", "base math data/hdf5 comm app/options"),
    "app/train": ("begun_in profile_table selection train train_internal",
                  "base math data/csv data/source data/formats data/samples model/gate model comm predict "
                  "train/feed train/step train/reshape train/loop app/options app/problem "
                  "app/judge"),
    "app/auto": ("", "base comm data/source data/formats app/options app/problem app/train"),
    "app/sweep": ("sweep_internal", "base data/csv comm train/loop app/options app/train"),
    "app/submit": ("", "base comm app/options app/train app/sweep"),
    "app/bench": ("",
                  "base math model/likelihood model comm train/feed train/step app/options "
                  "app/train"),
    "app/predict": ("",
                    "base math comm data/hdf5 data/csv model/likelihood model checkpoint predict train/feed "
                    "train/step app/options app/judge"),
    "app/evaluate": ("",
                     "base comm data/source train/feed train/step app/options app/problem app/judge"),
    "app/summary": ("",
                    "base math data/source data/samples model/mixture model/likelihood model comm checkpoint "
                    "predict train/feed train/inference app/options app/problem app/judge"),
    "app/export": ("", "base comm export app/options"),
    "app/convert": ("",
                    "base comm data/hdf5 data/csv data/source data/formats app/options "
                    "app/problem"),
    "app/inspect": ("",
                    "base comm data/hdf5 data/csv data/source data/source/hdf5 data/formats "
                    "checkpoint train/loop "
                    "app/options app/problem app/judge"),
    "app/compare": ("",
                    "base comm data/source data/formats model checkpoint train/step app/options "
                    "app/problem app/judge"),
    "app/history": ("run_history use_history", "base checkpoint"),
    "app/report": ("",
                   "base comm data/hdf5 data/source data/samples model/likelihood model/gate model "
                   "checkpoint predict train/loop train/step app/options app/problem app/judge "
                   "app/train app/history"),
    "app/watch": ("", "base comm checkpoint train/loop app/options app/history"),
    "app": ("", "base math data/hdf5 comm checkpoint app/options app/train"),
}
# Header of a library, the files that may include it, and how to say so.
LIBRARIES = [
    (r"(hdf5(_hl)?|H5\w+)\.h", r"src/data/hdf5/[^/]*", "src/data/hdf5"),
    (r"(cblas|lapacke|lapack|f77blas|openblas_config)\.h", r"src/math/blas\.c", "src/math/blas.c"),
    (r"zip\.h", r"src/export/export_npz\.c", "src/export/export_npz.c"),
    (r"event\.pb-c\.h", r"src/train/events/event_file\.c", "src/train/events/event_file.c"),
    (r"onnx\.pb-c\.h", r"src/export/onnx_graph\.c", "src/export/onnx_graph.c"),
    (r"libxsmm\.h", r"src/math/gemm\.c", "src/math/gemm.c"),
    (r"mpi\.h", r"src/comm/[^/]*|src/app/bench/bench_network\.c|src/app/doctor/doctor_rank\.c",
     "src/comm"),
]
TOP_LEVEL = {"src", "include", "scripts", "tests", "slurm", "CMakeLists.txt", "CMakePresets.json",
             "README.md", "LICENSE", "LICENSES", "docs", "examples", "findings", "CHANGELOG.md",
             "CONTRIBUTING.md", "CITATION.cff", "REUSE.toml"}
NOT_OURS = re.compile(r"build.*|runs")  # what .gitignore names, where there is no git

COMMENT = re.compile(r'/\*.*?\*/', re.DOTALL)
STRING = re.compile(r'(?<!include )"(?:\\.|[^"\\\n])*"')
# A function that is defined for other files: it begins a line, and its body begins the next.
DEFINITION = re.compile(r'^(?!static\b)[a-z_]\w*[ \w*]*[ *](\w+)\([^;{}]*\)\n\{', re.MULTILINE)
CALL = re.compile(r'(?<!struct )\b(\w+)\b(?=[(,;) ])')
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)

# Neighbouring literals, with what stands for one between them, such as PRId64.
LITERALS = re.compile(r'"(?:\\.|[^"\\\n])*"(?:\s*(?:[A-Z]\w*\s*)?"(?:\\.|[^"\\\n])*")*')
OPTION = re.compile(r"--(?!(?:high|mpi|shm-size)\b)[a-z]")  # but for those of other programs
SETTING = re.compile(r"@([a-z][a-z-]*)")
NO_MESSAGES = {"@relation", "{\\\\rtf", ",}", "}"}  # parts of other programs' files, and of message.c
CODE_TEXTS = ("src/export/c_parts.c", "src/export/export_c.c")  # their strings are C
OPTIONS_TABLE = "src/app/options/options_table.c"


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


def room_of(name):
    """The room of a file or of a header as it is included; "" is none."""
    return name.removeprefix("src/").rpartition("/")[0]


def is_face(header):
    return header.rpartition("/")[2].removesuffix(".h") in ROOMS[room_of(header)][0].split()


def check_table():
    """What is wrong with ROOMS itself."""
    seen = set()
    for room, (_, included) in ROOMS.items():
        for other in included.split():
            if other not in seen:
                yield f"ROOMS: {other} must stand above {room}"
        seen.add(room)


def check_include(root, name, bracket, header):
    """What is wrong with one #include, or None."""
    own, room = room_of(header) in ROOMS, room_of(name)
    for pattern, users, place in LIBRARIES:
        if re.fullmatch(pattern, header.split("/")[-1]) and not own \
                and not re.fullmatch(users, name):
            return f"{header} belongs to {place}"
    if own:
        if not (root / "src" / header).is_file():
            return f"no such header: src/{header}"
        if room_of(header) != room and room_of(header) not in ROOMS[room][1].split():
            return f"{room} must not include {room_of(header)}: {header}"
        if not is_face(header):
            return f"private to its room: {header}"
    # The build generates .inc files; every other plain name is a private header.
    elif bracket == '"' and not header.endswith(".inc"):
        if room == "library" and header == "coterie.h":
            return None
        if "/" in header or not (root / "src" / room / header).is_file():
            return f"private headers are those of the own room, src/{room}/: {header}"
        if is_face(f"{room}/{header}"):
            return f"a face is included with its room: {room}/{header}"
    return None


def check_texts(name, code, options):
    """What is wrong with the texts of a file below app: see src/base/message.h."""
    for match in LITERALS.finditer(code):
        text = "".join(part[1:-1] for part in STRING.findall(match.group()))
        if text in NO_MESSAGES:
            continue
        if OPTION.search(text):
            yield f"{name}: names an option below app; write @name: {text}"
        for unknown in set(SETTING.findall(text)) - options:
            yield f"{name}: @{unknown} is no option of {OPTIONS_TABLE}"
        if re.search("[{}]", re.sub(r"\{[^{}]*\}", "", text)):
            yield f"{name}: a brace of advice without the other: {text}"
        if re.search(r"\{[^}]*%[^}]*\}.*%", text):
            yield f"{name}: arguments of advice must be the last ones: {text}"


def find_cycle(arrows):
    """Names along one cycle of a graph {name: set of names}, or []."""
    state, path = {}, []

    def visit(node):
        state[node] = "open"
        path.append(node)
        for other in sorted(arrows.get(node, ())):
            if state.get(other) == "open":
                return path[path.index(other):] + [other]
            if other not in state:
                cycle = visit(other)
                if cycle:
                    return cycle
        path.pop()
        state[node] = "done"
        return []

    for node in sorted(arrows):
        if node not in state:
            cycle = visit(node)
            if cycle:
                return cycle
    return []


def arrows_inside(room, texts):
    """{module: modules of the same room that it includes or whose functions it calls}.

    A module is x.c with x.h, if there is one. A header may declare functions of several sources:
    whoever calls one of them depends on the source that defines it.
    """
    owner = {function: name for (name, suffix), text in texts.items() if suffix == ".c"
             for function in DEFINITION.findall(text)}
    modules = {name for name, _ in texts}
    arrows = {name: set() for name in modules}
    for (name, suffix), text in texts.items():
        for _, header in INCLUDE.findall(text):
            if room_of(header) in (room, ""):
                arrows[name].add(header.rpartition("/")[2].removesuffix(".h"))
        if suffix == ".c":
            arrows[name].update(owner[word] for word in CALL.findall(text) if word in owner)
    return {name: (others & modules) - {name} for name, others in arrows.items()}


def violations(root):
    """One line of text per violation."""
    found = list(check_table())
    files = list_files(root)
    for top in sorted({name.split("/")[0] for name in files}):
        if top not in TOP_LEVEL and not top.startswith("."):
            found.append(f"{top}: does not belong at the top of the tree")
    table = root / OPTIONS_TABLE
    options = set(re.findall(r'^    \{"([a-z-]+)"', table.read_text(encoding="utf-8"), re.MULTILINE)
                  if table.is_file() else ())
    texts = {}  # of each room: {(module, suffix): text without comments and strings}
    for name in files:
        if not re.fullmatch(r"src/.*\.[ch]", name):
            continue
        room = room_of(name)
        if room not in ROOMS:
            found.append(f"{name}: not in a room of tests/layering.py")
            continue
        text = (root / name).read_text(encoding="utf-8")
        for bracket, header in INCLUDE.findall(text):
            problem = check_include(root, name, bracket, header)
            if problem:
                found.append(f"{name}: {problem}")
        if not room.startswith("app") and name not in CODE_TEXTS:
            found.extend(check_texts(name, COMMENT.sub("", INCLUDE.sub("", text)), options))
        path = pathlib.Path(name)
        texts.setdefault(room, {})[path.stem, path.suffix] = STRING.sub("", COMMENT.sub("", text))
    for room, files_of_room in texts.items():
        n = sum(suffix == ".c" for _, suffix in files_of_room)
        if n > MOST_SOURCES:
            found.append(f"src/{room}: {n} sources, more than {MOST_SOURCES}")
        cycle = find_cycle(arrows_inside(room, files_of_room))
        if cycle:
            found.append(f"src/{room}: a cycle: {' -> '.join(cycle)}")
    return found


GOOD_TREE = {
    "README.md": "",
    ".gitignore": "",
    "build/junk.h": '#include "nowhere.h"\n',
    "src/base/log.h": "",
    "src/math/blas.h": '#include "base/log.h"\n',
    "src/comm/shard.h": "#include <mpi.h>\n",
    "src/model/experts.h": '#include "math/blas.h"\n',
    "src/data/csv/csv.h": "",
    "src/math/blas.c": "#include <cblas.h>\n#include <lapacke.h>\n",
    "src/data/hdf5/hdf5_file.c": '#include "table.inc"\n#include <hdf5.h>\n',
    "src/model/inner.h": "",
    "src/model/above.c": "void above(void)\n{\n    experts(); /* inner() */\n}\n",
    "src/model/experts.c": '#include "model/experts.h"\n#include "inner.h"\n#include <math.h>\n'
                        "void experts(void)\n{\n}\n",
    "src/train/step/step.h": "",
    "src/train/step/step.c": '#include "comm/shard.h"\n#include "model/experts.h"\n'
                             '/* --top-k */ "@top-k %d: see srun --mpi=%s" "{; leave @top-k out}"\n',
    "src/app/options/options_table.c": '    {"top-k", "--top-k"},\n',
}
# One wrong file at a time, and a part of the line that it must cause.
WRONG_FILES = [
    ("notes.txt", "", "top of the tree"),
    ("other/a.c", "", "top of the tree"),
    ("src/other/a.c", "", "not in a room"),
    ("src/model/deep/a.c", "", "not in a room"),
    ("src/gate.h", "", "not in a room"),
    ("src/base/a.c", '#include "math/blas.h"', "base must not include math"),
    ("src/math/a.c", '#include "model/experts.h"', "math must not include model"),
    ("src/data/csv/a.c", '#include "model/experts.h"', "data/csv must not include model"),
    ("src/model/a.c", '#include <comm/shard.h>', "model must not include comm"),
    ("src/comm/a.c", '#  include "data/csv/csv.h"', "comm must not include data/csv"),
    ("src/comm/b.c", '#include "train/step/step.h"', "comm must not include train/step"),
    ("src/train/feed/a.c", '#include "train/step/step.h"', "feed must not include train/step"),
    ("src/base/a.h", '#include "data/csv/csv.h"', "base must not include data/csv"),
    ("src/app/a.c", '#include "base/gone.h"', "no such header"),
    ("src/train/step/b.c", "#include <hdf5.h>", "hdf5.h belongs to"),
    ("src/data/csv/a.h", "#include <H5public.h>", "H5public.h belongs to"),
    ("src/model/b.c", "#include <cblas.h>", "cblas.h belongs to"),
    ("src/train/step/c.c", "#include <lapacke.h>", "lapacke.h belongs to"),
    ("src/train/step/d.c", "#include <openmpi/mpi.h>", "mpi.h belongs to"),
    ("src/app/bench/b.c", '#include "mpi.h"', "mpi.h belongs to"),
    ("src/train/step/e.c", '#include "inner.h"', "private headers"),
    ("src/train/step/f.c", '#include "../model/inner.h"', "private headers"),
    ("src/train/step/g.c", '#include "model/inner.h"', "private to its room"),
    ("src/model/c.c", '#include "experts.h"', "a face is included with its room"),
    ("src/model/inner.h", '#include "model/experts.h"', "a cycle: experts -> inner -> experts"),
    ("src/model/inner.c", "void inner(void)\n{\n    experts();\n}\n",
     "a cycle: experts -> inner -> experts"),
    ("src/model/d.c", '"give " "--top-k"', "names an option"),
    ("src/model/e.c", '"give " "@top-n"', "@top-n is no option"),
    ("src/model/f.c", '"%d{; give %d} of %d"', "must be the last"),
    ("src/model/g.c", '"%d{; give " PRId64 "%d"', "without the other"),
    ("src/model/h.c", '"%d; give} %d"', "without the other"),
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
            if name in GOOD_TREE:
                write(root, name, GOOD_TREE[name])
            else:
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
