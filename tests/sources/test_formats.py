"""Every pixel format, colour and size that a file may bring, compared with ffmpeg's pictures."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from appliance.errors import InputError
from appliance.media.frame import Colour, Format, Matrix, Range
from tests.conftest import ClipFactory
from tests.sources.pictures import assert_alike, by_ffmpeg, first_frame, read_some, rgb, source_for

BARS = "smptebars"
MATRICES = {"bt709": Matrix.BT709, "smpte170m": Matrix.BT601}
RANGES = {"tv": Range.LIMITED, "pc": Range.FULL}


def ffmpeg(*arguments: str | Path) -> None:
    done = subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("range_", RANGES)
@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize(
    "pix_fmt", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le"]
)
def test_h264_of_every_kind_is_the_right_colour(
    clip: ClipFactory, pix_fmt: str, matrix: str, range_: str
) -> None:
    path = clip(320, 240, frames=3, source=BARS, pix_fmt=pix_fmt, matrix=matrix, range=range_)
    frame = first_frame(path)
    assert frame.colour == Colour(MATRICES[matrix], RANGES[range_])
    assert_alike(rgb(frame), by_ffmpeg(path, 320, 240))


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "suffix"),
    [
        ("ffv1", "bgr0", ".mkv"),
        ("png", "rgb24", ".mov"),
        ("png", "gray", ".mov"),
        ("libvpx-vp9", "yuv420p", ".webm"),
        ("prores_ks", "yuv422p10le", ".mov"),
        ("mpeg2video", "yuv420p", ".ts"),
        ("libx265", "yuv420p10le", ".mp4"),
    ],
)
def test_other_codecs(clip: ClipFactory, codec: str, pix_fmt: str, suffix: str) -> None:
    is_rgb = pix_fmt in ("bgr0", "rgb24", "gray")
    said = {"matrix": "", "range": ""} if is_rgb else {"matrix": "smpte170m"}
    path = clip(
        320, 240, frames=3, source=BARS, codec=codec, pix_fmt=pix_fmt, suffix=suffix, **said
    )
    assert_alike(rgb(first_frame(path)), by_ffmpeg(path, 320, 240), typical=2.0, most=8.0)


def test_motion_jpeg_is_full_range_601(clip: ClipFactory) -> None:
    path = clip(
        320, 240, frames=3, source=BARS, codec="mjpeg", pix_fmt="yuvj422p", suffix=".avi",
        matrix="smpte170m", range="pc", args=("-q:v", "2"),
    )  # fmt: skip
    frame = first_frame(path)
    assert frame.colour == Colour(Matrix.BT601, Range.FULL)
    assert_alike(rgb(frame), by_ffmpeg(path, 320, 240), typical=2.5)


@pytest.mark.parametrize(
    ("size", "matrix"), [((640, 480), Matrix.BT601), ((1280, 720), Matrix.BT709)]
)
def test_unsaid_colour_goes_by_size(
    clip: ClipFactory, size: tuple[int, int], matrix: Matrix
) -> None:
    path = clip(*size, frames=2, source=BARS, matrix="", range="")
    assert first_frame(path).colour == Colour(matrix, Range.LIMITED)


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p", "bgr0"])
def test_odd_sizes_lose_a_line_and_are_not_squeezed(clip: ClipFactory, pix_fmt: str) -> None:
    said = {"matrix": "", "range": ""} if pix_fmt == "bgr0" else {}
    path = clip(
        641, 361, frames=2, source="testsrc2", codec="ffv1", pix_fmt=pix_fmt, suffix=".mkv", **said
    )
    frame = first_frame(path)
    assert (frame.width, frame.height) == (640, 360)
    ours, theirs = rgb(frame), by_ffmpeg(path, 641, 361)[:360, :640]
    # Squeezed by a column, fine detail at the right would be off by a pixel.
    assert_alike(ours.mean(2), theirs.mean(2), typical=2.0, most=14.0)
    assert_alike(ours[:, 500:].mean(2), theirs[:, 500:].mean(2), typical=2.0, most=14.0)


@pytest.mark.parametrize("size", [(1080, 1920), (7680, 4320), (32, 32), (322, 34)])
def test_unusual_sizes(clip: ClipFactory, size: tuple[int, int]) -> None:
    path = clip(*size, frames=1, source=BARS, fps=10, matrix="bt709")
    source = source_for(path, loop=False)
    try:
        assert source.open(None) == Format(*size, (10, 1), Colour(Matrix.BT709))
        frame = read_some(source, 1)[0]
    finally:
        source.close()
    assert (frame.width, frame.height) == size
    if max(size) < 4000:
        # In so small a picture most chroma samples lie on an edge: luma tells enough.
        ours, theirs = rgb(frame).mean(2), by_ffmpeg(path, *size).mean(2)
        assert_alike(ours, theirs, typical=3.0, most=14.0)


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (64, 30), (8200, 64)])
def test_sizes_that_cannot_be_used_say_so(clip: ClipFactory, size: tuple[int, int]) -> None:
    path = clip(*size, frames=1, codec="png", pix_fmt="rgb24", suffix=".mov", matrix="", range="")
    with pytest.raises(InputError, match=rf"{size[0]}x{size[1]}.*between 32 and 8192.*scale it"):
        first_frame(path)


def test_want_is_kept_to_with_bars(clip: ClipFactory) -> None:
    path = clip(320, 240, frames=2, source=BARS, matrix="smpte170m", range="pc")
    want = Format(640, 360, (30, 1), Colour(Matrix.BT709, Range.LIMITED))
    frame = first_frame(path, want)
    assert (frame.width, frame.height, frame.colour) == (640, 360, want.colour)
    picture = rgb(frame)
    assert picture[:, :78].max() < 3
    assert picture[:, 562:].max() < 3
    theirs = by_ffmpeg(path, 480, 360, filters="scale=480:360")
    assert_alike(picture[:, 80:560], theirs, typical=2.0, most=10.0)


@pytest.mark.parametrize("size", [(160, 90), (1920, 1080)])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p10le"])
def test_want_of_another_size(clip: ClipFactory, size: tuple[int, int], pix_fmt: str) -> None:
    path = clip(640, 360, frames=2, source=BARS, pix_fmt=pix_fmt)
    frame = first_frame(path, Format(*size, (30, 1), Colour(Matrix.BT601, Range.FULL)))
    assert (frame.width, frame.height) == size
    theirs = by_ffmpeg(path, *size, filters=f"scale={size[0]}:{size[1]}")
    assert_alike(rgb(frame), theirs, typical=2.5, most=14.0)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_clip_from_a_turned_phone_stands_upright(
    clip: ClipFactory, tmp_path: Path, turn: int
) -> None:
    path = tmp_path / "turned.mp4"
    lying = clip(320, 240, frames=3, source=BARS)
    ffmpeg("-i", lying, "-c", "copy", "-metadata:s:v:0", f"rotate={turn}", path)
    frame = first_frame(path)
    size = (320, 240) if turn == 180 else (240, 320)
    assert (frame.width, frame.height) == size
    assert_alike(rgb(frame), by_ffmpeg(path, *size), typical=2.0)


def test_pixels_that_are_not_square(clip: ClipFactory) -> None:
    path = clip(720, 576, frames=2, source=BARS, matrix="smpte170m", args=("-aspect", "16:9"))
    frame = first_frame(path)
    assert (frame.width, frame.height) == (1024, 576)
    theirs = by_ffmpeg(path, 1024, 576, filters="scale=1024:576")
    assert_alike(rgb(frame), theirs, typical=2.0, most=10.0)


def test_interlaced_pictures_lose_their_combs(clip: ClipFactory, tmp_path: Path) -> None:
    path = tmp_path / "interlaced.mp4"
    ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=50,tinterlace=interleave_top,setfield=tff",
        "-frames:v", "12", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p",
        "-flags", "+ildct+ilme", "-x264opts", "tff=1", path,
    )  # fmt: skip
    source = source_for(path, loop=False)
    try:
        assert source.open(None).fps == (25, 1)
        frame = read_some(source, 8)[-1]
    finally:
        source.close()
    combed = by_ffmpeg(path, 320, 240, index=7).mean(2)
    assert combs(rgb(frame).mean(2)) < 0.5 * combs(combed)


def combs(luma: NDArray[np.float64]) -> float:
    """How much more a line differs from its neighbours than from the ones beyond."""
    near = np.abs(luma[1:-1] - luma[2:]).mean()
    far = np.abs(luma[:-2] - luma[2:]).mean()
    return float(max(0.0, near / far - 0.6))


def test_the_clips_everybody_has(shared: Path) -> None:
    for name, size in (
        ("asl/please.mkv", (640, 480)),
        ("greenwall.mp4", (320, 192)),
        ("room-walkers.mp4", (768, 432)),
        ("head-pose-male.gif", (480, 270)),
    ):
        path = shared / "media" / name
        frame = first_frame(path)
        assert (frame.width, frame.height) == size
        assert_alike(rgb(frame), by_ffmpeg(path, *size), typical=2.0)
        assert np.ptp(frame.y) > 50
