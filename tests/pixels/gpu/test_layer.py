"""The layer, emulated, against ``cpu``: one step of 255, and equal in all but one in a thousand."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.media.frame import Rect
from appliance.pixels import cpu, gpu
from tests.kernels.memory import Memory, Picture, Rows
from tests.pixels.cpu.test_composite import rects
from tests.pixels.cpu.test_layer import coefficients
from tests.pixels.frames import noise
from tests.pixels.gpu.test_composite import LAYOUTS, SIZES, close, device_matte


def device_layer(
    memory: Memory, layer: cpu.PersonLayer, pad: int = 0, offset: int = 0, rect: Rect | None = None
) -> tuple[gpu.PersonLayer, tuple[Picture, Rows]]:
    front = memory.picture(layer.front, pad, offset)
    alpha = memory.rows(layer.alpha, pad, offset)
    made = gpu.PersonLayer(front.surface, alpha.address, alpha.pitch, rect or layer.rect)
    return made, (front, alpha)


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize(("pad", "offset"), LAYOUTS[::2])
def test_separate_and_blend(memory: Memory, width: int, height: int, pad: int, offset: int) -> None:
    rng = np.random.default_rng(5)
    frame, background = noise(width, height, 1), noise(width, height, 2)
    for rect in rects(width, height):
        matte = cpu.Matte(rect, coefficients(rng, 7, 12), True, levels=0.05)
        want = cpu.empty_layer(width, height, frame.colour)
        want.front.y[:], want.front.uv[:] = 9, 9
        front = memory.picture(want.front, pad, offset)
        alpha = memory.rows(np.full((height, width), 77, np.uint8), pad, offset)
        into = gpu.PersonLayer(front.surface, alpha.address, alpha.pitch, rect)
        cpu.Separator()(frame, matte, want)
        gpu.separate(
            memory.context, memory.picture(frame, pad, offset).surface,
            device_matte(memory, matte), into,
        )  # fmt: skip
        close(alpha.read(), want.alpha, rect)
        got = front.read()
        box = want.rect
        there = want.alpha[box.y : box.bottom, box.x : box.right] > 0
        part = np.s_[box.y : box.bottom, box.x : box.right]
        if there.any():
            close(got.y[part][there], want.front.y[part][there], rect)

        out, composed = noise(width, height, 3), noise(width, height, 4)
        cpu.blend_layer(want, background, out)
        target = memory.picture(composed, pad, offset)
        matte_out = memory.rows(np.zeros((height, width), np.uint8), pad, offset)
        device, _kept = device_layer(memory, want, pad, offset, rect)
        gpu.blend_layer(
            memory.context, device, memory.picture(background, pad, offset).surface,
            target.surface, matte_out=matte_out.address, matte_pitch=matte_out.pitch,
        )  # fmt: skip
        made = target.read()
        close(made.y, out.y, rect)
        close(made.uv, out.uv, rect)
        assert (matte_out.read() == want.alpha).all()


def test_nobody_and_sizes(memory: Memory) -> None:
    frame = noise(64, 36, 1)
    front, alpha = memory.picture(frame), memory.rows(np.full((36, 64), 9, np.uint8))
    into = gpu.PersonLayer(front.surface, alpha.address, alpha.pitch, frame.rect)
    gpu.separate(memory.context, memory.picture(frame).surface, None, into)
    assert not alpha.read().any()
    other = memory.picture(noise(66, 36, 1)).surface
    with pytest.raises(ValueError, match="66x36"):
        gpu.separate(memory.context, other, None, into)
    with pytest.raises(ValueError, match="66x36"):
        gpu.blend_layer(memory.context, into, other, front.surface)
