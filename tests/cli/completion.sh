#!/usr/bin/env bash
# The shells complete every command, every option of each, every mount option, and mount points where one is meant.
. "$(dirname "$0")/lib.sh"
COMPLETION=${top_srcdir:-$TEST_FOLDER/..}/completion
need_mount
need_program getfattr findmnt
scratch
fuse=$(dirname "$MAPSHAREFS")
PATH=$fuse:$(dirname "$MAPSHARE"):$PATH
commands=$(mapshare --help | awk '/^[A-Z]/ {inside = /^Commands:/; next} inside && NF {print $1}')
mount_options=$(mapsharefs --help | sed -n 's/^    \([a-z_]*=\{0,1\}\).*/\1/p')
[ "$(wc -l <<<"$commands")" -ge 12 ] && [ "$(wc -l <<<"$mount_options")" -ge 20 ] || fail "the help has no tables"
start_mount

complete_bash() { # WORD...: what the last may become
    bash -c '. "$1/$2"; COMP_WORDS=("${@:2}"); COMP_CWORD=$(($# - 2)); "_$2"; [ -z "${COMPREPLY[*]}" ] || printf "%s\n" "${COMPREPLY[@]}"' - "$COMPLETION" "$@"
}

# Where zsh takes its words from, here: what it would be shown is written down. It continues its children, as if they had been stopped: a search for
# leaks, which stops them, would wait for ever.
complete_zsh() {
    ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 zsh -f -c '
        compadd() { local last=${argv[-1]}; if (( argv[(I)-a] )); then print -l -- ${(P)last}; else shift; print -l -- $@; fi }
        _describe() { local entry; for entry in ${(P)2}; do print -- ${entry%%:*}; done }
        _files() { print FILES $@ }
        compset() { PREFIX=${PREFIX##*,} }
        file=$1/_mapshare; shift
        words=("$@"); CURRENT=$#; PREFIX=${argv[-1]}
        eval "complete_it() { $(<$file)
}"
        complete_it | grep -e "^${PREFIX##*,}" || true' - "$COMPLETION" "$@"
}

check() { # SHELL
    local complete=complete_$1 command option
    [ "$("$complete" mapshare '' | grep -v -e ^-- -e FILES)" = "$commands" ] || fail "$1 completes the commands $("$complete" mapshare '')"
    for command in $commands; do
        [ "$("$complete" mapshare "$command" -- | tr -d =)" = "$(mapshare "$command" --help | sed -n 's/^  -., \(--[a-z-]*\).*/\1/p')" ] ||
            fail "$1 completes of $command $("$complete" mapshare "$command" --)"
    done
    [ "$("$complete" mapshare unmount "$SCRATCH/m")" = "$MOUNT" ] || fail "$1 completes the mount point $("$complete" mapshare unmount "$SCRATCH/m")"
    [ "$("$complete" mapshare set "$MOUNT" commit)" = commit_interval= ] && [ -z "$("$complete" mapshare set "$MOUNT" threa)" ] ||
        fail "$1 completes of set $("$complete" mapshare set "$MOUNT" '')"
    for option in $mount_options nosuid dirsync; do
        "$complete" mapsharefs -o "allow_other,$option" | grep -x -e "$option" -e "allow_other,$option" >"$SCRATCH/found" || fail "$1 does not complete -o $option"
    done
}

check bash
if command -v zsh >/dev/null; then check zsh; else skip_part "no zsh"; fi
stop_mount
