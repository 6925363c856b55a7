# Shell library of the integration tests: TAP, a private token, an agent of one's own.
#
# A test is a bash script NNN-what.sh, listed in tests/local.mk:
#
#   . "$(dirname "$0")/lib.sh"
#   need softhsm2-util
#   token_create                                  # token "a" in a private SoftHSM2
#   key_import acme "$(random_hex 32)"            # a key with label "acme" on it
#   profile_pingone acme                          # or profile_write NAME <JSON
#   agent_config                                  # agent.json
#   agent_start                                   # ... until it is ready
#   runs 0 'mints' hintsign mint acme --subject bob
#   like "$(cat "$work/stdout")" '^eyJ' 'it is a token'
#   agent_stop                                    # a test of its own: exit status 0
#   done_testing
#
# `make check` runs them; so does `bash .../NNN-what.sh` in the build folder. With KEEP=1 the
# private folder stays. The programs just built come first on PATH.
# shellcheck shell=bash disable=SC2034
set -u

top_srcdir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
top_builddir=$(cd "${top_builddir:-.}" && pwd)
export top_srcdir top_builddir SANITIZED="${SANITIZED:-no}"
# A Node.js that npm brought is newer than the system's (./check).
for node in "$top_srcdir"/tests/interop/node_modules/node-linux-*/bin/node; do
    [ ! -x "$node" ] || PATH=$(dirname "$node"):$PATH
done
export PATH="$top_builddir:$PATH" LC_ALL=C.UTF-8
umask 077

work=$(mktemp -d "${TMPDIR:-/tmp}/hintsign-test.XXXXXX")
agent_pid=
tests_run=0
tests_failed=0
trap cleanup EXIT

export HINTSIGN_SOCKET="$work/agent.sock" HINTSIGN_ADMIN_SOCKET="$work/admin.sock"
export SOFTHSM2_CONF="$work/softhsm2.conf"
# A finding of a sanitizer is an exit status that no program of ours uses otherwise.
export ASAN_OPTIONS="exitcode=99:detect_leaks=1:${ASAN_OPTIONS:-}"
export LSAN_OPTIONS="suppressions=$top_srcdir/tests/lsan.supp:print_suppressions=0:${LSAN_OPTIONS:-}"
export UBSAN_OPTIONS="print_stacktrace=1:exitcode=99:${UBSAN_OPTIONS:-}"

cleanup() {
    if [ -n "$agent_pid" ]; then
        kill -KILL "$agent_pid" 2>/dev/null
        wait "$agent_pid" 2>/dev/null
    fi
    if [ "$tests_failed" -gt 0 ] && [ -s "$work/agent.log" ]; then
        diag "the agent's log:"
        { grep -A 60 -m 1 'Sanitizer\|runtime error' "$work/agent.log" && echo ...; tail -n 50 "$work/agent.log"; } |
            sed 's/^/#   /'
    fi
    if [ -n "${KEEP:-}" ]; then diag "kept: $work"; else rm -rf "$work"; fi
}

# --- TAP ---

diag() {
    printf '%s\n' "$*" | sed 's/^/# /'
}

ok() {
    tests_run=$((tests_run + 1))
    echo "ok $tests_run - $*"
}

# not_ok NAME [DETAIL...]
not_ok() {
    tests_run=$((tests_run + 1)) tests_failed=$((tests_failed + 1))
    echo "not ok $tests_run - $1"
    shift
    local detail
    for detail; do diag "$detail"; done
}

# is GOT WANTED NAME
is() {
    if [ "$1" = "$2" ]; then ok "$3"; else not_ok "$3" "got:    $1" "wanted: $2"; fi
}

# like GOT REGEX NAME (an extended regular expression)
like() {
    if [[ $1 =~ $2 ]]; then ok "$3"; else not_ok "$3" "got:      $1" "wanted: = ~ $2"; fi
}

# unlike GOT REGEX NAME
unlike() {
    if [[ $1 =~ $2 ]]; then not_ok "$3" "got: $1" "must not match: $2"; else ok "$3"; fi
}

# runs STATUS NAME COMMAND...: the command ends with this exit status. What it wrote is in
# $work/stdout and $work/stderr.
runs() {
    local wanted=$1 name=$2 status=0
    shift 2
    "$@" >"$work/stdout" 2>"$work/stderr" || status=$?
    if [ "$status" -eq "$wanted" ]; then
        ok "$name"
    else
        not_ok "$name" "exit status $status, wanted $wanted: $*" \
            "$(head -c 2000 "$work/stdout")" "$(head -c 2000 "$work/stderr")"
    fi
}

