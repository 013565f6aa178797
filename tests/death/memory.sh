#!/usr/bin/env bash
# The worker dies at points of these operations, and neither clients nor other files notice. Few descriptors, little memory, a small
# journal.
. "$(dirname "$0")/lib.sh"
sweep descriptors spill checkpoint
