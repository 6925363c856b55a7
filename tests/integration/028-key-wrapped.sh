#!/usr/bin/env bash
# A client secret that is wrapped for one token signs as one that was typed in, and nothing of it
# is left on the way: not in the file, not in transcripts, not in memory.
. "$(dirname "$0")/lib.sh"
need softhsm2-util pkcs11-tool openssl python3

token_create
token_create b
transcript=$work/ceremonies.jsonl

# --- the pair that unwraps ---

runs 0 'a pair that unwraps' hintsign-key generate --token "$(token_uri)" --label kek \
    --type wrap:rsa:2048 --transcript "$transcript"
like "$(cat "$work/stdout")" '^kek id=.* type=wrap:rsa:2048 sensitive=yes extractable=no origin=generated usable=no: unwraps client secrets, and signs nothing$' \
    '... is shown as one'
runs 0 'its public half' hintsign-key export-kek --token "$(token_uri)" --label kek \
    --transcript "$transcript"
cp "$work/stdout" "$work/kek.pem"
fingerprint=$(openssl pkey -pubin -in "$work/kek.pem" -outform DER | sha256sum | cut -d' ' -f1)
like "$(head -n 1 "$work/kek.pem")" "^fingerprint: $fingerprint$" '... with the fingerprint of its SubjectPublicKeyInfo'
like "$(sed -n 2p "$work/kek.pem")" '^oaep-hash: SHA-(1|256)$' '... and the hash that the token has proved'
hintsign-key generate --token "$(token_uri)" --label signer --type rsa:2048 >"$work/generate.log"
runs 1 'a pair that signs' hintsign-key export-kek --token "$(token_uri)" --label signer
like "$(cat "$work/stderr")" 'the key is not CKA_UNWRAP' '... is not one'

# --- wrapping, without a token ---

# wrap FILE ARGUMENT... <SECRET
wrap() {
    local file=$1
    shift
    env -u SOFTHSM2_CONF hintsign-key wrap --kek "$work/kek.pem" --transcript "$transcript" "$@" \
        >"$file" 2>"$work/wrap.err"
}
# unwrap FILE LABEL ARGUMENT...
unwrap() {
    local file=$1 label=$2
    shift 2
    hintsign-key import --token "$(token_uri)" --label "$label" --wrapped "$file" \
        --unwrap-with pkcs11:object=kek --transcript "$transcript" "$@" </dev/null
}
# digest LABEL: what tells the key from all others, from the transcript.
digest() {
    grep "\"command\":\"import\",\"outcome\":\"done\".*\"label\":\"$1\"" "$transcript" |
        sed 's/.*"key_digest":"\([0-9a-f]*\)".*/\1/'
}
# same NAME LENGTH-IN-HEX [ARGUMENT...]: wrapped and plain, the key on the token is one.
same() {
    local name=$1 secret
    secret=$(random_hex "$2")
    shift 2
    runs 0 "$name: wrap" wrap "$work/$name.json" --fingerprint "$fingerprint" "$@" <<<"$secret"
    local algorithm=()
    case "$*" in *--algorithm*) algorithm=("$@") ;; esac
    runs 0 "$name: import" unwrap "$work/$name.json" "$name" "${algorithm[@]}"
    like "$(cat "$work/stdout")" "^$name .*sensitive=yes extractable=no origin=imported usable=yes$" '... is protected'
    like "$(sed -n 's/^check value //p' "$work/wrap.err")" '^HS(256|512):[0-9a-f]{6}$' '... wrap has shown a check value'
    is "$(grep -o 'kcv=[^ ]*' "$work/stdout")" "kcv=$(sed -n 's/^check value //p' "$work/wrap.err")" '... which the key has'
    like "$(cat "$work/stdout")" " kcv=$(sed -n 's/^check value //p' "$work/wrap.err") " '... with the check value that wrap has shown'
    runs 0 "$name: import in plain" hintsign-key import --token "$(token_uri)" --label "$name-plain" \
        --transcript "$transcript" "$@" <<<"$secret"
    is "$(digest "$name")" "$(digest "$name-plain")" '... it is the same key'
    is "$(cat "$work/$name.json" "$transcript" | grep -c "$secret")" 0 '... and not in the file or the transcript'
    eval "secret_$name=\$secret"
}
same short 16
same derived 20 --derive authway
same hs512 32 --algorithm HS512
same padded 8 --allow-short
same long 500
same longest 2048
is "$(pkcs11-tool --module "$module" --token-label hints-a --login --pin "$(cat "$work/pin")" -O 2>/dev/null |
    grep -c 'Secret Key')" 12 'the keys are on the token, and nothing else'
