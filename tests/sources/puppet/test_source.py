"""The puppet as a source: its frames, its loops, its cache, and everything that can be wrong."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from appliance.errors import EndOfStream, InputError, MissingDependency, SourceError
from appliance.media.frame import Format, Frame, Rect
from appliance.networks import folders
from appliance.sources.file import FileSource
from appliance.sources.puppet import motion, source, still, track
from appliance.sources.puppet.hold import EASE_S, HOLD_S
from appliance.sources.puppet.source import PuppetSource
from tests.sources.pictures import fed, read_some, source_for
from tests.sources.puppet.scenes import matte_of, pose_at

SIZE = (128, 96)
MakeClip = Callable[..., Path]


class SeesBrightness:
    """Stands for the tracker: leans with the picture's brightness, and sees nobody in the dark."""

    runs = 0

    def __init__(self, network: object) -> None:
        del network

    def reset(self) -> None:
        """Nothing is kept."""

    def __call__(self, frame: Frame, box: Rect | None = None) -> np.ndarray | None:
        """The still's own pose where a box is given, else a pose for the brightness."""
        if box is not None:
            return pose_at(64, 44, 24)
        SeesBrightness.runs += 1
        level = float(frame.y.mean())
        if level < 40:
            return None
        if level > 200:
            return np.full((33, 4), np.nan, np.float32)
        return pose_at(frame.width / 2 + (level - 128) / 8, frame.height / 2, frame.width / 6)


class NoNetwork:
    """Stands for the pose network."""

    class manifest:
        """Its manifest."""

        name = "pose"

    identity = (1, 2, 3, 4)


@pytest.fixture(autouse=True)
def _stand_ins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(source, "PoseTracker", SeesBrightness)
    monkeypatch.setattr(still, "PoseTracker", SeesBrightness)
    monkeypatch.setattr(source, "load_pose", NoNetwork)
    monkeypatch.setattr(track.folders, "caches", lambda purpose: iter([tmp_path / "cache"]))
    SeesBrightness.runs = 0


@pytest.fixture
def person(tmp_path: Path) -> Path:
    """A picture with an alpha channel: the drawn person, as its own matte."""
    alpha = matte_of(pose_at(64, 44, 24), (SIZE[1], SIZE[0]))
    rng = np.random.default_rng(4)
    rgb = cv2.resize(rng.integers(40, 220, (12, 16, 3), np.uint8), SIZE)
    path = tmp_path / "person.png"
    Image.fromarray(np.dstack((rgb, alpha))).save(path)
    return path


@pytest.fixture
def drive(tmp_path: Path) -> MakeClip:
    """Makes a clip of plain pictures, one for each brightness given."""

    def make(
        levels: list[int],
        *,
        fps: str = "30",
        size: tuple[int, int] = (160, 120),
        name: str = "c.mkv",
    ) -> Path:
        path = tmp_path / name
        data = b"".join(np.full((size[1], size[0]), level, np.uint8).tobytes() for level in levels)
        subprocess.run(
            ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "gray",
             "-s", f"{size[0]}x{size[1]}", "-r", fps, "-i", "-", "-c:v", "ffv1",
             "-pix_fmt", "yuv420p", str(path)],
            input=data, check=True, timeout=60,
        )  # fmt: skip
        return path

    return make


def address(person: Path, clip: Path, more: str = "") -> str:
    return f"puppet://{person}?drive={clip}{more}"


def read_all(made: object) -> list[Frame]:
    frames: list[Frame] = []
    while True:
        try:
            frame = made.read(10.0)  # type: ignore[attr-defined]
        except EndOfStream:
            return frames
        assert frame is not None
        frames.append(frame)


WAVE = [128, 128, 150, 170, 190, 170, 150, 128, 100, 80]


def test_it_is_a_source_like_any_other(person: Path, drive: MakeClip) -> None:
    made = source_for(address(person, drive(WAVE, fps="25")), loop=False)
    assert isinstance(made, PuppetSource)
    assert not made.live
    format = made.open(None)
    assert (format.width, format.height, format.fps) == (*SIZE, (25, 1))
    frames = read_all(made)
    made.close()
    made.close()
    assert len(frames) == len(WAVE)
    assert [f.serial for f in frames] == list(range(len(WAVE)))
    assert [f.discontinuity for f in frames] == [True] + [False] * (len(WAVE) - 1)
    assert np.abs(np.diff([f.pts for f in frames]) - 40_000_000).max() < 2_000_000
    assert all(f.y.shape == (SIZE[1], SIZE[0]) and f.y.dtype == np.uint8 for f in frames)
    assert not np.array_equal(frames[0].y, frames[-1].y), "it moves"


