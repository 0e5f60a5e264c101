"""From a folder of clips to an avatar: what is made, what is kept, what is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from appliance.avatars.avatar import AvatarManifest, SeamEntry, load_avatar
from appliance.cli import main as cli
from appliance.errors import InputError, StorageError
from appliance.tools.avatar import finish, make, planned
from appliance.tools.avatar.make import MakeOptions, make_avatar
from appliance.tools.bench.progress import BenchBar, Tick
from tests.tools.avatar.footage import FIRST, STEP, BrightIsPerson, clip


@pytest.fixture(scope="session")
def _clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("anna")
    clip(folder / "idle.mkv", 10)
    clip(folder / "talk.mkv", 6, beep_s=0.1)
    clip(folder / "wave.mkv", 12, "30", beep_s=0.1)
    clip(folder / "two.mkv", 5, people=2)
    (folder / "notes.txt").write_text("not a clip")
    return folder


@pytest.fixture
def anna(tmp_path: Path, _clips: Path) -> Path:
    """A folder of clips."""
    return Path(shutil.copytree(_clips, tmp_path / "anna"))


@pytest.fixture
def pair(anna: Path) -> Path:
    """The same with two clips only."""
    (anna / "wave.mkv").unlink()
    (anna / "two.mkv").unlink()
    return anna


@pytest.fixture
def keyer(monkeypatch: pytest.MonkeyPatch) -> BrightIsPerson:
    """The keyer that is used instead of the network's."""
    made = BrightIsPerson()
    monkeypatch.setattr(make, "clip_keyer", made.made)
    # To read its manifest takes longer than to make such an avatar.
    monkeypatch.setattr(planned, "network_identity", str)
    # They have tests of their own, and take most of the time.
    monkeypatch.setattr(finish, "make_seams", cuts_only)
    monkeypatch.setattr(finish, "spoken_marks", lambda *_: {})
    return made


def cuts_only(
    folder: Path, manifest: AvatarManifest, progress: Tick, tell: Callable[[str], None]
) -> AvatarManifest:
    """In place of ``make_seams``: from each end to each beginning."""
    seams = tuple(
        SeamEntry(source=one.name, exit=one.frames - 1, target=other.name, entry=0)
        for one in manifest.clips
        for other in manifest.clips
    )
    return manifest.model_copy(update={"seams": seams})


def run(folder: Path, **asked: object) -> tuple[Path, list[str]]:
    told: list[str] = []
    options = MakeOptions(folder, into=folder.parent / "avatars", **asked)  # type: ignore[arg-type]
    with BenchBar(doing="") as bar:
        return make_avatar(options, told.append, bar), told


def test_a_folder_becomes_an_avatar(anna: Path, keyer: BrightIsPerson) -> None:
    folder, told = run(anna)
    avatar = load_avatar(folder)
    assert (avatar.name, avatar.format.fps) == ("anna", (25, 1))
    found = {c.name: (c.role, c.frames) for c in avatar.manifest.clips}
    # Twelve pictures of thirty a second last as long as ten of twenty-five.
    assert found == {
        "idle": ("idle", 10), "talk": ("talk", 6), "two": ("action", 5), "wave": ("action", 10),
    }  # fmt: skip
    sounding = {name for name, one in avatar.clips.items() if one.header.sounding}
    assert sounding == {"talk", "wave"}
    for number in range(10):
        assert avatar.clips["idle"].frame(number).y.max() == FIRST + STEP * number
    wave = avatar.clips["wave"]
    assert [int(wave.frame(n).y.max()) for n in (0, 9)] == [FIRST, FIRST + STEP * 11]
    assert wave.sound(9) is not None
    # Of two people one is left.
    assert avatar.clips["two"].header.rect.right < 48 + 20
    assert any("more than one person in 5 of 5 pictures" in line for line in told)
    assert any("left out" in line and "notes.txt" in line for line in told)
    assert any("idling lasts 0.4 s (idle)" in line for line in told)
    assert len(avatar.manifest.seams) == 16


