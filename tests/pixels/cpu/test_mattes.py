"""Mattes drawn by hand: where they lie, how they fade, and what they do to the layer."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.media.frame import Colour, Rect
from appliance.pixels import cpu
from tests.pixels.frames import noise

LEFT = ((0.0, 0.0), (0.25, 0.0), (0.25, 1.0), (0.0, 1.0))
MIDDLE = ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))
WHOLE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


def test_a_hard_edge_lies_on_the_pixel() -> None:
    made = cpu.hand_mattes([LEFT], [MIDDLE], 64, 36, 0)
    want = np.full((36, 64), 255, np.uint8)
    # What the outline touches is room: the pixel at 16 / 64, too.
    want[:, :17] = 0
    assert (made.room == want).all()
    # Of what is kept, only whole pixels; and nothing where it is room.
    assert (made.keep[10:26, 17:47] == 255).all()
    assert not made.keep[:9].any()
    assert not made.keep[27:].any()
    assert not made.keep[:, :17].any()
    assert not made.keep[:, 48:].any()
    assert made.room_rect == Rect(0, 0, 18, 36)


@pytest.mark.parametrize(("width", "height"), [(64, 36), (36, 64), (2, 2), (34, 6), (3840, 2160)])
def test_all_of_the_picture(width: int, height: int) -> None:
    made = cpu.hand_mattes([WHOLE], [], width, height, 8)
    assert not made.room.any()
    kept = cpu.hand_mattes([], [WHOLE], width, height, 8)
    assert (kept.keep == 255).all(), "the picture's border is no edge"
    assert kept.keep_rect == Rect(0, 0, width, height)


def test_room_fades_outwards_and_keep_inwards() -> None:
    hard, soft = (cpu.hand_mattes([MIDDLE], [], 640, 360, by) for by in (0, 10))
    assert not soft.room[hard.room == 0].any(), "nothing of it is ever shown"
    row = soft.room[180].astype(int)
    assert (np.diff(row[480:500]) >= 0).all()
    assert 0 < row[486] < 255
    assert row[500] == 255
    hard, soft = (cpu.hand_mattes([], [MIDDLE], 640, 360, by) for by in (0, 10))
    assert not soft.keep[hard.keep == 0].any(), "nothing outside of it is shown"
    assert 0 < soft.keep[180, 475] < 255
    assert soft.keep[180, 320] == 255


def layer(width: int, height: int) -> cpu.PersonLayer:
    made = cpu.empty_layer(width, height, Colour())
    made.alpha[height // 2 :, :] = 200
    made.front.y[:], made.front.uv[:] = 10, 20
    made.rect = Rect(0, height // 2, width, height - height // 2)
    return made


def test_the_layer_under_them() -> None:
    frame, person = noise(64, 36, 1), layer(64, 36)
    mattes = cpu.hand_mattes([LEFT], [MIDDLE], 64, 36, 0)
    cpu.apply_mattes(mattes, frame, person)
    assert not person.alpha[:, :17].any()
    assert (person.alpha[28:, 18:] == 200).all()
    assert (person.alpha[10:26, 17:47] == 255).all()
    assert (person.front.y[10:26, 17:47] == frame.y[10:26, 17:47]).all()
    assert (person.front.uv[5:13, 9:23] == frame.uv[5:13, 9:23]).all()
    assert (person.front.y[28:] == 10).all()
    outside = person.alpha.copy()
    box = person.rect
    outside[box.y : box.bottom, box.x : box.right] = 0
    assert not outside.any()


def test_nobody_there() -> None:
    frame, person = noise(64, 36, 1), cpu.empty_layer(64, 36, Colour())
    cpu.apply_mattes(cpu.hand_mattes([LEFT], [], 64, 36, 3), frame, person)
    assert person.rect.area == 0
    cpu.apply_mattes(cpu.hand_mattes([], [MIDDLE], 64, 36, 0), frame, person)
    assert (person.alpha[10:26, 17:47] == 255).all()
    assert person.rect.area > 0


def test_sizes_must_agree() -> None:
    mattes = cpu.hand_mattes([LEFT], [], 64, 36, 0)
    with pytest.raises(ValueError, match="66x36"):
        cpu.apply_mattes(mattes, noise(66, 36, 1), cpu.empty_layer(66, 36, Colour()))
