"""The matte that came with the frame, in the whole path on the CPU, without a network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from appliance.errors import MattingError
from appliance.media.frame import U8, blank
from appliance.shedding import Level
from tests.scenes import FULL, STAGE, Stage
from tests.stages.given.scene import blended, composited, matted, pipeline_of, soft_disc

W, H = 160, 90
SIZES = [(160, 90), (162, 94), (90, 160), (64, 36)]
LAYERED: dict[str, Any] = {"stages": {"mattes": {"enabled": True}}}


def strays(width: int, height: int) -> U8:
    """A disc that touches the frame's border, and single pixels far from it, in its corners."""
    alpha, rng = soft_disc(width, height, 0.1), np.random.default_rng(1)
    alpha[rng.integers(0, height, 9), rng.integers(0, width, 9)] = rng.integers(1, 256, 9)
    alpha[0, 0] = alpha[-1, -1] = alpha[0, -1] = 255
    return alpha


@pytest.mark.parametrize("settings", [{}, LAYERED], ids=["one pass", "layer"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_it_is_composited_as_it_came(size: tuple[int, int], settings: dict[str, Any]) -> None:
    alpha = strays(*size)
    frame = matted(alpha)
    out, matte = composited(pipeline_of(*size, **settings), frame)
    want = blended(frame, alpha, Stage(*size).picture)
    assert np.array_equal(matte, alpha)
    assert np.abs(out.y.astype(int) - want.y).max() <= 1
    assert np.abs(out.uv.astype(int) - want.uv).max() <= 1
    assert np.array_equal(out.y[alpha == 255], frame.y[alpha == 255])
    assert (out.y[alpha == 0] == STAGE).all()


def test_where_the_person_is_is_told() -> None:
    pipeline = pipeline_of(W, H)
    outcome = pipeline.process(matted(soft_disc(W, H)), blank(W, H, FULL))
    assert (outcome.people, outcome.carried) == (1, False)
    assert outcome.box is not None
    sides = (outcome.box.left, outcome.box.top, outcome.box.right, outcome.box.bottom)
    assert sides == pytest.approx((42, 23, 87, 68), abs=3)


def test_nobody_leaves_the_background() -> None:
    pipeline = pipeline_of(W, H, **LAYERED)
    composited(pipeline, matted(soft_disc(W, H)))
    out, matte = composited(pipeline, matted(np.zeros((H, W), np.uint8), serial=1))
    assert not matte.any()
    assert (out.y == STAGE).all()


@pytest.mark.parametrize(
    "alpha",
    [np.zeros((H, W + 2), np.uint8), np.zeros((H, W), np.float32), np.zeros((H, W, 1), np.uint8)],
    ids=["size", "kind", "planes"],
)
def test_one_that_does_not_fit_is_refused_in_words(alpha: Any) -> None:
    pipeline = pipeline_of(W, H)
    with pytest.raises(MattingError, match="expected uint8 160x90"):
        pipeline.process(matted(alpha, shape=(H, W)), blank(W, H, FULL))
    composited(pipeline, matted(soft_disc(W, H)))


def test_a_frame_without_one_needs_a_network() -> None:
    with pytest.raises(MattingError, match="no network is loaded"):
        pipeline_of(W, H).process(matted(None), blank(W, H, FULL))


def test_leaving_out_a_network_s_work_does_not_help() -> None:
    assert pipeline_of(W, H).levels == (Level.FULL, Level.HALF)
