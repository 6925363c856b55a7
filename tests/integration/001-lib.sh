#!/usr/bin/env bash
# The shell library itself: a private token can be made, and TAP is right.
. "$(dirname "$0")/lib.sh"
need softhsm2-util

token_create
token_create b
softhsm2-util --show-slots >"$work/slots"
is "$(grep -cE 'Label: +hints-[ab] *$' "$work/slots")" 2 'two tokens in a private SoftHSM2'
is "$(stat -c %a "$work/pin")" 600 'the PIN file is for its owner alone'
like "$(token_uri b)" '^pkcs11:token=hints-b\?module-path=/.*&pin-source=file:/' 'the URI of a token'

agent_config '"workers": 2'
like "$(cat "$work/agent.json")" '"name": "a".*"name": "b"' 'agent.json has every token'

is "$( (tests_run=0; ok fine; not_ok broken why; skip later unless; done_testing) )" "ok 1 - fine
not ok 2 - broken
# why
ok 3 - later # SKIP unless
1..3" 'TAP'
is "$( (runs 3 status sh -c 'exit 3') )" "ok 6 - status" 'runs compares the exit status'
runs 0 'wait_for waits' wait_for 5 true
runs 1 'wait_for gives up' wait_for 0 false
done_testing
