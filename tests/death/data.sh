#!/usr/bin/env bash
# The worker dies at points of these operations, and neither clients nor other files notice. What changes files' contents and sizes.
. "$(dirname "$0")/lib.sh"
sweep write write-unsynced mapped truncate punch group rollback feed two