is "$(grep -c transport_key "$work/short.json"):$(grep -c transport_key "$work/long.json")" 0:1 \
    'a long secret is wrapped with an AES key'
like "$(cat "$work/derived.json")" '"derive": "authway"' 'the file says how the key was derived'
like "$(cat "$work/wrap.err")" "fingerprint $fingerprint" 'wrap says whom it has wrapped for'

# Wrapped by another hand: RSA-OAEP as everybody knows it.
printf '%s' "$secret_short" >"$work/plain"
hash=$(sed -n 's/^oaep-hash: SHA-/sha/p' "$work/kek.pem")
openssl pkeyutl -encrypt -pubin -inkey "$work/kek.pem" -in "$work/plain" -out "$work/cipher" \
    -pkeyopt rsa_padding_mode:oaep -pkeyopt "rsa_oaep_md:$hash" -pkeyopt "rsa_mgf1_md:$hash"
python3 - "$work" <<'END'
import base64, json, sys
work = sys.argv[1]
file = json.load(open(f"{work}/short.json"))
file["wrapped_key"] = base64.b64encode(open(f"{work}/cipher", "rb").read()).decode()
json.dump(file, open(f"{work}/openssl.json", "w"))
file["kek"] = "0" * 64
json.dump(file, open(f"{work}/stranger.json", "w"))
file["kek"] = "\x1b[31m\x9b" + "0" * 57
json.dump(file, open(f"{work}/red.json", "w"))
file["more"] = 1
json.dump(file, open(f"{work}/more.json", "w"))
long = json.load(open(f"{work}/long.json"))
data = bytearray(base64.b64decode(long["wrapped_key"]))
data[100] ^= 1
long["wrapped_key"] = base64.b64encode(data).decode()
json.dump(long, open(f"{work}/bent.json", "w"))
long = json.load(open(f"{work}/long.json"))
long["transport_key"] = base64.b64encode(data[:256]).decode()
json.dump(long, open(f"{work}/transport.json", "w"))
text = open(f"{work}/short.json").read()
open(f"{work}/half.json", "w").write(text[: len(text) // 2])
open(f"{work}/huge.json", "w").write(text + " " * 100_000)
END
runs 0 'one that openssl has wrapped' unwrap "$work/openssl.json" openssl
is "$(digest openssl)" "$(digest short)" '... is the same key'

# A token that wants to know the hash.
strange=$(module=$top_builddir/tests/modules/.libs/strange.so token_uri)
for name in short long; do
    runs 0 "a token without generic secrets: $name" env STRANGE_MODULE="$module" STRANGE=no-generic-secret \
        STRANGE_REFUSES=0x171 hintsign-key import --token "$strange" --label "typed-$name" \
        --wrapped "$work/$name.json" --unwrap-with pkcs11:object=kek --transcript "$transcript"
    like "$(cat "$work/stdout")" 'type=hmac-sha256.* usable=yes' '... gets a key of the type of its hash'
    is "$(digest "typed-$name")" "$(digest "$name")" '... that signs the same'
done

# --- the tokens ---

profile_pingone short
profile_pingone long
agent_config
agent_start
for name in short long; do
    token=$(hintsign mint "$name" --subject bob)
    secret_name=secret_$name
    is "${token##*.}" "$(printf '%s' "${token%.*}" | openssl dgst -sha256 -mac HMAC \
        -macopt "key:${!secret_name}" -binary | openssl base64 -A | tr '+/' '-_' | tr -d =)" \
        "the agent signs with the $name secret"
done
agent_stop

# --- what is refused ---

before=$(hintsign-key list --token "$(token_uri)" | wc -l)
# refused NAME REGEX COMMAND...
refused() {
    runs 1 "$1" "${@:3}"
    like "$(cat "$work/stderr")" "$2" '... says why'
}
wrap_err() {
    wrap "$@" || { cat "$work/wrap.err" >&2 && return 1; }
}
refused 'another fingerprint' 'this key has another fingerprint' wrap_err "$work/no" --fingerprint 00 <<<"$secret_short"
refused 'a short secret' 'RFC 7518' wrap_err "$work/no" <<<short
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 2>/dev/null | openssl pkey -pubout >"$work/ec.pem"
refused 'a key that is not RSA' 'not an RSA key' hintsign-key wrap --kek "$work/ec.pem" <<<"$secret_short"
sed 's/oaep-hash: .*/oaep-hash: MD5/' "$work/kek.pem" >"$work/md5.pem"
openssl genpkey -algorithm RSA 2>/dev/null | openssl pkey -pubout >"$work/enemy.pem"
sed -n 1,2p "$work/kek.pem" | cat - "$work/enemy.pem" >"$work/exchanged.pem"
refused "an enemy's key below the right fingerprint" "another key's" hintsign-key wrap \
    --kek "$work/exchanged.pem" <<<"$secret_short"
refused 'a hash that is none of ours' 'oaep-hash must be' hintsign-key wrap --kek "$work/md5.pem" <<<"$secret_short"
refused 'a file with a member too many' 'its members is wrong' unwrap "$work/more.json" no
refused 'no file' 'No such file' unwrap "$work/missing.json" no
refused 'half a file' 'its JSON is wrong' unwrap "$work/half.json" no
refused 'a huge file' 'its JSON is wrong' unwrap "$work/huge.json" no
refused 'a secret that is too long' 'the secret is too long' wrap_err "$work/no" <<<"$(random_hex 2048)x"
refused 'a file for another key' 'wrapped for the key with fingerprint 0000' unwrap "$work/stranger.json" no
refused 'one that names no key' 'fingerprint \\x1b\[31m\\xc2\\x9b0' unwrap "$work/red.json" no
refused 'another algorithm than it was wrapped for' 'is for HS512, not for HS256' unwrap "$work/hs512.json" no
refused 'a file that was bent' 'C_UnwrapKey: ' unwrap "$work/bent.json" no
refused 'one with another AES key' 'C_UnwrapKey: ' unwrap "$work/transport.json" no
refused 'a label that is taken' 'this label already' unwrap "$work/short.json" short
refused 'no such unwrapping key' '0 private keys are named' hintsign-key import --token "$(token_uri)" \
    --label no --wrapped "$work/short.json" --unwrap-with pkcs11:object=other
refused 'a signing key to unwrap with' 'is not CKA_UNWRAP' hintsign-key import --token "$(token_uri)" \
    --label no --wrapped "$work/short.json" --unwrap-with pkcs11:object=signer
# refused_uri URI REGEX
refused_uri() {
    refused "--unwrap-with $1" "$2" hintsign-key import --token "$(token_uri)" --label no \
        --wrapped "$work/short.json" --unwrap-with "$1"
}
refused_uri 'pkcs11:object=kek;token=hints-b' '0 private keys are named'
refused_uri 'pkcs11:object=kek?pin-value=1234' 'names object=, id= and its token, nothing else'
refused_uri 'pkcs11:object=kek;objekt=kek' 'nothing else'
refused_uri 'pkcs11:token=hints-a' 'names no key'
refused_uri kek 'not a PKCS#11 URI'
refused 'a token without it' 'hints-b: 0 private keys' unwrap "$work/short.json" no --token "$(token_uri b)"
is "$(hintsign-key list --token "$(token_uri)" | wc -l)" "$before" 'nothing was left behind'
runs 0 'the unwrapping key may be named with its token' hintsign-key import --token "$(token_uri)" \
    --label with-token --wrapped "$work/short.json" --unwrap-with 'pkcs11:token=hints-a;object=kek'
# SoftHSM2 does not tell the length of what it has unwrapped.
like "$(cat "$work/stdout")" ' type=hmac ' '... no length is shown that the token does not tell'
runs 2 '--wrapped without --unwrap-with' hintsign-key import --token "$(token_uri)" --label no \
    --wrapped "$work/short.json"
runs 2 '--wrapped with --derive' unwrap "$work/short.json" no --derive authway

# --- transcripts ---

runs 0 'the transcript is whole' hintsign-audit verify "$transcript"
for command in generate export-kek wrap import; do
    like "$(grep "\"command\":\"$command\",\"outcome\":\"done\"" "$transcript")" done "$command is recorded"
done
is "$(grep '"command":"wrap","outcome":"done"' "$transcript" | grep -c "\"kek\":\"$fingerprint\"")" 6 \
    '... wrap with the fingerprint'
