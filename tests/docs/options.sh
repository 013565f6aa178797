#!/usr/bin/env bash
# mapsharefs(8) has the options of `mapsharefs --help`, each with a value or without as the help says, and the limits that a refusal
# tells.
. "$(dirname "$0")/manual.sh"
MAPSHAREFS=${MAPSHAREFS:-$(find_built mapsharefs || true)}
[ -x "$MAPSHAREFS" ] || fail "the program mapsharefs is not built"
page=$MANUAL/mapsharefs.8
help=$("$MAPSHAREFS" --help)

helped=$(sed -n 's/^    \([a-z][a-z_]*\)\(=\([A-Z]*\)\)\? .*/\1 \L\3/p' <<<"$help")
explained=$(subsection "$page" 'Mount options' | sed -n 's/^\.It Cm \([a-z_]*\)\( Ns = Ns Ar \([a-z]*\)\)\?$/\1 \3/p')
same_names "mapsharefs --help" "$helped" "mapsharefs(8)" "$explained"

helped=$(sed -n 's/.*Also \(.*\), for the kernel\..*/\1/p' <<<"$help" | tr -d ' ' | tr ',' '\n')
explained=$(subsection "$page" 'Mount options' | awk '/^The kernel gets/{inside = 1} inside && /^\.Cm/; /dirsync/{inside = 0}' |
    sed 's/^\.Cm//' | tr -d ' .' | tr ',' '\n' | grep .)
same_names "what the help passes to the kernel" "$helped" "mapsharefs(8)" "$explained"

letters=$(sed -n 's/^  -\([A-Za-z]\).*/\1/p' <<<"$help")
explained=$(section "$page" DESCRIPTION | sed -n 's/^\.It Fl \([A-Za-z]\).*/\1/p')
same_names "the letters of mapsharefs --help" "$letters" "mapsharefs(8)" "$explained"

numbers=0
while read -r name value; do
    case $value in number | size) ;; *) continue ;; esac
    refusal=$("$MAPSHAREFS" -o "$name=99999999999999999999" nowhere nowhere 2>&1) && fail "$name=99999999999999999999 is accepted"
    limits=$(sed -n 's/.*give \([0-9A-Z]* to [0-9A-Z]*\)$/\1/p' <<<"$refusal")
    [ -n "$limits" ] || fail "$name: the refusal names no limits: $refusal"
    awk -v item=".It Cm $name Ns" '/^\.It /{inside = index($0, item) == 1} inside' "$page" | grep -q ": $limits\.\$" ||
        fail "mapsharefs(8) does not say that $name is $limits"
    numbers=$((numbers + 1))
done < <(sed -n 's/^    \([a-z][a-z_]*\)=\([A-Z]*\) .*/\1 \L\2/p' <<<"$help")
[ "$numbers" -gt 0 ] || fail "no option with limits found"
echo "$numbers options have the limits that the manual tells"
