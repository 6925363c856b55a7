#!/usr/bin/env bash
# The agent's numbers: each request counted once, as what it became, and in a format that others read.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/faulty.sh"
need softhsm2-util python3
python=python3
for candidate in python3 /usr/bin/python3; do
    "$candidate" -c 'import prometheus_client' 2>/dev/null && python=$candidate
done
issuer=https://op.example/tenant

token_create
key_import acme "$(random_hex 32)"
key_generate disc ec:P-256
key_generate enc ec:P-256
profile_pingone acme
sed 's/, "allow".*/ }/' "$work/profiles.d/acme.json" >"$work/profiles.d/theirs.json"
cp "$work/profiles.d/acme.json" "$work/profiles.d/other.json"
profile_raw enc enc '"ES256"'
profile_write hint <<END
{ "version": 1, "kind": "modrna", "key": "pkcs11:object=disc", "algorithm": "ES256",
  "issuer": "https://discovery.example", "audiences": [ "$issuer" ], "allow": $allow_me,
  "seal": { "alg": [ "ECDH-ES+A256KW" ], "enc": "A256GCM", "max_stale": 3600 } }
END
mkdir -m 755 "$work/keys"
faulty_token
agent_config "\"provider_keys_dir\": \"$work/keys\""
agent_launch

numbers() {
    hintsign status --format openmetrics >"$work/numbers"
}

# sample NAME: its value; nothing where there is none.
sample() {
    awk -v name="$1 " 'index($0, name) == 1 { print substr($0, length(name) + 1) }' "$work/numbers"
}