def test_it_loops_and_the_second_round_needs_no_clip(person: Path, drive: MakeClip) -> None:
    clip = drive(WAVE)
    made = source_for(address(person, clip))
    made.open(None)
    try:
        frames = read_some(made, 3 * len(WAVE) + 1)
        assert [f.serial for f in frames if f.discontinuity] == [0, 10, 20, 30]
        seen = SeesBrightness.runs
        assert seen == len(WAVE) + 1, "a round, and the first picture of the next"
        # Opened anew, as after a change: the motion is known.
        made.open(None)
        again = read_some(made, 2 * len(WAVE) + 1)
    finally:
        made.close()
    assert SeesBrightness.runs == seen
    assert [f.serial for f in again if f.discontinuity] == [0, 10, 20]
    assert [f.pts for f in again[:10]] == [f.pts for f in frames[:10]]


def test_without_a_cache_it_is_known_while_it_runs(
    person: Path, drive: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(track.folders, "caches", lambda purpose: iter([Path("/proc/no/where")]))
    made = source_for(address(person, drive(WAVE)))
    made.open(None)
    read_some(made, len(WAVE) + 1)
    seen = SeesBrightness.runs
    made.open(None)
    read_some(made, len(WAVE))
    made.close()
    assert SeesBrightness.runs == seen


def test_the_motion_is_kept_in_the_cache(
    person: Path, drive: MakeClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = drive(WAVE)
    first = source_for(address(person, clip), loop=False)
    first.open(None)
    read_all(first)
    first.close()
    assert len(list((tmp_path / "cache").glob("*.npz"))) == 1

    def not_opened(*_: object, **__: object) -> None:
        raise AssertionError("the clip is opened")

    with monkeypatch.context() as patched:
        patched.setattr(motion, "FileSource", not_opened)
        second = source_for(address(person, clip), loop=False)
        second.open(None)
        assert second.length_s == pytest.approx(len(WAVE) / 30, abs=0.01)  # type: ignore[attr-defined]
        frames = read_all(second)
        second.close()
    assert len(frames) == len(WAVE)
    # Another clip under the same name has another motion.
    drive([128] * 4)
    third = source_for(address(person, clip), loop=False)
    third.open(None)
    assert len(read_all(third)) == 4
    third.close()


def test_a_damaged_cache_is_left_out(person: Path, drive: MakeClip, tmp_path: Path) -> None:
    clip = drive(WAVE)
    for damage in (b"", b"PK\x03\x04 broken", b"no archive"):
        made = source_for(address(person, clip), loop=False)
        made.open(None)
        assert len(read_all(made)) == len(WAVE)
        made.close()
        (kept,) = (tmp_path / "cache").glob("*.npz")
        kept.write_bytes(damage)


def test_at_its_own_speed_and_in_order(person: Path, drive: MakeClip) -> None:
    frames = fed(address(person, drive(WAVE, fps="50")), 25)
    steps = np.diff([f.pts for f in frames])
    assert (steps > 0).all()
    assert len(frames) == 25


def test_a_canvas_has_bars_where_the_still_has_another_shape(person: Path, drive: MakeClip) -> None:
    made = source_for(address(person, drive(WAVE), "&over=green"))
    want = Format(320, 96, (30, 1))
    assert made.open(want) == want
    (frame,) = read_some(made, 1)
    made.close()
    assert frame.y.shape == (96, 320)
    assert (frame.y[:, :96] == 16).all()
    assert (frame.y[:, -96:] == 16).all()
    assert (frame.y[:, 96:-96] != 16).any()


def test_who_is_lost_is_held_then_rests(person: Path, drive: MakeClip) -> None:
    """Darkness is nobody; a very bright picture gives a pose that is none (NaN)."""
    for lost in (20, 235):
        rest = int((HOLD_S + EASE_S) * 30) + 3
        clip = drive([128] * 5 + [200] * 30 + [lost] * rest, name=f"lost{lost}.mkv")
        made = source_for(address(person, clip), loop=False)
        made.open(None)
        frames = read_all(made)
        made.close()
        moved, held, end = frames[34], frames[38], frames[-1]
        before = source_for(address(person, drive([20, 128], name="dark.mkv")), loop=False)
        before.open(None)
        (at_rest,) = read_some(before, 1)
        before.close()
        off = [np.abs(one.y.astype(int) - at_rest.y).mean() for one in (moved, held, end)]
        assert off[0] > 0.3
        assert off[1] > 0.3
        assert off[2] == 0


@pytest.mark.parametrize(
    ("size", "fps"), [((64, 360), "60"), ((640, 64), "10"), ((322, 180), "30000/1001")]
)
def test_clips_of_any_size_and_rate(
    person: Path, drive: MakeClip, size: tuple[int, int], fps: str
) -> None:
    made = source_for(address(person, drive(WAVE, size=size, fps=fps)), loop=False)
    format = made.open(None)
    assert (format.width, format.height) == SIZE
    assert f"{format.fps[0]}/{format.fps[1]}" == (fps if "/" in fps else f"{fps}/1")
    assert len(read_all(made)) == len(WAVE)
    made.close()


def test_nobody_in_the_clip_is_said_and_not_looked_for_again(person: Path, drive: MakeClip) -> None:
    made = source_for(address(person, drive([20] * 6)))
    made.open(None)
    with pytest.raises(InputError, match=r"c\.mkv': no person was found in any of its 6 pictures"):
        read_some(made, 7)
    seen = SeesBrightness.runs
    with pytest.raises(InputError, match="no person was found"):
        made.open(None)
    assert SeesBrightness.runs == seen
    made.close()


def test_what_is_missing_or_broken_is_said(person: Path, drive: MakeClip, tmp_path: Path) -> None:
    clip = drive(WAVE)
    text = tmp_path / "text.png"
    text.write_text("no picture")
    cut = tmp_path / "cut.png"
    cut.write_bytes(person.read_bytes()[:200])
    empty = tmp_path / "empty.mkv"
    empty.touch()
    clear = tmp_path / "clear.png"
    Image.new("RGBA", SIZE, (9, 9, 9, 0)).save(clear)
    tiny = tmp_path / "tiny.png"
    Image.new("RGB", (20, 20)).save(tiny)
    for where, message in (
        (address(tmp_path / "gone.png", clip), r"the still of a puppet, .*gone\.png': there is no"),
        (
            address(person, tmp_path / "gone.mkv"),
            r"the driving clip .*gone\.mkv': there is no",
        ),
        (address(text, clip), r"the still .*text\.png': it is no picture that can be read"),
        (address(cut, clip), r"the still .*cut\.png': .* damaged or broken off"),
        (address(person, empty), r"the driving clip .*empty\.mkv': the file is empty"),
        (address(person, text), r"the driving clip .*text\.png': not a video"),
        (address(clear, clip), r"the still .*clear\.png': all of it is transparent"),
        (address(tiny, clip), r"the still .*tiny\.png': .*20x20"),
        (address(tmp_path, clip), r"it is a folder"),
    ):
        made = source_for(where)
        with pytest.raises(InputError, match=message):
            made.open(None)
        made.close()


def test_without_the_network_the_command_is_named(
    person: Path, drive: MakeClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from appliance.networks import pose

    monkeypatch.setattr(source, "load_pose", pose.load_pose)
    monkeypatch.setattr(pose, "model_folders", lambda: (folders.SHIPPED, tmp_path / "engines"))
    made = source_for(address(person, drive(WAVE)))
    with pytest.raises(MissingDependency, match="get it once with: mattebox model add pose"):
        made.open(None)


def test_a_clip_that_breaks_off_ends_there(person: Path, drive: MakeClip) -> None:
    clip = drive([128 + n for n in range(60)], size=(320, 240), name="long.mkv")
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size * 2 // 3])
    made = source_for(address(person, clip), loop=False)
    made.open(None)
    frames = read_all(made)
    made.close()
    assert 5 < len(frames) < 60


def test_reading_it_closed_is_an_error(person: Path, drive: MakeClip) -> None:
    made = source_for(address(person, drive(WAVE)))
    with pytest.raises(SourceError, match="it is not open"):
        made.read(0.1)


def test_exif_and_alpha(tmp_path: Path) -> None:
    """A picture on its side is turned upright, with its alpha."""
    rgba = np.zeros((40, 60, 4), np.uint8)
    rgba[:20, :, :3] = (250, 10, 10)
    rgba[:20, :, 3] = 255
    picture = Image.fromarray(rgba)
    exif = picture.getexif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
    path = tmp_path / "side.png"
    picture.save(path, exif=exif)
    found = still.read_still(path)
    assert found.rgb.shape == (60, 40, 3)
    assert found.alpha is not None
    assert found.alpha[:, 25:].min() == 255
    assert found.alpha[:, :15].max() == 0
    assert found.size == (40, 60)


def test_huge_stills_are_made_smaller(tmp_path: Path) -> None:
    path = tmp_path / "huge.jpg"
    Image.new("RGB", (6000, 8000), (90, 90, 90)).save(path)
    found = still.read_still(path)
    assert found.alpha is None
    assert max(found.rgb.shape) < 4500
    assert found.size == (1080, 1440)


def test_a_clip_waits_for_its_reader_and_a_live_one_does_not(person: Path, drive: MakeClip) -> None:
    clip = drive(WAVE)
    for pace in ("realtime", "fast"):
        made = source_for(address(person, clip), pace=pace)
        alike = FileSource(made.settings, clip)  # type: ignore[attr-defined]
        assert (made.live, made.paced) == (alike.live, alike.paced)
