"""Of several videos in one file the one that its author has marked is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sources.pictures import first_frame, read_some, rgb, source_for
from tests.sources.test_formats import ffmpeg


def two_videos(path: Path, marked: int | None) -> Path:
    """Red, then blue."""
    flags: list[str] = []
    for index in range(2):
        flags += [f"-disposition:v:{index}", "default" if index == marked else "0"]
    if path.suffix == ".mkv":
        flags += ["-default_mode", "passthrough"]
    colours = [f"color={colour}:size=64x48:rate=10:duration=0.5" for colour in ("red", "blue")]
    inputs = [word for colour in colours for word in ("-f", "lavfi", "-i", colour)]
    codec = ["-c:v", "libvpx" if path.suffix == ".webm" else "libx264"]
    ffmpeg(*inputs, "-map", "0", "-map", "1", *codec, *flags, path)
    return path


@pytest.mark.parametrize(
    ("suffix", "marked", "shown"),
    [
        (".mkv", 0, "red"),
        (".mkv", 1, "blue"),
        (".mkv", None, "red"),
        (".webm", 1, "blue"),
        (".mp4", 0, "red"),
        (".mp4", 1, "blue"),
        (".avi", None, "red"),
    ],
)
def test_the_marked_video_is_shown(
    tmp_path: Path, suffix: str, marked: int | None, shown: str
) -> None:
    red, _, blue = rgb(first_frame(two_videos(tmp_path / f"two{suffix}", marked))).mean((0, 1))
    assert (red > 200) == (shown == "red")
    assert (blue > 200) == (shown == "blue")


def test_none_marked_loops_too(tmp_path: Path) -> None:
    source = source_for(two_videos(tmp_path / "two.mkv", None))
    try:
        source.open(None)
        assert all(rgb(frame).mean((0, 1))[0] > 200 for frame in read_some(source, 12))
    finally:
        source.close()
