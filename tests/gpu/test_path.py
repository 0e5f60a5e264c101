"""Steady, refine, and the whole path with its trace, on the real thing."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tests.gpu.there", reason="no pycuda or no driver", exc_type=ImportError)

from appliance.cuda.graph import Graph
from appliance.pixels import cpu
from appliance.pixels.gpu import composite
from tests.cuda.test_transfer import *  # noqa: F403
from tests.kernels.memory import Memory
from tests.pixels.frames import noise
from tests.pixels.gpu.test_composite import coefficients, device_matte
from tests.pixels.gpu.test_steady_and_guided import *  # noqa: F403
from tests.stages.matte.test_gpu import *  # noqa: F403


def test_a_graph_gives_what_the_launches_give(memory: Memory) -> None:
    frame, background = noise(322, 182, 1), noise(322, 182, 2)
    matte = cpu.Matte(frame.rect, coefficients(np.random.default_rng(0), 9, 16), True, 0.05)
    pictures = [memory.picture(f).surface for f in (frame, background)]
    on_device, out = device_matte(memory, matte), memory.picture(noise(322, 182, 3))
    composite(memory.context, *pictures, on_device, out.surface)
    want = out.read()
    again = memory.picture(noise(322, 182, 4))
    graph = Graph(memory.context)
    with graph:
        composite(memory.context, *pictures, on_device, again.surface)
    graph.launch()
    got = again.read()
    assert np.array_equal(got.y, want.y)
    assert np.array_equal(got.uv, want.uv)
    graph.close()
