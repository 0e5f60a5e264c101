"""The soft shadow, emulated, against ``cpu``."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.media.frame import Colour, Matrix, Range
from appliance.pixels import cpu, gpu
from tests.kernels.memory import Memory
from tests.pixels.cpu.test_shadow import standing
from tests.pixels.frames import noise
from tests.pixels.gpu.test_composite import LAYOUTS, close


@pytest.mark.parametrize(
    "alpha",
    [standing(), standing(bottom=135), standing(36, 64, 30), np.zeros((9, 16), np.uint8),
     np.full((1, 1), 255, np.uint8)],
)  # fmt: skip
def test_contact_shadow(memory: Memory, alpha: np.ndarray) -> None:
    grid = alpha.shape
    given, out = memory.buffer(alpha), memory.buffer(np.full_like(alpha, 9))
    gpu.ContactShadow(memory.context, grid)(given.address, 0.8, out.address)
    want = cpu.contact_shadow(alpha, 0.8)
    assert np.abs(memory.read_as(out, grid, np.uint8).astype(int) - want).max() <= 2
    lowest = memory.buffer(np.full(1, 77, np.int32))
    gpu.feet(memory.context, given.address, grid, lowest.address, out.address)
    assert np.abs(memory.read_as(out, grid, np.uint8).astype(int) - cpu.feet(alpha)).max() <= 1


@pytest.mark.parametrize(("pad", "offset"), LAYOUTS[::2])
@pytest.mark.parametrize("colour", [Colour(), Colour(Matrix.BT601, Range.FULL)])
def test_darken(memory: Memory, pad: int, offset: int, colour: Colour) -> None:
    picture, want = noise(66, 36, 1, 0, colour), noise(66, 36, 2, 0, colour)
    shade = np.random.default_rng(3).integers(0, 256, (36, 66), np.uint8)
    cpu.darken(picture, shade, want)
    out = memory.picture(noise(66, 36, 4, 0, colour), pad, offset)
    dim = memory.rows(shade, pad, offset)
    gpu.darken(
        memory.context, memory.picture(picture, pad, offset).surface, dim.address, dim.pitch,
        out.surface,
    )  # fmt: skip
    got = out.read()
    close(got.y, want.y, "luma")
    close(got.uv, want.uv, "chroma")
    with pytest.raises(ValueError, match="64x36"):
        gpu.darken(
            memory.context, memory.picture(noise(64, 36, 1)).surface, dim.address, dim.pitch,
            out.surface,
        )  # fmt: skip
