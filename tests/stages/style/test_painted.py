"""A network's style on moving pictures: how often it looks, and what happens in between."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from appliance.media.frame import Frame, Rect
from appliance.networks.manifest import load_manifest
from appliance.networks.picture import PictureNetwork
from appliance.pixels.cpu.flow import Motion
from appliance.stages.looks.painting import add_painting, paint
from appliance.stages.style.painted import CarriedPainting, OwnMotion
from tests.networks.painter import painting_network
from tests.scenes import FULL, flat


class Counting(PictureNetwork):
    """Counts how often it looks."""

    looks = 0

    def __call__(self, *args, **kwargs):
        self.looks += 1
        return super().__call__(*args, **kwargs)


@pytest.fixture
def network(tmp_path: Path) -> Counting:
    return Counting(*load_manifest(painting_network(tmp_path), task="picture"), threads=1)


def moved(by: float) -> Motion:
    """All of it comes from so many grid columns to the left."""
    rows, columns = np.mgrid[0:144, 0:256].astype(np.float32)
    off = np.zeros((1, 1), np.uint8)
    return Motion(np.dstack((columns - np.float32(by), rows)), 0.0, 33_000_000, off)


def bar(x: int) -> Frame:
    frame = flat(256, 144, 100)
    frame.y[:, x : x + 64] = 200
    return frame


def test_it_looks_at_every_nth_frame_and_after_a_cut(network: Counting) -> None:
    painted = CarriedPainting()
    looks = []
    for k in range(10):
        painted(network, flat(256, 144, 90), 4, moved(0) if k else None)
        looks.append(network.looks)
    assert looks == [1, 1, 1, 1, 2, 2, 2, 2, 3, 3]
    painted(network, flat(256, 144, 90), 4, None)
    assert network.looks == 4
    painted.start_over()
    painted(network, flat(256, 144, 90), 4, moved(0))
    assert network.looks == 5


def test_what_was_painted_moves_along(network: Counting) -> None:
    painted, out = CarriedPainting(), flat(256, 144, 0)
    first = painted(network, bar(64), 4, None)
    carried = painted(network, bar(96), 4, moved(32))
    assert network.looks == 1
    assert np.abs(carried - paint(network, bar(96)))[:, :, 8:-8].max() < 12
    assert np.abs(carried - first).max() > 100
    add_painting(bar(96), carried, 1.0, out, Rect(0, 0, 256, 144))
    inside, beside = out.y[20:120, 110:150], out.y[20:120, 40:80]
    assert np.abs(inside.astype(int) - 55).max() <= 2
    assert np.abs(beside.astype(int) - 155).max() <= 2


def test_only_the_person_is_seen(network: Counting) -> None:
    alpha = np.zeros((144, 256), np.uint8)
    alpha[:, 64:192] = 255
    one, other = flat(256, 144, 90), flat(256, 144, 90)
    other.y[:, :64], other.uv[:, 96:] = 255, 20
    assert (paint(network, one, alpha) == paint(network, other, alpha)).all()


def test_strength_and_part(network: Counting) -> None:
    frame = flat(256, 144, 100)
    add_painting(frame, paint(network, frame), 0.5, frame, Rect(64, 0, 64, 144))
    assert (frame.y[:, 64:128] == 128).all() or (frame.y[:, 64:128] == 127).all()
    assert (frame.y[:, :64] == 100).all()
    assert (frame.y[:, 128:] == 100).all()
    assert frame.colour == FULL


def test_a_backgrounds_own_motion() -> None:
    motion = OwnMotion()
    rng = np.random.default_rng(1)
    y = rng.integers(60, 200, (18, 32)).astype(np.uint8).repeat(8, 0).repeat(8, 1)
    picture = flat(256, 144, 0)
    pictures = [Frame(np.roll(y, k, 1), picture.uv, FULL) for k in (0, 3)]
    assert motion(pictures[0]) is None
    found = motion(pictures[1])
    assert found is not None
    home = np.mgrid[0:144, 0:256][1]
    assert abs(np.median(home - found.origin[..., 0]) - 3) < 0.5
    assert motion(flat(256, 144, 255)) is None, "a cut"