# are NAME VALUE...: a test of each, of the last numbers.
are() {
    while [ $# -gt 0 ]; do
        is "$(sample "$1")" "$2" "$1"
        shift 2
    done
}

# request PROFILE OUTCOME: the sample's name.
request() {
    echo "hintsign_requests_total{profile=\"$1\",outcome=\"$2\"}"
}

recovery() {
    echo "hintsign_recoveries_total{module=\"$faulty_module\",rung=\"$1\"}"
}

# mints TIMES STATUS PROFILE [OPTION...]
mints() {
    local i times=$1 status=$2
    shift 2
    for ((i = 0; i < times; i++)); do
        hintsign mint "$@" >"$work/stdout" 2>"$work/stderr"
        [ $? -eq "$status" ] || bail_out "mint $*: $(cat "$work/stderr")"
    done
}

# --- an agent that has just started ---

numbers
include_tap < <("$python" "$top_srcdir/tests/integration/openmetrics.py" "$work/numbers")
version=$(hintsign --version | sed 's/.* //')
are "hintsign_build_info{version=\"$version\"}" 1 hintsign_configuration 1 hintsign_ready 0 \
    "$(request acme issued)" 0 "$(request '' NotAllowed)" 0 "$(request '' issued)" '' \
    hintsign_request_duration_seconds_count 0 \
    'hintsign_profile_ready{profile="acme"}' 1 'hintsign_profile_ready{profile="hint"}' 0 \
    'hintsign_token_state{token="a",state="up"}' 1 'hintsign_token_state{token="a",state="locked"}' 0 \
    'hintsign_token_sessions_limit{token="a"}' 16 'hintsign_token_sessions_in_use{token="a"}' 0 \
    hintsign_audit_available 1 hintsign_connections 1 hintsign_workers_busy 1
started=$(sample hintsign_start_time_seconds) now=$(date +%s)
runs 0 'it started when it did' test "$((now - started))" -ge 0 -a "$((now - started))" -lt 60

is "$(sed -n 's/^# TYPE \(.*\) counter$/\1_total/p; s/^# TYPE \(.*\) .*/\1/p' "$work/numbers" | sort)" \
    "$(sed -n 's/^\.It Li \(hintsign_[a-z_]*\).*/\1/p' "$top_srcdir/doc/hintsign.1" | sort)" \
    'the manual page explains each of them'

# --- encryption keys ---

hintsign jwks enc >"$work/jwks" 2>"$work/stderr" || bail_out "$(cat "$work/stderr")"
# key_file [MEMBER]: the issuer's key, and when it was fetched.
key_file() {
    sed -e 's/"use": *"sig"/"use":"enc"/' -e 's/"alg": *"ES256",\?//' -e 's/,}/}/' \
        -e "s|^{|{\"issuer\":\"$issuer\",$1|" "$work/jwks" >"$work/new"
    chmod 644 "$work/new"
    mv "$work/new" "$work/keys/https%3A%2F%2Fop.example%2Ftenant.json"
}
fresh="hintsign_encryption_key_fresh_until_timestamp_seconds{profile=\"hint\",issuer=\"$issuer\"}"
fetched_at=$(($(date +%s) - 600))
key_file "\"fetched_at\":$fetched_at,"
hint_ready() {
    numbers && [ "$(sample 'hintsign_profile_ready{profile="hint"}')" = 1 ]
}
wait_for 10 hint_ready
are hintsign_ready 1 "$fresh" $((fetched_at + 3600))
key_file ''
not_fresh() {
    numbers && [ -z "$(sample "$fresh")" ]
}
wait_for 10 not_fresh
are "$fresh" '' 'hintsign_profile_ready{profile="hint"}' 1

# --- requests ---

mints 5 0 acme --subject bob
mints 2 1 acme --subject bob --claim evil=1
mints 1 1 acme --subject bob --audience https://elsewhere.example
mints 1 0 hint --claim MSISDN=+46701234567
mints 3 1 theirs --subject bob
mints 1 1 made-up --subject bob
mints 1 1 'made up"' --subject bob
seq 100 | hintsign mint acme --subjects-from - >"$work/hundred" || bail_out 'no 100 tokens'
numbers
include_tap < <("$python" "$top_srcdir/tests/integration/openmetrics.py" "$work/numbers")
are "$(request acme issued)" 105 "$(request acme InvalidClaim)" 2 "$(request acme UnknownAudience)" 1 \
    "$(request hint issued)" 1 "$(request other issued)" 0 "$(request theirs issued)" 0 \
    "$(request '' NotAllowed)" 5 hintsign_request_duration_seconds_count 109
is "$(grep -c 'made.up' "$work/numbers")" 0 'nobody makes up names'
seconds=$(sample hintsign_request_duration_seconds_sum)
runs 0 "they took some time: $seconds s" awk "BEGIN { exit !($seconds > 0 && $seconds < 109 * 5) }"
open=$(sample 'hintsign_token_sessions_open{token="a"}')
runs 0 "they needed sessions: $open" test "$open" -ge 1 -a "$open" -le 16

# --- while requests are served ---

seq 2000 | hintsign mint other --subjects-from - >"$work/many" &
minter=$!
issued=0 timed=109 bad=
while kill -0 "$minter" 2>/dev/null; do
    last_issued=$issued last_timed=$timed
    numbers
    issued=$(sample "$(request other issued)") timed=$(sample hintsign_request_duration_seconds_count)
    [ "$issued" -ge "$last_issued" ] && [ "$timed" -ge "$last_timed" ] ||
        bad+=" $issued $timed after $last_issued $last_timed;"
done
wait "$minter"
is "$?$bad" 0 'numbers only grow'
numbers
are "$(request other issued)" 2000 hintsign_request_duration_seconds_count 2109

# --- recovery ---

are "$(recovery session)" 0 "$(recovery login)" 0 "$(recovery module)" 0 "$(recovery process)" 0
script spare-login 'C_Sign 0xb0 1'
mints 1 0 acme --subject bob
numbers
are "$(request acme issued)" 106 "$(recovery session)" 1 "$(recovery login)" 0
script spare-login 'C_Sign 0x101 1'
mints 1 0 acme --subject bob
numbers
are "$(recovery session)" 1 "$(recovery login)" 1 "$(recovery module)" 0
script spare-login 'C_Sign 0x30 1'
mints 1 0 acme --subject bob
numbers
are "$(recovery login)" 1 "$(recovery module)" 1 "$(recovery process)" 0 "$(request acme issued)" 108

# --- a token that is locked ---

hintsign lock a >"$work/stdout" 2>&1 || bail_out "$(cat "$work/stdout")"
mints 1 4 acme --subject bob
numbers
are "$(request acme Locked)" 1 'hintsign_token_state{token="a",state="locked"}' 1 \
    'hintsign_token_state{token="a",state="up"}' 0 'hintsign_profile_ready{profile="acme"}' 0 \
    hintsign_ready 0
hintsign unlock a --no-pin >"$work/stdout" 2>&1 || bail_out "$(cat "$work/stdout")"
numbers
are 'hintsign_token_state{token="a",state="up"}' 1 "$(recovery login)" 1 "$(recovery module)" 1

# --- the audit log ---

# agrees: the numbers are those of the file, which may grow meanwhile.
agrees() {
    numbers
    [ "$(sample hintsign_audit_size_bytes)" = "$(stat -c %s "$work/audit.jsonl")" ] &&
        [ "$(sample hintsign_audit_sequence)" = "$(sed -n '$s/^{"seq":\([0-9]*\).*/\1/p' "$work/audit.jsonl")" ] &&
        [ "$(sample hintsign_audit_synced_sequence)" = "$(sample hintsign_audit_sequence)" ]
}
runs 0 'sequence number and size are those of the log' wait_for 5 agrees
before=$(sample hintsign_audit_sequence)
kill -USR1 "$agent_pid"
agent_log_has 'the old log is'
runs 0 '... also of a new file' wait_for 5 agrees
is "$(sample hintsign_audit_sequence)" $((before + 1)) '... which goes on'
synced=$(sample hintsign_audit_synced_timestamp_seconds)
runs 0 '... and is on disk' test "$(($(date +%s) - synced))" -lt 60

# --- a reload ---

rm "$work/profiles.d/other.json"
agent_reload
mints 1 0 acme --subject bob
numbers
are hintsign_configuration 2 "$(request acme issued)" 109 "$(request acme InvalidClaim)" 2 \
    "$(request other issued)" '' "$(request '' NotAllowed)" 5

# --- the command ---

file=$work/hintsign.prom
runs 0 'a file' hintsign status --format openmetrics --output "$file"
is "$(stat -c %a "$file") $(cat "$work/stdout")" '644 ' '... that others can read'
include_tap < <("$python" "$top_srcdir/tests/integration/openmetrics.py" "$file")
touch -d 2001-01-01 "$file"
runs 0 'again' hintsign status --format openmetrics --output "$file"
runs 0 '... is new each time, as whoever watches its age wants it' test "$file" -nt "$work/jwks"
is "$(find "$work" -name 'hintsign.prom*')" "$file" '... and nothing lies beside it'
ln -s "$file" "$work/link"
runs 2 'no link is followed' hintsign status --format openmetrics --output "$work/link"
agent_stop
runs 3 'no agent' hintsign status --format openmetrics --output "$file"
is "$(tail -n 1 "$file")" '# EOF' '... the file stays as it was'
done_testing
