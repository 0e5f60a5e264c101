"""``make install`` into a staging root, twice, then uninstall; the package with dpkg in a root."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PLACED = (
    "opt/mattebox/appliance/cli/main.py",
    "opt/mattebox/bin/mattebox",
    "opt/mattebox/engines/portrait/manifest.yaml",
    "opt/mattebox/libexec/environment",
    "opt/mattebox/requirements.txt",
    "opt/mattebox/share/faults.md",
    "opt/mattebox/share/service.md",
    "etc/mattebox/config.yaml",
    "usr/bin/mattebox",
    "usr/lib/systemd/system/mattebox.service",
    "usr/lib/systemd/system/mattebox-engines.service",
    "usr/lib/sysusers.d/mattebox.conf",
    "usr/lib/tmpfiles.d/mattebox.conf",
    "usr/lib/udev/rules.d/70-mattebox-camera.rules",
    "usr/share/bash-completion/completions/mattebox",
    "usr/share/doc/mattebox/NOTICE",
    "usr/share/doc/mattebox/changelog.gz",
    "usr/share/doc/mattebox/copyright",
    "usr/share/fish/vendor_completions.d/mattebox.fish",
    "usr/share/man/man1/mattebox.1.gz",
    "usr/share/zsh/vendor-completions/_mattebox",
    "etc/systemd/system/multi-user.target.wants/mattebox.service",
)
KEPT = ("etc/mattebox/config.yaml", "var/lib/mattebox/engines/mine/model.onnx")


def call(*command: str, cwd: Path, **environment: str) -> str:
    """Run a command that must succeed; returns all its output."""
    done = subprocess.run(
        command, cwd=cwd, env=os.environ | environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def tree(folder: Path) -> dict[str, bytes]:
    """Every file under a folder with its content, every link with its target."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = os.readlink(path).encode()
        elif path.is_file():
            found[name] = path.read_bytes()
    return found


def there(path: Path) -> bool:
    """Whether anything is there, even a dangling link."""
    return path.exists() or path.is_symlink()


@pytest.fixture
def staged(root: Path, tmp_path: Path) -> Path:
    """A root with Mattebox staged into it by make."""
    folder = tmp_path / "root"
    call("make", "install", f"DESTDIR={folder}", cwd=root)
    return folder


def test_everything_lies_where_it_should(staged: Path) -> None:
    for name in PLACED:
        assert there(staged / name), name
    files = tree(staged)
    left_out = ("__pycache__", ".plan", ".pt")
    assert not [name for name in files if any(part in name for part in left_out)]
    assert os.access(staged / "opt/mattebox/bin/mattebox", os.X_OK)
    assert (staged / "etc/mattebox/config.yaml").stat().st_mode & 0o007 == 0


def test_all_of_the_code_and_of_the_networks_is_there(
    root: Path, staged: Path, tmp_path: Path
) -> None:
    """A folder of code may be called like one that is left out, as ``networks/plans`` is."""
    for part in ("appliance", "engines"):
        ours = {
            name
            for name in tree(root / part)
            if "__pycache__" not in name
            and not name.endswith((".plan", ".pt"))
            and (part == "appliance" or "/plans/" not in name)
        }
        assert set(tree(staged / "opt/mattebox" / part)) == ours