def test_made_again_nothing_is_done(pair: Path, keyer: BrightIsPerson) -> None:
    folder, _ = run(pair)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    clips = keyer.clips
    _, told = run(pair)
    assert any("nothing to do" in line for line in told)
    assert keyer.clips == clips
    assert before == {p.name: p.stat().st_mtime_ns for p in folder.iterdir()} | {
        ".lock": before[".lock"]
    }
    run(pair, again=True)
    assert keyer.clips == 2 * clips


def test_only_what_changed_is_keyed(anna: Path, keyer: BrightIsPerson) -> None:
    folder, _ = run(anna)
    old = {path.name for path in folder.glob("*.clip")}
    keyer.clips = 0
    clip(anna / "talk.mkv", 8)
    (anna / "wave.mkv").unlink()
    run(anna)
    avatar = load_avatar(folder)
    assert keyer.clips == 1
    assert avatar.clips["talk"].frames == 8
    assert set(avatar.clips) == {"idle", "talk", "two"}
    # What is no longer part of it is gone.
    kept = {path.name for path in folder.glob("*.clip")}
    assert len(kept) == 3
    assert len(old & kept) == 2


def test_broken_off_it_goes_on(anna: Path, keyer: BrightIsPerson) -> None:
    # In the second clip.
    keyer.dies_at = 13
    with pytest.raises(KeyboardInterrupt):
        run(anna)
    target = anna.parent / "avatars" / "anna"
    assert len(list(target.glob("*.clip"))) == 1
    assert not (target / "avatar.json").exists()
    # As if killed while it wrote.
    (target / ".talk-1.clip.99.part").write_bytes(b"half")
    done = keyer.clips
    keyer.dies_at = -1
    folder, _ = run(anna)
    assert keyer.clips == done + 3
    assert len(load_avatar(folder).clips) == 4
    assert not list(target.glob(".*.part"))


def test_a_clip_cut_short_is_made_again(pair: Path, keyer: BrightIsPerson) -> None:
    folder, _ = run(pair)
    broken = next(folder.glob("talk-*.clip"))
    broken.write_bytes(broken.read_bytes()[:-100])
    keyer.clips = 0
    run(pair)
    assert keyer.clips == 1
    load_avatar(folder)


@pytest.mark.parametrize("change", ["size", "fps", "chroma", "role"])
def test_other_settings_are_another_avatar(anna: Path, keyer: BrightIsPerson, change: str) -> None:
    for name in ("talk", "two", "wave"):
        (anna / f"{name}.mkv").unlink()
    folder, _ = run(anna)
    keyer.clips = 0
    if change == "role":
        (anna / "avatar.yaml").write_text(
            "clips: [{file: idle.mkv}, {file: idle.mkv, name: end, from: 0.2, role: talk}]"
        )
        run(anna)
        assert [c.role for c in load_avatar(folder).manifest.clips] == ["idle", "talk"]
    else:
        asked = {"size": (64, 64), "fps": (30, 1), "chroma": "#00b140"}
        run(anna, **{change: asked[change]})
    assert keyer.clips == 1
    format = load_avatar(folder).format
    assert (format.width, format.fps) == (
        64 if change == "size" else 96, (30, 1) if change == "fps" else (25, 1)
    )  # fmt: skip


