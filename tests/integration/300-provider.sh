#!/usr/bin/env bash
# A real OpenID Provider takes every kind of hint, from clients that log in with the agent's tokens.
. "$(dirname "$0")/op.sh"

op_start
op_profiles
op_agent_start
is "$(sort "$work/fetch.log")" "$origin/p256: 1 key, changed
$origin/rsa: 1 key, changed
$origin/x25519: 1 key, changed" 'hintsign-fetch finds the key of each provider'
op_run accepts.mjs

# The SoftHSM2 token holds the secrets encrypted; the two files are what was imported.
for client in "${!secret_clients[@]}"; do
    is "$(grep -rlF -f "$work/secrets/$client" "$work")" "$work/secrets/$client" \
        "the secret of $client stands nowhere else"
done
agent_stop
done_testing
