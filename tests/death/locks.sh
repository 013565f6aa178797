#!/usr/bin/env bash
# The worker dies at points of these operations, and neither clients nor other files notice. Locks and notices of the library.
. "$(dirname "$0")/lib.sh"
sweep locks
