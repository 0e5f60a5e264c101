"""The layer's warp and alpha's projection, emulated, against ``cpu``."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.media.frame import Rect
from appliance.pixels import cpu, gpu
from appliance.pixels.gpu import Buffer
from tests.kernels.memory import Memory
from tests.pixels.cpu.test_affine import VIEWS, blob
from tests.pixels.frames import noise
from tests.pixels.gpu.test_composite import LAYOUTS, SIZES
from tests.pixels.gpu.test_layer import device_layer


def close(got: np.ndarray, want: np.ndarray, view: object) -> None:
    """One step apart, and seldom: positions are float32 there, float64 here."""
    difference = np.abs(got.astype(int) - want)
    assert difference.max() <= 1, view
    assert (difference > 0).sum() <= max(2, got.size // 300), view


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize(("pad", "offset"), LAYOUTS[::2])
def test_as_on_the_cpu(memory: Memory, width: int, height: int, pad: int, offset: int) -> None:
    layer, canvas = blob(width, height), Rect(0, 0, width, height)
    want = cpu.empty_layer(width, height, layer.front.colour)
    source, _kept = device_layer(memory, layer, pad, offset)
    there = gpu.DeviceViewport(memory.context)
    for view in VIEWS:
        cpu.warp_layer(layer, view, want)
        front = memory.picture(noise(width, height, 3), pad, offset)
        alpha = memory.rows(np.full((height, width), 77, np.uint8), pad, offset)
        into = gpu.PersonLayer(front.surface, alpha.address, alpha.pitch, canvas)
        there.put(view, layer.rect, canvas)
        gpu.warp_layer(memory.context, source, there, into)
        close(alpha.read(), want.alpha, view)
        got = front.read()
        shown = want.alpha > 2
        if shown.any():
            close(got.y[shown], want.front.y[shown], view)
        quarter = want.alpha.reshape(height // 2, 2, width // 2, 2).min(axis=(1, 3)) > 2
        if quarter.any():
            close(got.uv[quarter], want.front.uv[quarter], view)


def test_sizes_must_agree(memory: Memory) -> None:
    source, _kept = device_layer(memory, blob(64, 36))
    other, _also = device_layer(memory, blob(66, 36))
    with pytest.raises(ValueError, match="66x36"):
        gpu.warp_layer(memory.context, source, gpu.DeviceViewport(memory.context), other)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (9, 16), (144, 257), (300, 3)])
def test_column_sums(memory: Memory, rows: int, columns: int) -> None:
    alpha = np.random.default_rng(1).random((rows, columns), np.float32)
    out = memory.empty(1, 1, columns)
    gpu.column_sums(memory.context, memory.plane(alpha), out.address)
    got = np.empty(columns, np.float32)
    memory.context.download(Buffer(out.address, got.nbytes), got)
    assert got == pytest.approx(cpu.column_sums(alpha), rel=1e-5)
    assert cpu.column_sums(alpha) == pytest.approx(alpha.astype(np.float64).sum(axis=0), rel=1e-5)
