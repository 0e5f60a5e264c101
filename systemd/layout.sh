# shellcheck shell=bash
# Where files go on the device: the single list for `make install` and `make deb`. Sourced.

# lay ROOT: put every file in place under ROOT, which is empty for this machine.
lay() {
    local root=$1 base=$1/opt/mattebox lib=$1/usr/lib
    local new=$base/.new
    rm -rf "$new"
    mkdir -p "$new"
    # No caches, no plans (those are built on the device they are for), and no weights for further
    # training, which the appliance never reads. Anchored: there is code in a folder plans, too.
    # Files only: a folder changes while it is read, where a cache is made in it at that moment.
    find appliance engines -name __pycache__ -prune -o ! -type d -print0 |
        tar --create --file=- --owner=root --group=root --mode=u=rwX,go=rX \
            --exclude='*.plan' --exclude='*.pt' --anchored --exclude='engines/*/plans' \
            --null --files-from=- |
        (umask 022 && tar --extract --file=- --directory="$new")
    local part
    for part in appliance engines; do
        rm -rf "${base:?}/$part"
        mv "$new/$part" "$base/$part"
    done
    rm -rf "$new"

    install -D -m 0755 -t "$base/bin" systemd/bin/mattebox
    install -D -m 0755 -t "$base/libexec" systemd/libexec/*
    install -D -m 0644 -t "$base/share" config.yaml docs/service.md docs/faults.md LICENSE
    requirements >"$base/requirements.txt"
    mkdir -p "$root/usr/bin"
    ln -sfn /opt/mattebox/bin/mattebox "$root/usr/bin/mattebox"
    install -D -m 0644 -t "$lib/systemd/system" systemd/*.service
    install -D -m 0644 systemd/mattebox.sysusers.conf "$lib/sysusers.d/mattebox.conf"
    install -D -m 0644 systemd/mattebox.tmpfiles.conf "$lib/tmpfiles.d/mattebox.conf"
    install -D -m 0644 -t "$lib/udev/rules.d" systemd/70-mattebox-camera.rules
    documents "$root"
}

# documents ROOT: man page, completions, changelog, copyright and NOTICE under ROOT/usr/share.
documents() {
    local root=$1 doc=$1/usr/share/doc/mattebox python=${PYTHON:-/usr/bin/python3} changed
    # Their parser's package looks for a folder for compiled kernels: none is to be made here.
    NUMBA_CACHE_DIR=$root PYTHONDONTWRITEBYTECODE=1 "$python" -m scripts.commandline "$root"
    install -D -m 0644 -t "$doc" NOTICE
    sed -e "/^@NOTICE@$/{r /dev/stdin" -e 'd}' systemd/deb/copyright.in \
        < <(sed 's/^$/./; s/^/ /' NOTICE) >"$doc/copyright"
    # git refuses a folder of another user's, such as root here.
    changed=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct -- CHANGELOG.md 2>/dev/null || true)}
    "$python" scripts/debian_changelog.py CHANGELOG.md "$(version)" "$(maintainer)" \
        "${changed:-$(stat -c %Y CHANGELOG.md)}" | gzip -9n >"$doc/changelog.gz"
    chmod 0644 "$doc/copyright" "$doc/changelog.gz"
}

# unlay ROOT: remove all that lay, or a later installation step, has put there.
unlay() {
    local root=$1 unit
    rm -rf "$root/opt/mattebox"
    rm -f "$root/usr/bin/mattebox" "$root/usr/lib/sysusers.d/mattebox.conf" \
        "$root/usr/lib/tmpfiles.d/mattebox.conf" \
        "$root/usr/lib/udev/rules.d/70-mattebox-camera.rules" \
        "$root/usr/share/man/man1/mattebox.1.gz" \
        "$root/usr/share/bash-completion/completions/mattebox" \
        "$root/usr/share/fish/vendor_completions.d/mattebox.fish" \
        "$root/usr/share/zsh/vendor-completions/_mattebox"
    rm -rf "$root/usr/share/doc/mattebox"
    for unit in systemd/*.service; do
        rm -f "$root/usr/lib/systemd/system/${unit##*/}"
    done
}

# requirements: the packages of pyproject.toml that the device needs, one per line.
requirements() {
    awk '/^(dependencies|demo) = \[/ { on = 1 } on { sub(/#.*/, ""); print } /\]$/ { on = 0 }' \
        pyproject.toml | grep -o '"[^"]*"' | tr -d '"'
}

# system_packages: what setup.sh installs with apt for `make run`, except what it needs itself.
system_packages() {
    sed -n '/^run_packages=(/,/^)/p' scripts/setup.sh | sed '1d;$d'
}

# version: the code's version.
version() {
    sed -n 's/^__version__ = "\(.*\)"$/\1/p' appliance/__init__.py
}

# maintainer: as the package names it.
maintainer() {
    sed -n 's/^Maintainer: //p' systemd/deb/control.in
}
