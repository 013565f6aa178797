#!/usr/bin/env bash
# JSON stays JSON whatever the file's name holds.
. "$(dirname "$0")/lib.sh"
need_mount
need_program getfattr python3
scratch
start_mount

for name in 'a b' $'quo"te\\' $'new\nline' $'bell\a' 'käse' $'broken\377utf8'; do
    truncate -s 5000 "$MOUNT/$name"
    for command in stat dirty map; do
        seen=$(mapshare "$command" --json "$MOUNT/$name" | PYTHONIOENCODING=utf-8 json_value "o['file']")
        [ "$seen" = "$MOUNT/${name/$'\377'/$'\357\277\275'}" ] || fail "$command --json of $name: $seen"
    done
done
stop_mount
