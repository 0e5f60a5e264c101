"""The key against plain formulas, and the wall as it is learnt."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from appliance.media.frame import Rect, blank
from appliance.pixels import cpu
from appliance.pixels.cpu.wall import pick_colour
from tests.pixels.frames import noise
from tests.studio import BLUE, LIMITED, Studio

SIZES = [(64, 36), (130, 74), (34, 6), (6, 34), (2, 2)]


def stretched(plane: np.ndarray, rect: Rect) -> np.ndarray:
    return cv2.resize(plane, (rect.width, rect.height), interpolation=cv2.INTER_LINEAR)


def full_chroma(uv: np.ndarray) -> np.ndarray:
    """Chroma at each luma sample, a quarter of the way to its neighbours, float64."""
    rows, columns = uv.shape[:2]
    large = cv2.resize(
        uv.astype(np.float64), (2 * columns, 2 * rows), interpolation=cv2.INTER_LINEAR
    )
    return large.reshape(2 * rows, 2 * columns, 2)


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("pad", [0, 3])
def test_alpha_is_linear_in_y_cb_and_cr(width: int, height: int, pad: int) -> None:
    frame, rng = noise(width, height, 1, pad), np.random.default_rng(2)
    for rect in (frame.rect, Rect(width // 4 * 2 % width, 0, 2, height)):
        rows, columns = int(rng.integers(1, 9)), int(rng.integers(1, 12))
        slopes = rng.normal(0, 0.004, (4, rows, columns)).astype(np.float32)
        slopes[3] += 0.5
        slopes[1:3, :, columns // 2 :] = 0  # there, chroma is not to be looked at
        spans = np.tile(np.array([0, rect.width], np.int32), (rows, 1))
        out = np.full((height, width), 9, np.uint8)
        cpu.key_guide(frame, rect, slopes, spans, out)
        part = np.s_[rect.y : rect.bottom, rect.x : rect.right]
        s = [stretched(plane, rect).reshape(rect.height, rect.width) for plane in slopes]
        chroma = full_chroma(frame.uv)[part]
        want = s[0] * frame.y[part] + s[1] * chroma[..., 0] + s[2] * chroma[..., 1] + s[3]
        away = np.abs(out[part] - np.round(255 * np.clip(want, 0, 1)))
        assert away.max() <= 1, rect
        outside = out.copy()
        outside[part] = 9
        assert (outside == 9).all()


def test_nothing_is_drawn_outside_of_the_spans() -> None:
    frame, out = noise(64, 36, 1), np.full((36, 64), 9, np.uint8)
    slopes = np.zeros((4, 4, 4), np.float32)
    slopes[3] = 1
    spans = np.array([[64, 0], [8, 32], [8, 32], [64, 0]], np.int32)
    cpu.key_guide(frame, frame.rect, slopes, spans, out)
    assert (out[10:26, 8:32] == 255).all()
    assert not out[:, :8].any()
    assert not out[:, 32:].any()


@pytest.mark.parametrize("uneven", [0.0, 0.6])
def test_the_wall_is_learnt_place_by_place(uneven: float) -> None:
    studio = Studio(uneven=uneven, noise=2, shadow=0.3)
    learner, frame = cpu.WallLearner(), studio.frame(0)
    wall = learner(frame, studio.alpha(0), frame.rect)
    empty = studio.frame(0, person=False)
    for x, y in ((20, 20), (460, 30), (30, 200), (450, 200), (100, 135)):
        at = wall.cells[y * 36 // 270, x * 64 // 480]
        seen = [empty.y[y - 3 : y + 3, x - 3 : x + 3].mean(), *empty.uv[y // 2, x // 2]]
        assert np.abs(at[:3] - seen).max() < 7, (x, y)
        assert at[3] > 0.9
    # Its light without the shadow in it; that is what is left for the background.
    left = cpu.shade(wall, 1.0)
    assert left is not None
    assert left[18, 12] < 0.85
    assert left[4, 60] > 0.97


@pytest.mark.parametrize("wall", [BLUE, (60, 170, 40), (20, 190, 190), (160, 150, 20)])
def test_the_colour_is_picked(wall: tuple[int, int, int]) -> None:
    frame = Studio(wall=wall, ceiling=True).frame(0)
    samples = np.dstack([frame.y[::2, ::2], frame.uv]).astype(np.float32)
    found = pick_colour(samples, np.ones(samples.shape[:2], np.float32))
    assert np.abs(found - [frame.y[140, 20], *frame.uv[70, 10]]).max() < 6


@pytest.mark.parametrize("wall", [(120, 120, 120), (90, 120, 160), (150, 180, 220), (10, 10, 12)])
def test_skin_wood_and_grey_are_no_wall(wall: tuple[int, int, int]) -> None:
    frame = Studio(wall=wall).frame(0)
    samples = np.dstack([frame.y[::2, ::2], frame.uv]).astype(np.float32)
    with pytest.raises(cpu.NoWall, match="no wall to key out"):
        pick_colour(samples, np.ones(samples.shape[:2], np.float32))


def test_the_outline_is_around_the_wall() -> None:
    studio = Studio(ceiling=True)
    frame = studio.frame(0)
    wall = cpu.WallLearner()(frame, None, frame.rect)
    outline = cpu.outline(wall)
    assert not outline[:6].any(), "the ceiling"
    assert outline[8:].all(), "the person stands before the wall"


def test_nan_of_the_network_stays() -> None:
    """So that the check after it refuses the frame."""
    studio = Studio()
    frame = studio.frame(0)
    planes = np.empty((3, 54, 96), np.float32)
    cpu.crop_planes(frame, frame.rect, planes)
    wall = cpu.WallLearner()(frame, studio.alpha(0), frame.rect)
    cells = cpu.stretched(wall.cells, frame.rect, frame.rect, (54, 96))
    raw = cv2.resize(studio.alpha(0), (96, 54), interpolation=cv2.INTER_AREA)
    raw[10, 10] = np.nan
    key = cpu.key_planes(planes, cells, wall.chroma, np.clip(raw, 0, 1), 0.1)
    assert np.isnan(cpu.fuse_key(raw, key, 3, 2)[10, 10])


def test_darker_by_as_much() -> None:
    behind, out = blank(64, 36, LIMITED), blank(64, 36, LIMITED)
    behind.y[:], behind.uv[:] = 116, (148, 108)
    cpu.shade_behind(behind, np.full((4, 4), 0.5, np.float32), out)
    assert np.abs(out.y.astype(int) - 66).max() <= 1
    assert np.abs(out.uv.astype(int) - (138, 118)).max() <= 1
    cpu.shade_behind(behind, np.ones((4, 4), np.float32), out)
    assert (out.y == behind.y).all()
    assert (out.uv == behind.uv).all()
