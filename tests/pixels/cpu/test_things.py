"""From a coarse lead to a share with edges: exact cases, and the picture's own edge found."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.media.frame import F32, Rect
from appliance.pixels import cpu
from appliance.pixels.cpu.flow import follow, home

SIZE = (81, 145)


@pytest.mark.parametrize("corners", [False, True])
def test_the_edge_lies_where_the_lead_is_zero(corners: bool) -> None:
    """A lead that rises evenly from left to right, on cells of 16 pixels."""
    if corners:
        places = np.arange(10) * 16.0
    else:
        places = (np.arange(9) + 0.5) * 145 / 9 - 0.5
    lead = np.tile(((places - 70) / 100).astype(np.float32), (6, 1))
    share = cpu.spread_lead(lead, SIZE, Rect(0, 0, 145, 81), corners=corners)
    assert share[40, 70] == pytest.approx(0.5, abs=0.01)
    assert (share[:, :40] == 0).all()
    assert (share[:, 100:] == 1).all()
    part = cpu.spread_lead(lead, SIZE, Rect(30, 10, 80, 60), corners=corners)
    assert np.abs(part - share[10:70, 30:110]).max() < 0.02


def test_cells_as_large_as_pixels_stay() -> None:
    lead = np.where(np.random.default_rng(1).random(SIZE) > 0.5, 1, -1).astype(np.float32)
    share = cpu.spread_lead(lead, SIZE, Rect(0, 0, 145, 81), corners=False)
    assert (share == (lead > 0)).all()


def scene(edge: int) -> F32:
    """Planes with a bright thing right of ``edge``."""
    planes = np.full((3, 80, 144), 128, np.float32)
    planes[0] = 60 + np.random.default_rng(2).normal(0, 2, (80, 144))
    planes[0, :, edge:] += 110
    return planes


@pytest.mark.parametrize("off", [-7, -3, 3, 7])
def test_the_edge_goes_to_the_pictures(off: int) -> None:
    share = np.zeros((80, 144), np.float32)
    share[:, 72 + off :] = 1
    before = float(np.abs(share - (np.arange(144) >= 72)).sum())
    found = cpu.follow_edges(scene(72), share, 16.0)
    assert float(np.abs(found - (np.arange(144) >= 72)).sum()) < 0.4 * before
    assert (found[:, 95:] == 1).all()
    assert (found[:, :50] == 0).all()


def test_without_an_edge_nearby_it_stays() -> None:
    share = np.zeros((80, 144), np.float32)
    share[:, 60:] = 1
    found = cpu.follow_edges(np.full((3, 80, 144), 90, np.float32), share, 16.0)
    assert np.abs(found.mean(0).cumsum()[-1] - 84) < 2


def test_specks_go_and_things_stay() -> None:
    share = np.zeros((80, 144), np.float32)
    share[10:14, 10:14] = 1
    share[30:60, 60:100] = 1
    found = cpu.follow_edges(np.full((3, 80, 144), 90, np.float32), share, 1.0)
    assert found[:25, :30].max() == 0
    assert found[35:55, 65:95].min() == 1


@pytest.mark.parametrize("grid", [(144, 256), (270, 480), (80, 144)])
def test_carried_as_by_follow(grid: tuple[int, int]) -> None:
    rng = np.random.default_rng(4)
    share = np.zeros((80, 144), np.float32)
    share[20:60, 30:110] = np.clip(rng.normal(0.8, 0.4, (40, 80)), 0, 1)
    per = np.float32([grid[1] / 144, grid[0] / 80])
    origin = np.ascontiguousarray(home(*grid) + np.float32([-5, 3]) * per)
    found = cpu.carry_share(share, origin)
    want = np.zeros_like(share)
    want[:-3, 5:] = share[3:, :-5]
    assert np.abs(found - want).max() < 1e-3
    assert np.abs(found - follow(share, origin)).max() < 0.04, "remap's positions are rounded"


def test_nothing_is_carried_where_nothing_is() -> None:
    assert cpu.carry_share(np.zeros((80, 144), np.float32), home(144, 256)).max() == 0


def test_the_box() -> None:
    share = np.zeros((20, 30), np.float32)
    assert cpu.box_of(share) is None
    share[4:9, 6:16] = 0.6
    share[15, 25] = 0.4
    assert cpu.box_of(share) == Rect(6, 4, 10, 5)


def test_mixed_with_the_one_before() -> None:
    before, fresh = np.zeros((4, 5), np.float32), np.ones((4, 5), np.float32)
    assert np.allclose(cpu.mixed(before, fresh, 0.6), 0.6)
    assert (cpu.mixed(np.zeros((2, 2), np.float32), fresh, 0.6) == 1).all(), "of another size"
