"""A change in a YAML file: that value and nothing else."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.config.load import load
from appliance.config.watch import ConfigWatch
from appliance.config.write_back import NotKept, Value, as_written, draft, edited
from appliance.errors import ConfigError
from appliance.system.file_identity import identity


def test_the_manual_keeps_every_byte_but_the_value(root: Path) -> None:
    text = (root / "config.yaml").read_text(encoding="utf-8")
    new = edited(text, {"background.uri": "/var/lib/x/office.jpg", "edge.softness": 0.2})
    differing = [
        (old, now)
        for old, now in zip(text.splitlines(), new.splitlines(), strict=True)
        if old != now
    ]
    assert differing == [
        ("  uri: gradient://", "  uri: /var/lib/x/office.jpg"),
        ("  softness: 0.0", "  softness: 0.2"),
    ]


def test_a_path_stays_relative(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("background:\n  uri: ./pics/../pics/a.png\n")

    def written(value: str) -> Value:
        return as_written(path, {"background.uri": value})["background.uri"]

    # As it is written now, where that means the same.
    assert written(str(tmp_path / "pics/../pics/a.png")) == "./pics/../pics/a.png"
    assert written(str(tmp_path / "pics/b.png")) == "pics/b.png"
    assert written("/elsewhere/b.png") == "/elsewhere/b.png"
    assert written("colour:#00b140") == "colour:#00b140"
    assert written(str(tmp_path / "~/a.png")) == str(tmp_path / "~/a.png")
    # Whose folder is meant, the link's or the file's?
    (tmp_path / "other").mkdir()
    link = tmp_path / "other/config.yaml"
    link.symlink_to(path)
    inside = str(tmp_path / "other/b.png")
    assert as_written(link, {"background.uri": inside}) == {"background.uri": inside}


TEXTS = {
    "empty": "",
    "only comments": "# nothing yet\n# at all\n",
    "no such section": "source:\n  uri: demo://  # the demo\n",
    "an empty section": "background:\n  # uri: office.jpg\nsource:\n  uri: demo://\n",
    "dashes at the margin": "outputs:\n- uri: null://   # nowhere\n  keyframe_s: 1.0\n",
    "dashes further in": "outputs:\n    - uri: null://\n      keyframe_s: 1.0\n",
    "four spaces": "background:\n    uri: gradient://   # calm\n    fit: fit\n",
    "quotes": "background:\n  uri: \"a: b.png\"\n  fit: 'fit'\n",
    "flow": "background: {uri: gradient://, fit: fit}  # short\n",
    "windows": "background:\r\n  # calm\r\n  uri: gradient://\r\n",
    "no newline at the end": "background:\n  uri: gradient://",
    "a long line": f"background:\n  uri: /{'long/' * 60}a.png  # {'far ' * 60}\n",
    "words that look like others": "clean:\n  enabled: no\nroi:\n  hold: 0.50\n  level: 1e-1\n",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_styles_of_writing(text: str) -> None:
    changes: dict[str, Value] = {"background.uri": "colour:#00b140", "background.blur_radius": 0.1}
    new = edited(text, changes)
    before, after = yaml.safe_load(text) or {}, yaml.safe_load(new)
    wanted = dict(before)
    wanted["background"] = (before.get("background") or {}) | {
        "uri": "colour:#00b140", "blur_radius": 0.1,
    }  # fmt: skip
    assert after == wanted
    for line in text.splitlines():
        if "uri: gradient" not in line and "a: b" not in line and "long/" not in line:
            assert line.strip() in new
        elif "#" in line:
            assert line.partition("#")[2] in new
    assert edited(new, changes) == new


@settings(max_examples=60, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["C"]), max_size=40).filter(lambda text: text.strip()),
    st.floats(0, 0.5),
)
def test_any_value_comes_back_as_it_was(name: str, softness: float) -> None:
    path = f"/backgrounds/{name}.png"
    new = edited(TEXTS["quotes"], {"background.uri": path, "edge.softness": softness})
    data = yaml.safe_load(new)
    assert data["background"]["uri"] == path
    # 1e-09 is a number to our reader but text in YAML 1.1.
    assert float(data["edge"]["softness"]) == softness


@pytest.mark.parametrize("text", ["a: [", "- list\n", "word\n", "background: word\n"])
def test_what_is_no_configuration_is_left_alone(text: str) -> None:
    with pytest.raises(NotKept):
        edited(text, {"background.uri": "gradient://"})


@pytest.fixture
def path() -> Iterator[Path]:
    """In a folder that other users can access, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield _file(Path(folder) / "config.yaml")


def _file(path: Path) -> Path:
    path.write_text("# mine\nbackground:\n  uri: gradient://\n")
    path.chmod(0o640)
    return path


def good(_: Path) -> None:
    """A check that finds nothing."""


