"""The demo's moving portrait."""

from __future__ import annotations

import importlib.util
from itertools import pairwise

import numpy as np
import pytest

from appliance.errors import MissingDependency
from appliance.media.frame import Colour, Format, Matrix, Range
from appliance.sources.demo import PERIOD_S
from appliance.sources.demo_scene import SIDE, TOP, photograph, widen
from tests.sources.pictures import F64, read_some, rgb, source_for

needs_photo = pytest.mark.skipif(
    importlib.util.find_spec("skimage") is None, reason="scikit-image is not installed"
)


@needs_photo
def test_by_default_it_is_720p30() -> None:
    source = source_for("demo://", pace="realtime")
    format = source.open(None)
    assert format == Format(1280, 720, (30, 1), Colour(Matrix.BT709, Range.LIMITED))
    assert source.live
    frame = read_some(source, 1)[0]
    assert (frame.width, frame.height, frame.serial, frame.pts) == (1280, 720, 0, 0)
    source.close()


@needs_photo
@pytest.mark.parametrize("size", [(64, 32), (360, 640), (640, 480), (1920, 400)])
@pytest.mark.parametrize("colour", [Colour(Matrix.BT601, Range.FULL), Colour()])
def test_any_canvas_is_filled(size: tuple[int, int], colour: Colour) -> None:
    source = source_for("demo://")
    want = Format(*size, (30, 1), colour)
    assert source.open(want) == want
    for frame in read_some(source, 3):
        assert (frame.width, frame.height, frame.colour) == (*size, colour)
        picture = rgb(frame)
        # Her suit is the only orange thing, and it is there.
        orange = (picture[..., 0] > 150) & (picture[..., 2] < 90)
        assert orange.any() or size[0] > 3 * size[1]


@needs_photo
def test_the_motion_is_smooth_and_repeats() -> None:
    source = source_for("demo://", size="160x90", fps="10")
    source.open(None)
    frames = read_some(source, round(PERIOD_S * 10) + 1)
    assert np.array_equal(frames[0].y, frames[-1].y)
    assert [frame.discontinuity for frame in frames] == [True] + [False] * (len(frames) - 1)
    steps = [np.abs(a.y.astype(np.float64) - b.y).mean() for a, b in pairwise(frames)]
    assert min(steps) > 0.02
    assert max(steps) < 6 * np.median(steps)


@needs_photo
def test_luma_and_chroma_move_together() -> None:
    """The colour edge of the suit lies where its luma edge lies, within half a chroma sample."""
    source = source_for("demo://", size="640x360")
    source.open(None)
    for frame in read_some(source, 240)[::80]:
        picture = rgb(frame)
        back: F64 = picture.mean(2)
        assert np.corrcoef(back.ravel(), frame.y.ravel())[0, 1] > 0.97


@needs_photo
def test_the_photograph_is_whole_in_the_scene() -> None:
    photo, wide = photograph(), widen(photograph())
    assert wide.shape == (512 + TOP, 512 + 2 * SIDE, 3)
    inner = wide[TOP + 40 :, SIDE + 40 : SIDE + 472]
    assert np.abs(inner.astype(int) - photo[40:, 40:472]).max() <= 1
    # No seam: across the old border the picture is as smooth as anywhere near.
    seam = np.abs(np.diff(wide[:, SIDE - 3 : SIDE + 3].astype(int), axis=1)).mean()
    assert seam < 6


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    source = source_for("demo://")
    with pytest.raises(MissingDependency, match="pip install scikit-image"):
        source.open(None)
