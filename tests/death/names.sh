#!/usr/bin/env bash
# The worker dies at points of these operations, and neither clients nor other files notice. What changes names and attributes.
. "$(dirname "$0")/lib.sh"
sweep create folder symlink link rename rename-over exchange noreplace replace attributes
