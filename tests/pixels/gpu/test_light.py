"""The layer's light, emulated, against ``cpu``."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.pixels import cpu, gpu
from tests.kernels.memory import Memory
from tests.pixels.cpu.test_light import MATRIX, SIZES, blob, wrap_of
from tests.pixels.frames import noise
from tests.pixels.gpu.test_composite import LAYOUTS
from tests.pixels.gpu.test_layer import device_layer


@pytest.mark.parametrize(("width", "height"), SIZES[:4])
@pytest.mark.parametrize(("pad", "offset"), LAYOUTS[::2])
@pytest.mark.parametrize("parts", ["map", "wrap", "both"])
def test_relight(
    memory: Memory, width: int, height: int, pad: int, offset: int, parts: str
) -> None:
    layer = blob(width, height)
    device, (front, _) = device_layer(memory, layer, pad, offset)
    matrix = None if parts == "wrap" else MATRIX
    wrap = on_device = None
    if parts != "map":
        given = wrap_of(width, height)
        wrap = cpu.Wrap(
            np.round((255 - given.share) * 0.6).astype(np.uint8), given.luma, given.chroma
        )
        buffers = [memory.buffer(one) for one in (given.share, given.luma, given.chroma)]
        on_device = gpu.Wrap(buffers[0].address, 0.6, buffers[1].address, buffers[2].address)
    cpu.Relight()(layer, matrix, wrap)
    at = 0 if matrix is None else memory.buffer(MATRIX).address
    gpu.relight(memory.context, device, at, on_device)
    got = front.read()
    there = layer.alpha > 0
    apart = np.abs(got.y.astype(int) - layer.front.y)[there]
    blocks = there.reshape(height // 2, 2, width // 2, 2).any(axis=(1, 3))
    apart_c = np.abs(got.uv.astype(int) - layer.front.uv)[blocks]
    limit = 1 if parts == "map" else 2
    assert max(apart.max(), apart_c.max()) <= limit
    if parts == "map":
        assert (apart > 0).mean() < 0.001
    before = blob(width, height).front.y
    assert (got.y != before)[there].any()


@pytest.mark.parametrize(("width", "height"), [*SIZES, (1280, 720)])
@pytest.mark.parametrize(("pad", "offset"), LAYOUTS[:1])
def test_small_pictures_and_soft(
    memory: Memory, width: int, height: int, pad: int, offset: int
) -> None:
    frame = noise(width, height, 3)
    grid = cpu.light_grid(width, height)
    luma, chroma = cpu.small_picture(frame)
    made = [memory.buffer(np.full_like(one, 9)) for one in (luma, chroma)]
    soft = [memory.buffer(np.full_like(one, 9)) for one in (luma, chroma)]
    surface = memory.picture(frame, pad, offset).surface
    gpu.small_picture(memory.context, surface, made[0].address, made[1].address)
    blur = gpu.Soft(memory.context, grid, 3.5)
    for step, (one, small, out) in enumerate(zip((luma, chroma), made, soft, strict=True), 1):
        got = memory.read_as(small, one.shape, np.uint8)
        # OpenCV's halvings round each time.
        assert np.abs(got.astype(int) - one).max() <= 3
        blur(small.address, step, out.address)
        assert (
            np.abs(memory.read_as(out, one.shape, np.uint8).astype(int) - cpu.soft(got, 3.5)).max()
            <= 2
        )


def test_nothing_to_do(memory: Memory) -> None:
    layer = blob(64, 36)
    device, (front, _) = device_layer(memory, layer)
    gpu.relight(memory.context, device, 0, None)
    assert (front.read().y == layer.front.y).all()