CHANGE: dict[str, Value] = {"edge.softness": 0.3}


def test_mode_and_owner_stay(path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(path, 12345, 23456)
    before = path.stat()
    draft(path, CHANGE, good).finish()
    after = path.stat()
    assert stat.S_IMODE(after.st_mode) == 0o640
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)
    assert after.st_ino != before.st_ino, "it was not replaced in one step"
    assert [p.name for p in path.parent.iterdir()] == ["config.yaml"]


def test_the_watch_does_not_take_it_for_an_edit(path: Path) -> None:
    watch = ConfigWatch(path, identity(path))
    new = draft(path, CHANGE, good)
    watch.expect(new.after)
    new.finish()
    assert not any(watch.changed() for _ in range(3))
    path.write_text("# an edit\n")
    assert [watch.changed() for _ in range(3)] == [False, True, False]


def test_an_edit_meanwhile_wins(path: Path) -> None:
    new = draft(path, CHANGE, good)
    path.write_text("# somebody else was quicker\n")
    with pytest.raises(NotKept, match="was saved by somebody else just now"):
        new.finish()
    assert path.read_text() == "# somebody else was quicker\n"
    assert [p.name for p in path.parent.iterdir()] == ["config.yaml"]


def test_a_check_that_fails_leaves_nothing(path: Path) -> None:
    def refuse(draft: Path) -> None:
        raise ConfigError(f"{draft}:1:1: no")

    with pytest.raises(NotKept, match=f"{path} would not be right.*: {path}:1:1: no"):
        draft(path, CHANGE, refuse)
    assert [p.name for p in path.parent.iterdir()] == ["config.yaml"]


def test_the_check_sees_paths_from_the_files_own_folder(path: Path) -> None:
    (path.parent / "office.png").write_bytes(b"x")
    path.write_text("background:\n  uri: office.png\n")
    found: list[str] = []
    draft(path, CHANGE, lambda other: found.append(load(other).background.uri)).drop()
    assert found == [str(path.parent / "office.png")]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotKept, match="No such file"):
        draft(tmp_path / "no.yaml", CHANGE, good)


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root to become somebody else")
def test_a_user_who_may_not_write(path: Path) -> None:
    path.chmod(0o644)
    os.seteuid(65534)
    try:
        with pytest.raises(NotKept, match="may not write into its folder"):
            draft(path, CHANGE, good)
    finally:
        os.seteuid(0)


@contextlib.contextmanager
def as_service(service: int) -> Iterator[None]:
    """Temporarily run as user and group ``service``."""
    groups, group = os.getgroups(), os.getegid()
    os.setgroups([service])
    os.setegid(service)
    os.seteuid(service)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root to become somebody else")
@pytest.mark.parametrize("owner", [0, 54321])
def test_in_the_services_folder_the_file_can_be_replaced(path: Path, owner: int) -> None:
    """The folder as tmpfiles.d makes it: root's, group-writable; whoever owns the file."""
    service = 54321
    os.chown(path.parent, 0, service)
    path.parent.chmod(0o2770)
    os.chown(path, owner, service)
    path.chmod(0o640)
    with as_service(service):
        draft(path, CHANGE, good).finish()
    after = path.stat()
    assert (after.st_uid, after.st_gid, stat.S_IMODE(after.st_mode)) == (service, service, 0o640)
    assert [p.name for p in path.parent.iterdir()] == ["config.yaml"]


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root to become somebody else")
def test_in_a_sticky_folder_only_its_own_file_can_be_replaced(path: Path) -> None:
    service = 54321
    os.chown(path.parent, 0, service)
    path.parent.chmod(0o3770)
    os.chown(path, 0, service)
    with (
        as_service(service),
        pytest.raises(NotKept, match="it is not this user's to replace"),
    ):
        draft(path, CHANGE, good)
    os.chown(path, service, service)
    with as_service(service):
        draft(path, CHANGE, good).finish()
    assert [p.name for p in path.parent.iterdir()] == ["config.yaml"]


def test_what_a_killed_process_left_is_cleared_away(path: Path) -> None:
    old, new = (path.parent / f".config.yaml.{name}.new" for name in ("old", "new"))
    old.touch()
    new.touch()
    os.utime(old, (1, 1))
    draft(path, CHANGE, good).finish()
    assert sorted(p.name for p in path.parent.iterdir()) == [new.name, "config.yaml"]


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root to become somebody else")
def test_nobody_is_locked_out_of_their_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another user's file stays theirs; root's may become the service's: root can read anything."""
    path.chmod(0o644)
    os.chown(path, 12345, 12345)

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("appliance.config.write_back.os.fchown", refuse)
    with pytest.raises(NotKept, match="belongs to another user"):
        draft(path, CHANGE, good)
    assert [p.name for p in path.parent.iterdir()] == ["config.yaml"]
    assert path.stat().st_uid == 12345
