#!/usr/bin/env bash
# doc/architecture.md against the sources: the list of files, and who may include whom.
. "$(dirname "$0")/lib.sh"
cd "$top_srcdir" || bail_out 'no source folder'

# Nothing of ours but a header without a .c is listed beside the .c files.
sources() {
    find agent pkcs11 client -name '*.c'
    find agent pkcs11 client -name '*.h' | while read -r header; do
        [ -e "${header%.h}.c" ] || echo "$header"
    done
}

# "folder/" at the start of a line, then two spaces, a file and what it is for.
documented() {
    awk '/^[a-z0-9\/]+\/$/ { folder = $1 } /^  [a-z0-9_]+\.[ch] +[^ ]/ { print folder $1 }' \
        doc/architecture.md
}

is "$(diff <(documented | sort) <(sources | sort))" '' \
    'doc/architecture.md lists every file once'

# includes FOLDER: "file: header" for each of our headers that the folder's own files include.
includes() {
    find "$1" -maxdepth 1 -name '*.[ch]' -exec \
        sed -n 's|^#include "\(.*\)".*|\1|p; s|^#include <\(hintsign\.h\)>.*|client/\1|p' {} + |
        sort -u | grep -vx 'config\.h'
}

# The regular expression of what the files of a folder may include.
may_include() {
    case $1 in
    pkcs11/key) echo 'pkcs11/.*' ;;
    pkcs11) echo 'pkcs11/[^/]*' ;;
    client/cli) echo 'client/cli/.*|client/hintsign\.h' ;;
    client/provider) echo 'client/provider/.*|client/hintsign\.h' ;;
    client) echo 'client/[^/]*' ;;
    agent/jose) echo 'agent/jose/.*' ;;
    agent/audit) echo 'agent/(audit|jose)/.*|agent/(audit_file|audit_record)\.h|client/text\.h' ;;
    agent/fetch) echo 'agent/(fetch|jose)/.*|agent/(json_file|log|provider_keys_file)\.h' ;;
    agent | agent/*) echo 'agent/.*|pkcs11/[^/]*|client/(varlink|json_value|text|utf8|base64)\.h' ;;
    *) echo 'nothing: the folder is unknown' ;;
    esac
}

while read -r folder; do
    is "$(includes "$folder" | grep -vxE "$(may_include "$folder")")" '' "$folder includes what it may"
done < <(find agent pkcs11 client -name '*.[ch]' -printf '%h\n' | sort -u)

# for_each_c FUNCTION: the names of the .c files, tests included, for which it fails.
for_each_c() {
    find agent pkcs11 client tests -name '*.c' -not -path '*/node_modules/*' | sort | while read -r file; do
        "$1" "$file" || echo "$file"
    done
}

opens_with_a_sentence() {
    sed '/\*\//q' "$1" | tr '\n' ' ' | grep -qE '^/\* [^ ].*[.:] \*/ $'
}

has_at_most_500_lines() {
    [ "$(wc -l <"$1")" -le 500 ]
}

includes_its_header_first() {
    local header=${1%.c}.h
    [ ! -e "$header" ] ||
        [ "$(grep -m 2 '^#include' "$1")" = "$(printf '#include "config.h"\n#include "%s"' "$header")" ]
}

is "$(for_each_c opens_with_a_sentence)" '' 'every .c opens with a sentence'
is "$(for_each_c has_at_most_500_lines)" '' 'every .c has at most 500 lines'
is "$(for_each_c includes_its_header_first)" '' 'every .c includes config.h and its own header first'
done_testing
