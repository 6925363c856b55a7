# Shell library: a house of the test's own, where it is root and what it does stays inside. Its files
# are this machine's, but every change is kept in memory; processes and network are its own. hintsign
# is installed there. Sourced first, instead of lib.sh, by a test that walks through documents:
#
#   . "$(dirname "$0")/house.sh"                 # from here on inside, with lib.sh
#   given 'hintsign-key import *' 'random_hex 32 >"$input"'
#   gives 'hintsign mint *' '^eyJ'
#   walk doc/operations.md                       # does every command in it, from top to bottom
#   done_testing
#
# shellcheck shell=bash disable=SC1090,SC2034,SC2154

# house_build: in new namespaces.
house_build() {
    local root=$HOUSE/root folder
    mount -t tmpfs tmpfs "$HOUSE" && house_layer / "$root" || return
    while read -r _ folder _; do
        case $folder in / | /proc* | /sys* | /dev* | /run* | "$HOUSE"*) continue ;; esac
        [ ! -d "$folder" ] || house_layer "$folder" "$root$folder" 2>/dev/null # some cannot have one
    done </proc/mounts
    [ -e "$root$top_srcdir/configure.ac" ] && [ -e "$root$top_builddir/Makefile" ] &&
        mount -t proc proc "$root/proc" && mount -t tmpfs tmpfs "$root/run" && house_devices "$root/dev"
}

# house_layer FOLDER PLACE: what is changed in PLACE does not change FOLDER, a file system.
house_layer() {
    local layer
    layer=$(mktemp -d "$HOUSE/layer.XXXXXX") && mkdir -p "$layer/upper" "$layer/work" "$2" &&
        chmod --reference "$1" "$layer/upper" &&
        mount -t overlay overlay -o "lowerdir=$1,upperdir=$layer/upper,workdir=$layer/work" "$2"
}

house_devices() {
    local name
    mount -t tmpfs tmpfs "$1" && mkdir "$1/pts" "$1/shm" && ln -s /proc/self/fd "$1/fd" &&
        ln -s /proc/self/fd/0 "$1/stdin" || return
    for name in null zero full random urandom tty; do
        touch "$1/$name" && mount --bind "/dev/$name" "$1/$name" || return
    done
    mount -t devpts -o newinstance,ptmxmode=666 devpts "$1/pts" && ln -s pts/ptmx "$1/ptmx"
}

house_test=$(realpath "$0") # inside, the folder is another
case ${HOUSE_STAGE:-outside} in
outside)
    . "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
    need softhsm2-util python3 make unshare chroot runuser jq openssl
    [ "$(id -u)" = 0 ] || skip_all 'a house of its own needs root'
    grep -q '^prefix = /usr/local$' "$top_builddir/Makefile" || skip_all 'not configured for /usr/local'
    export HOUSE=$work/house HOUSE_STAGE=within
    mkdir "$HOUSE"
    house=(unshare --mount --pid --net --fork --kill-child bash "$house_test")
    HOUSE_STAGE=try "${house[@]}" >"$work/try" 2>&1 ||
        skip_all "no namespaces or no overlay file system: $(head -n 1 "$work/try")"
    "${house[@]}"
    exit
    ;;
try)
    house_build
    exit
    ;;
within)
    house_build || exit
    exec chroot "$HOUSE/root" /usr/bin/env -i HOUSE_STAGE=inside HOME=/root TERM=dumb \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        top_srcdir="$top_srcdir" top_builddir="$top_builddir" SANITIZED="$SANITIZED" \
        /bin/bash "$house_test"
    ;;
esac

# --- inside ---

house_path=$PATH
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
PATH=$house_path
unset HINTSIGN_SOCKET HINTSIGN_ADMIN_SOCKET SOFTHSM2_CONF
umask 022
chmod 711 "$work"
cp "$top_srcdir/tests/lsan.supp" /etc/ && LSAN_OPTIONS=suppressions=/etc/lsan.supp:print_suppressions=0
input=$work/input
journal=$work/agent.log
mkfifo "$work/terminal" # where nobody types anything
cd "$work" || exit

# What "make install" does is of no interest unless it fails.
{ make -C "$top_builddir" install && ldconfig; } >"$work/install.log" 2>&1 ||
    bail_out "make install: $(tail -n 20 "$work/install.log")"

# --- stand-ins for what is not inside: the service manager, its journal, a person at a terminal ---

systemctl() {
    case $* in
    daemon-reload) ;;
    'start hintsign-agent' | 'enable --now hintsign-agent') service_start ;;
    'stop hintsign-agent') service_stop ;;
    'restart hintsign-agent') service_stop && service_start ;;
    'reload hintsign-agent') kill -HUP "$agent_pid" ;;
    'enable --now hintsign-metrics.timer') service_run hintsign-metrics ;;
    'kill -s USR1 hintsign-agent') kill -USR1 "$agent_pid" ;;
    *) echo "no stand-in for systemctl $*" >&2 && return 1 ;;
    esac
}

