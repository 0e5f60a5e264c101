"""The look, emulated, equals ``cpu`` to the byte: both look up the same table."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.media.frame import Colour
from appliance.media.surface import Surface
from appliance.pixels import cpu, gpu
from tests.kernels.memory import Memory
from tests.pixels.cpu.test_composite import rects
from tests.pixels.cpu.test_look import wild
from tests.pixels.frames import noise
from tests.pixels.gpu.test_composite import LAYOUTS, SIZES


def test_apply_look(memory: Memory) -> None:
    table = cpu.bake_look(cpu.ColourCube(cube=wild(5)), Colour())
    on_device = gpu.upload_look(memory.context, table)
    for (width, height), (pad, offset) in zip(SIZES, [*LAYOUTS, *LAYOUTS], strict=False):
        for rect in rects(width, height):
            frame, want = noise(width, height, 1), noise(width, height, 2)
            into, inside = (memory.picture(each, pad, offset) for each in (want, frame))
            cpu.apply_look(frame, table, want, rect)
            source = memory.picture(frame, pad, offset).surface
            gpu.apply_look(memory.context, source, on_device, into.surface, rect)
            cpu.apply_look(frame, table, frame, rect)
            gpu.apply_look(memory.context, inside.surface, on_device, inside.surface, rect)
            for got, is_to_be in ((into.read(), want), (inside.read(), frame)):
                assert (got.y == is_to_be.y).all(), rect
                assert (got.uv == is_to_be.uv).all(), rect


def test_sizes_and_kinds(memory: Memory) -> None:
    table = gpu.LookTable(
        memory.buffer(np.zeros(2, np.uint8)), memory.buffer(np.zeros(2, np.uint8))
    )
    one, other = (memory.picture(noise(width, 36, 1)).surface for width in (64, 66))
    with pytest.raises(ValueError, match="66x36"):
        gpu.apply_look(memory.context, one, table, other)
    with pytest.raises(ValueError, match="bgrx"):
        gpu.apply_look(memory.context, one, table, Surface("bgrx", 64, 36, 1, 256))
