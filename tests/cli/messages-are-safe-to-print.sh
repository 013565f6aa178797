#!/usr/bin/env bash
# A file's name cannot make the terminal do anything: control characters and broken UTF-8 are shown as \ooo.
. "$(dirname "$0")/lib.sh"
export LC_ALL=C.UTF-8

refused 1 ': /none\033[31m\007\012x: ' mapshare stat $'/none\033[31m\a\nx'
refused 1 ': /none\377\303(: ' mapshare stat $'/none\377\303('
refused 1 ': /näné: ' mapshare stat '/näné'
refused 2 ': \033c: no such command' mapshare $'\033c'
LC_ALL=C refused 1 ': /n\303\244n: ' mapshare stat '/nän'
