"""Damaged JPEG pictures are left out; whole ones of every kind are not."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from structlog.testing import capture_logs

from appliance.sources.jpeg_check import JpegCheck
from tests.conftest import ClipFactory
from tests.sources.pictures import by_ffmpeg, read_some, rgb, source_for


def jpeg(mode: str = "RGB", **options: object) -> np.ndarray:
    noise = np.random.default_rng(1).integers(0, 256, (200, 328, 3)).astype(np.uint8)
    picture = Image.fromarray(cv2.GaussianBlur(noise, (0, 0), 2)).convert(mode)
    out = io.BytesIO()
    picture.save(out, "JPEG", **options)  # type: ignore[arg-type]
    return np.frombuffer(out.getvalue(), np.uint8).copy()


KINDS = [
    ("RGB", {"quality": 85}),
    ("RGB", {"quality": 100, "subsampling": 0}),
    ("RGB", {"quality": 60, "subsampling": 1, "optimize": True}),
    ("RGB", {"quality": 85, "restart_marker_rows": 1}),
    ("RGB", {"quality": 85, "restart_marker_blocks": 7}),
    ("L", {"quality": 85}),
    ("CMYK", {"quality": 85}),
]


@pytest.mark.parametrize(("mode", "options"), KINDS)
def test_whole_ones_pass(mode: str, options: dict[str, object]) -> None:
    picture = jpeg(mode, **options)
    assert JpegCheck("test").fault(picture) is None
    # Padding, and a second field, may follow.
    assert JpegCheck("test").fault(np.concatenate([picture, np.zeros(100, np.uint8)])) is None


def test_what_is_not_looked_into_passes() -> None:
    check = JpegCheck("test")
    assert check.fault(jpeg(progressive=True)) is None
    assert check.fault(np.frombuffer(b"no JPEG at all", np.uint8)) is None


@pytest.mark.parametrize(("mode", "options"), KINDS)
def test_broken_ones_do_not(mode: str, options: dict[str, object]) -> None:
    check, picture = JpegCheck("test"), jpeg(mode, **options)
    start = picture.tobytes().index(b"\xff\xda") + 14
    rng = np.random.default_rng(2)
    missed = 0
    for _ in range(60):
        at = int(rng.integers(start, picture.size - 600))
        cut = np.append(picture[:at], np.array([0xFF, 0xD9], np.uint8))
        assert check.fault(cut) is not None
        assert check.fault(picture[:at]) is not None
        missed += check.fault(np.delete(picture, slice(at, at + int(rng.integers(8, 500))))) is None
    assert missed <= 9


@pytest.mark.parametrize("size", range(2, 700, 7))
def test_any_beginning_of_one_is_judged_without_a_fault_of_ours(size: int) -> None:
    assert JpegCheck("test").fault(jpeg()[:size]) is not None


def test_a_camera_with_a_bad_cable(clip: ClipFactory, tmp_path: Path) -> None:
    good = clip(
        320, 240, frames=12, codec="mjpeg", pix_fmt="yuvj422p", suffix=".avi",
        matrix="smpte170m", range="pc", args=("-q:v", "3"),
    )  # fmt: skip
    data = bytearray(good.read_bytes())
    begin = data.index(b"movi")
    starts = [i for i in range(begin, len(data)) if data[i : i + 4] == b"00dc"][:12]
    for index in (3, 4, 8):
        size = int.from_bytes(data[starts[index] + 4 : starts[index] + 8], "little")
        middle = starts[index] + 8 + size // 2
        data[middle : middle + 300] = bytes(300)
    path = tmp_path / "bad.avi"
    path.write_bytes(data)
    source = source_for(path, loop=False)
    with capture_logs() as logs:
        try:
            source.open(None)
            frames = read_some(source, 9)
        finally:
            source.close()
    whole = [index for index in range(12) if index not in (3, 4, 8)]
    for frame, index in zip(frames[:4], whole[:4], strict=True):
        assert np.abs(rgb(frame) - by_ffmpeg(good, 320, 240, index=index)).mean() < 3
    said = [line for line in logs if line["event"] == "a damaged picture is left out"]
    # Once for each run of them.
    assert len(said) == 2
    assert "of its" in said[0]["reason"]