like "$(grep '"label":"derived"' "$transcript" | tail -n 1)" '"derive":"authway","kek"' \
    '... import with what the file says'

# What is recorded as done is there, and whoever stops at the question has begun nothing.
runs 1 'a file that cannot be written' bash -c \
    'printf %s "$3" | hintsign-key wrap --kek "$1" --transcript "$2" --label unwritten >/dev/full' - \
    "$work/kek.pem" "$transcript" "$secret_short"
like "$(cat "$work/stderr")" 'cannot write to standard output' '... says so'
is "$(grep '"label":"unwritten"' "$transcript" | grep -oE '"outcome":"[a-z]*"|"error":.*output"')" \
    '"outcome":"begun"
"outcome":"failed"
"error":"cannot write to standard output"' '... and is not done'
lines=$(wc -l <"$transcript")
runs 130 'Ctrl-C instead of a secret' python3 "$top_srcdir/tests/integration/terminal.py" 'Client secret' \
    'half\x03' -- hintsign-key wrap --kek "$work/kek.pem" --transcript "$transcript"
like "$(cat "$work/stdout")" 'echo=on' '... ends it with the echo on'
is "$(wc -l <"$transcript")" "$lines" '... and nothing was begun'

# --- memory, at the end: both wait for a reader of their output ---

