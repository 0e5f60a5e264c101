"""How long the last matte is held, at rates from 60 frames a second down to 4."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.config.settings import RefineSettings, Settings
from appliance.media.frame import F32, Rect
from appliance.stages.matte.hold import hold, thirtieths
from appliance.stages.timings import StageClock
from tests.kernels.postprocess import PostProcess

ROWS, COLUMNS = 36, 64
RECT = Rect(0, 0, 192, 108)
HAND = np.s_[10:18, 44:54]


@pytest.mark.parametrize(
    ("fps", "units"),
    [(120, 1), (60, 1), (30, 1), (25, 1), (24, 1), (15, 2), (12.5, 2), (10, 3), (3.7, 8), (0.5, 8)],
)
def test_thirtieths(fps: float, units: int) -> None:
    for jitter in (-2_000_000, 0, 2_000_000):
        assert thirtieths(10**12, 10**12 + round(1e9 / fps) + jitter) == units


@pytest.mark.parametrize("now", [0, -(10**12)])
def test_a_clock_that_stands_or_goes_back(now: int) -> None:
    assert thirtieths(0, now) == 1


def test_as_long_in_seconds() -> None:
    assert hold(0.85, 1) == (1, 1)
    assert hold(0.0, 1) == (1, 1)
    agreed, disputed = hold(0.85, 3)
    assert agreed * 0.85 == pytest.approx(0.85**3)
    assert disputed * 0.85 == pytest.approx(0.85**9)
    assert hold(0.0, 2) == (0, 0)


def picture() -> F32:
    return np.full((3, ROWS, COLUMNS), 128, np.float32)


def body() -> F32:
    alpha = np.zeros((ROWS, COLUMNS), np.float32)
    alpha[8:, 20:44] = 1
    return alpha


def played(alphas: list[F32], fps: float) -> list[F32]:
    """The steadied alphas; the picture stands still, and so hides what moved."""
    post = PostProcess(Settings(refine=RefineSettings(enabled=False)), StageClock())
    made = []
    for k, alpha in enumerate(alphas):
        work = post(alpha.copy(), picture(), RECT, round(k * 1e9 / fps))
        assert work.alpha is not None
        made.append(work.alpha.copy())
    return made


def with_hand() -> F32:
    alpha = body()
    alpha[HAND] = 1
    return alpha


@pytest.mark.parametrize(("fps", "frames"), [(60, 8), (30, 8), (15, 2), (12.5, 2), (10, 0)])
def test_a_hand_that_left_stays_as_a_ghost_for_so_long(fps: float, frames: int) -> None:
    """Frames with a quarter of the hand left, before a wall of its own colour."""
    made = played([with_hand()] * 2 + [body()] * 10, fps)[2:]
    assert sum(bool(alpha[HAND].mean() > 0.25) for alpha in made) == frames
    assert all(alpha[20:, 22:42].min() > 0.999 for alpha in made)


@pytest.mark.parametrize(("fps", "frames"), [(30, 8), (15, 2), (10, 0)])
def test_a_hand_that_came_is_not_there_for_so_long(fps: float, frames: int) -> None:
    made = played([body()] * 2 + [with_hand()] * 10, fps)[2:]
    assert sum(bool(alpha[HAND].mean() < 0.75) for alpha in made) == frames


@pytest.mark.parametrize("fps", [30, 15, 10])
def test_the_networks_noise_does_not_break_the_hold(fps: float) -> None:
    """Edges that shimmer by a tenth: what is left of it follows from the strength alone."""
    rng = np.random.default_rng(0)
    edge = np.zeros((ROWS, COLUMNS), bool)
    edge[8:, [19, 20, 43, 44]] = True
    alphas = []
    for _ in range(400):
        alpha = body()
        alpha[edge] = np.clip(0.5 + 0.1 * rng.standard_normal(int(edge.sum())), 0, 1)
        alphas.append(alpha)
    noise = np.std([alpha[edge] for alpha in alphas[20:]], axis=0).mean()
    left = np.std([alpha[edge] for alpha in played(alphas, fps)[20:]], axis=0).mean()
    share = 0.85 ** round(30 / fps)
    # A mean of a_t with weights falling by ``share`` from frame to frame.
    expected = np.sqrt((1 - share) / (1 + share))
    assert left / noise == pytest.approx(expected, rel=0.1)
