#!/usr/bin/env bash
# Wrong usage ends with status 2 and a message that names the word and the help.
. "$(dirname "$0")/lib.sh"

refused 2 "'mapshare --help'" mapshare
refused 2 "nonsense: no such command" mapshare nonsense
refused 2 "--nonsense: no such option" mapshare --nonsense
refused 2 "mapshare --help" mapshare ''
for command in unmount stat dirty map files sync top recover journal metrics verify options; do
    [[ $command =~ ^(files|top|options)$ ]] || refused 2 "$command: " mapshare "$command"
    refused 2 "mapshare $command --help" mapshare "$command" ''
    refused 2 "--nonsense: no such option" mapshare "$command" --nonsense operand
    refused 2 "-q: no such option" mapshare "$command" -q operand
    refused 2 "--help=yes: the option takes no value" mapshare "$command" --help=yes operand
    [[ $command =~ ^(sync|stat)$ ]] || refused 2 "second: one operand too many" mapshare "$command" first second
done
for number in 0 7 4097 -8 +8 8x '' ' 8' 0x10 1e2 99999999999999999999999; do
    refused 2 "--width=$number: give a whole number from 8 to 4096" mapshare map --width="$number" file
done
refused 2 "--width: the option needs a value" mapshare map --width
refused 2 "--color=red: give always, never or auto" mapshare map --color=red file
refused 2 "--timeout=0: " mapshare unmount --timeout=0 folder
refused 2 "--once: no such option" mapshare stat --once file
refused 2 "--json: no such option" mapshare unmount --json folder