# within MS NAME COMMAND...: the command succeeds, and in that time.
within() {
    local ms=$1 name=$2 start took
    shift 2
    start=$(date +%s%3N)
    runs 0 "$name" "$@"
    took=$(($(date +%s%3N) - start))
    is "$((took < ms))" 1 "... within $ms ms ($took)"
}

# skip NAME REASON
skip() {
    ok "$1 # SKIP $2"
}

skip_all() {
    echo "1..0 # SKIP $*"
    exit 0
}

# The test cannot go on: an error, not a failure.
bail_out() {
    tests_failed=$((tests_failed + 1))
    echo "Bail out! $*"
    exit 1
}

done_testing() {
    echo "1..$tests_run"
}

# include_tap <LINES: takes over the results of another program.
include_tap() {
    local line
    while IFS= read -r line; do
        case $line in
        'ok - '*) ok "${line#ok - }" ;;
        'not ok - '*) not_ok "${line#not ok - }" ;;
        *) echo "$line" ;;
        esac
    done
}

# need PROGRAM...: skips the test where one of others' programs is not installed.
need() {
    local program
    for program; do
        command -v "$program" >/dev/null || skip_all "$program is not installed"
    done
}

# need_python STATEMENT NAMES: $python can do the statement; the test is skipped where none can.
need_python() {
    for python in python3 /usr/bin/python3; do
        ! "$python" -c "$1" 2>/dev/null || return 0
    done
    skip_all "no python3 has $2"
}

# --- waiting, randomness ---

# wait_for SECONDS COMMAND...: tries the command until it succeeds.
wait_for() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -le "$deadline" ] || return 1
        sleep 0.02
    done
}

# random_hex BYTES
random_hex() {
    od -An -tx1 -N"$1" /dev/urandom | tr -d ' \n'
}

# --- the token ---

softhsm_module() {
    local candidate
    for candidate in "${SOFTHSM2_MODULE:-}" /usr/lib/softhsm/libsofthsm2.so \
        /usr/lib64/pkcs11/libsofthsm2.so /usr/local/lib/softhsm/libsofthsm2.so; do
        [ ! -e "$candidate" ] || { echo "$candidate" && return; }
    done
    return 1
}

tokens_json=

# token_create [NAME]: a token (by default "a") in this test's SoftHSM2. All have one PIN.
token_create() {
    local name=${1:-a}
    module=$(softhsm_module) || skip_all 'SoftHSM2 is not installed'
    if [ ! -e "$SOFTHSM2_CONF" ]; then
        mkdir "$work/tokens"
        printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' \
            "$work/tokens" >"$SOFTHSM2_CONF"
        [ -e "$work/pin" ] || random_hex 8 >"$work/pin"
    fi
    softhsm2-util --init-token --free --label "hints-$name" --so-pin "$(random_hex 8)" \
        --pin "$(cat "$work/pin")" >"$work/softhsm.log" 2>&1 ||
        bail_out "softhsm2-util: $(cat "$work/softhsm.log")"
    tokens_json+="${tokens_json:+, }{ \"name\": \"$name\", \"uri\": \"$(token_uri "$name")\" }"
}

# token_uri [NAME]: its PKCS#11 URI, with module and PIN file.
token_uri() {
    echo "pkcs11:token=hints-${1:-a}?module-path=$module&pin-source=file:$work/pin"
}

# token_through MODULE [MEMBERS]: the agent's only token is "a" from now on, by way of this module.
token_through() {
    tokens_json="{ \"name\": \"a\", \"uri\": \"$(module=$1 token_uri)\"${2:+, $2} }"
}

# key_import LABEL SECRET [OPTION...]: onto token "a", with hintsign-key.
key_import() {
    local label=$1 secret=$2
    shift 2
    printf '%s' "$secret" |
        hintsign-key import --token "$(token_uri)" --label "$label" "$@" >"$work/import.log" 2>&1 ||
        bail_out "hintsign-key import $label: $(cat "$work/import.log")"
}

# key_generate LABEL TYPE: on token "a", with hintsign-key.
key_generate() {
    hintsign-key generate --token "$(token_uri)" --label "$1" --type "$2" >"$work/generate.log" 2>&1 ||
        bail_out "hintsign-key generate $1: $(cat "$work/generate.log")"
}

# --- the agent ---

