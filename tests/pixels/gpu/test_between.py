"""Frames between others, emulated, against ``cpu``."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.media.frame import Rect, blank
from appliance.pixels import cpu, gpu
from tests.kernels.memory import Memory
from tests.pixels.frames import noise
from tests.pixels.gpu.test_composite import LAYOUTS, SIZES
from tests.pixels.gpu.test_layer import device_layer


def somebody(width: int, height: int, seed: int) -> cpu.PersonLayer:
    """Noise of any colour with alpha of any value, within a part of the frame."""
    layer = cpu.empty_layer(width, height, noise(width, height, 1).colour)
    rng = np.random.default_rng(seed)
    layer.front.y[:], layer.front.uv[:] = (
        noise(width, height, seed).y,
        noise(width, height, seed).uv,
    )
    x, y = width // 8 * 2, height // 8 * 2
    alpha = rng.integers(0, 400, (height - y, width - x)).clip(0, 255)
    layer.alpha[y:, x:] = alpha
    layer.rect = Rect(x, y, width - x, height - y)
    return layer


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize(("pad", "offset"), LAYOUTS[::2])
@pytest.mark.parametrize("at", [0.5, 1.5])
def test_as_on_the_cpu(
    memory: Memory, width: int, height: int, pad: int, offset: int, at: float
) -> None:
    if min(width, height) < 4:
        pytest.skip("the CPU's takes 4x4 pixels at least")
    rng = np.random.default_rng(3)
    flow = rng.normal(0, 1.5, (18, 32, 2)).astype(np.float32)
    background, want = noise(width, height, 2), blank(width, height)
    layers = [somebody(width, height, seed) for seed in (4, 5)]
    weighed = [cpu.empty_weighed(width, height) for _ in layers]
    for layer, into in zip(layers, weighed, strict=True):
        cpu.weigh(layer, into)
    cpu.blend_between(*weighed, flow, at, background, want)

    there = gpu.DeviceFlow(memory.context, 18, 32)
    there.put(flow)
    (one, kept), (two, kept_too) = (device_layer(memory, layer, pad, offset) for layer in layers)
    target = memory.picture(noise(width, height, 7), pad, offset)
    gpu.blend_between(
        memory.context, gpu.Between(one, two, there, at),
        memory.picture(background, pad, offset).surface, target.surface,
    )  # fmt: skip
    # And apart from any background: the same person again.
    alone, same = cpu.empty_layer(width, height, background.colour), blank(width, height)
    cpu.layer_between(*weighed, flow, at, alone)
    cpu.blend_layer(alone, background, same)
    # Alpha and colour are rounded to bytes once more. (Chroma's alpha is sampled by itself, which
    # among noise is another.)
    assert np.abs(same.y.astype(int) - want.y).max() <= 2
    assert np.abs(same.uv.astype(int) - want.uv).mean() < 8
    apart, (front, alpha) = device_layer(memory, somebody(width, height, 8), pad, offset)
    gpu.layer_between(memory.context, gpu.Between(one, two, there, at), apart)
    assert (alpha.read() == alone.alpha).mean() > 0.99
    soft = alone.alpha > 64
    assert (np.abs(front.read().y.astype(int) - alone.front.y)[soft] <= 4).mean() > 0.98

    got = target.read()
    del kept, kept_too
    for found, wanted in ((got.y, want.y), (got.uv, want.uv)):
        off = np.abs(found.astype(int) - wanted)
        # A position that lies half way between two sixteenths is rounded to either: among noise
        # that shows.
        assert (off > 1).mean() < 0.005
        assert off.max() <= 24


def test_sizes_that_differ_are_refused(memory: Memory) -> None:
    small, _one = device_layer(memory, somebody(32, 32, 1))
    large, _two = device_layer(memory, somebody(64, 32, 1))
    picture = memory.picture(noise(32, 32, 2))
    what = gpu.Between(small, large, gpu.DeviceFlow(memory.context, 18, 32), 0.5)
    with pytest.raises(ValueError, match="expected one even size"):
        gpu.blend_between(memory.context, what, picture.surface, picture.surface)
    with pytest.raises(ValueError, match="expected one even size"):
        gpu.layer_between(memory.context, what, small)
