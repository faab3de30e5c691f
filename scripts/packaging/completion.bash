# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Completion for bash: commands, options from --help (asked once for each command), else files.
_coterie_help() {
    local name=_coterie_help_${1:-all}
    [ -n "${!name:-}" ] || printf -v "$name" '%s' "$(coterie ${1:+"$1"} --help 2>/dev/null)"
    printf '%s\n' "${!name}"
}

_coterie() {
    local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} words=''
    if [ "$COMP_CWORD" = 1 ]; then
        words=$(_coterie_help | sed -n '/^Commands/,/^$/s/^  \([a-z][a-z]*\) .*/\1/p')
    elif [[ $word == -* ]]; then
        words=$(_coterie_help "$command" | sed -n 's/^  \(--[a-z-]*\).*/\1/p')
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o default -F _coterie coterie coterie_d
