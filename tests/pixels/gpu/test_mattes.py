"""Mattes drawn by hand, emulated, against ``cpu``: exactly the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from appliance.media.frame import Rect
from appliance.pixels import cpu, gpu
from tests.kernels.memory import Memory
from tests.pixels.cpu.test_mattes import LEFT, MIDDLE
from tests.pixels.frames import noise
from tests.pixels.gpu.test_composite import LAYOUTS
from tests.pixels.gpu.test_layer import device_layer


def uploaded(memory: Memory, mattes: cpu.HandMattes) -> gpu.HandMattes:
    room, keep = memory.buffer(mattes.room).address, memory.buffer(mattes.keep).address
    height, width = mattes.room.shape
    return gpu.HandMattes(room, keep, width, height, mattes.room_rect, mattes.keep_rect)


@pytest.mark.parametrize(("width", "height"), [(64, 36), (34, 6), (2, 2), (70, 62)])
@pytest.mark.parametrize(("pad", "offset"), LAYOUTS[::2])
def test_the_layer_under_them(
    memory: Memory, width: int, height: int, pad: int, offset: int
) -> None:
    frame, rng = noise(width, height, 1), np.random.default_rng(4)
    mattes = cpu.hand_mattes([LEFT], [MIDDLE], width, height, 3)
    for rect in (Rect(0, 0, width, height), Rect(0, 0, 2, 2), Rect(0, 0, 0, 0)):
        want = cpu.PersonLayer(noise(width, height, 2), np.zeros((height, width), np.uint8), rect)
        part = np.s_[rect.y : rect.bottom, rect.x : rect.right]
        want.alpha[part] = rng.integers(0, 256, want.alpha[part].shape)
        # The device's alpha outside of the rectangle means nothing.
        garbage = np.full((height, width), 77, np.uint8)
        garbage[part] = want.alpha[part]
        given = replace(want, alpha=garbage)
        device, (front, alpha) = device_layer(memory, given, pad, offset)
        made = gpu.apply_mattes(
            memory.context, uploaded(memory, mattes), memory.picture(frame, pad, offset).surface,
            device,
        )  # fmt: skip
        cpu.apply_mattes(mattes, frame, want)
        assert made.rect == want.rect
        box = want.rect
        inside = np.s_[box.y : box.bottom, box.x : box.right]
        assert (alpha.read()[inside] == want.alpha[inside]).all()
        got = front.read()
        assert (got.y == want.front.y).all()
        assert (got.uv == want.front.uv).all()


def test_sizes_must_agree(memory: Memory) -> None:
    mattes = uploaded(memory, cpu.hand_mattes([LEFT], [], 64, 36, 0))
    device, _kept = device_layer(memory, cpu.empty_layer(66, 36, noise(66, 36, 1).colour))
    with pytest.raises(ValueError, match="66x36"):
        gpu.apply_mattes(memory.context, mattes, memory.picture(noise(66, 36, 1)).surface, device)
