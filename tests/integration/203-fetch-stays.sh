#!/usr/bin/env bash
# hintsign-fetch as a service: when it comes back, and what signals do.
. "$(dirname "$0")/provider.sh"

provider_start
provider_metadata
provider_keys "{ $(jwk ec), \"use\": \"enc\" }"
seal_profile p "$issuer"
fetch_config
file=$(key_file)

fetcher_start() {
    : >"$work/fetch.log"
    hintsign-fetch --config "$work/agent.json" "$@" </dev/null 2>>"$work/fetch.log" &
    fetcher=$!
    started+=("$fetcher")
}

# logged REGEX NAME: a line that matches is in the log, now or soon. The log is emptied then.
logged() {
    if wait_for 20 grep -qE -- "$1" "$work/fetch.log"; then
        ok "$2"
    else
        not_ok "$2" "wanted: $1" "$(cat "$work/fetch.log")"
    fi
    : >"$work/fetch.log"
}

# fetcher_ends STATUS NAME
fetcher_ends() {
    local status=0 begin=$SECONDS
    wait "$fetcher" || status=$?
    is "$status" "$1" "$2"
    is "$((SECONDS - begin < 5))" 1 'and soon'
}

cache_control() {
    echo "{ \"headers\": { \"Cache-Control\": \"$1\" } }" >"$jwks.reply"
}

# --- how long until the next time ---

fetcher_start
logged "^$issuer: 1 key, changed; next in 21600 s$" 'a quarter of a day'
runs 0 'the file is there' test -e "$file"
cache_control 'public, max-age=600'
kill -HUP "$fetcher"
logged "^$issuer: 1 key, unchanged; next in 600 s$" 'SIGHUP fetches; less with max-age'
cache_control 'no-store'
kill -HUP "$fetcher"
logged 'next in 300 s$' 'never under five minutes'
cache_control 'max-age=100000'
seal_profile p "$issuer" 4000
kill -HUP "$fetcher"
logged 'next in 1000 s$' 'SIGHUP reads the configuration; a quarter of max_stale'

# --- failure, and how it ends ---

echo '{ "status": 500 }' >"$jwks.reply"
kill -HUP "$fetcher"
logged "ERROR: $issuer: .*status 500; next in ([5-9]|10) s$" 'a failure; the next time is soon'
rm "$jwks.reply"
logged "^$issuer: 1 key, unchanged; next in 1000 s$" 'it comes back by itself'

# --- reload ---

mkdir -p "$www/second/.well-known"
echo "{ \"issuer\": \"$origin/second\", \"jwks_uri\": \"$issuer/jwks\" }" >"$www/second/.well-known/openid-configuration"
seal_profile q "$origin/second"
kill -HUP "$fetcher"
logged "^$origin/second: 1 key, changed" 'a new issuer'
runs 0 'its file is there' test -e "$(key_file "$origin/second")"
echo '{' >"$work/profiles.d/r.json"
kill -HUP "$fetcher"
logged 'ERROR: the old configuration stays' 'a mistake in a profile'
rm "$work"/profiles.d/*
kill -HUP "$fetcher"
logged 'WARNING: nothing to fetch' 'no issuer left'
kill -TERM "$fetcher"
fetcher_ends 0 'SIGTERM ends it'

# --- the end ---

seal_profile p "$issuer"
echo '{ "stall": true }' >"$jwks.reply"
: >"$work/requests"
fetcher_start
wait_for 20 grep -q jwks "$work/requests"
kill -TERM "$fetcher"
fetcher_ends 0 'SIGTERM ends it amid a transfer'
is "$(cat "$work/fetch.log")" '' 'which is no error'

: >"$work/requests"
fetcher_start --once
wait_for 20 grep -q jwks "$work/requests"
kill -INT "$fetcher"
fetcher_ends 1 'with --once not all was fetched then'

echo '{' >"$work/agent.json"
fetcher_start
fetcher_ends 1 'it does not start with a bad configuration'
done_testing