# The unit and its drop-ins say whose process it is, what runs, its environment and credentials.
service_start() {
    local unit=/usr/local/lib/systemd/system/hintsign-agent.service user name file
    unit=$(cat "$unit" /etc/systemd/system/hintsign-agent.service.d/*.conf 2>/dev/null)
    user=$(unit_says User)
    mkdir -p /run/credentials
    while IFS=: read -r name file; do
        systemd-creds decrypt --name="$name" "$file" - | install -m 400 -o "$user" /dev/stdin "/run/credentials/$name"
    done < <(unit_says LoadCredentialEncrypted)
    # shellcheck disable=SC2046
    setpriv --reuid "$user" --regid "$user" --init-groups \
        env -u SOFTHSM2_CONF CREDENTIALS_DIRECTORY=/run/credentials $(unit_says Environment) \
        $(unit_says ExecStart) </dev/null >/dev/null 2>>"$journal" &
    agent_pid=$!
    wait_for 20 agent_answers_or_ended
    agent_answers
}

# service_run NAME: what a timer would start, as root.
service_run() {
    local unit
    unit=$(cat "/usr/local/lib/systemd/system/$1.service")
    # shellcheck disable=SC2046
    $(unit_says ExecStart)
}

unit_says() {
    sed -n "s/^$1=//p" <<<"$unit"
}

service_stop() {
    kill -TERM "$agent_pid" && wait "$agent_pid"
    agent_pid=
}

journalctl() {
    [ "$*" = '-u hintsign-agent -o cat' ] && cat "$journal"
}

systemd-ask-password() {
    [ "$*" = -n ] && tr -d '\n'
}

# house_provider: https://op.example, with a key to encrypt to, and a certificate that everybody trusts.
house_provider() {
    . "$top_srcdir/tests/integration/provider.sh"
    ca_create ca
    certificate_create server ca DNS:op.example
    cat "$work/ca.pem" >>/etc/ssl/certs/ca-certificates.crt
    echo '127.0.0.1 op.example' >>/etc/hosts
    # The loopback device of a new network is down.
    python3 -c 'import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh22x", b"lo", 1))' # SIOCSIFFLAGS, IFF_UP
    server_start "$work" "$work/server.pem" "$work/server.key" 443
    issuer=https://op.example metadata=$www/.well-known/openid-configuration jwks=$www/jwks
    mkdir "$www/.well-known"
    provider_metadata
    provider_keys "{ $(jwk ec), \"use\": \"enc\", \"kid\": \"op-1\" }"
}

# --- walking through a document ---

given_pattern=() given_code=() gives_pattern=() gives_regex=() serves_pattern=

# given PATTERN CODE: what is done before the next command that the pattern fits, and is not in the
# text as a command. What CODE writes to $input is typed into the command.
given() {
    given_pattern+=("$1") given_code+=("$2")
}

# gives PATTERN REGEX: the next command that the pattern fits prints this.
gives() {
    gives_pattern+=("$1") gives_regex+=("$2")
}

# serves PATTERN CHECK: the next command that the pattern fits stays, until CHECK succeeds.
serves() {
    serves_pattern=$1 serves_check=$2
}

# walk DOCUMENT [SECTION]: does its commands, up to that section. The first that fails ends it.
walk() {
    walk_end=${2:-} walking=yes examples=()
    . <(python3 "$top_srcdir/tests/integration/document.py" "$1")
    local pattern
    for pattern in "${given_pattern[@]}" "${gives_pattern[@]}"; do
        [ -z "$pattern" ] || [ "$walking" = failed ] || not_ok "$1: no command is $pattern"
    done
    given_pattern=() given_code=() gives_pattern=() gives_regex=()
}

section() {
    if [ "$walking" = yes ] && [ "$1" = "$walk_end" ]; then walking=no; fi
}

# example TEXT: what else the document shows.
example() {
    examples+=("$1")
}

# leave NAME REASON: one that is marked.
leave() {
    [ "$walking" != yes ] || skip "$1" "$2"
}

# perform NAME COMMAND: in this shell, so that variables and folder stay.
perform() {
    [ "$walking" = yes ] || return 0
    local name=$1 text=$2 status=0 i
    : >"$input"
    for i in "${!given_pattern[@]}"; do
        # shellcheck disable=SC2053
        [[ $text == ${given_pattern[i]} ]] || continue
        given_pattern[i]=
        eval "${given_code[i]}" >"$work/given.log" 2>&1 ||
            bail_out "$name: what is given failed: $(cat "$work/given.log")"
    done
    # shellcheck disable=SC2053
    if [[ $text == $serves_pattern ]]; then
        eval "exec $text" <>"$work/terminal" >"$work/stdout" 2>"$work/stderr" &
        wait_for 10 eval "$serves_check" || status=$?
        kill $! && wait $!
    else
        set +u -o pipefail
        eval "$text" <"$input" >"$work/stdout" 2>"$work/stderr" || status=$?
        set -u +o pipefail
    fi
    if [ "$status" -ne 0 ]; then
        walking=failed
        not_ok "$name" "exit status $status, and the rest was not done: $text" \
            "$(head -c 2000 "$work/stdout")" "$(head -c 2000 "$work/stderr")"
        return
    fi
    ok "$name"
    for i in "${!gives_pattern[@]}"; do
        # shellcheck disable=SC2053
        [[ $text == ${gives_pattern[i]} ]] || continue
        gives_pattern[i]=
        like "$(cat "$work/stdout")" "${gives_regex[i]}" '... and gives what the text says'
    done
}
