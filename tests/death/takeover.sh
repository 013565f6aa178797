#!/usr/bin/env bash
# The worker dies at points of these operations, and neither clients nor other files notice. A next worker's taking over,
# and the end of a mount.
. "$(dirname "$0")/lib.sh"
sweep takeover unmount discard
