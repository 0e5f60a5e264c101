#!/usr/bin/env bash
# Make dist/mattebox_<version>_<architecture>.deb from the same files as `make install`.
#
#   WHEELS=yes   include the Python packages, for devices without a package index; this needs the
#                network now, and ties the package to this architecture and Python version
#   OUT=folder   where to put it (dist)
#   PYTHON=…     what fetches the wheels (/usr/bin/python3)
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=systemd/layout.sh
. systemd/layout.sh

out=${OUT:-dist}
command -v dpkg-deb >/dev/null || {
    echo "deb: error: no dpkg-deb here; expected a Debian or Ubuntu system, or apt-get install dpkg" >&2
    exit 1
}
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# mktemp's folder is private to its owner, and would become the package's root.
root=$work/root
mkdir -m 0755 "$root"

lay "$root"
architecture=all
level=6
if [[ ${WHEELS:-no} == yes ]]; then
    architecture=$(dpkg --print-architecture)
    level=0 # wheels are already compressed
    "${PYTHON:-/usr/bin/python3}" -m venv "$work/venv"
    "$work/venv/bin/python" -m pip download --quiet --disable-pip-version-check --no-input \
        --only-binary=:all: --dest "$root/opt/mattebox/wheels" \
        --requirement "$root/opt/mattebox/requirements.txt" </dev/null
fi

depends=$(system_packages | tr ' ' '\n' | grep . | paste -s -d, | sed 's/,/, /g')
mkdir "$root/DEBIAN"
sed -e "s/@VERSION@/$(version)/" -e "s/@ARCHITECTURE@/$architecture/" -e "s/@DEPENDS@/$depends/" \
    -e "s/@SIZE@/$(du -sk --exclude=DEBIAN "$root" | cut -f1)/" \
    systemd/deb/control.in >"$root/DEBIAN/control"
install -m 0755 -t "$root/DEBIAN" systemd/deb/postinst systemd/deb/prerm systemd/deb/postrm
(cd "$root" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | sort -z | xargs -0 md5sum) \
    >"$root/DEBIAN/md5sums"
chmod 0644 "$root/DEBIAN/md5sums"

package=$out/mattebox_$(version)_$architecture.deb
dpkg-deb --root-owner-group --build -Zxz "-z$level" "$root" "$package" >/dev/null
echo "$package"