# clean NAME SECRET COMMAND...: the secret is not in the memory of the command when it prints.
clean() {
    local name=$1 secret=$2 pid
    shift 2
    mkfifo "$work/fifo"
    exec 8<>"$work/fifo"
    dd if=/dev/zero of="$work/fifo" bs=4096 oflag=nonblock status=none 2>/dev/null
    "$@" >"$work/fifo" 2>"$work/stderr" 8>&- &
    pid=$!
    wait_for 20 grep -q '^1 0x1 ' "/proc/$pid/syscall" || diag "$(cat "$work/stderr")"
    like "$(there=$fingerprint absent=$secret python3 "$top_srcdir/tests/integration/scan_memory.py" "$pid" there absent)" \
        '^[1-9][0-9]* 0$' "$name: the fingerprint is in memory, the secret is not"
    kill "$pid"
    wait "$pid" 2>/dev/null
    exec 8>&-
    rm "$work/fifo"
}
if [ "$SANITIZED" = no ] && [ "$(id -u)" = 0 ] &&
    python3 -c 'import ctypes, sys; sys.exit(ctypes.CDLL(None).prctl(23, 19, 0, 0, 0) != 1)'; then
    for name in short long derived; do
        secret_name=secret_$name
        options=()
        [ $name != derived ] || options=(--derive authway)
        # The end of it: what is freed is overwritten at its beginning alone.
        end=${!secret_name: -16}
        printf '%s' "${!secret_name}" >"$work/secret"
        clean "wrap, $name" "$end" hintsign-key wrap --kek "$work/kek.pem" --secret-file "$work/secret" \
            "${options[@]}"
        clean "import, $name" "$end" hintsign-key import --token "$(token_uri)" --label "memory-$name" \
            --wrapped "$work/$name.json" --unwrap-with pkcs11:object=kek
    done
    derived=$(printf '%s' "$secret_derived" | openssl dgst -sha256 -binary | openssl base64 -A)
    clean 'wrap, what is derived' "${derived: -16}" hintsign-key wrap --kek "$work/kek.pem" \
        --secret-file "$work/secret" --derive authway
else
    skip 'memory' 'only root with CAP_SYS_PTRACE can read it, and not that of a sanitizer'
fi
done_testing
