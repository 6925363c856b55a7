#!/usr/bin/env bash
# The recipes of doc/recipes: in each language, a real OpenID Provider authenticates the user that a
# hint names, for a client that authenticates with assertions.
. "$(dirname "$0")/op.sh"

languages='node python php go java'
recipes=$work/recipes
go_libraries=/usr/share/gocode # Debian's, for use without modules
jackson=$(printf ':%s' /usr/share/java/jackson-{core,annotations,databind}.jar)
export SSL_CERT_FILE=$work/ca.pem REQUESTS_CA_BUNDLE=$work/ca.pem

# lacks_LANGUAGE: says what is not installed, if anything is not.
# prepare_LANGUAGE: has the recipe ready.     run_LANGUAGE ARGUMENT...: runs it.

lacks_node() {
    [ -e "$top_srcdir/tests/interop/node_modules/openid-client" ] || echo 'npm openid-client'
}
prepare_node() {
    ln -s "$top_srcdir/tests/interop/node_modules" "$recipes/node/"
}
run_node() {
    node "$recipes/node/ciba.mjs" "$@"
}

# The first python3 on PATH may be another than Debian's, which has the package.
lacks_python() {
    for python in python3 /usr/bin/python3; do
        ! "$python" -c 'import authlib, requests' 2>/dev/null || return 0
    done
    echo 'Authlib (python3-authlib, python3-requests)'
}
prepare_python() {
    lacks_python
}
run_python() {
    "$python" "$recipes/python/ciba.py" "$@"
}

lacks_php() {
    php -r 'exit((int)(PHP_VERSION_ID < 80000 || !extension_loaded("openssl")));' 2>/dev/null ||
        echo 'PHP 8 with OpenSSL (php-cli)'
}
prepare_php() {
    php -l "$recipes/php/hintsign.php" && php -l "$recipes/php/ciba.php"
}
run_php() {
    php "$recipes/php/ciba.php" "$@"
}

lacks_go() {
    command -v go >/dev/null || echo 'Go (golang-go)'
    [ -e $go_libraries/src/golang.org/x/oauth2 ] || echo 'x/oauth2 (golang-golang-x-oauth2-dev)'
}
prepare_go() {
    export GO111MODULE=off GOPATH=$work/go:$go_libraries GOCACHE=$work/go-cache GOFLAGS=
    cd "$recipes/go" && go vet . && go build -o ciba .
}
run_go() {
    "$recipes/go/ciba" "$@"
}

lacks_java() {
    command -v javac >/dev/null || echo 'a JDK (openjdk-17-jdk-headless)'
    [ -e /usr/share/java/jackson-databind.jar ] || echo 'Jackson (libjackson2-databind-java)'
}
prepare_java() {
    keytool -importcert -noprompt -file "$work/ca.pem" -keystore "$work/ca.p12" -storepass changeit &&
        javac -Xlint:all -Werror -cp "$jackson" -d "$recipes/java" "$recipes/java/"{Hintsign,Ciba}.java
}
run_java() {
    java -cp "$recipes/java$jackson" -Djavax.net.ssl.trustStore="$work/ca.p12" \
        -Djavax.net.ssl.trustStorePassword=changeit Ciba "$@"
}

# recipe LANGUAGE: for bob; with a profile that is not there; with one whose reply breaks off. What
# comes of it is in files.
recipe() (
    export HINTSIGN_SOCKET=$work/pieces.sock
    { "prepare_$1" && "run_$1" "$origin/rsa" shop "login.$1" "hint.$1" bob; } \
        >"$work/$1.out" 2>"$work/$1.err"
    echo $? >"$work/$1.status"
    local hint
    for hint in nothing cut; do
        "run_$1" "$origin/rsa" shop "login.$1" $hint bob >"$work/$1.$hint" 2>&1
        echo $? >>"$work/$1.$hint"
    done
)

minted() {
    grep "\"profile\":\"$1\"" "$work/audit.jsonl" | grep -c '"token_sha256"'
}

op_start
op_profiles
for language in $languages; do
    op_profile "login.$language" client_assertion shop HS256 '"client_id": "shop"'
    op_profile "hint.$language" pingone shop HS256 '"client_id": "shop"'
done
op_agent_start
python3 "$top_srcdir/tests/integration/pieces.py" "$HINTSIGN_SOCKET" "$work/pieces.sock" &
pieces_pid=$!
trap 'kill "$pieces_pid"; wait "$pieces_pid"; provider_end; cleanup' EXIT
wait_for 20 test -S "$work/pieces.sock" || bail_out 'nothing stands between recipes and agent'
cp -r "$top_srcdir/doc/recipes" "$recipes" && chmod -R u+w "$recipes"

declare -A running=()
for language in $languages; do
    lacks=$("lacks_$language")
    if [ -z "$lacks" ]; then
        recipe "$language" &
        running[$language]=$!
    else
        skip "$language" "not installed: ${lacks//$'\n'/, }"
    fi
done
for language in "${!running[@]}"; do
    wait "${running[$language]}"
    is "$(cat "$work/$language.status")" 0 "$language: the recipe ends well"
    [ "$(cat "$work/$language.status")" = 0 ] || diag "$(tail -n 20 "$work/$language.err")"
    op_run verify.mjs "$origin/rsa" shop bob "$(tail -n 1 "$work/$language.out")"
    is "$(minted "hint.$language")" 1 '... a hint was minted'
    is "$(minted "login.$language")" 3 '... and a client assertion for each of the three requests'
    like "$(cat "$work/$language.nothing")" 'io.hintsign.Agent.NotAllowed' '... what is not allowed is told'
    unlike "$(tail -n 1 "$work/$language.nothing")" '^0$' '... and is a failure'
    like "$(cat "$work/$language.cut")" 'hung up|does not answer|EOF' '... a reply that breaks off is none'
    unlike "$(tail -n 1 "$work/$language.cut")" '^0$' '... and is a failure'
done
agent_stop

# Debian has no Spring: all but its own names must be right.
if [ -n "${running[java]:-}" ]; then
    javac -XDrawDiagnostics -Xmaxerrs 1000 -cp "$recipes/java$jackson" -d "$work" \
        "$recipes/java/HintsignClientAssertion.java" >"$work/spring" 2>&1
    is "$(grep -c 'compiler.err.doesnt.exist: org.springframework' "$work/spring")" 5 \
        'what is for Spring Security: its packages are not there'
    names='Converter|AbstractOAuth2AuthorizationGrantRequest|OAuth2ParameterNames|(Linked)?MultiValueMap'
    is "$(grep compiler.err "$work/spring" |
        grep -vE "org.springframework|method.does.not.override|cant.resolve.*, ($names),")" '' \
        '... and nothing else is missing'
fi
done_testing
