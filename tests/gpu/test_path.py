"""Steady, refine, and the whole path with its trace, on the real thing; and real frames."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("pycuda.driver", reason="no pycuda or no driver here", exc_type=ImportError)

from appliance.colour import rgb_to_nv12
from appliance.frame import Colour, Frame
from appliance.pixels import cpu
from appliance.pixels.cuda import composite
from appliance.pixels.cuda_graph import Graph
from tests.kernels.memory import Memory
from tests.kernels.test_composite import coefficients, device_matte
from tests.kernels.test_path import *  # noqa: F403
from tests.kernels.test_steady_and_guided import *  # noqa: F403
from tests.kernels.test_transfer import *  # noqa: F403
from tests.pixels.frames import noise


def real_frames(folder: Path, count: int) -> list[Frame]:
    """The first frames of every clip there, even sides."""
    found: list[Frame] = []
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".mp4", ".mkv", ".webm"):
            continue
        capture = cv2.VideoCapture(str(path))
        while len(found) < count:
            there, picture = capture.read()
            if not there:
                break
            found.append(rgb_to_nv12(np.ascontiguousarray(picture[:, :, ::-1]), Colour()))
        capture.release()
    return found


@pytest.mark.shared
@pytest.mark.timeout(600)
def test_500_real_frames(memory: Memory, shared: Path) -> None:
    """GPU and CPU composites of real pictures are equal within one step of 255."""
    frames = real_frames(shared / "media", 500)
    if len(frames) < 500:
        pytest.skip(f"only {len(frames)} frames in {shared}")
    rng = np.random.default_rng(0)
    compositor = cpu.Compositor()
    differ = total = 0
    for frame in frames:
        width, height = frame.width, frame.height
        matte = cpu.Matte(frame.rect, coefficients(rng, 36, 64), True, 0.05)
        background, want = noise(width, height, 2), noise(width, height, 3)
        compositor(frame, background, matte, want)
        # A Memory of its own: what it holds goes with it.
        one = Memory(memory.context)
        out = one.picture(want)
        composite(
            one.context, one.picture(frame).surface, one.picture(background).surface,
            device_matte(one, matte), out.surface,
        )  # fmt: skip
        got = out.read()
        for a, b in ((got.y, want.y), (got.uv, want.uv)):
            difference = np.abs(a.astype(int) - b)
            assert difference.max() <= 1
            differ, total = differ + int((difference > 0).sum()), total + difference.size
    assert differ < total / 1000


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
