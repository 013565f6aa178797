#!/usr/bin/env bash
# The worker dies at points of these operations, and neither clients nor other files notice. Files come and go, in use or not.
. "$(dirname "$0")/lib.sh"
sweep unlink unlink-open churn forget open-close
