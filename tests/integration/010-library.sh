#!/usr/bin/env bash
# What libhintsign shows to programs: symbols, header, manual page and dependencies agree.
. "$(dirname "$0")/lib.sh"
need nm readelf
library=$top_builddir/.libs/libhintsign.so
header=$top_srcdir/client/hintsign.h
page=$top_srcdir/doc/libhintsign.3
[ -e "$library" ] || skip_all 'the library is not built as a shared one'

# --- functions ---

in_map() {
    sed -n '/^global:/,/^local:/s/^\t\(.*\);$/\1/p' "$top_srcdir/client/hintsign.map"
}

# A prototype begins in the first column.
in_header() {
    sed -nE 's/^(int|void|const .*[ *])[ *]*(hintsign_[a-z_]+)\(.*/\2/p' "$header" | sort
}

in_page() {
    sed -nE 's/^\.F[no] (hintsign_[a-z_]+).*/\1/p' "$page" | grep -vx hintsign_answer_fn | sort
}

named_in_page() {
    sed -nE 's/^\.Nm (hintsign_[a-z_]+).*/\1/p' "$page" | sort
}

is "$(in_map | sort)" "$(in_map)" 'the map is sorted'
is "$(nm -D --defined-only "$library" | awk '$2 != "A" { print $3 }' | sort)" \
    "$(in_map | sed 's/$/@@HINTSIGN_1/')" 'the library exports what the map lists, as HINTSIGN_1'
is "$(in_header)" "$(in_map)" 'hintsign.h declares every function and no other'
is "$(sed -n 's/^ \(hintsign_.*\)@HINTSIGN_1 .*/\1/p' "$top_srcdir/debian/libhintsign0.symbols")" "$(in_map)" \
    'the Debian package lists every function and no other'
is "$(in_page | sort -u)" "$(in_map)" 'libhintsign.3 describes every function and no other'
is "$(named_in_page)" "$(in_map)" 'libhintsign.3 is found under every name'

# --- types ---

# The members of a struct, without comments and indentation.
members() {
    sed -n "/^struct $1 {/,/^};/p" "$2" | sed -E 's|/\*.*\*/||; s/^ +//; s/ +$//'
}

for type in hintsign_request hintsign_token hintsign_sign_request hintsign_signature hintsign_error; do
    is "$(members $type "$page")" "$(members $type "$header")" "libhintsign.3 has struct $type as it is"
done
is "$(sed -nE 's/^\.It Dv (HINTSIGN_[A-Z_]+)/\1/p' "$page")" \
    "$(sed -nE 's/^ +(HINTSIGN_[A-Z_]+) = -.*/\1/p' "$header")" 'libhintsign.3 has every code'
is "$(sed -n 's/^#include //p' "$header")" "$(printf '<stddef.h>\n<stdint.h>')" \
    'hintsign.h needs two standard headers'

# --- for programs ---

cat >"$work/program.c" <<'END'
#include <hintsign.h>
int main(void)
{
    struct hintsign *handle;
    if (hintsign_open("/nonexistent", &handle) < 0)
        return 1;
    hintsign_close(handle);
    return 0;
}
END
if command -v cc >/dev/null; then
    runs 0 'a C99 program compiles' cc -std=c99 -pedantic -Wall -Wextra -Werror -fsyntax-only \
        -I"$top_srcdir/client" "$work/program.c"
else
    skip 'a C99 program compiles' 'there is no cc'
fi
if command -v c++ >/dev/null; then
    runs 0 'a C++ program compiles' c++ -x c++ -pedantic -Wall -Wextra -Werror -fsyntax-only \
        -I"$top_srcdir/client" "$work/program.c"
else
    skip 'a C++ program compiles' 'there is no c++'
fi
if [ "$SANITIZED" = yes ]; then
    skip 'the library needs the C library alone' 'sanitizers bring libraries of their own'
else
    is "$(readelf -d "$library" | sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p' | grep -v '^ld-linux' | sort | xargs)" \
        'libc.so.6' 'the library needs the C library alone'
fi
if command -v pkg-config >/dev/null; then
    is "$(PKG_CONFIG_PATH=$top_builddir/client pkg-config --libs hintsign | grep -o -- '-l.*' | xargs)" \
        '-lhintsign' 'pkg-config names the library alone'
else
    skip 'pkg-config names the library alone' 'there is no pkg-config'
fi
done_testing
