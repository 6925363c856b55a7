#!/usr/bin/env bash
# Every command of doc/rotate-client-secret.md, while programs ask for tokens. No request fails, and
# each token verifies with the secret that its record names.
# shellcheck disable=SC2016
. "$(dirname "$0")/house.sh"

# subjects: a line now and then: as fast as it can be, the log would fill the memory it lies in.
subjects() {
    until [ -e "$work/enough" ]; do seq 5 && sleep 0.02; done
}

# clients: one on a connection that stays, one with a new one for each token.
clients() {
    subjects | runuser -u www-data -- hintsign mint acme --subjects-from - --format json \
        >"$work/tokens.1" 2>"$work/errors.1" &
    pids[1]=$!
    while read -r subject; do
        runuser -u www-data -- hintsign mint acme --subject "$subject" --format json || echo
    done < <(subjects) >"$work/tokens.2" 2>"$work/errors.2" &
    pids[2]=$!
}

# minting: both have another token.
minting() {
    local before=("$(wc -l <"$work/tokens.1")" "$(wc -l <"$work/tokens.2")")
    wait_for 20 more "${before[@]}"
}

more() {
    [ "$(wc -l <"$work/tokens.1")" -gt "$1" ] && [ "$(wc -l <"$work/tokens.2")" -gt "$2" ]
}

# verify OLD NEW: how many tokens were signed with each key, in the order of the log.
verify() {
    python3 - "$1" "$2" "$work"/tokens.[12] <<'END'
import base64, hmac, itertools, json, sys
secrets = {label: open(path, "rb").read() for label, path in zip(("acme", "acme-2"), sys.argv[1:3])}
records = [json.loads(line) for line in open("/var/log/hintsign/audit.jsonl")]
keys = {record["seq"]: record["key"] for record in records if "token_sha256" in record}
signed = []
for line in itertools.chain.from_iterable(map(open, sys.argv[3:])):
    token = json.loads(line)
    text, _, signature = token["token"].rpartition(".")
    mac = hmac.digest(secrets[keys[token["id"]]], text.encode(), "sha256")
    if base64.urlsafe_b64encode(mac).rstrip(b"=").decode() != signature:
        sys.exit(f"token {token['id']} is not signed with {keys[token['id']]}")
    signed.append((token["id"], keys[token["id"]]))
print(*(f"{key} {len(list(group))}" for key, group in itertools.groupby(key for _, key in sorted(signed))))
END
}

given 'runuser * hintsign-key import * --label acme' 'random_hex 32 | tee "$work/old" >"$input"'
walk doc/operations.md 'A new HSM'
clients

given 'runuser * hintsign-key import *acme-2*' 'minting && random_hex 32 | tee "$work/new" >"$input"'
gives 'runuser * hintsign-key import *acme-2*' 'origin=imported usable=yes'
given 'hintsign-key kcv' 'cat "$work/new" >"$input"'
gives 'hintsign-key kcv' '^HS256:[0-9a-f]{6}$'
gives 'runuser * hintsign-key list *' '^acme-2 .* kcv=HS256:[0-9a-f]{6} '
gives 'hintsign status' '^agent .* ready, configuration 2'
gives 'hintsign mint --next *' '^eyJ'
given 'sed * "next_key": "pkcs11:object=acme"*' minting
given 'jq * uniq -c' minting
gives 'jq * uniq -c' '[0-9]+ acme acme
.*[0-9]+ acme acme-2'
given 'runuser * hintsign-key delete *' minting
walk doc/rotate-client-secret.md

is "$(minting && echo yes)" yes 'both programs still get tokens'
: >"$work/enough"
for i in 1 2; do
    runs 0 "program $i ends well" wait "${pids[i]}"
    is "$(cat "$work/errors.$i")" '' '... and no request of it has failed'
done
like "$(verify "$work/old" "$work/new" 2>&1)" '^acme [1-9][0-9]* acme-2 [1-9][0-9]*$' \
    'every token verifies with the secret that its record names, first the old one, then the new'
like "$(verify "$work/new" "$work/old" 2>&1)" 'is not signed with acme' '... which would show otherwise'
kcv=$(hintsign-key kcv <"$work/new")
is "$(grep -c "\"key\":\"acme-2\",\"key_digest\":\"${kcv#HS256:}[0-9a-f]*\",\"next_key\":true" /var/log/hintsign/audit.jsonl)" \
    1 'the log has the token that was tried, with the check value'
is "$(runuser -u hintsign -- hintsign-key list --token "$token" | cut -d' ' -f1)" acme-2 'the old key is gone'
systemctl stop hintsign-agent
done_testing
