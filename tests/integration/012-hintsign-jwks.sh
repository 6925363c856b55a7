#!/usr/bin/env bash
# hintsign jwks: the keys on standard output, and a file that is replaced whole or not at all.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/scripted_agent.sh"

set='{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AQ","kid":"k\u007f\u009b"}]}'
folder=$work/www
file=$folder/jwks.json
mkdir "$folder"

# --- standard output ---

runs 0 'jwks' hintsign jwks
is "$(stdout | od -c)" "$(printf '%s\n' "$set" | od -c)" 'the set and a newline, nothing else'
is "$(stderr)" '' 'nothing on standard error'
is "$(asked)" '{}' 'no profile is asked for'
runs 0 'jwks of a profile' hintsign jwks hints
is "$(asked)" '{"profile":"hints"}' '... asks for it'
runs 0 'jwks of a profile without a name' hintsign jwks ''
is "$(asked)" '{"profile":""}' '... does not ask for all'
fails 2 'hintsign: Usage: takes one profile' hintsign jwks a b
fails 2 'hintsign: Usage: --output needs a value' hintsign jwks --output
fails 2 'hintsign: Invalid: ' hintsign jwks $'\xff'

# --- a file ---

runs 0 'a new file' hintsign jwks --output "$file"
is "$(cat "$file")$(wc -l <"$file")" "$set"1 '... holds the set and a newline'
is "$(stdout)$(stderr)" '' '... and nothing is printed'
is "$(stat -c %a "$file")" 644 '... for all to read'

touch -d 2001-01-01 "$file"
before=$(stat -c '%i %y' "$file")
runs 0 'the same set' hintsign jwks --output "$file"
is "$(stat -c '%i %y' "$file")" "$before" '... leaves the file untouched'

# Contents that begin like the set, or that the set begins like, are others.
for content in '' "${set%?}" "$set" "$set"$'\n\n' "$set"$'\n'x; do
    printf '%s' "$content" >"$file"
    runs 0 "a file of ${#content} bytes" hintsign jwks --output "$file"
    is "$(od -c "$file")" "$(printf '%s\n' "$set" | od -c)" '... is replaced'
done

# Whoever has the file open reads on what it held.
next='{"keys":[{"kty":"OKP"},{"kty":"EC"}]}'
echo "$next" >"$work/jwks"
exec {old}<"$file"
runs 0 'another set' hintsign jwks --output "$file"
is "$(cat "$file")" "$next" '... is there'
is "$(cat <&"$old")" "$set" '... and the old one was not written over'
exec {old}<&-
cd "$folder" || bail_out 'no folder'
rm jwks.json
runs 0 'a file in the working folder' hintsign jwks --output jwks.json
is "$(cat jwks.json)" "$next" '... is there'
cd "$work" || bail_out 'no folder'

# --- errors: the file stays ---

# keeps STATUS TEXT COMMAND...: as `fails`, and nothing in the folder changes.
keeps() {
    local before
    before=$(folder_state)
    fails "$@"
    is "$(folder_state)" "$before" '... and the folder is as it was'
}

folder_state() {
    find "$folder" -mindepth 1 -printf '%P %i %s %T@ %m\n' | sort && cat "$file"
}

keeps 1 'hintsign: NotAllowed: ' hintsign jwks refused --output "$file"
keeps 4 'hintsign: RateLimited: ' hintsign jwks limited --output "$file"
keeps 3 'hintsign: Protocol: ' hintsign jwks garbage --output "$file"
keeps 3 'hintsign: Unreachable: ' hintsign jwks 'hang up' --output "$file"
keeps 4 'hintsign: Timeout: ' hintsign jwks silence --timeout 1 --output "$file"
keeps 3 'hintsign: Unreachable: ' hintsign --socket "$work/nobody" jwks --output "$file"
echo '{"keys":[{"kty":"EC","d":"AA"}]}' >"$work/jwks"
keeps 3 'hintsign: Protocol: the reply holds a key that is not public' hintsign jwks --output "$file"
echo '{"keys":5}' >"$work/jwks"
keeps 3 'hintsign: Protocol: ' hintsign jwks --output "$file"
echo '{"keys":[]}' >"$work/jwks"
keeps 1 'hintsign: Empty: there is no key to publish' hintsign jwks --output "$file"
runs 0 'an empty set on standard output' hintsign jwks
is "$(stdout)" '{"keys":[]}' '... is printed'
rm "$work/jwks"

keeps 2 "hintsign: Output: cannot make a file beside $folder/none/jwks.json: " hintsign jwks --output "$folder/none/jwks.json"
keeps 2 "hintsign: Output: cannot write $file/jwks.json: " hintsign jwks --output "$file/jwks.json"
keeps 2 "hintsign: Output: $folder is no regular file" hintsign jwks --output "$folder"
keeps 2 'hintsign: Usage: --output needs' hintsign jwks --output ''
ln -s jwks.json "$folder/link"
keeps 2 "hintsign: Output: $folder/link is no regular file" hintsign jwks --output "$folder/link"
ln -s nowhere "$folder/dangling"
keeps 2 "hintsign: Output: $folder/dangling is no regular file" hintsign jwks --output "$folder/dangling"
mkfifo "$folder/fifo"
keeps 2 "hintsign: Output: $folder/fifo is no regular file" hintsign jwks --output "$folder/fifo"

# A disk that is full: no file may grow. Standard error is a pipe here.
full_disk() {
    (
        trap '' XFSZ
        ulimit -f 0
        exec "$@"
    ) 2>&1 | cat >&2
    return "${PIPESTATUS[0]}"
}
keeps 4 "hintsign: Output: cannot write $file: " full_disk hintsign jwks --output "$file"
done_testing
