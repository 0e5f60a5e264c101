"""Edge, emulated, against ``cpu``: alpha to 1e-3, F-B to 0.5 of 255.

Luma at full size may be taken from the pixel beside where a position lies between two.
"""

from __future__ import annotations

import numpy as np
import pytest

from appliance.media.frame import Rect
from appliance.pixels import cpu, gpu
from tests.kernels.memory import Memory
from tests.pixels.gpu.test_steady_and_guided import picture, planes, scratch_for
from tests.scenes import flat


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 40), (33, 1), (9, 35)])
@pytest.mark.parametrize(("choke", "softness"), [(4.0, 0.0), (-9.0, 3.0), (0.0, 20.0)])
@pytest.mark.parametrize("shifted", [True, False])
def test_edge(
    memory: Memory, rows: int, columns: int, choke: float, softness: float, shifted: bool
) -> None:
    luma, alpha = planes(1, rows, columns)
    given = np.zeros((5, rows, columns), np.float32)
    given[0], given[1] = 0.002, alpha - 0.25
    if shifted:
        given[2:] = picture(4, rows, columns) - 127
    rect = Rect(4, 2, 6 * max(columns, 2), 4 * max(rows, 2))
    plan = cpu.edge_plan((rows, columns), rect, choke, softness)
    want, want_normals = cpu.shape_edge(luma, given, plan, shifted)
    out, on_device = memory.empty(5, rows, columns), memory.plane(given)
    normals = gpu.shape_edge(
        scratch_for(memory, rows, columns), memory.plane(luma), on_device, on_device.plane(1),
        on_device.plane(2) if shifted else None, plan, out,
    )  # fmt: skip
    got = memory.read(out, 5)
    assert np.abs(got[0] - want[0]).max() * 255 < 1e-3
    assert np.abs(got[1] - want[1]).max() < 1e-3
    if shifted:
        assert np.abs(got[2:] - want[2:]).max() < 0.5
    assert (normals is None) == (want_normals is None)


@pytest.mark.parametrize("choke", [5.0, -3.5])
def test_guide(memory: Memory, choke: float) -> None:
    rect = Rect(4, 2, 210, 36)
    luma, alpha = planes(1, 9, 35)
    given = np.zeros((5, 9, 35), np.float32)
    given[1] = alpha
    _, normals = cpu.shape_edge(luma, given, cpu.edge_plan((9, 35), rect, choke, 0), False)
    assert normals is not None
    frame = flat(rect.right + 6, rect.bottom + 2, 0)
    # In steps of one from pixel to pixel, so that the pixel beside differs by one.
    y, x = np.mgrid[0 : frame.height, 0 : frame.width]
    frame.y[:] = np.minimum(x + y, 255)
    want = np.zeros_like(frame.y)
    cpu.edge_guide(frame.y, rect, normals, choke, want)
    assert (want[2:38, 4:214] != frame.y[2:38, 4:214]).mean() > 0.5
    target = memory.rows(np.zeros_like(frame.y))
    surface = memory.picture(frame, pad=3, offset=1).surface
    gpu.edge_guide(memory.context, surface, rect, memory.plane(normals), choke, target.address)
    difference = np.abs(target.read().astype(int) - want)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.02
