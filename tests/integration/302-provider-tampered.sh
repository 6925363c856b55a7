#!/usr/bin/env bash
# A real OpenID Provider refuses a token of which any byte was changed.
. "$(dirname "$0")/op.sh"

op_start
op_profiles
op_agent_start
op_run tampered.mjs 11
agent_stop
done_testing