def test_plans_stay_behind(root: Path, tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    for name in ("appliance/plans/here.py", "engines/a/model.onnx", "engines/a/plans/sm86.json"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).touch()
    packed = re.search(
        r"^    find .*?--files-from=- \|$", (root / "systemd/layout.sh").read_text(), re.M | re.S
    )
    assert packed
    call("bash", "-c", f"mkdir {out}; {packed[0]} tar --extract --directory={out}", cwd=source)
    assert sorted(tree(out)) == ["appliance/plans/here.py", "engines/a/model.onnx"]


def test_again_changes_nothing_and_out_again_leaves_nothing_but_what_is_the_operators(
    root: Path, staged: Path
) -> None:
    before = tree(staged)
    call("make", "install", f"DESTDIR={staged}", cwd=root)
    assert tree(staged) == before
    mine = staged / KEPT[1]
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    call("make", "uninstall", f"DESTDIR={staged}", cwd=root)
    assert sorted(tree(staged)) == sorted(KEPT)
    call("make", "uninstall", f"DESTDIR={staged}", cwd=root)
    call("make", "uninstall", "PURGE=yes", f"DESTDIR={staged}", cwd=root)
    assert tree(staged) == {}


def test_the_operators_file_is_kept_and_the_new_one_lies_beside_it(
    root: Path, staged: Path
) -> None:
    config = staged / "etc/mattebox/config.yaml"
    config.write_text("source: {uri: test://smpte}\n")
    said = call("make", "install", f"DESTDIR={staged}", cwd=root)
    assert config.read_text() == "source: {uri: test://smpte}\n"
    new = config.with_name("config.yaml.new")
    assert new.read_bytes() == (root / "config.yaml").read_bytes()
    assert "config.yaml is kept; this version's own is beside it" in said
    assert "is kept" not in call("make", "install", f"DESTDIR={staged}", cwd=root)
    config.write_bytes(new.read_bytes())
    call("make", "install", f"DESTDIR={staged}", cwd=root)
    assert not new.exists()


def test_what_the_operator_disabled_stays_disabled(root: Path, staged: Path) -> None:
    wants = staged / "etc/systemd/system/multi-user.target.wants/mattebox-engines.service"
    wants.unlink()
    call("make", "install", f"DESTDIR={staged}", cwd=root)
    assert not there(wants)


def test_code_that_is_gone_does_not_stay(root: Path, staged: Path) -> None:
    old = staged / "opt/mattebox/appliance/old.py"
    old.touch()
    call("make", "install", f"DESTDIR={staged}", cwd=root)
    assert not old.exists()


def test_the_staged_code_runs_isolated(staged: Path, tmp_path: Path) -> None:
    """The launcher, with this environment's Python instead of the one made on the device."""
    base = staged / "opt/mattebox"
    launcher = tmp_path / "mattebox"
    launcher.write_text((base / "bin/mattebox").read_text().replace("/opt/mattebox", str(base)))
    launcher.chmod(0o755)
    said = subprocess.run(
        [launcher, "--version"], capture_output=True, text=True, timeout=20, check=False
    )
    assert said.returncode == 1
    assert f"As root, with the network: {base}/libexec/environment" in said.stderr
    (base / "venv/bin").mkdir(parents=True)
    code = f"import sys; sys.path.insert(0, {str(base)!r}); import appliance; " + (
        "from appliance.cli.main import main; print(appliance.__file__); "
        "sys.exit(main(sys.argv[4:]))"
    )
    stand_in = base / "venv/bin/python"
    # exec "$python" -I -m appliance.cli …: run what -m would run, from the staged folder.
    stand_in.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -c "{code}" "$@"\n')
    stand_in.chmod(0o755)
    said = subprocess.run(
        [launcher, "--version"], capture_output=True, text=True, timeout=20, check=False
    )
    assert said.stdout.splitlines()[0] == str(base / "appliance/__init__.py"), said.stderr


def test_requirements_are_those_of_the_project(root: Path, staged: Path) -> None:
    tomllib = pytest.importorskip("tomllib", reason="Python 3.10 has no reader of TOML")
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["demo"]
    assert (staged / "opt/mattebox/requirements.txt").read_text().splitlines() == wanted


def test_the_copyright_has_all_that_notice_says(root: Path, staged: Path) -> None:
    text = (staged / "usr/share/doc/mattebox/copyright").read_text()
    comment = text.partition("\n .\n")[2].partition("\n\n")[0]
    lines = [line.removeprefix(" ").replace(".", "", line == " .") for line in comment.split("\n")]
    assert lines == (root / "NOTICE").read_text().splitlines()
    assert text.startswith("Format: https://www.debian.org/doc/packaging-manuals/copyright-format/")
    assert "@" not in text


def test_the_changelog_is_one_that_debian_reads(root: Path, staged: Path) -> None:
    if shutil.which("dpkg-parsechangelog") is None:
        pytest.skip("dpkg-parsechangelog is not installed (apt-get install dpkg-dev)")
    path = staged / "usr/share/doc/mattebox/changelog.gz"
    plain = path.with_suffix("")
    plain.write_bytes(gzip.decompress(path.read_bytes()))
    said = call("dpkg-parsechangelog", "--file", str(plain), cwd=root)
    assert "warning" not in said
    assert "Source: mattebox" in said
    assert "[ Added ]" in said


def test_without_root_it_says_what_to_do(root: Path, tmp_path: Path) -> None:
    (tmp_path / "id").write_text("#!/bin/sh\n[ $1 = -u ] && echo 1000 || echo me\n")
    (tmp_path / "id").chmod(0o755)
    done = subprocess.run(
        [root / "systemd/install.sh", "install"],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "this is user me, expected root" in done.stderr
    assert "make install DESTDIR=" in done.stderr


@pytest.fixture(scope="module")
def package(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package."""
    if shutil.which("dpkg-deb") is None:
        pytest.skip("dpkg-deb is not installed (not a Debian or Ubuntu system)")
    out = tmp_path_factory.mktemp("deb")
    call("make", "deb", cwd=root, OUT=str(out))
    [made] = out.glob("mattebox_*_all.deb")
    return made


class Dpkg:
    """dpkg with its own root: none of this machine's files or records is touched.

    The scripts do not run inside it (it has no shell): they get its path in DPKG_ROOT.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("updates", "info"):
            (root / "var/lib/dpkg" / name).mkdir(parents=True)
        (root / "var/lib/dpkg/status").touch()

    def __call__(self, *arguments: str) -> str:
        # None of the package's dependencies is in there.
        forced = ("--force-script-chrootless", "--force-depends", "--force-not-root")
        return call("dpkg", f"--root={self.root}", *forced, *arguments, cwd=self.root)

    def state(self) -> str:
        """The package's state, such as ``install ok installed``."""
        found = re.search(r"^Status: (.*)$", (self.root / "var/lib/dpkg/status").read_text(), re.M)
        return found[1] if found else "unknown"

    def files(self) -> dict[str, bytes]:
        """All files except dpkg's own."""
        return {
            name: data
            for name, data in tree(self.root).items()
            if not name.startswith(("var/lib/dpkg/", "var/log/"))
        }


def test_the_package_installs_upgrades_removes_and_purges(package: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("dpkg unpacks files as root's: run as root")
    dpkg = Dpkg(tmp_path / "root")
    dpkg("--install", str(package))
    assert dpkg.state() == "install ok installed"
    for name in PLACED:
        assert there(dpkg.root / name), name
    config = dpkg.root / "etc/mattebox/config.yaml"
    config.write_text("source: {uri: test://smpte}\n")
    made_later = dpkg.root / "opt/mattebox/venv-0/bin/python"
    made_later.parent.mkdir(parents=True)
    made_later.touch()
    dpkg("--install", str(package))
    assert config.read_text() == "source: {uri: test://smpte}\n"
    dpkg("--remove", "mattebox")
    assert dpkg.state() == "deinstall ok config-files"
    assert sorted(dpkg.files()) == ["etc/mattebox/config.yaml"]
    dpkg("--purge", "mattebox")
    assert dpkg.files() == {}


def test_the_package_holds_what_make_install_lays_down(
    package: Path, staged: Path, tmp_path: Path
) -> None:
    out = tmp_path / "package"
    call("dpkg-deb", "--extract", str(package), str(out), cwd=tmp_path)
    # Both put the configuration in place on the device; the package does not ship it as a file.
    ours = {name: data for name, data in tree(staged).items() if name.startswith(("opt", "usr"))}
    packaged = tree(out)
    assert packaged.pop("usr/share/lintian/overrides/mattebox")
    assert packaged == ours
    control = call("dpkg-deb", "--field", str(package), cwd=tmp_path)
    assert "python3-gst-1.0" in control
    listed = call("dpkg-deb", "--contents", str(package), cwd=tmp_path)
    assert {line.split()[1] for line in listed.splitlines()} == {"root/root"}


def test_an_image_that_boots_makes_users_and_folders(staged: Path) -> None:
    """What systemd does by itself at first boot, done to the staged root."""
    if os.geteuid() != 0 or not shutil.which("systemd-sysusers"):
        pytest.skip("needs root and systemd-sysusers (apt-get install systemd)")
    call("systemd-sysusers", f"--root={staged}", "mattebox.conf", cwd=staged)
    call("systemd-tmpfiles", f"--root={staged}", "--create", "mattebox.conf", cwd=staged)
    users = dict(line.split(":", 1) for line in (staged / "etc/passwd").read_text().splitlines())
    groups = (staged / "etc/group").read_text()
    for group in ("video", "render", "audio"):
        assert re.search(rf"^{group}:x:\d+:.*\bmattebox\b", groups, re.M)
    engines = (staged / "var/lib/mattebox/engines").stat()
    assert engines.st_uid == int(users["mattebox-engines"].split(":")[1])
    assert engines.st_mode & 0o777 == 0o755
    cache = (staged / "var/lib/mattebox/cache").stat()
    assert cache.st_uid == int(users["mattebox"].split(":")[1])
    config = staged / "etc/mattebox/config.yaml"
    user = int(users["mattebox"].split(":")[1])
    assert (config.stat().st_mode & 0o777, config.stat().st_uid) == (0o640, user)
    # An editor that writes in place, like nano: in a sticky folder the kernel may forbid that.
    with config.open("a") as file:
        file.write("# root was here\n")
    # An editor that writes another file and renames it.
    (config.parent / "new").write_text("{}")
    (config.parent / "new").rename(config)
    assert config.stat().st_gid == int(users["mattebox"].split(":")[2])
    assert config.parent.stat().st_mode & 0o7777 == 0o2770
    secrets, variables = staged / "etc/credstore", staged / "etc/default/mattebox"
    assert (secrets.stat().st_mode & 0o777, secrets.stat().st_uid) == (0o700, 0)
    assert (variables.stat().st_mode & 0o777, variables.stat().st_uid) == (0o600, 0)
    # The next boot gives the service its file back.
    call("systemd-tmpfiles", f"--root={staged}", "--create", "mattebox.conf", cwd=staged)
    assert (config.stat().st_mode & 0o777, config.stat().st_uid) == (0o640, user)
