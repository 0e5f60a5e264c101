"""The empty room is learnt behind the person, and nobody enters it."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.media.frame import F32, U8
from appliance.pixels.cpu.plate import KNOWN
from tests.stages.plate.room import HEIGHT, WIDTH, Room, figure


def known_pixels(room: Room) -> U8:
    plate = room.steps.plate_state
    cells = (plate.times >= KNOWN).astype(np.uint8)
    full = np.repeat(np.repeat(cells, plate.cell, 0), plate.cell, 1)
    return full[:HEIGHT, :WIDTH].astype(bool)


def error(room: Room) -> F32:
    return np.abs(room.steps.plate_state.picture.y.astype(np.float32) - room.y)


def test_a_walker_leaves_the_room_behind() -> None:
    room = Room()
    for k in range(300):
        mask = figure(160 + 120 * np.sin(k / 30))
        room.run(room.shoot(mask, 1 + 0.04 * np.sin(k / 90)), mask)
    known = known_pixels(room)
    assert known.mean() > 0.95
    off = error(room)[known]
    # The light drifts by 4 %: the plate is in the light that each place was first seen in.
    assert off.mean() < 1.5
    assert off.max() < 30, "somebody's pixels are 35 and more away from the room"


def test_who_sits_still_never_enters() -> None:
    room, mask = Room(), figure(160)
    for _ in range(200):
        room.run(room.shoot(mask), mask)
    known = known_pixels(room)
    assert not known[mask > 0.05].any()
    assert error(room)[known].max() < 20
    for _ in range(64):
        room.run(room.shoot())
    known = known_pixels(room)
    assert known.mean() > 0.99, "the place becomes known once it is free"
    assert error(room)[known].mean() < 1.5


def test_a_post_goes_and_the_person_stays() -> None:
    room, mask = Room(), figure(110)
    for _ in range(60):
        room.run(room.shoot())
    post = np.zeros_like(mask)
    post[60:, 150:164] = 0.8
    seen = np.maximum(mask, post)
    with_post = room.run(room.shoot(mask), seen)
    columns = slice(round(152 * 144 / 320), round(162 * 144 / 320))
    assert with_post[40:, columns].max() < 0.1
    body = with_post[60:, round(95 * 144 / 320) : round(125 * 144 / 320)]
    assert body.min() > 0.95


def test_a_camera_that_was_pushed_is_noticed() -> None:
    room, mask = Room(), figure(110)
    for shift in ((8, 4), (0, 1)):
        for _ in range(60):
            room.run(room.shoot())
        for k in range(8):
            frame = room.shoot(mask, shift=shift)
            alpha, plain = room.run(frame, mask), Room().run(frame, mask)
            if room.steps.plate_state.known == 0:
                break
            # A push by a pixel needs two frames to be believed.
            assert k < 2 or np.array_equal(alpha, plain), "the plate is not used in the meantime"
        assert room.steps.plate_state.known == 0, shift
        assert np.array_equal(alpha, plain), shift


def test_after_a_cut_it_must_prove_itself() -> None:
    room, mask = Room(), figure(110)
    for _ in range(60):
        room.run(room.shoot())
    room.steps.reset()
    other = Room()
    other.y = room.y[:, ::-1].copy()
    frame = other.shoot(mask)
    before = room.run(frame, mask)
    fresh = Room().run(frame, mask)
    assert np.array_equal(before, fresh), "nothing of the old room is used"
    assert room.steps.plate_state.known == 0


def test_the_same_room_is_used_again() -> None:
    room = Room()
    for _ in range(60):
        room.run(room.shoot())
    room.steps.reset()
    for _ in range(6):
        room.run(room.shoot())
    assert room.steps.plate_state.known > 0.99
    assert room.steps.sound


@pytest.mark.parametrize("length", [7, 22, 30])
def test_a_short_film_over_and_over_is_learnt(length: int) -> None:
    """A file that begins again is a cut, however little is known by then."""
    room, mask = Room(), figure(110)
    for k in range(240):
        if k % length == 0:
            room.steps.reset()
        room.run(room.shoot(mask), mask)
    assert known_pixels(room)[mask == 0].mean() > 0.9


def test_after_a_cut_while_little_is_known_the_new_room_is_learnt() -> None:
    room, mask = Room(), figure(150, width=110, top=-20)
    while room.steps.plate_state.known == 0:
        room.run(room.shoot(mask), mask)
    assert 0 < room.steps.plate_state.known < 0.1
    room.steps.reset()
    room.y = room.y[:, ::-1].copy()
    for _ in range(300):
        room.run(room.shoot(mask), mask)
    known = known_pixels(room)
    assert known[mask == 0].mean() > 0.9
    assert error(room)[known].mean() < 1.5


def test_what_can_prove_nothing_is_forgotten_in_the_end() -> None:
    room = Room()
    for _ in range(60):
        room.run(room.shoot())
    nobody_can_tell = np.ones_like(figure(110))
    room.steps.reset()
    for _ in range(58):
        room.run(room.shoot(nobody_can_tell), nobody_can_tell)
        room.steps.reset()
    assert room.steps.plate_state.known > 0.99
    for _ in range(3):
        room.run(room.shoot(nobody_can_tell), nobody_can_tell)
    assert room.steps.plate_state.known == 0
