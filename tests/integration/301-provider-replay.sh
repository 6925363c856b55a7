#!/usr/bin/env bash
# No token passes for another at a real OpenID Provider, and none that is old, for another audience
# or for nobody is taken.
. "$(dirname "$0")/op.sh"

op_start
# The provider's issuer with one character more; its keys are pinned below.
audiences+=", \"$origin/rsa/\""
op_profiles

# stale PROFILE MEMBERS: its twin, whose tokens become old at once
stale() {
    sed "s|\"audiences\"|$2, &|" "$work/profiles.d/$1.json" | profile_write "stale.$1"
}
stale shop.pingone '"lifetime": 1'
stale shop.authway '"backdate": 300'
stale modrna '"backdate": 300'
stale portal.ciba '"lifetime": 60, "backdate": 59'
stale portal.sealed '"lifetime": 60, "backdate": 59'

op_agent_launch
runs 1 'hintsign-fetch: that issuer is not the one that its metadata name' fetch_once
like "$(cat "$work/stderr")" "ERROR: $origin/rsa/: .*issuer" '... and no other is wrong'
sed "s|$origin/rsa|&/|; s|\"fetched_at\": *[0-9]*, *||" "$(key_file "$origin/rsa")" \
    >"$(key_file "$origin/rsa/")"
op_agent_ready
op_run replays.mjs
op_run refusals.mjs
agent_stop
done_testing
