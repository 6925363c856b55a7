#!/usr/bin/env bash
# Many keys and profiles (HINTSIGN_SCALE, 1000): the agent starts in at most twice what the token
# itself takes, and a token costs no more instructions than with one profile.
. "$(dirname "$0")/lib.sh"
need softhsm2-util python3
scale=${HINTSIGN_SCALE:-1000}
new_keys=$top_builddir/tests/integration/new_keys
baseline=$top_builddir/tests/bench/baseline
[ -x "$new_keys" ] && [ -x "$baseline" ] || skip_all 'tests/bench/baseline is not built'

# profiles FIRST LAST: one for each key.
profiles() {
    mkdir -p "$work/profiles.d"
    python3 - "$work/profiles.d" "$1" "$2" "$allow_me" <<'END'
import sys
folder, first, last, allow = sys.argv[1:]
for i in range(int(first), int(last) + 1):
    with open(f"{folder}/p{i}.json", "w") as file:
        file.write(f"""{{ "version": 1, "kind": "pingone", "key": "pkcs11:object=key{i}", "algorithm": "HS256",
  "client_id": "CLIENT{i}", "audiences": [ "https://op.example/{i}" ], "allow": {allow} }}\n""")
END
}

token_create
"$new_keys" "$module" hints-a "$work/pin" key "$scale" || bail_out 'cannot create keys'
profiles 1 "$scale"
agent_config '"workers": 1'

# --- the start ---

# The milliseconds from exec until the agent listens; then it is ended.
start_ms() {
    python3 - "$work/agent.json" "$scale" <<'END'
import subprocess, sys, time
start = time.monotonic()
agent = subprocess.Popen(["hintsign-agent", "--config", sys.argv[1]], stderr=subprocess.PIPE, text=True)
lines = []
for line in agent.stderr:
    lines.append(line)
    if line.startswith("listening"):
        break
took = time.monotonic() - start
agent.terminate()
agent.communicate()
ready = f"configuration 1: {sys.argv[2]} of {sys.argv[2]} profiles are ready\n" in lines
print(f"{took * 1000:.1f}" if ready and agent.returncode == 0 else "failed")
END
}

is_at_most() {
    awk -v max="$1" -v a="$2" -v b="$3" 'BEGIN { exit !(a > 0 && b > 0 && a / b <= max) }'
}

# at_most FACTOR VALUE YARDSTICK NAME
at_most() {
    if is_at_most "$@"; then ok "$4 ($2 / $3)"; else not_ok "$4" "$2 / $3 is above $1"; fi
}

# best FILE: the smallest number in it.
best() {
    sort -n "$1" | head -n 1
}

if [ "$SANITIZED" = yes ]; then
    is "$(start_ms | grep -c '^[0-9]')" 1 "$scale keys and profiles are ready"
    skip 'ready in at most twice the time of the token' 'sanitizers cost time'
else
    # In turn, so that other work on the machine hits both alike; more often where it does.
    for round in {1..9}; do
        "$baseline" "$module" hints-a "$work/pin" >>"$work/baseline"
        start_ms >>"$work/start"
        cut -d' ' -f2 "$work/baseline" >"$work/token"
        [ "$round" -lt 3 ] || ! is_at_most 2 "$(best "$work/start")" "$(best "$work/token")" || break
    done
    is "$(cut -d' ' -f1 "$work/baseline" | uniq)" "$scale" "the token has $scale keys"
    is "$(grep -vc '^[0-9]' "$work/start")" 0 "$scale keys and profiles are ready"
    diag "token: $(xargs <"$work/token") ms; agent: $(xargs <"$work/start") ms"
    at_most 2 "$(best "$work/start")" "$(best "$work/token")" \
        'ready in at most twice the time of the token'
fi

# --- the instructions of a token ---

# mint PROFILE NUMBER: pipelined.
mint() {
    seq 100000 $((100000 + $2 - 1)) | hintsign mint "$1" --subjects-from - | grep -c '^eyJ'
}

# instructions PROFILE: counts with callgrind what one of its tokens costs, without what other threads
# do meanwhile, such as known-answer checks of all keys. From three times as many tokens what one time
# costs is taken away. The result is in $cost, empty where it cannot be told: 1.
instructions() {
    local n=300
    rm -f "$work"/callgrind.*
    valgrind --tool=callgrind --instr-atstart=no --toggle-collect=conn_serve \
        --callgrind-out-file="$work/callgrind" \
        "$(command -v hintsign-agent)" --config "$work/agent.json" >"$work/valgrind.log" 2>&1 &
    agent_pid=$!
    hintsign status --ready --wait 120 >"$work/status.log" 2>&1 || bail_out "$(cat "$work/status.log")"
    mint "$1" 50 >"$work/minted"
    {
        callgrind_control --instr=on "$agent_pid" && mint "$1" 50 &&
            callgrind_control --dump "$agent_pid" && mint "$1" $n &&
            callgrind_control --dump "$agent_pid" && mint "$1" $((3 * n)) &&
            callgrind_control --dump "$agent_pid"
    } >"$work/control.log" 2>&1
    kill -TERM "$agent_pid"
    wait "$agent_pid"
    agent_pid=
    cost=$(sed -n 's/^totals: //p' "$work/callgrind.2" "$work/callgrind.3" | xargs |
        awk -v n=$n 'NF == 2 { print ($2 - $1) / (2 * n) }')
    [ -n "$cost" ]
}

if [ "$SANITIZED" = yes ]; then
    skip 'the instructions of a token' 'valgrind does not go with sanitizers'
elif ! command -v callgrind_control >/dev/null; then
    skip 'the instructions of a token' 'valgrind is not installed'
else
    middle=$((scale / 2))
    # Where other work on the machine makes batches smaller, a token costs more: again, then.
    for round in {1..4}; do
        profiles 1 "$scale"
        instructions "p$middle" && echo "$cost" >>"$work/many" || break
        # The token keeps its keys: what they cost inside the module is not the agent's to change.
        rm -r "$work/profiles.d"
        profiles "$middle" "$middle"
        instructions "p$middle" && echo "$cost" >>"$work/one" || break
        ! is_at_most 1.02 "$(best "$work/many")" "$(best "$work/one")" || break
    done
    if [ -n "$cost" ]; then
        diag "with many profiles: $(xargs <"$work/many"); with one: $(xargs <"$work/one")"
        at_most 1.02 "$(best "$work/many")" "$(best "$work/one")" \
            'a token costs as many instructions as with one profile'
    else
        skip 'the instructions of a token' "callgrind_control: $(tail -n 1 "$work/control.log")"
    fi
fi
done_testing
