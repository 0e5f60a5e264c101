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


def shares(things: F32, people: F32 | None = None) -> cpu.Shares:
    return cpu.Shares(things, people)


def test_mixed_with_the_one_before() -> None:
    before, fresh = np.zeros((8, 12), np.float32), np.ones((8, 12), np.float32)
    assert np.allclose(cpu.mixed(shares(before), shares(fresh), 0.6).things, 0.6)
    small = shares(np.zeros((4, 4), np.float32))
    assert (cpu.mixed(small, shares(fresh), 0.6).things == 1).all(), "of another size"
    people = np.zeros((4, 6), np.float32)
    people[:, :2] = 1
    mixed = cpu.mixed(shares(before, people), shares(fresh, people), 0.6)
    assert (mixed.things[:, :4] == 0).all(), "behind somebody nothing was seen"
    assert np.allclose(mixed.things[:, 8:], 0.6)
    assert mixed.people is people


def behind_somebody(shift: tuple[float, float], where: slice) -> tuple[cpu.Shares, F32]:
    """A thing, somebody who stands before it, and a motion of columns ``where`` of 144."""
    things, people = np.zeros((80, 144), np.float32), np.zeros((40, 72), np.float32)
    things[30:60, 40:100] = 1
    people[:, 30:40] = 1
    origin = home(144, 256).copy()
    part = slice(where.start * 256 // 144, where.stop * 256 // 144)
    origin[:, part] -= np.float32(shift) * np.float32([256 / 144, 144 / 80])
    return cpu.Shares(things, people), np.ascontiguousarray(origin)


def test_a_thing_stays_behind_whoever_moves_before_it() -> None:
    both, origin = behind_somebody((8, 0), slice(50, 92))
    found = cpu.carry_shares(both, origin)
    assert found.people is not None
    assert found.people[20, 36:43].min() == 1
    assert found.people[20, 30:33].max() == 0
    assert (found.things[34:56, 44:96] == 1).all()


def test_unless_the_camera_moves() -> None:
    both, origin = behind_somebody((8, 0), slice(0, 144))
    found = cpu.carry_shares(both, origin)
    assert (found.things[34:56, 40:47] == 0).all()
    assert (found.things[34:56, 50:106] == 1).all()


def test_things_without_the_people_before_them() -> None:
    both, _ = behind_somebody((0, 0), slice(0, 0))
    left = cpu.without_people(both)
    assert left[40, 60:80].max() == 0
    assert left[40, 42:56].min() == 1
    assert (cpu.without_people(shares(both.things)) == both.things).all()
