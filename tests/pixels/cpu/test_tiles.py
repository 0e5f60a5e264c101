"""Tiles joined: against the mean over the frame, pixel by pixel."""

from __future__ import annotations

import numpy as np

from appliance.media.frame import Rect
from appliance.pixels import cpu


def test_a_tile_lies_where_it_was_taken() -> None:
    """A finer tile's alpha is averaged: an edge between two pixels becomes a share."""
    target, shape = Rect(0, 0, 160, 80), (10, 20)  # 8 frame pixels to one
    tile = np.zeros((20, 20), np.float32)  # 2 frame pixels to one, from (40, 16)
    tile[:, 10:] = 1  # from x = 60: half of the pixel from 56 to 64
    got = cpu.join_tiles([(tile, Rect(40, 16, 40, 40))], target, shape)
    assert np.allclose(got[3:6, 8:9], 1, atol=0.02)
    assert np.allclose(got[3:6, 7], 0.5, atol=0.02)
    assert np.allclose(got[3:6, 5:7], 0, atol=0.02)
    assert got[:2].max() == got[7:].max() == got[:, 11:].max() == 0


def test_the_larger_alpha_counts() -> None:
    target = Rect(0, 0, 64, 64)
    tiles = [(np.full((16, 16), value, np.float32), target) for value in (0.25, 0.75, 0.5)]
    assert np.allclose(cpu.join_tiles(tiles, target, (16, 16)), 0.75)


def test_a_still_edge_does_not_flicker_as_its_tile_moves() -> None:
    """The same half-plane, seen by tiles two frame pixels apart, stays within a tenth of itself."""
    target, shape, seen = Rect(0, 0, 320, 160), (20, 40), []
    for x in range(0, 16, 2):
        columns = x + (np.arange(60) + 0.5) * 4  # four frame pixels to one
        tile = np.tile(np.clip((columns - 130) / 4 + 0.5, 0, 1), (40, 1)).astype(np.float32)
        seen.append(cpu.join_tiles([(tile, Rect(x, 0, 240, 160))], target, shape)[5:15, 8:28])
    assert np.ptp(np.stack(seen), axis=0).max() < 0.1
