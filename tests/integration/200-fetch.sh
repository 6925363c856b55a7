#!/usr/bin/env bash
# hintsign-fetch takes a provider's encryption keys from OpenID Discovery into a file.
. "$(dirname "$0")/provider.sh"

provider_start
provider_metadata
ec=$(jwk ec)
provider_keys "{ $ec, \"use\": \"enc\", \"kid\": \"e1\", \"alg\": \"ECDH-ES+A128KW\", \"x5c\": [ \"x\" ] }" \
    "{ $(jwk rsa), \"use\": \"enc\", \"kid\": \"r1\", \"key_ops\": [ \"wrapKey\" ] }" \
    "{ $(jwk ec), \"use\": \"sig\", \"kid\": \"s1\" }" "{ $(jwk x25519) }"
seal_profile p "$issuer"
fetch_config
file=$(key_file)

before=$(date +%s)
runs 0 'fetches' fetch_once
is "$(cat "$work/stdout")" '' 'nothing on standard output'
is "$(cat "$work/stderr")" "$issuer: 3 keys, changed" 'one line on standard error'
is "$(stat -c %a "$file")" 644 'everybody can read the file'
is "$(json "$file" 'sorted(d)')" "['fetched_at', 'issuer', 'keys']" 'its members'
is "$(json "$file" 'd["issuer"]')" "$issuer" 'the issuer'
is "$(json "$file" "$before <= d['fetched_at'] <= $(date +%s)")" True 'when it was fetched'
is "$(json "$file" '[k.get("kid") for k in d["keys"]]')" "['e1', 'r1', None]" \
    'the keys that one can encrypt to, in their order'
is "$(json "$file" '[" ".join(sorted(k)) for k in d["keys"]]')" \
    "['alg crv kid kty use x y', 'e key_ops kid kty n use', 'crv kty x']" 'with the members that matter'
is "$(ls -A "$keys_dir")" "${file##*/}" 'no other file'
is "$(cat "$work/requests")" 'GET /op/.well-known/openid-configuration Host User-Agent Accept
GET /op/jwks Host User-Agent Accept' 'two requests with no header of note'

runs 0 'fetches again' fetch_once
is "$(cat "$work/stderr")" "$issuer: 3 keys, unchanged" 'and says that nothing changed'

# --- several issuers ---

mkdir -p "$www/.well-known"
echo "{ \"issuer\": \"$origin/\", \"jwks_uri\": \"https://127.0.0.1:$port/op/jwks\" }" \
    >"$www/.well-known/openid-configuration"
seal_profile q "$origin/"
rm "$file"
runs 0 'an issuer that ends with a slash; its keys on another host' fetch_once
is "$(json "$(key_file "$origin/")" 'd["issuer"]')" "$origin/" 'has a file'
is "$(json "$file" 'd["issuer"]')" "$issuer" 'and the other has one'

seal_profile r "$origin/nobody"
rm "$file"
runs 1 'one of three cannot be fetched' fetch_once
like "$(cat "$work/stderr")" \
    "ERROR: $origin/nobody: $origin/nobody/.well-known/openid-configuration: answered with status 404" \
    'that one is named'
runs 0 'the others are there' test -e "$file" -a -e "$(key_file "$origin/")"
rm "$work/profiles.d/q.json" "$work/profiles.d/r.json"

# --- keys that do not say what they are for ---

provider_keys "{ $(jwk rsa), \"kid\": \"plain\" }"
rm "$file"
runs 1 'are not taken' fetch_once
sed -i 's/"enc":/"without_use": true, "enc":/' "$work/profiles.d/p.json"
runs 0 'unless the profile takes them' fetch_once
is "$(json "$file" 'd["keys"][0]["kid"]')" plain 'and then they are there'

# --- pinned ---

echo "{ \"issuer\": \"$issuer\", \"keys\": [ { $ec, \"use\": \"enc\" } ] }" >"$file"
cp "$file" "$work/pinned"
: >"$work/requests"
runs 0 'pinned keys' fetch_once
like "$(cat "$work/stderr")" "^$issuer: pinned" 'are called so'
is "$(cmp "$file" "$work/pinned")" '' 'and stay'
is "$(cat "$work/requests")" '' 'and nobody is asked'

for broken in '{ "issuer": ' "{ \"issuer\": \"$issuer/\", \"keys\": [ { } ] }" \
    "{ \"issuer\": \"$issuer\", \"fetched_At\": 1, \"keys\": [ { } ] }"; do
    echo "$broken" >"$file"
    runs 1 'a broken file is not replaced' fetch_once
    like "$(cat "$work/stderr")" "ERROR: $issuer: $file:[12]: .*: repair or remove this file first" 'and named'
    is "$(cat "$file")" "$broken" 'it is as it was'
done
rm "$file"

# --- configuration and command line ---

mv "$keys_dir" "$keys_dir.away"
runs 1 'without the folder' fetch_once
like "$(cat "$work/stderr")" "$keys_dir: No such file or directory" 'says so'
mv "$keys_dir.away" "$keys_dir"

fetch_config '"fetch": {}'
runs 1 'a configuration with a mistake' fetch_once
like "$(cat "$work/stderr")" "^ERROR: $work/agent.json:[0-9]+: .*duplicate" 'has its place named'
fetch_config
runs 2 'an unknown option' fetch_once --twice
runs 2 'an argument' fetch_once op
runs 2 'a timeout of no time' fetch_once --timeout 0
runs 2 'a timeout that is no number' fetch_once --timeout 1s
runs 0 'help' hintsign-fetch --help
like "$(cat "$work/stdout")" '^Usage: hintsign-fetch ' 'is on standard output'
runs 0 'the version' hintsign-fetch --version

rm "$work/profiles.d/p.json"
runs 0 'nothing to fetch' fetch_once
like "$(cat "$work/stderr")" 'WARNING: nothing to fetch' 'is said'
done_testing
