"""Captions, emulated, against ``cpu.blend_overlay``: both in whole numbers, so equal to the bit."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.pixels import cpu, gpu
from tests.kernels.memory import Memory
from tests.pixels.cpu.test_overlay import some_overlay
from tests.pixels.frames import noise
from tests.pixels.gpu.test_composite import LAYOUTS


@pytest.mark.parametrize(("pad", "offset"), LAYOUTS)
def test_twins(memory: Memory, pad: int, offset: int) -> None:
    there = gpu.DeviceCaption(memory.context, 66, 36)
    for overlay in (
        None, some_overlay(0, 0), some_overlay(32, 22), some_overlay(0, 0, 66, 36),
        some_overlay(30, 20, 2, 2), None,
    ):  # fmt: skip
        want = noise(66, 36, 1)
        target = memory.picture(noise(66, 36, 1), pad, offset)
        there.put(overlay)
        gpu.blend_overlay(memory.context, target.surface, there)
        if overlay is not None:
            cpu.blend_overlay(want, overlay)
        got = target.read()
        assert np.array_equal(got.y, want.y)
        assert np.array_equal(got.uv, want.uv)


@pytest.mark.parametrize("place", [(1, 0), (0, 3), (40, 0), (-2, 0)])
def test_what_does_not_fit_is_refused(memory: Memory, place: tuple[int, int]) -> None:
    there = gpu.DeviceCaption(memory.context, 64, 36)
    with pytest.raises(ValueError, match="overlay of 34x14"):
        there.put(some_overlay(*place))
    small = memory.picture(noise(62, 36, 1)).surface
    with pytest.raises(ValueError, match="62x36"):
        gpu.blend_overlay(memory.context, small, there)
