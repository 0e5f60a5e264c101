"""A folder of pictures: slide shows and sequences, with what is wrong in it left out."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image
from structlog.testing import capture_logs

from appliance.config.settings import OutputSettings, Settings, SourceSettings
from appliance.errors import EndOfStream, InputError
from appliance.media.frame import Colour, Format, Frame
from appliance.sources.folder import FolderSource, by_number, is_sequence
from appliance.tools.check import unreadable
from tests.sources.pictures import fed, read_some, rgb, source_for


def put(folder: Path, name: str, grey: int, size: tuple[int, int] = (64, 48)) -> None:
    Image.new("RGB", size, (grey, grey, grey)).save(folder / name)


def greys(frames: list[Frame]) -> list[int]:
    return [round(float(rgb(frame)[20:28, 28:36].mean()) / 10) * 10 for frame in frames]


def test_a_slide_show_at_its_own_pace(tmp_path: Path) -> None:
    for number, grey in ((10, 200), (9, 100), (1, 50)):
        put(tmp_path, f"photo{number}.png", grey)
    frames = fed(tmp_path, 40, picture_s=0.2, fps="50", loop=True)
    assert greys(frames) == [50] * 10 + [100] * 10 + [200] * 10 + [50] * 10
    steps = {round((b.pts - a.pts) / 1e6) for a, b in pairwise(frames)}
    assert steps == {20}
    # Each is a cut: nothing is carried over from the picture before.
    assert [i for i, frame in enumerate(frames) if frame.discontinuity] == [0, 10, 20, 30]


def test_the_frames_of_a_sequence_once_as_fast_as_possible(tmp_path: Path) -> None:
    for number in range(1, 31):
        put(tmp_path, f"frame_{number:03}.jpg", number * 8)
    source = source_for(tmp_path, loop=False)
    with capture_logs() as logs:
        format = source.open(None)
    assert logs[-1]["why"] == "numbered like frames"
    assert (format.width, format.height, format.fps) == (64, 48, (30, 1))
    frames = read_some(source, 30)
    with pytest.raises(EndOfStream):
        source.read(5)
    source.close()
    assert greys(frames) == [round(number * 8 / 10) * 10 for number in range(1, 31)]
    assert [frame.discontinuity for frame in frames] == [True] + [False] * 29


def test_it_follows_the_canvas(tmp_path: Path) -> None:
    put(tmp_path, "wide.png", 200, (128, 32))
    source = source_for(tmp_path)
    try:
        source.open(Format(64, 64, (50, 1), Colour()))
        (frame,) = read_some(source, 1)
    finally:
        source.close()
    assert frame.y.shape == (64, 64)
    assert frame.y[2, 32] < 20 < 150 < frame.y[32, 32]
    assert frame.duration == 20_000_000


def test_what_is_no_picture_is_left_out_and_said_once(tmp_path: Path) -> None:
    put(tmp_path, "b.png", 100)
    put(tmp_path, "d.png", 200)
    (tmp_path / "a.jpg").write_bytes(b"nothing of the kind")
    (tmp_path / "c.png").write_bytes((tmp_path / "b.png").read_bytes()[:60])
    (tmp_path / "e.png").mkdir()
    (tmp_path / "notes.txt").write_text("no picture")
    source = source_for(tmp_path, picture_s=0.04, fps="25", loop=True)
    with capture_logs() as logs:
        try:
            source.open(None)
            assert greys(read_some(source, 6)) == [100, 200] * 3
        finally:
            source.close()
    told = [entry["reason"] for entry in logs if entry["event"] == "a picture is left out"]
    assert len(told) == 3
    assert {reason.split("'")[1].rpartition("/")[2] for reason in told} == {
        "a.jpg",
        "c.png",
        "e.png",
    }


def test_pictures_come_and_go(tmp_path: Path) -> None:
    put(tmp_path, "a.png", 100)
    source = source_for(tmp_path, picture_s=0.04, fps="25", loop=True)
    try:
        source.open(None)
        assert greys(read_some(source, 2)) == [100, 100]
        put(tmp_path, "b.png", 200)
        (tmp_path / "a.png").unlink()
        assert 200 in greys(read_some(source, 10))
    finally:
        source.close()


def test_a_folder_with_nothing_to_show(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no picture in it"):
        source_for(tmp_path).open(None)
    (tmp_path / "a.jpg").write_bytes(b"x")
    with pytest.raises(InputError, match="none of its 1 pictures can be read"):
        source_for(tmp_path).open(None)
    put(tmp_path, "a.png", 1, (16, 16))
    with pytest.raises(InputError, match="at least 32"):
        source_for(tmp_path).open(None)


def test_it_is_a_source_like_a_file(tmp_path: Path) -> None:
    assert isinstance(source_for(f"file://{tmp_path}/"), FolderSource)
    assert unreadable(tmp_path, folder=True) is None
    assert "directory" in str(unreadable(tmp_path))
    outputs = (OutputSettings(uri=str(tmp_path / "out.mp4")),)
    settings = Settings(source=SourceSettings(uri=str(tmp_path)), outputs=outputs)
    assert settings.source_in_use.pace == "fast"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([f"frame_{n:04}.png" for n in range(1, 26)], True),
        ([f"{n}.jpg" for n in range(30)], True),
        ([f"frame_{n:04}.png" for n in range(1, 25)], False),  # too few
        ([f"IMG_{n}.jpg" for n in range(4711, 4750)], False),  # a camera's
        ([f"{n}.jpg" for n in range(1, 40) if n != 20], False),
        ([f"{n}.{'jpg' if n % 2 else 'png'}" for n in range(40)], False),
        (["a.jpg", "b.jpg"], False),
        ([], False),
    ],
)
def test_what_makes_a_sequence(names: list[str], expected: bool) -> None:
    assert is_sequence(sorted(map(Path, names), key=lambda p: by_number(p.name))) is expected
