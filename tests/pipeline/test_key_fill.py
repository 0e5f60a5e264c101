"""Key, fill and green beside the composite: all of one layer, on both sides."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.config.settings import Companion
from appliance.media.frame import Frame, blank
from appliance.pipeline.base import FramePipeline
from tests.kernels.gpus import emulated
from tests.pipeline.conftest import FORMAT, Maker
from tests.pipeline.test_layer import on_cpu
from tests.scenes import FULL, ROOM_CHROMA, STAGE, disc, flat

KEY, FILL = Companion("key"), Companion("fill")
STRAIGHT, GREEN = Companion("fill-straight"), Companion("green", "#00ff00")
KINDS = (KEY, FILL, STRAIGHT, GREEN)
OUTPUTS: list[dict[str, Any]] = [{"uri": f"null://{what}", "what": what} for what, _ in KINDS]

Shown = dict[Companion, Frame]


def empty(luma: int = 77) -> Frame:
    """A canvas that still holds something."""
    return flat(FORMAT.width, FORMAT.height, luma)


def shown(pipeline: FramePipeline, frames: list[Frame]) -> list[tuple[Frame, Shown]]:
    made = []
    for frame in frames:
        out, beside = empty(), {kind: empty() for kind in pipeline.settings.companions}
        pipeline.process(frame, out, None, None, beside)
        made.append((out, beside))
    assert pipeline.resting == {}
    return made


def pipeline_of(
    side: str, make: Maker, network: Path, stages: dict[str, Any], **others: Any
) -> FramePipeline:
    wanted = {"stages": stages, "outputs": OUTPUTS, **others}
    return make(emulated(network), **wanted) if side == "gpu" else on_cpu(network, **wanted)


def moving(count: int = 6) -> list[Frame]:
    return [disc(FORMAT.width, FORMAT.height, 40 + 9 * k, 45, 16, serial=k) for k in range(count)]


@pytest.mark.parametrize("side", ["cpu", "gpu"])
@pytest.mark.parametrize(
    "stages",
    [
        {},
        {"frame": {"enabled": True}},
        {"mattes": {"enabled": True, "keep": "0,0.5 0.2,0.5 0.2,1 0,1"}},
        # Without the other outputs the CPU would do this one in the composite's pass.
        {"harmonise": {"enabled": True, "light_wrap": 0.5, "contact_shadow": 0}},
    ],
    ids=lambda stages: "-".join(stages) or "plain",
)
def test_a_switcher_makes_our_picture_of_them(
    make: Maker, network: Path, side: str, stages: dict[str, Any]
) -> None:
    pipeline = pipeline_of(side, make, network, stages)
    frames = moving()
    for picture, beside in shown(pipeline, frames):
        key, fill, straight = (beside[kind] for kind in (KEY, FILL, STRAIGHT))
        share = key.y / 255
        assert share.max() == 1
        assert share.min() == 0
        made = fill.y + (1 - share) * STAGE
        assert np.abs(np.rint(made) - picture.y).max() <= 1
        made = share * straight.y + (1 - share) * STAGE
        assert np.abs(np.rint(made) - picture.y).max() <= 1
        four = share.reshape(FORMAT.height // 2, 2, FORMAT.width // 2, 2).mean(axis=(1, 3))[
            ..., None
        ]
        made = fill.uv.astype(float) + (1 - four) * 0.0
        assert np.abs(np.rint(made) - picture.uv).max() <= 1
        green = beside[GREEN]
        assert (green.y[share == 0] == 150).all()
        assert (np.abs(green.y.astype(int) - fill.y)[share == 1] <= 1).all()


def test_both_sides_are_alike(make: Maker, network: Path) -> None:
    sides = [shown(pipeline_of(side, make, network, {}), moving()) for side in ("cpu", "gpu")]
    for (_, beside), (_, device) in zip(*sides, strict=True):
        for kind in KINDS:
            # A step of alpha more or less, where the twins round otherwise.
            most = 255 if kind is STRAIGHT else 3
            off = np.abs(beside[kind].y.astype(int) - device[kind].y)
            assert off.max() <= most
            assert (off > 1).mean() < 0.002


@pytest.mark.parametrize("side", ["cpu", "gpu"])
def test_with_nobody_there_is_nobody_in_them(make: Maker, network: Path, side: str) -> None:
    """Nor after somebody was: canvases come back with what they held."""
    pipeline = pipeline_of(side, make, network, {})
    room = disc(FORMAT.width, FORMAT.height, -50, -50, 4)
    frames = [replace(room, pts=(9 + k) * 10**8, discontinuity=k == 0) for k in range(3)]
    for _, beside in shown(pipeline, [*moving(3), *frames])[3:]:
        for kind, luma, chroma in (
            (KEY, 0, 128),
            (FILL, 0, 128),
            (STRAIGHT, 0, 128),
            (GREEN, 150, None),
        ):
            assert (beside[kind].y == luma).all(), kind
            if chroma is not None:
                assert (beside[kind].uv == chroma).all()
            red = np.abs(beside[kind].uv.astype(int) - np.array(ROOM_CHROMA)).max(axis=2) <= 16
            assert not red.any()


@pytest.mark.parametrize("side", ["cpu", "gpu"])
def test_they_come_and_go_with_the_settings(make: Maker, network: Path, side: str) -> None:
    """Nothing is left of one that is not asked for; the composite stays as it was."""
    pipeline = pipeline_of(side, make, network, {})
    before = pipeline.settings
    plain = before.model_copy(update={"outputs": before.outputs[:1]})
    for wanted in (before, plain, before):
        pipeline.configure(wanted)
        for picture, beside in shown(pipeline, moving(4)):
            assert beside.keys() == set(wanted.companions)
            assert picture.y[2, 2] == STAGE
            assert beside[KEY].y.max() == 255
    # Without canvases for them, as for a snapshot, they are not made.
    out = blank(FORMAT.width, FORMAT.height, FULL)
    pipeline.process(moving(1)[0], out)
    assert out.y[2, 2] == STAGE


@pytest.mark.parametrize("side", ["cpu", "gpu"])
def test_frames_made_between_have_theirs(make: Maker, network: Path, side: str) -> None:
    """Of the person in that frame; none where none was made, nor where nobody asks."""
    pipeline = pipeline_of(side, make, network, {"interpolate": {"enabled": True}})
    for number in range(12):
        frame = disc(FORMAT.width, FORMAT.height, 40 + 4 * number, 45, 16, serial=number)
        frame = replace(frame, pts=1 + number * 4 * 10**7, discontinuity=number == 6)
        out, also = empty(), empty()
        beside, between = ({kind: empty() for kind in KINDS} for _ in range(2))
        asked = number % 4 != 3
        outcome = pipeline.process(frame, out, None, also, beside, between if asked else None)
        assert (outcome.made_at is None) == (number in (0, 6))
        assert outcome.made_beside == (asked and outcome.made_at is not None)
        for picture, drawn, there in (
            (out, beside, True), (also, between, outcome.made_beside),
        ):  # fmt: skip
            if not there:
                continue
            share = drawn[KEY].y / 255
            assert share.max() > 0.9
            for made in (drawn[FILL].y, share * drawn[STRAIGHT].y):
                assert np.abs(made + (1 - share) * STAGE - picture.y).max() <= 3
            assert (drawn[GREEN].y[share == 0] == 150).all()
    assert pipeline.resting == {}
