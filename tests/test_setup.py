"""scripts/setup.sh: what it requests from apt, and what it says when it cannot go on.

apt-get, dpkg-query, sudo and id are stand-ins that record how they were called; the Python is too
old, so that each run ends before the virtual environment.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

OLD_PYTHON = "#!/bin/sh\necho 3.9\n"
USEFUL = ("bash", "cat", "cut", "dirname", "env", "mktemp", "rm", "sha256sum", "tail")


class Machine:
    """A machine made of stand-ins: which packages it has, who we are, and what was called."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder, self.calls = folder, folder / "calls"
        self.bin = folder / "bin"
        self.bin.mkdir()
        (folder / "scripts").mkdir()
        shutil.copy(root / "scripts/setup.sh", folder / "scripts")
        (folder / "pyproject.toml").touch()
        for name in USEFUL:
            (self.bin / name).symlink_to(shutil.which(name) or f"/bin/{name}")
        self.program("python3", OLD_PYTHON)
        self.program("id", "#!/bin/sh\necho 0\n")
        self.has(everything=True)
        self.apt_succeeds_from(1)

    def program(self, name: str, text: str) -> None:
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)

    def has(self, *packages: str, everything: bool = False, but: str = "-") -> None:
        """Mark these as installed, except names starting with ``but``."""
        cases = "*" if everything else "|".join(packages) or "none"
        installed = f'{cases}) printf "install ok installed";;'
        self.program(
            "dpkg-query",
            f'#!/bin/bash\ncase "${{@: -1}}" in {but}*) exit 1;; {installed} *) exit 1;; esac\n',
        )

    def apt_succeeds_from(self, attempt: int) -> None:
        """Let the first ``attempt - 1`` installs fail."""
        self.program(
            "apt-get",
            f'#!/bin/bash\necho "$DEBIAN_FRONTEND apt-get $*" >> {self.calls}\n'
            f'[[ $* == *" install "* ]] || exit 0\n'
            f"count=$(grep -c ' install ' {self.calls})\n"
            f'((count >= {attempt})) || {{ echo "E: no such package" >&2; exit 100; }}\n',
        )
        (self.bin / "grep").exists() or (self.bin / "grep").symlink_to(shutil.which("grep") or "")

    def setup(self, what: str = "run", **environment: str) -> str:
        done = subprocess.run(
            ["bash", "scripts/setup.sh", what],
            cwd=self.folder,
            env={"PATH": str(self.bin), "PYTHON": str(self.bin / "python3"), **environment},
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 1
        return done.stderr

    def called(self) -> list[str]:
        return self.calls.read_text().splitlines() if self.calls.exists() else []


@pytest.fixture
def machine(tmp_path, root) -> Machine:
    return Machine(tmp_path, root)


def test_where_nothing_is_missing_apt_is_left_alone(machine):
    machine.setup()
    assert machine.called() == []


def test_only_what_is_missing_is_installed_without_questions(machine):
    machine.has("python3-venv", "python3-gi")
    machine.setup()
    [call] = machine.called()
    assert call.startswith("noninteractive apt-get ")
    assert "install -y --no-install-recommends python3-gst-1.0 gir1.2-gst-plugins-base-1.0" in call
    assert "python3-venv" not in call
    assert "xvfb" not in call


def test_the_tests_need_more(machine):
    machine.has()
    machine.setup("test")
    said = machine.called()[0]
    assert said.endswith(
        "ffmpeg fonts-droid-fallback fonts-noto-color-emoji pulseaudio shellcheck systemd "
        "x11-utils xdotool xvfb"
    )


def test_a_browser_is_installed_where_apt_has_one_and_never_insisted_on(machine):
    machine.has("python3-venv")
    machine.setup("test")
    assert "chromium" not in "".join(machine.called())  # there is no apt-cache here
    machine.program("apt-cache", "#!/bin/sh\n[ $1 = show ]\n")
    said = machine.setup("test")
    assert machine.called()[-1].endswith(
        "--no-install-recommends chromium chromium-driver espeak-ng nginx libnginx-mod-rtmp"
    )
    assert "going on without" not in said
    machine.apt_succeeds_from(99)
    machine.calls.unlink()
    machine.has(everything=True, but="chromium")
    assert "going on without chromium chromium-driver" in machine.setup("test")
    machine.calls.unlink()
    machine.setup("run")
    assert machine.called() == []


def test_stale_package_lists_are_refreshed(machine):
    machine.has()
    machine.apt_succeeds_from(2)
    said = machine.setup()
    assert [call.split()[-1] == "update" for call in machine.called()] == [False, True, False]
    assert "apt could not install" not in said


def test_what_apt_cannot_install_is_said_with_its_own_words(machine):
    machine.has()
    machine.apt_succeeds_from(99)
    said = machine.setup()
    assert "E: no such package" in said
    assert "error: apt could not install: python3-venv" in said


def test_neither_root_nor_sudo(machine):
    machine.has()
    machine.program("id", "#!/bin/sh\necho 1000\n")
    said = machine.setup()
    assert "error: these system packages are missing: python3-venv" in said
    assert "apt-get install --no-install-recommends python3-venv" in said
    assert machine.called() == []


def test_sudo_is_not_left_waiting_for_a_password(machine):
    machine.has()
    machine.program("id", "#!/bin/sh\necho 1000\n")
    machine.program("sudo", f'#!/bin/bash\necho "sudo $1" >> {machine.calls}\nshift\nexec "$@"\n')
    machine.setup()
    assert machine.called()[0] == "sudo -n"
    assert machine.called()[1].startswith("noninteractive apt-get")


def test_apt_can_be_left_out(machine):
    machine.has()
    machine.setup(APT="no")
    assert machine.called() == []


def test_another_system_is_told_what_it_needs(machine):
    (machine.bin / "dpkg-query").unlink()
    assert "this system has no apt" in machine.setup()


def test_a_python_that_is_too_old_or_missing(machine):
    assert "is Python 3.9; Mattebox needs 3.10 to 3.14" in machine.setup()
    assert "error: no Python at /nowhere" in machine.setup(PYTHON="/nowhere")


def test_an_unknown_kind_of_setup(machine):
    assert "unknown set-up 'walk'" in machine.setup("walk")


def test_every_target_of_the_makefile_is_explained(root):
    done = subprocess.run(
        ["make", "help"], cwd=root, capture_output=True, text=True, timeout=20, check=True,
        env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    for target in ("run", "test", "bench", "check", "lint", "fmt", "setup", "export-setup"):
        assert f"make {target} " in done.stdout
