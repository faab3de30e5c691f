# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What several scripts share. Sourced, not run; leaves the caller in the root of the clone.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

have() { command -v "$1" >/dev/null 2>&1; }

# Prints the comment at the head of a script: the lines after the first, up to the first other line.
show_help() { sed -n '2,/^[^#]/{/SPDX-/d; s/^# \{0,1\}//p}' "$1"; }

# Runs a command in silence; shows its output only if it fails.
quietly() {
    local log code=0
    log=$(mktemp)
    "$@" >"$log" 2>&1 </dev/null || code=$?
    [ "$code" = 0 ] || { printf 'failed (%s): %s\n' "$code" "$*" && tail -n 200 "$log"; } >&2
    rm -f "$log"
    return "$code"
}

# Prints the Python that can read our files: the first one on the PATH may be a private build that
# lacks h5py and numpy.
choose_python() {
    local python
    for python in python3 /usr/bin/python3; do
        if have "$python" && "$python" -c 'import h5py, numpy' 2>/dev/null; then
            command -v "$python"
            return
        fi
    done
    return 1
}

# Processors that this process may use; nproc by itself would believe OMP_NUM_THREADS.
count_processors() { env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc; }

# The files with one of these patterns for a name that are in the repository or about to be.
list_files() {
    if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
        git ls-files --cached --others --exclude-standard -- "$@"
    else
        local name
        for name in "$@"; do
            find . -path './build*' -prune -o -path ./runs -prune -o -type f -name "${name##*/}" -print
        done | sed 's|^\./||'
    fi | sort -u | while IFS= read -r file; do [ ! -f "$file" ] || echo "$file"; done
}
