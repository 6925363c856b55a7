#!/usr/bin/env bash
# The web as it is: redirects, proxies, certificates, servers that are slow or not there.
. "$(dirname "$0")/provider.sh"

provider_start
provider_metadata
provider_keys "{ $(jwk ec), \"use\": \"enc\" }"
seal_profile p "$issuer"
fetch_config
file=$(key_file)

# fetched NAME [OPTION...]: a new file is there.
fetched() {
    local name=$1
    shift
    rm -f "$file"
    : >"$work/requests"
    runs 0 "fetched: $name" fetch_once "$@"
    runs 0 'the file is there' test -e "$file"
}

# refused WORDS NAME [OPTION...]: the old file stays.
refused() {
    local words=$1 name=$2
    shift 2
    echo "{ \"issuer\": \"$issuer\", \"fetched_at\": 1, \"keys\": [ {} ] }" >"$file"
    : >"$work/requests"
    runs 1 "refused: $name" fetch_once "$@"
    like "$(cat "$work/stderr")" "^ERROR: $issuer: https://[^ ]*: .*$words" 'the reason is named'
    is "$(json "$file" 'd["fetched_at"]')" 1 'the old file stays'
}

asked() {
    cut -d ' ' -f 2 "$work/requests"
}

# --- redirects ---

redirect() {
    echo "{ \"status\": ${2:-302}, \"headers\": { \"Location\": \"$1\" } }" >"$jwks.reply"
}

cp "$jwks" "$www/op/moved"
for status in 301 302 303 307 308; do
    redirect /op/moved "$status"
    fetched "a redirect on the same host ($status)"
done
is "$(asked | tail -n 1)" /op/moved 'the document is where it moved to'
is "$(cut -d ' ' -f 3- "$work/requests" | sort -u)" 'Host User-Agent Accept' 'no cookie was sent back'
redirect "https://LOCALHOST:$port/op/moved"
fetched 'a redirect to the same host, written otherwise'

other_host='which is another host or not https'
for target in "https://127.0.0.1:$port/op/moved" "http://localhost:$port/op/moved" "//127.0.0.1:$port/op/moved" \
    "https://localhost/op/moved" "https://localhost.:$port/op/moved" "https://me@localhost:$port/op/moved" \
    "ftp://localhost:$port/op/moved" "file://$www/op/moved"; do
    redirect "$target"
    refused "redirects to .*$other_host" "a redirect to $target"
    is "$(asked | tail -n 1)" /op/jwks 'nobody followed it'
done
redirect "https://evil\\u009b.example/"
refused "redirects to https://evil.*$other_host" 'a redirect with a control character'
unlike "$(cat "$work/stderr")" $'\u009b' 'which is not shown'

redirect "$issuer/jwks"
refused 'redirects more than 3 times' 'a redirect to itself'
is "$(asked | grep -c /op/jwks)" 4 'four requests, no more'
redirect ''
refused 'redirects|status 302' 'a redirect to nowhere'
rm "$jwks.reply"

# --- slow ---

echo '{ "stall": true }' >"$jwks.reply"
refused '[Tt]imed? ?out' 'a server that says nothing' --timeout 1
echo '{ "drip": 0.05 }' >"$jwks.reply"
refused '[Tt]imed? ?out' 'a server that sends byte after byte' --timeout 1
rm "$jwks.reply"

# --- certificates ---

ca_create other
refused 'certificate' 'a CA that is not ours' --ca-file "$work/other.pem"
refused '' 'a CA file that is not there' --ca-file "$work/nowhere.pem"
printf '{ "profiles_dir": "%s", "provider_keys_dir": "%s" }' "$work/profiles.d" "$keys_dir" >"$work/agent.json"
refused 'certificate' "the system's CAs, which do not know ours"
fetched 'our CA, from the command line' --ca-file "$work/ca.pem"
fetch_config

certificate_create stranger ca 'DNS:op.example'
mkdir "$work/stranger"
ln -s "$www" "$work/stranger/www"
server_start "$work/stranger" "$work/stranger.pem" "$work/stranger.key"
provider_metadata "$issuer" "https://localhost:$port/op/jwks"
refused "does not match|no alternative certificate subject name matches" 'a certificate for another name'

# --- proxies ---

provider_metadata
mkdir "$work/proxy"
server_start "$work/proxy"
proxy=http://127.0.0.1:$port
fetched 'through a proxy' --proxy "$proxy"
is "$(cut -d ' ' -f 1,2 "$work/proxy/requests" | sort -u)" "CONNECT ${origin#https://}" 'the proxy was asked'
fetch_config "\"description\": \"a proxy\""
sed -i "s|\"ca_file\"|\"proxy\": \"$proxy\", \"ca_file\"|" "$work/agent.json"
: >"$work/proxy/requests"
fetched 'through a proxy, as configured'
is "$(grep -c CONNECT "$work/proxy/requests")" 2 'the proxy was asked'
fetch_config
refused '' 'a proxy that is not there' --proxy http://127.0.0.1:1

# --- the environment ---

: >"$work/proxy/requests"
printf 'machine localhost login me password secret\n' >"$work/.netrc"
export HOME=$work https_proxy=$proxy HTTPS_PROXY=$proxy all_proxy=$proxy
fetched 'whatever the environment says'
is "$(cat "$work/proxy/requests")" '' 'its proxy is not asked'
unlike "$(cat "$work/requests")" Authorization 'and .netrc is not used'

# --- not there ---

provider_metadata "$issuer" https://localhost:1/op/jwks
refused "[Cc]onnect" 'nobody listens'
provider_metadata "$issuer" https://nobody.invalid/op/jwks
refused '' 'a host that does not exist' --timeout 5
done_testing
