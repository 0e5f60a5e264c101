"""The units as verified by systemd itself, and what they promise each other."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = ("mattebox.service", "mattebox-engines.service", "mattebox-setup.service")
WORST_EXPOSURE = 2.5

analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None,
    reason="systemd-analyze is not installed (apt-get install systemd)",
)


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command, capturing its output."""
    return subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, timeout=30,
        check=False,
    )  # fmt: skip


def settings(unit: Path) -> dict[str, list[str]]:
    """The values of each key of a unit, in order."""
    found: dict[str, list[str]] = {}
    for line in unit.read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


@pytest.fixture(scope="module")
def placed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The units, with programs called from the repository instead of /opt."""
    folder = tmp_path_factory.mktemp("units")
    for name in UNITS:
        text = (root / "systemd" / name).read_text()
        (folder / name).write_text(text.replace("/opt/mattebox/", f"{root}/systemd/"))
    return folder


@analyze
@pytest.mark.parametrize("name", UNITS)
def test_systemd_finds_nothing_wrong(placed: Path, name: str) -> None:
    done = run(
        "systemd-analyze", "verify", "--man=no", "--recursive-errors=yes", str(placed / name),
        SYSTEMD_UNIT_PATH=f"{placed}:",
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@analyze
def test_systemd_would_find_it(placed: Path, tmp_path: Path) -> None:
    """The test above can fail: on a key unknown to Debian 12's systemd, on a missing program."""
    text = (placed / "mattebox.service").read_text()
    wrong = tmp_path / "mattebox.service"
    wrong.write_text(text.replace("ExecStart=/", "FrameRate=30\nExecStart=/nowhere/"))
    done = run("systemd-analyze", "verify", "--man=no", str(wrong), SYSTEMD_UNIT_PATH=f"{placed}:")
    assert "FrameRate" in done.stderr
    assert "/nowhere/" in done.stderr


@analyze
@pytest.mark.parametrize("name", ["mattebox.service", "mattebox-engines.service"])
def test_the_sandbox_is_tight(root: Path, name: str) -> None:
    unit = str(root / "systemd" / name)
    done = run(
        "systemd-analyze", "security", "--offline=true", "--no-pager",
        f"--threshold={round(WORST_EXPOSURE * 10)}", unit,
    )  # fmt: skip
    exposure = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert exposure, done.stderr
    assert float(exposure[1]) <= WORST_EXPOSURE
    assert done.returncode == 0


def test_what_the_issue_asks_of_the_service(root: Path) -> None:
    unit = settings(root / "systemd/mattebox.service")
    assert unit["Type"] == ["notify"]
    assert unit["TimeoutStopSec"] == ["5"]
    assert unit["Restart"] == ["on-failure"]
    assert unit["StartLimitIntervalSec"] == ["0"]
    assert int(unit["WatchdogSec"][0]) > 0
    assert unit["ExecReload"] == ["/opt/mattebox/bin/mattebox reload --pid $MAINPID"]


def test_only_the_unit_that_builds_engines_may_write_them(root: Path) -> None:
    writable = {
        name: " ".join(settings(root / "systemd" / name).get("ReadWritePaths", [])).split()
        for name in UNITS
    }
    assert writable["mattebox-engines.service"] == ["/var/lib/mattebox/engines"]
    assert not any(
        "/var/lib/mattebox/engines".startswith(path.lstrip("-"))
        for path in writable["mattebox.service"]
    )
    owner = re.search(
        r"^d /var/lib/mattebox/engines +0755 +(\S+)",
        (root / "systemd/mattebox.tmpfiles.conf").read_text(),
        re.MULTILINE,
    )
    assert owner
    assert owner[1] == "mattebox-engines"
    users = {name: settings(root / "systemd" / name).get("User") for name in UNITS}
    assert users["mattebox.service"] == ["mattebox"]
    assert users["mattebox-engines.service"] == ["mattebox-engines"]


@pytest.mark.parametrize(("verified", "builds"), [(0, False), (1, True), (2, True)])
def test_an_engine_is_built_only_where_verify_says_that_one_is_missing(
    root: Path, tmp_path: Path, verified: int, builds: bool
) -> None:
    program = tmp_path / "mattebox"
    program.write_text(
        f'#!/bin/sh\n[ "$*" = "engine verify portrait" ] && exit {verified}\nexit 9\n'
    )
    program.chmod(0o755)
    conditions = settings(root / "systemd/mattebox-engines.service")["ExecCondition"]
    [shell] = [c for c in conditions if "verify" in c]
    # As systemd reads it: $$ is one $.
    script = (
        shell.split("'")[1].replace("$$", "$").replace("/opt/mattebox/bin/mattebox", str(program))
    )
    assert (run("/bin/sh", "-c", script, NETWORK="portrait").returncode == 0) is builds


def test_what_root_reads_does_not_lie_in_the_services_folder(root: Path) -> None:
    """The service may write to /etc/mattebox, but must not thereby make root read things for it."""
    lines = (root / "systemd/mattebox.tmpfiles.conf").read_text().splitlines()
    there = {line.split()[1]: line.split() for line in lines if line and line[0] != "#"}
    assert there["/etc/mattebox"][:5] == ["d", "/etc/mattebox", "2770", "root", "mattebox"]
    unit = settings(root / "systemd/mattebox.service")
    read = [value.lstrip("-") for value in unit["EnvironmentFile"]]
    read += [value.partition(":")[2] for value in unit.get("LoadCredential", [])]
    assert read
    for path in read:
        assert not path.startswith("/etc/mattebox/"), f"{path} could be put there by the service"
    assert there["/etc/default/mattebox"][2:4] == ["0600", "root"]
    assert there["/etc/credstore"][2:4] == ["0700", "root"]


def test_camera_rules(root: Path) -> None:
    """udev can parse each line: KEY, operator, quoted value; each GOTO has its LABEL."""
    text = (root / "systemd/70-mattebox-camera.rules").read_text()
    part = r'[A-Z]+(\{[A-Za-z_0-9]+\})?(==|!=|\+=|=)"[^"]*"'
    rules = [line for line in text.splitlines() if line and not line.startswith("#")]
    for rule in rules:
        assert re.fullmatch(rf"{part}(, *{part})*", rule), rule
    assert set(re.findall(r'GOTO="(\w+)"', text)) == set(re.findall(r'LABEL="(\w+)"', text))
    if shutil.which("udevadm") and int(run("udevadm", "--version").stdout) >= 254:
        done = run("udevadm", "verify", str(root / "systemd/70-mattebox-camera.rules"))
        assert done.returncode == 0, done.stdout + done.stderr
