"""The learnt room as a picture: what is known as it is, the rest filled from around it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from appliance.http.pictures import picture_of_room
from appliance.media.frame import Colour, Frame
from appliance.pixels.cpu.picture import to_bgr
from appliance.pixels.cpu.plate import KNOWN, cell_of
from appliance.pixels.cpu.plate_light import MAP
from appliance.stages.learnt_room import LearntRoom


def room_of(width: int, height: int) -> LearntRoom:
    y = np.tile(np.linspace(40, 200, width).astype(np.uint8), (height, 1))
    uv = np.full((height // 2, width // 2, 2), 110, np.uint8)
    cell = cell_of(width, height)
    cells = (-(-height // cell), -(-width // cell))
    return LearntRoom(
        Frame(y, uv, Colour()), np.full(cells, KNOWN, np.uint8), np.zeros(cells, np.float32),
        np.zeros((3, *MAP), np.float32), 1.0,
    )  # fmt: skip


@pytest.mark.parametrize(("width", "height"), [(320, 180), (1922, 1078), (90, 160), (16, 16)])
def test_what_is_not_known_is_filled(width: int, height: int) -> None:
    room = room_of(width, height)
    true = to_bgr(room.picture)
    assert (picture_of_room(room) == true).all()
    rows, columns = room.times.shape
    room.times[rows // 3 : rows // 2, columns // 3 : columns // 2] = KNOWN - 1
    room.times[-1, -1] = 0
    cell = room.cell
    hole = np.s_[rows // 3 * cell : rows // 2 * cell, columns // 3 * cell : columns // 2 * cell]
    room.picture.y[hole] = 255
    room.picture.y[(rows - 1) * cell :, (columns - 1) * cell :] = 255
    seen = picture_of_room(room)
    off = np.abs(seen.astype(int) - true)
    assert off[hole].mean() < 12, "of a ramp from 40 to 200"
    assert off[-1, -1].max() < 60
    near = np.zeros((height, width), np.uint8)
    near[hole] = near[(rows - 1) * cell :, (columns - 1) * cell :] = 1
    off[cv2.dilate(near, np.ones((5, 5), np.uint8)) > 0] = 0
    assert not off.any(), "what is known is as it is"


def test_of_nothing_there_is_nothing() -> None:
    room = room_of(64, 36)
    room.times[:] = 0
    assert not picture_of_room(room).any()
