#!/usr/bin/env bash
# The program is replaced by what is on disk, there and back, under programs that map, write and sync, and under an unlinked file that is open;
# what cannot go on with the mount is refused before anything changes, or its end leaves the mount to the one that ran.
. "$(dirname "$0")/../lib.sh"
need_mount
need_program getfattr
scratch
expect_log 'the program was replaced: mapsharefs ' 'not replaced by what is on disk: ' ': mapsharefs .* cannot go on with this mount: ' \
    'mapsharefs: No such file or directory$' 'the keeper was ended; its stand-by keeps the mount from now on'
expect_deaths

built=$MAPSHAREFS
foreign=$(helper mount/mapsharefs-foreign)
MAPSHAREFS=$SCRATCH/mapsharefs
one=$SCRATCH/one two=$SCRATCH/two # versions of one layout
version=$("$built" --version | sed 's/mapsharefs //')
cp "$built" "$one"
sed "s/${version//./\\.}/9.9.9/g" "$built" >"$two"
chmod +x "$two"
[ "$("$two" --version)" = "mapsharefs 9.9.9" ] || fail "the second version says $("$two" --version)"

now_is() { # FILE: what is on disk, as a package would replace it
    cp "$1" "$MAPSHAREFS.new"
    mv "$MAPSHAREFS.new" "$MAPSHAREFS"
}

script() { # TEXT: of a program that is none of ours
    printf '#!/bin/sh\n%s\n' "$1" >"$MAPSHAREFS.new"
    chmod +x "$MAPSHAREFS.new"
    mv "$MAPSHAREFS.new" "$MAPSHAREFS"
}

refused() { # WHAT: the mount goes on as it was
    local before
    before=$(stats_value version)
    "$MAPSHARE" upgrade "$MOUNT" 2>"$SCRATCH/said" && fail "$1: replaced"
    grep -q 'cannot go on with the mount' "$SCRATCH/said" || fail "$1: upgrade says $(cat "$SCRATCH/said")"
    [ "$(stats_value version)" = "$before" ] || fail "$1: another version serves"
    failures=$((failures + 1))
    [ "$(stats_value upgrades_failed)" = "$failures" ] || fail "$1: $(stats_value upgrades_failed) failures are told, not $failures"
    [ "$(cat <&7)" = removed ] || fail "$1: a file that is open cannot be read"
    exec 7<"/proc/self/fd/7"
}
failures=0

stands_by() {
    local pid
    pid=$(stats_value standby_pid)
    [ "$pid" != 0 ] && ! process_gone "$pid"
}

now_is "$one"
start_mount cache_size=16M,journal_size=4M,commit_interval=1,max_restarts=1000
keeper=$KEEPER
start_operations a b
echo removed >"$MOUNT/gone"
exec 7<"$MOUNT/gone"
rm "$MOUNT/gone"
wait_until 30 stands_by || fail "nobody stands by"

upgrades=0
while ! process_gone "${OPERATIONS[0]}"; do
    now_is "$([ $((upgrades % 2)) = 0 ] && echo "$two" || echo "$one")"
    "$MAPSHARE" upgrade "$MOUNT" >"$SCRATCH/said" || fail "upgrade $upgrades fails"
    upgrades=$((upgrades + 1))
    [ "$(stats_value upgrades)" = "$upgrades" ] || fail "$(stats_value upgrades) upgrades are told, not $upgrades"
    [ "$(stats_value version)" = "$([ $((upgrades % 2)) = 1 ] && echo 9.9.9 || echo "$version")" ] || fail "after $upgrades upgrades $(stats_value version) serves"
    if [ $((upgrades % 3)) = 0 ]; then kill -9 "$(stats_value worker_pid)"; fi
done
end_operations
[ "$upgrades" -ge 3 ] || fail "only $upgrades upgrades"
[ "$(stats_value keeper_pid)" = "$keeper" ] || fail "the keeper has another number"
echo "$upgrades upgrades"

script 'exit 1'
refused "a program that refuses"
script 'kill -9 $$'
refused "a program that dies when it is asked"
rm "$MAPSHAREFS"
refused "no program"
cp "$foreign" "$MAPSHAREFS"
refused "memory that is laid out in another way"
# shellcheck disable=SC2016
script 'case " $* " in *" --check "*) exit 0 ;; esac
kill -9 $$'
refused "a program that dies in our place"
[ "$(stats_value keeper_restarts)" = 1 ] || fail "$(stats_value keeper_restarts) deaths of keepers are told, not 1"
wait_until 30 stands_by || fail "nobody stands by"
# shellcheck disable=SC2016
script 'case " $* " in *" --check "*) exit 0 ;; esac
exit 3'
refused "a program that gives up in our place"
wait_until 30 stands_by || fail "nobody stands by"

now_is "$two" # and still it can be replaced, by a signal, too
KEEPER=$(stats_value keeper_pid)
USED_KEEPERS+=("$KEEPER")
kill -HUP "$KEEPER"
is_new() { [ "$(stats_value version)" = 9.9.9 ]; }
wait_until 30 is_new || fail "SIGHUP does not replace the program"
[ "$(cat <&7)" = removed ] || fail "a file that is open cannot be read"
exec 7<&-
wait_until 30 stands_by || fail "nobody stands by"
"$MAPSHARE" unmount "$MOUNT" || fail "mapshare unmount ended with $?"
process_gone "$KEEPER" || fail "the keeper stays"
compare_operations