def test_a_network_installed_later_makes_seams_and_mouths_anew(
    pair: Path, keyer: BrightIsPerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(pair)
    made: list[str] = []

    def mouths(folder: Path, manifest: AvatarManifest, *_: object) -> AvatarManifest:
        made.append("mouths")
        return manifest

    monkeypatch.setattr(finish, "make_mouths", mouths)
    monkeypatch.setattr(finish, "_installed", lambda name: "new" if name == "face" else "")
    keyer.clips = 0
    run(pair)
    _, told = run(pair)
    assert made == ["mouths"]
    assert any("nothing to do" in line for line in told)
    # The text of what is said is another reason.
    listed = "clips: [{file: idle.mkv}, {file: talk.mkv, says: Hello there}]"
    (pair / "avatar.yaml").write_text(listed)
    run(pair)
    assert made == ["mouths", "mouths"]
    assert keyer.clips == 0


def test_a_clip_without_a_person_is_refused(pair: Path, keyer: BrightIsPerson) -> None:
    clip(pair / "empty.mkv", 20, people=0)
    with pytest.raises(InputError, match=r"empty.mkv: empty: nobody is seen in 11 of its first 11"):
        run(pair)


def test_a_part_without_a_picture_is_refused(pair: Path, keyer: BrightIsPerson) -> None:
    (pair / "avatar.yaml").write_text("clips: [{file: idle.mkv, from: 5, to: 6}]")
    with pytest.raises(InputError, match=r"there is no picture; the file has 0.40 s"):
        run(pair)


def test_one_picture_stands_still(pair: Path, keyer: BrightIsPerson) -> None:
    clip(pair / "idle.mkv", 1)
    folder, told = run(pair)
    assert load_avatar(folder).clips["idle"].frames == 1
    assert any("has one picture only" in line for line in told)


def test_a_disk_too_small_is_said_ahead(
    pair: Path, keyer: BrightIsPerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make.shutil, "disk_usage", lambda path: SimpleNamespace(free=2000))
    with pytest.raises(StorageError, match="0 MB there at least, and 0 MB are free"):
        run(pair)
    assert keyer.clips == 0


def test_two_makers_at_once(pair: Path, keyer: BrightIsPerson) -> None:
    first = make._alone(pair.parent / "avatars" / "anna")
    with first, pytest.raises(StorageError, match="made by another process"):
        run(pair)


def test_no_folder_of_something_else_is_taken(pair: Path, keyer: BrightIsPerson) -> None:
    # What is removed with the avatar must be the avatar's.
    with pytest.raises(InputError, match="where its clips are"):
        make_avatar(MakeOptions(pair, into=pair.parent), print, BenchBar(doing=""))
    other = pair.parent / "avatars" / "anna"
    other.mkdir(parents=True)
    (other / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="is there already, and no avatar"):
        run(pair)
    assert [path.name for path in other.iterdir()] == ["thesis.txt"]


def test_a_target_that_is_a_file(pair: Path, keyer: BrightIsPerson) -> None:
    (pair.parent / "avatars").write_text("")
    with pytest.raises(StorageError, match="cannot be written there"):
        run(pair)


def test_the_command_makes_shows_lists_and_removes(
    pair: Path, keyer: BrightIsPerson, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("STATE_DIRECTORY", str(pair.parent / "state"))
    assert cli.main(["avatar", "list"]) == 0
    assert "make one: mattebox avatar make" in capsys.readouterr().out
    assert cli.main(["avatar", "make", str(pair), "--name", "Anna B", "--fps", "29.97"]) == 0
    assert capsys.readouterr().out.strip() == str(pair.parent / "state/avatars/Anna-B")
    assert cli.main(["avatar", "list"]) == 0
    assert "Anna-B: 96x64 at 29.97 fps, 2 clips" in capsys.readouterr().out
    sheet = pair.parent / "sheet.png"
    assert cli.main(["avatar", "show", "Anna-B", "--out", str(sheet)]) == 0
    assert "talk" in capsys.readouterr().out
    import cv2

    picture = cv2.imread(str(sheet))
    assert picture is not None
    # A row for each clip, over grey, with the person brighter than it.
    assert picture.shape[1] > 8 * 200
    assert np.abs(picture.astype(int) - 128).max(axis=2).min() < 3
    assert cli.main(["avatar", "remove", "Anna-B"]) == 2
    assert "give --yes" in capsys.readouterr().err
    assert cli.main(["avatar", "remove", "Anna-B", "--yes"]) == 0
    assert cli.main(["avatar", "show", "Anna-B"]) == 2
