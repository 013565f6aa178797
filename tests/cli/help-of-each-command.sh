#!/usr/bin/env bash
# --help lists every command, and each command's own help lists exactly the options that it takes.
. "$(dirname "$0")/lib.sh"

commands=$(mapshare --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
expected="unmount upgrade revive stat dirty map files follow receive trace sync rollback cat top recover journal backup metrics verify options set help"
[ "$(echo $commands)" = "$expected" ] || fail "mapshare --help lists: $commands"
options=$(for command in $commands; do mapshare "$command" --help | grep -o -e '--[a-z]*' | grep -v -x -e --; done | sort -u)
for command in $commands; do
    help=$(mapshare "$command" --help)
    [ "$help" = "$(mapshare "$command" -h)" ] || fail "$command: -h and --help differ"
    [[ $help == "Usage: mapshare $command "* ]] || fail "$command --help begins with: ${help%%$'\n'*}"
    [ -z "$(awk 'length > 80' <<<"$help")" ] || fail "$command --help is wider than 80 columns"
    for option in $options; do
        said=$(mapshare "$command" "$option" 2>&1) || true
        if grep -q -e "$option" <<<"$help"; then
            [[ $said != *"no such option"* ]] || fail "$command --help lists $option, which it refuses"
        else
            [[ $said == *"no such option"* ]] || fail "$command takes $option, which its help does not list"
        fi
    done
done
[ -z "$(mapshare --help | awk 'length > 80')" ] || fail "mapshare --help is wider than 80 columns"
