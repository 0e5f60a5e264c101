#!/usr/bin/env bash
# Install Mattebox as a service, or remove it: what `make install` and `make uninstall` do.
#
#   systemd/install.sh install      into DESTDIR, or on this machine when that is unset
#   systemd/install.sh uninstall    the reverse; keeps configuration and state, unless PURGE=yes
#
# Safe to rerun. Into a DESTDIR it needs neither root nor the network; the remaining steps are done
# when that system boots.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=systemd/layout.sh
. systemd/layout.sh

say() { printf '%s\n' "install: $*" >&2; }
die() {
    printf '%s\n' "install: error: $1" >&2
    shift
    for line in "$@"; do printf '%s\n' "         $line" >&2; done
    exit 1
}

root=${DESTDIR:-}
root=${root%/}
[[ -z $root || $root == /* ]] || root=$PWD/$root
if [[ -z $root ]]; then
    [[ $(id -u) -eq 0 ]] || die "this is user $(id -un), expected root" \
        "run: sudo make ${1:-install}" "or stage it into a folder: make ${1:-install} DESTDIR=/some/folder"
    if [[ $(dpkg-query -W -f='${Status}' mattebox 2>/dev/null) == *" installed" ]]; then
        die "Mattebox is installed from its package here" \
            "upgrade or remove that: apt-get install ./mattebox_….deb, apt-get remove mattebox"
    fi
fi

case ${1:-} in
    install)
        if [[ -z $root ]]; then
            mapfile -t packages < <(system_packages | tr ' ' '\n' | grep .)
            if command -v dpkg-query >/dev/null && ! dpkg-query -W "${packages[@]}" >/dev/null 2>&1; then
                die "system packages are missing" "apt-get install ${packages[*]}"
            fi
        fi
        lay "$root"
        "$root/opt/mattebox/libexec/complete" "$root"
        say "Mattebox $(version) is installed${root:+ in $root}; configuration: $root/etc/mattebox/config.yaml"
        [[ -n $root ]] || say "how it is: systemctl status mattebox"
        ;;
    uninstall)
        if [[ -x $root/opt/mattebox/libexec/retire ]]; then
            "$root/opt/mattebox/libexec/retire" "$root"
        fi
        unlay "$root"
        if [[ -z $root && -d /run/systemd/system ]]; then systemctl daemon-reload; fi
        if [[ ${PURGE:-no} == yes ]]; then
            rm -rf "$root/etc/mattebox" "$root/var/lib/mattebox" "$root/var/cache/mattebox-engines"
            if [[ -z $root ]]; then
                for user in mattebox-engines mattebox; do
                    if id -u "$user" >/dev/null 2>&1; then userdel "$user"; fi
                done
            fi
            say "Mattebox is removed, with its configuration and state"
        else
            say "Mattebox is removed; $root/etc/mattebox and $root/var/lib/mattebox are kept" \
                "(PURGE=yes removes them too)"
        fi
        ;;
    *)
        echo "usage: systemd/install.sh install|uninstall   (DESTDIR=folder, PURGE=yes)" >&2
        exit 2
        ;;
esac
