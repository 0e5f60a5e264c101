"""Animated WebP and PNG move."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from appliance.background import animation
from appliance.background.animation import AnimationSource, is_animated
from appliance.background.make import make_background
from appliance.config.settings import BackgroundSettings
from appliance.errors import SourceError
from appliance.media.frame import Frame
from tests.background.test_background import CANVAS, frames_of

LEVELS = (40, 120, 200)


def animated(path: Path, *, milliseconds: int = 40) -> Path:
    pictures = [Image.new("RGBA", (64, 36), (level, level, level, 255)) for level in LEVELS]
    pictures[0].save(
        path, save_all=True, append_images=pictures[1:], duration=milliseconds, loop=1,
        **({"lossless": True} if path.suffix == ".webp" else {}),
    )  # fmt: skip
    return path


def level(frame: Frame) -> int:
    return round((float(np.median(frame.y)) - 16) / 219 * 255)


def read(source: AnimationSource, count: int) -> list[Frame]:
    frames = []
    for _ in range(count):
        frame = source.read(5.0)
        assert frame is not None
        frames.append(frame)
    return frames


@pytest.mark.parametrize("suffix", [".webp", ".png"])
@pytest.mark.parametrize("kept", [0, 1 << 20])
def test_it_loops_in_order_and_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, kept: int
) -> None:
    monkeypatch.setattr(animation, "_KEPT_BYTES", kept)
    path = animated(tmp_path / f"a{suffix}")
    assert is_animated(path)
    source = AnimationSource(path, "fill")
    try:
        source.open(CANVAS)
        frames = read(source, 7)
    finally:
        source.close()
        source.close()
    assert [level(frame) for frame in frames] == pytest.approx([*LEVELS * 2, LEVELS[0]], abs=2)
    assert [frame.pts for frame in frames] == [40_000_000 * i for i in range(7)]
    assert [frame.serial for frame in frames] == list(range(7))
    assert [frame.discontinuity for frame in frames] == [i % 3 == 0 for i in range(7)]


def test_it_plays_behind_the_person(tmp_path: Path) -> None:
    background = make_background(BackgroundSettings(uri=str(animated(tmp_path / "a.webp"))), CANVAS)
    try:
        seen = {level(frame) for frame in frames_of(background, 0.5)}
    finally:
        background.close()
    assert len(seen) == 3


def test_a_picture_shown_for_long_is_given_again(tmp_path: Path) -> None:
    source = AnimationSource(animated(tmp_path / "a.png", milliseconds=1500), "fill")
    try:
        source.open(CANVAS)
        frames = read(source, 3)
    finally:
        source.close()
    assert [frame.pts // 1_000_000 for frame in frames] == [0, 1000, 1500]
    assert [level(frame) for frame in frames] == pytest.approx([40, 40, 120], abs=2)


def test_one_that_breaks_off_says_where(tmp_path: Path) -> None:
    path = animated(tmp_path / "a.png")
    data = path.read_bytes()
    # Within the third picture's data.
    path.write_bytes(data[: data.rindex(b"fdAT") + 8] + b"\xff" * 8 + data[-40:])
    source = AnimationSource(path, "fill")
    try:
        source.open(CANVAS)
        with pytest.raises(SourceError, match=r"picture 3 is damaged"):
            read(source, 3)
    finally:
        source.close()


def test_still_ones_stay_still(tmp_path: Path) -> None:
    for name in ("p.png", "p.webp", "p.jpg"):
        Image.new("RGB", (64, 36)).save(tmp_path / name)
        assert not is_animated(tmp_path / name)
    (tmp_path / "no.png").write_text("text")
    assert not is_animated(tmp_path / "no.png")
