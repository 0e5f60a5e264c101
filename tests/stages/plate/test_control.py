"""The button: learn now, as nobody is in view; and forget."""

from __future__ import annotations

import pytest

from appliance.stages.plate_control import PlateControl
from tests.stages.plate.room import Room, figure


def test_by_the_button_only() -> None:
    room = Room(learn="button")
    for _ in range(40):
        room.run(room.shoot())
    assert room.steps.plate_state.known == 0
    room.common.plate.learn(1)
    assert room.common.plate.status.state == "learning"
    for _ in range(40):
        room.run(room.shoot())
    status = room.common.plate.status
    assert (status.state, status.why) == ("learnt", "")
    assert status.known == 1
    assert status.used


def test_it_is_refused_while_somebody_is_in_view() -> None:
    room, mask = Room(learn="button"), figure(110)
    room.common.plate.learn(1)
    room.run(room.shoot(mask), mask)
    status = room.common.plate.status
    assert status.state == "refused"
    assert "somebody is in view" in status.why
    assert room.steps.plate_state.known == 0


def test_a_cut_ends_it() -> None:
    room = Room(learn="button")
    room.common.plate.learn(5)
    room.run(room.shoot())
    room.steps.reset()
    assert room.common.plate.status.state == "refused"


def test_forget() -> None:
    room = Room()
    for _ in range(64):
        room.run(room.shoot())
    assert room.steps.plate_state.known > 0.99
    room.common.plate.forget()
    room.run(room.shoot())
    assert room.common.plate.status.known == 0
    assert room.steps.plate_state.known < 0.01


@pytest.mark.parametrize("seconds", [0.0, 61.0, float("nan")])
def test_for_how_long(seconds: float) -> None:
    with pytest.raises(ValueError, match="expected 1 to 60"):
        PlateControl().learn(seconds)
