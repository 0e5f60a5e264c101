#!/usr/bin/env bash
# Make dist/mattebox_<version>_<architecture>.deb from the same files as `make install`.
#
#   WHEELS=yes   include the Python packages, for devices without a package index; this needs the
#                network now, and ties the package to this architecture and Python version
#   OUT=folder   where to put it (dist)
#   PYTHON=…     what makes the man page and fetches the wheels (/usr/bin/python3)
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=systemd/layout.sh
. systemd/layout.sh

out=${OUT:-dist}
PYTHON=${PYTHON:-/usr/bin/python3}
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
install -D -m 0644 systemd/deb/lintian-overrides "$root/usr/share/lintian/overrides/mattebox"
architecture=all
level=6
python="python3 (>= 3.10), python3 (<< 3.15)"
if [[ ${WHEELS:-no} == yes ]]; then
    architecture=$(dpkg --print-architecture)
    level=0 # wheels are already compressed
    "$PYTHON" -m venv "$work/venv"
    "$work/venv/bin/python" -m pip download --quiet --disable-pip-version-check --no-input \
        --only-binary=:all: --dest "$root/opt/mattebox/wheels" \
        --requirement "$root/opt/mattebox/requirements.txt" </dev/null || {
        echo "deb: error: pip could not fetch the wheels (its words are above)" >&2
        echo "     check the network and the package index; $PYTHON must be the Python of the devices" >&2
        exit 1
    }
    # pip makes the folder for its owner's umask.
    chmod -R u=rwX,go=rX "$root/opt/mattebox/wheels"
    cat systemd/deb/copyright-wheels >>"$root/usr/share/doc/mattebox/copyright"
    # These wheels fit no other Python: apt is to say so, rather than pip at the install.
    python=$("$PYTHON" -c 'import sys; major, minor = sys.version_info[:2]
print(f"python3 (>= {major}.{minor}), python3 (<< {major}.{minor + 1})")')
fi

depends=$(system_packages | tr ' ' '\n' | grep . | paste -s -d, | sed 's/,/, /g')
mkdir "$root/DEBIAN"
sed -e "s/@VERSION@/$(version)/" -e "s/@ARCHITECTURE@/$architecture/" -e "s/@DEPENDS@/$depends/" \
    -e "s/@PYTHON@/$python/" \
    -e "s/@SIZE@/$(du -sk --exclude=DEBIAN "$root" | cut -f1)/" \
    systemd/deb/control.in >"$root/DEBIAN/control"
install -m 0755 -t "$root/DEBIAN" systemd/deb/postinst systemd/deb/prerm systemd/deb/postrm
(cd "$root" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | sort -z | xargs -0 md5sum) \
    >"$root/DEBIAN/md5sums"
chmod 0644 "$root/DEBIAN/md5sums"

package=$out/mattebox_$(version)_$architecture.deb
dpkg-deb --root-owner-group --build -Zxz "-z$level" "$root" "$package" >/dev/null
echo "$package"
