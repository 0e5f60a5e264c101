"""Which clips a folder asks for."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from appliance.config.tree import InvalidConfig
from appliance.errors import InputError
from appliance.tools.avatar.cuts import clip_name, find_cuts


def folder(tmp_path: Path, *names: str, listed: str = "") -> Path:
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    if listed:
        (tmp_path / "avatar.yaml").write_text(listed, "utf-8")
    return tmp_path


def test_names_say_what_a_clip_is_for(tmp_path: Path) -> None:
    names = ("idle.mp4", "Idle 2.mkv", "talk.mov", "speaking.webm", "wave.MP4", "notes.txt", ".x")
    found = find_cuts(folder(tmp_path, *names))
    assert {cut.name: (cut.role, cut.sound) for cut in found.cuts} == {
        "idle": ("idle", False), "Idle-2": ("idle", False), "talk": ("talk", True),
        "speaking": ("talk", True), "wave": ("action", True),
    }  # fmt: skip
    assert found.left_out == ("notes.txt",)


def test_a_single_clip_is_for_idling(tmp_path: Path) -> None:
    (cut,) = find_cuts(folder(tmp_path, "me waving.mp4")).cuts
    assert (cut.name, cut.role) == ("me-waving", "idle")
    assert find_cuts(tmp_path / "me waving.mp4").cuts == (cut,)


def test_a_list_cuts_one_long_clip(tmp_path: Path) -> None:
    listed = """
        name: anna
        clips:
          - {file: a.mp4, name: idle, from: 0, to: 12.5, sound: true}
          - {file: a.mp4, name: wave, from: 0:14.2, to: "00:00:17:05"}
          - {file: a.mp4, name: hello, role: talk, from: 1:00:01.5}
    """
    found = find_cuts(folder(tmp_path, "a.mp4", "b.mp4", listed=listed))
    idle, wave, hello = found.cuts
    assert (found.name, found.left_out) == ("anna", ("b.mp4",))
    assert (idle.role, idle.sound, wave.role, hello.role) == ("idle", True, "action", "talk")
    assert idle.end is not None
    assert idle.end.at((25, 1)) == Fraction(25, 2)
    assert wave.begin is not None
    assert wave.begin.at((25, 1)) == Fraction(142, 10)
    assert wave.end is not None
    assert wave.end.at((25, 1)) == Fraction(172, 10)
    assert hello.begin is not None
    assert hello.begin.at((25, 1)) == Fraction(7203, 2)
    assert hello.end is None


@pytest.mark.parametrize(
    ("names", "listed", "words"),
    [
        ((), "", "no video in it; found nothing"),
        (("a.txt",), "", "found a.txt"),
        (("wave.mp4", "hello.mp4"), "", "no clip for idling, found hello, wave"),
        (("idle.mp4", "idle.mkv"), "", "two clips would be called 'idle'"),
        (("a.mp4",), "clips: []", "clips: Tuple should have at least 1"),
        (("a.mp4",), "clips: [{file: b.mp4}]", "there is no file 'b.mp4'"),
        (("a.mp4",), "clips: [{file: a.mp4, rolle: idle}]", "clips.0.rolle: is not known here"),
        (("a.mp4",), "clips: [{file: a.mp4, role: boss}]", "clips.0.role"),
        (("a.mp4",), "clips: [{file: a.mp4, from: soon}]", "clips.0.from: found 'soon'"),
        (("a.mp4",), "", ""),
    ],
)
def test_what_cannot_be_is_said(
    tmp_path: Path, names: tuple[str, ...], listed: str, words: str
) -> None:
    where = folder(tmp_path, *names, listed=listed)
    if not words:
        where = tmp_path / "missing"
        words = "there is no such folder"
    with pytest.raises(InputError, match=words):
        find_cuts(where)


def test_a_list_that_is_no_yaml(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="alias"):
        find_cuts(folder(tmp_path, "a.mp4", listed="clips: *all"))


def test_names_of_any_script() -> None:
    assert clip_name("Größe über alles!") == "Groe-uber-alles"
    assert clip_name("挥手", "clip3") == "clip3"
    assert clip_name("-" * 9 + "a" * 90) == "a" * 64
