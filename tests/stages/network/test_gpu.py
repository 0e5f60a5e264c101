"""A network's own layouts: planes to pixels at its input, alpha out of its raw output."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.networks.activation import activate
from appliance.networks.manifest import OutputSpec
from tests.kernels.memory import Memory

SIZES = [(1, 1), (2, 3), (17, 31), (36, 64)]


@pytest.mark.parametrize(("rows", "columns"), SIZES)
def test_planes_to_pixels(memory: Memory, rows: int, columns: int) -> None:
    planes = np.random.default_rng(0).random((3, rows, columns)).astype(np.float32)
    source, out = memory.plane(planes), memory.empty(3, rows, columns)
    n = rows * columns
    memory.context.kernels["interleave"](
        (-(-n // 256), 1, 1), (256, 1, 1), planes=source.address, count=n, pixels=out.address
    )
    got = memory.read(out, 3).reshape(rows, columns, 3)
    assert np.array_equal(got, np.moveaxis(planes, 0, 2))


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize("activation", ["none", "sigmoid", "softmax"])
@pytest.mark.parametrize(("rows", "columns"), SIZES)
def test_activate(
    memory: Memory, layout: str, channels: int, activation: str, rows: int, columns: int
) -> None:
    rng = np.random.default_rng(1)
    shape = (1, channels, rows, columns) if layout == "NCHW" else (1, rows, columns, channels)
    raw = rng.normal(0, 30, shape).astype(np.float32)
    for bad in (np.nan, np.inf, -np.inf):
        raw.reshape(-1)[rng.integers(raw.size)] = bad
    channel, n = channels - 1, rows * columns
    spec = OutputSpec.model_validate(
        {"name": "alpha", "layout": layout, "channel": channel, "activation": activation}
    )
    with np.errstate(invalid="ignore", over="ignore"):
        want = activate(raw, spec)
    buffer, out = memory.buffer(raw), memory.empty(1, rows, columns)
    steps = (1, n) if layout == "NCHW" else (channels, 1)
    memory.context.kernels["activate"](
        (-(-n // 256), 1, 1), (256, 1, 1), raw=buffer.address, count=n, channels=channels,
        channel=channel, pixel_step=steps[0], channel_step=steps[1],
        kind=["none", "sigmoid", "softmax"].index(activation), alpha=out.address,
    )  # fmt: skip
    np.testing.assert_allclose(memory.read(out)[0], want, atol=1e-6, rtol=1e-6)
