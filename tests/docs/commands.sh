#!/usr/bin/env bash
# mapshare(1) has the commands of `mapshare --help`, and for each the options that its own help tells, no more and no less.
. "$(dirname "$0")/manual.sh"
need_program mandoc
MAPSHARE=${MAPSHARE:-$(find_built mapshare || true)}
[ -x "$MAPSHARE" ] || fail "the program mapshare is not built"
page=$MANUAL/mapshare.1

helped=$("$MAPSHARE" --help | awk '/^[A-Z]/{inside = /^Commands:/; next} inside && NF {print $1}')
explained=$(section "$page" DESCRIPTION | sed -n 's/^\.It Cm \([a-z]*\).*/\1/p')
same_names "mapshare --help" "$helped" "mapshare(1)" "$explained"

help_options() { # COMMAND: "-j, --json" as "j json"
    "$MAPSHARE" "$1" --help | sed -n 's/^ *-\([A-Za-z]\), --\([a-z]*\).*/\1 \2/p'
}
usual="h help
V version"
for command in $helped; do
    told=$(help_options "$command" | cut -c1 | grep -v '[hV]' || true)
    shown=$(section "$page" SYNOPSIS | awk -v command="$command" '/^\.Nm/{inside = 0} inside; $0 == ".Cm " command {inside = 1}' |
        sed -n 's/^\.Op Fl \([a-z]*\).*/\1/p' | grep -o . || true)
    [ "$(sort <<<"$told")" = "$(sort <<<"$shown")" ] || fail "options of $command: help tells '$told', the synopsis '$shown'"
    [ "$(help_options "$command" | grep -c '^[hV] ')" = "$(wc -l <<<"$usual")" ] || fail "$command does not take the usual options"
done

options=$(for command in $helped; do help_options "$command"; done)
explained=$(section "$page" DESCRIPTION | sed -n 's/^\.It Fl \([A-Za-z]\) , Fl -\([a-z]*\).*/\1 \2/p')
same_names "the commands' help" "$options" "mapshare(1)" "$explained"
