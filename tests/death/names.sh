#!/usr/bin/env bash
# The worker dies at points of these operations, and neither clients nor other files notice. What changes names, attributes and who has files open.
. "$(dirname "$0")/lib.sh"
sweep symlink link rename exchange noreplace attributes open-close
