"""Alpha and colour pixel by pixel, where the empty room is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from appliance.media.frame import F32, Rect, blank
from appliance.pixels import cpu
from appliance.stages.base import Work
from appliance.stages.edge.cpu import EdgeSteps
from appliance.stages.matte.cpu import MatteSteps
from tests.scenes import FULL
from tests.stages.plate.room import HEIGHT, PERSON, WIDTH, Room, figure


def learnt(**settings: object) -> Room:
    room = Room()
    room.common.settings = room.common.settings.model_validate(
        {**room.common.settings.model_dump(exclude_unset=True), **settings}
    )
    for _ in range(64):
        room.run(room.shoot())
    return room


def refined(room: Room, mask: F32) -> Work:
    work = room.work(room.shoot(mask), mask)
    room.steps.plate(work)
    MatteSteps(room.common).refine(work)
    room.steps.detail(work)
    return work


def alpha_of(work: Work) -> F32:
    shown = np.empty((HEIGHT, WIDTH), np.uint8)
    out = blank(WIDTH, HEIGHT, FULL)
    cpu.Compositor()(work.frame, blank(WIDTH, HEIGHT, FULL), work.matte, out, matte_out=shown)
    return (shown / 255).astype(np.float32)


def test_the_edge_can_be_moved_after_that() -> None:
    room, mask = learnt(edge={"choke": 2.0}), figure(110)
    work = refined(room, mask)
    before = alpha_of(work)
    EdgeSteps(room.common).edge(work)
    after = alpha_of(work)
    assert after.max() > 0.98
    # By 2 of some 300 pixels of outline; nothing appears elsewhere.
    assert 200 < (before - after).sum() < 900
    assert (after - before).max() < 0.3
    assert after[mask < 0.01].max() < 0.05


@pytest.mark.parametrize("gain", [1.0, 0.9])
def test_soft_pixels_lose_the_room(gain: float) -> None:
    """Of a person whose colour changes within what a guess can follow, and of known alpha."""
    room, mask = learnt(), figure(110)
    for _ in range(16):
        room.run(room.shoot(None, gain))
    own = np.tile(np.float32([225, 225, 190, 190]), WIDTH // 4)[None].repeat(HEIGHT, 0)
    frame = room.shoot(mask, gain)
    change = mask * (own - PERSON[0])
    mixed = np.clip(frame.y + change, 0, 255).astype(np.uint8)
    frame = replace(frame, y=mixed)
    room.run(frame, mask)
    layer = cpu.empty_layer(WIDTH, HEIGHT, FULL)
    layer.alpha[:], layer.rect = np.round(mask * 255), Rect(0, 0, WIDTH, HEIGHT)
    layer.front.y[:], layer.front.uv[:] = 207, PERSON[1:]
    soft = (mask > 0.1) & (mask < 0.9)
    off = np.abs(layer.front.y - own)[soft].mean()
    work = room.work(frame, mask)
    work.layer = layer
    room.steps.colour(work)
    assert np.abs(layer.front.y - own)[soft].mean() < 0.6 * off
    assert (layer.front.y[mask == 0] == 207).all()
