#!/usr/bin/env bash
# Builds the Debian packages as an ordinary user, and installs them in a bare Debian, where the agent
# then runs (packages_inside.sh). Usage: packages.sh FOLDER   (made anew; removed when all went well)
# Exit status 77: it cannot be done here, and a line with SKIP says why.
set -euxo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
folder=$1
system=$folder/system
builder=65534

cannot() {
    echo "SKIP $*"
    exit 77
}

[ "$(id -u)" = 0 ] || cannot 'only root can install packages in a folder'
for program in dpkg-buildpackage dh lintian debootstrap unshare setpriv; do
    command -v "$program" || cannot "$program is not installed"
done
unshare --mount --pid --fork true || cannot 'there can be no mount namespace'
. /etc/os-release
[ "$ID" = debian ] || cannot 'this is not Debian'
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $VERSION_CODENAME" 'Component: main' | head -n 1)
[ -n "$mirror" ] || cannot 'apt knows no mirror of Debian'

rm -rf "$folder"
mkdir -p "$folder/packages"
build=$(mktemp -d) # the builder may not be let into FOLDER
trap 'wait; rm -rf "$build"' EXIT

# As apt on this host, so apt and debootstrap for the new system.
apt_settings() {
    apt-config dump | grep -E '^Acquire::(http|https|Check|Retries)' || true
}

make_system() {
    eval "$(apt-config shell http_proxy Acquire::http::Proxy https_proxy Acquire::https::Proxy)"
    export http_proxy https_proxy
    debootstrap --variant=minbase "$VERSION_CODENAME" "$system" "$mirror"
    apt_settings >"$system/etc/apt/apt.conf.d/99host"
    cp /etc/resolv.conf "$system/etc/"
}
make_system >"$folder/debootstrap.log" 2>&1 &
debootstrap_pid=$!

# --- build ---

# The sources as a checkout has them.
mkdir "$build/hintsign"
tar -C "$top" --exclude=./.git --exclude='./.build*' --exclude=./.quickstart --exclude=node_modules -c . |
    tar -C "$build/hintsign" -x --no-same-owner
chown -R "$builder:$builder" "$build"
(
    cd "$build/hintsign"
    env -i PATH="$PATH" HOME="$build" LC_ALL=C.UTF-8 DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)" \
        setpriv --reuid "$builder" --regid "$builder" --clear-groups dpkg-buildpackage -us -uc -b
)
cp "$build"/*.deb "$folder/packages/"
[ "$(find "$folder/packages" -name '*.deb' -not -name '*-dbgsym_*' | wc -l)" = 6 ]
lintian --fail-on error,warning --allow-root "$build"/*.changes

# The same again, as a later version.
mkdir "$folder/packages/later"
for package in "$folder"/packages/hintsign-{agent,fetch,tools}_*.deb "$folder"/packages/libhintsign0_*.deb; do
    dpkg-deb --raw-extract "$package" "$folder/later"
    sed -i 's/^Version: .*/&+later/; s/(= \(.*\))/(= \1+later)/' "$folder/later/DEBIAN/control"
    dpkg-deb --root-owner-group --build "$folder/later" "$folder/packages/later/"
    rm -r "$folder/later"
done

# A program of somebody else, with what the development package brings.
for package in libhintsign0 libhintsign-dev; do
    dpkg-deb --extract "$folder/packages/$package"_*.deb "$folder/sysroot"
done
cat >"$folder/names.c" <<'PROGRAM'
#include <hintsign.h>
#include <stdio.h>

int main(void)
{
    struct hintsign *agent;
    char *profiles;
    if (hintsign_open(NULL, &agent) < 0 || hintsign_profiles(agent, &profiles) < 0)
        return 1;
    puts(profiles);
    return 0;
}
PROGRAM
pkg_config_path=$(dirname "$(find "$folder/sysroot" -name hintsign.pc)")
# shellcheck disable=SC2046
cc -o "$folder/names" "$folder/names.c" \
    $(PKG_CONFIG_PATH=$pkg_config_path PKG_CONFIG_SYSROOT_DIR=$folder/sysroot PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 \
        PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 pkg-config --cflags --libs hintsign)

# --- install and run ---

wait "$debootstrap_pid" ||
    cannot "debootstrap makes no bare Debian: $(grep '^E:' "$folder/debootstrap.log" | tail -n 1)"
mkdir "$system/packages"
cp -r "$folder"/packages/* "$folder/names" "$top/tests/packages_inside.sh" "$system/packages/"
# What is mounted and what runs ends with the namespaces.
unshare --mount --pid --fork --kill-child bash -euxc '
    mount --rbind /dev "$1/dev"
    mount -t proc proc "$1/proc"
    exec chroot "$1" bash /packages/packages_inside.sh' - "$system"

rm -rf "$folder"