# An `allow` that lets in whoever runs the tests.
allow_me="[ { \"uid\": $(id -u) } ]"

# profile_write NAME <JSON
profile_write() {
    mkdir -p "$work/profiles.d"
    cat >"$work/profiles.d/$1.json"
}

# profile_raw NAME KEY ALGORITHMS [ALLOW]
profile_raw() {
    profile_write "$1" <<END
{ "version": 1, "kind": "raw", "key": "pkcs11:object=$2", "algorithms": [ $3 ],
  "allow": ${4:-$allow_me} }
END
}

# profile_pingone NAME [KEY [ALLOW]]: the profile of most tests; for us, with the key of its name.
profile_pingone() {
    profile_write "$1" <<END
{ "version": 1, "kind": "pingone", "key": "pkcs11:object=${2:-$1}", "algorithm": "HS256",
  "client_id": "CLIENT", "audiences": [ "https://op.example" ], "allow": ${3:-$allow_me} }
END
}

# agent_config [MEMBERS]: agent.json with every token made so far; MEMBERS are added to it as
# they are ('"workers": 2').
agent_config() {
    mkdir -p "$work/profiles.d"
    cat >"$work/agent.json" <<END
{ "version": 1,
  "listeners": [ { "name": "default", "path": "$HINTSIGN_SOCKET", "mode": "0600" } ],
  "tokens": [ $tokens_json ],
  "admin_socket": "$HINTSIGN_ADMIN_SOCKET",
  "profiles_dir": "$work/profiles.d", "state_dir": "$work",
  "audit": { "path": "$work/audit.jsonl" }${1:+,
  $1} }
END
}

# agent_launch [OPTION...]: starts the agent and waits until it answers, ready or not. Its
# standard error is $work/agent.log.
agent_launch() {
    hintsign-agent --config "$work/agent.json" "$@" </dev/null >>"$work/agent.out" 2>>"$work/agent.log" &
    agent_pid=$!
    wait_for 20 agent_answers_or_ended
    agent_answers || bail_out 'the agent does not answer'
}

agent_answers() {
    local status=0
    hintsign status >/dev/null 2>&1 || status=$?
    [ "$status" -ne 3 ] && kill -0 "$agent_pid" 2>/dev/null
}

agent_answers_or_ended() {
    agent_answers || ! kill -0 "$agent_pid" 2>/dev/null
}

# preloaded LIBRARY COMMAND...: with the library before all others, where a sanitizer wants to be.
preloaded() {
    LD_PRELOAD=$1 ASAN_OPTIONS="$ASAN_OPTIONS:verify_asan_link_order=0" "${@:2}"
}

# agent_start [OPTION...]: as agent_launch, but ready.
agent_start() {
    agent_launch "$@"
    hintsign status --ready --wait 30 >"$work/status.log" 2>&1 ||
        bail_out "the agent is not ready: $(cat "$work/status.log")"
}

# agent_reload: SIGHUP, and waits until the new configuration is in force or was refused.
agent_reload() {
    local before
    before=$(agent_configurations)
    kill -HUP "$agent_pid"
    wait_for 20 agent_configurations_beyond "$before" || bail_out 'the agent does not reload'
}

agent_configurations() {
    grep -cE 'configuration [0-9]+: |the old configuration stays' "$work/agent.log"
}

agent_configurations_beyond() {
    [ "$(agent_configurations)" -gt "$1" ]
}

# agent_stop [STATUS]: ends the agent in an orderly way; a test of its exit status.
agent_stop() {
    kill -TERM "$agent_pid"
    agent_ends "${1:-0}"
}

# agent_ends STATUS: waits for an agent that ends by itself; a test of its exit status.
agent_ends() {
    local status=0
    wait "$agent_pid" || status=$?
    agent_pid=
    is "$status" "$1" "the agent ends with status $1"
}

# state [TOKEN]: what the agent says of token "a", or of that one: up, down or locked.
state() {
    hintsign status | awk -v name="${1:-a}" '$1 == "token" && $2 == name { sub(":", "", $3); print $3 }'
}

# is_state WANTED [TOKEN]
is_state() {
    [ "$(state "${2:-a}")" = "$1" ]
}

# profile_state PROFILE: what it says of that one: "ready", or "not ready: ..." with the reason.
profile_state() {
    hintsign status | sed -n "s/^profile $1  //p"
}

# agent_log_has REGEX: waits until a line of the agent's log matches.
agent_log_has() {
    wait_for 20 grep -qE -- "$1" "$work/agent.log"
}
