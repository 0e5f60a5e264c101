"""The person between two frames: against scenes whose every moment is known."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from appliance.media.frame import F32, U8, Frame, blank
from appliance.pixels import cpu
from appliance.pixels.cpu.flow import Flow, home, shrink
from tests.scenes import FULL
from tests.stages.interpolate.scene import Moment, Scene, psnr


def found(first: Moment, second: Moment) -> F32:
    """``Motion.origin`` as the appliance estimates it."""
    flow = Flow("fast", upright=first.live.height > first.live.width)
    luma = [shrink(moment.live.y, flow.columns, flow.rows) for moment in (second, first)]
    return flow(*luma)


def made(first: Moment, second: Moment, origin: F32, at: float, behind: Frame) -> Frame:
    width, height = behind.width, behind.height
    one, two = (cpu.empty_weighed(width, height) for _ in range(2))
    cpu.weigh(first.layer, one)
    cpu.weigh(second.layer, two)
    out = blank(width, height, FULL)
    flow = cpu.halfway(origin, at, second.layer.alpha)
    cpu.blend_between(one, two, flow, at, behind, out)
    return out


def whole_frame_warp(first: Frame, second: Frame) -> U8:
    """What it has to beat: the composites themselves, moved half way from both sides and mixed."""
    flow = Flow("fast")
    luma = [shrink(frame.y, flow.columns, flow.rows) for frame in (second, first)]
    origin = flow(*luma)
    own, there = home(*origin.shape[:2]), origin - home(*origin.shape[:2])
    shift = there
    for _ in range(2):
        shift = cv2.remap(there, own - np.float32(0.5) * shift, None, cv2.INTER_LINEAR)  # type: ignore[call-overload]
    height, width = first.y.shape
    large = cv2.resize(shift, (width, height)) * np.float32(width / origin.shape[1])
    sides = [
        cv2.remap(frame.y, (home(height, width) + part * large).astype(np.float32), None,  # type: ignore[call-overload]
                  cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for frame, part in ((first, 0.5), (second, -0.5))
    ]  # fmt: skip
    return np.asarray((sides[0].astype(np.float32) + sides[1]) / 2, np.uint8)


def test_half_way_between_two_frames() -> None:
    scene = Scene(1920, 1080)
    first, second = scene.at(-3), scene.at(-2)
    want = scene.at(-2.5).over(scene.stage)
    out = made(first, second, found(first, second), 0.5, scene.stage)
    layered = psnr(out.y, want.y)
    assert layered >= 43.5
    assert psnr(out.uv, want.uv) >= 48
    composites = (first.over(scene.stage), second.over(scene.stage))
    assert layered >= psnr(whole_frame_warp(*composites), want.y) + 2
    mixed = (composites[0].y.astype(np.float32) + composites[1].y) / 2
    assert layered >= psnr(mixed.astype(np.uint8), want.y) + 15


def test_ahead_of_both() -> None:
    """With the true motion known, what comes next is as true as what was between."""
    scene = Scene(960, 540, turn=0)
    first, second = scene.at(0), scene.at(1)
    want = scene.at(1.5).over(scene.stage)
    out = made(first, second, found(first, second), 1.5, scene.stage)
    assert psnr(out.y, want.y) >= 36
    # Far better than the last composite shown again.
    assert psnr(out.y, want.y) >= psnr(second.over(scene.stage).y, want.y) + 10


@pytest.mark.parametrize(("width", "height"), [(320, 180), (98, 130), (4, 4), (1080, 1920)])
@pytest.mark.parametrize("at", [0.5, 1.5])
def test_at_rest_it_is_the_composite(width: int, height: int, at: float) -> None:
    """Also where the person touches every border."""
    rng = np.random.default_rng(0)
    layer = cpu.empty_layer(width, height, FULL)
    layer.front.y[:] = rng.integers(0, 256, (height, width))
    layer.front.uv[:] = rng.integers(0, 256, layer.front.uv.shape)
    layer.alpha[:] = rng.integers(0, 256, (height, width))
    layer.alpha[: height // 4] = 255
    layer.rect = layer.front.rect
    behind = blank(width, height, FULL)
    behind.y[:] = rng.integers(0, 256, (height, width))
    behind.uv[:] = rng.integers(0, 256, behind.uv.shape)
    want, out = blank(width, height, FULL), blank(width, height, FULL)
    cpu.blend_layer(layer, behind, want)
    both = cpu.empty_weighed(width, height)
    cpu.weigh(layer, both)
    cpu.blend_between(both, both, np.zeros((270, 480, 2), np.float32), at, behind, out)
    assert np.abs(out.y.astype(int) - want.y).max() <= 1
    assert np.abs(out.uv.astype(int) - want.uv).max() <= 1


def test_what_a_layer_holds_where_nobody_is_has_no_part() -> None:
    scene = Scene(320, 180)
    first, second = scene.at(0), scene.at(1)
    origin = found(first, second)
    clean = made(first, second, origin, 0.5, scene.stage)
    for moment in (first, second):
        moment.layer.front.y[moment.layer.alpha == 0] = 255
        chroma = cv2.resize(moment.layer.alpha, (160, 90), interpolation=cv2.INTER_AREA)
        moment.layer.front.uv[chroma == 0] = 255
    dirty = made(first, second, origin, 0.5, scene.stage)
    assert np.array_equal(clean.y, dirty.y)
    assert np.array_equal(clean.uv, dirty.uv)


def test_memory_that_held_another_person_is_cleared() -> None:
    scene = Scene(320, 180, dx=0.2)
    far, near = scene.at(-1.5), scene.at(1)
    used, fresh = cpu.empty_weighed(320, 180), cpu.empty_weighed(320, 180)
    cpu.weigh(far.layer, used)
    cpu.weigh(near.layer, used)
    cpu.weigh(near.layer, fresh)
    for name in ("luma", "chroma", "spans"):
        assert np.array_equal(getattr(used, name), getattr(fresh, name))
    cpu.clear_weighed(used)
    assert not used.luma.any()
    assert not used.chroma.any()
    assert not used.spans.any()


def test_the_motion_is_that_of_the_person() -> None:
    """At their border the room, which stands still, is in every estimate."""
    scene = Scene(1920, 1080, turn=0)
    first, second = scene.at(0), scene.at(1)
    flow = cpu.halfway(found(first, second), 0.5, second.layer.alpha)
    between = shrink(scene.at(0.5).layer.alpha, 480, 270)
    true = np.array([-0.0125 * 480, 0.004 * 480])
    within = between > 0
    assert np.abs(flow[within] - true).max() < 3
    assert np.abs(flow[within] - true).mean() < 0.4
    # And of nobody, there is none.
    assert not cpu.halfway(found(first, second), 0.5, second.layer.alpha * 0).any()


def test_sizes_that_differ_are_refused() -> None:
    small, large = cpu.empty_weighed(32, 32), cpu.empty_weighed(64, 32)
    frame, flow = blank(32, 32, FULL), np.zeros((270, 480, 2), np.float32)
    with pytest.raises(ValueError, match="expected one size"):
        cpu.blend_between(small, large, flow, 0.5, frame, frame)
    with pytest.raises(ValueError, match="expected one size"):
        cpu.blend_between(small, small, flow, 0.5, replace(blank(34, 32, FULL)), frame)
    with pytest.raises(ValueError, match="the same rows and columns"):
        cpu.weigh(cpu.empty_layer(64, 32, FULL), small)
