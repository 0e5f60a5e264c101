"""Twice the rate: what is sent, in which order, for which time, and what stands in at a cut."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, Literal

import pytest

from appliance.config.settings import Companion
from appliance.daemon.filler import NONE, Companions, Filler
from appliance.media.frame import Frame
from tests.scenes import flat

STEP = 40_000_000
KEY = Companion("key")


def shown(number: int) -> Frame:
    return replace(flat(64, 36, number), pts=number * STEP, duration=STEP, serial=number)


def made(number: int, part: float) -> Frame:
    return replace(flat(64, 36, 200), pts=number * STEP + int(part * STEP), serial=number)


class Sent(list[tuple[Frame, int]]):
    """Takes what is published."""

    def __call__(self, frame: Frame, at: int = 0, companions: object = None) -> None:
        self.append((frame, at))

    @property
    def times(self) -> list[int]:
        return [frame.pts for frame, _ in self]


@pytest.mark.parametrize("lossless", [True, False])
def test_between_comes_first_and_the_frame_is_held(lossless: bool) -> None:
    sent = Sent()
    filler = Filler(sent, 0, lossless=lossless)
    assert filler.send(shown(0), None, "between") == 0
    for number in range(1, 4):
        before = time.monotonic_ns()
        held = filler.send(shown(number), made(number, -0.5), "between")
        assert held == filler.held_ns == (0 if lossless else STEP // 2)
        assert sent[-1][1] - before >= STEP // 2
    assert sent.times == [STEP * i // 2 for i in range(7)]
    assert {frame.duration for frame, _ in sent} == {STEP // 2}
    assert [int(frame.y[0, 0]) for frame, _ in sent] == [0, 200, 1, 200, 2, 200, 3]


def test_ahead_delays_nothing() -> None:
    sent = Sent()
    filler = Filler(sent, 0, lossless=False)
    for number in range(3):
        made_ahead = made(number, 0.5) if number else None
        assert filler.send(shown(number), made_ahead, "ahead") == 0
        assert sent[-2][1] == 0
        assert sent[-1][1] > time.monotonic_ns()
    assert sent.times == [STEP * i // 2 for i in range(6)]
    # The first has no motion yet, so it stands for both.
    assert [int(frame.y[0, 0]) for frame, _ in sent] == [0, 0, 1, 200, 2, 200]


def test_at_a_cut_the_last_composite_is_shown_again() -> None:
    sent = Sent()
    filler = Filler(sent, 0, lossless=False)
    filler.send(shown(0), None, "between")
    filler.send(replace(shown(1), discontinuity=True), None, "between")
    assert sent.times == [0, STEP // 2, STEP]
    assert [int(frame.y[0, 0]) for frame, _ in sent] == [0, 0, 1]
    assert [frame.discontinuity for frame, _ in sent] == [False, False, True]


def test_a_long_gap_is_not_filled() -> None:
    for lossless, count in ((False, 2), (True, 3)):
        sent = Sent()
        filler = Filler(sent, 0, lossless=lossless)
        filler.send(shown(0), None, "between")
        filler.send(shown(100), None, "between")
        assert len(sent) == count


def test_after_a_failure_the_last_composite_is_not_shown_again() -> None:
    sent = Sent()
    filler = Filler(sent, 0, lossless=False)
    filler.send(shown(0), None, "between")
    filler.forget()
    filler.send(shown(1), None, "between")
    assert sent.times == [0, STEP]


@pytest.mark.parametrize(
    ("fill_ns", "duration", "room"),
    [(None, STEP, False), (0, 0, True), (36_000_000, STEP, True), (36_000_000, 33_000_000, False)],
)
def test_room(fill_ns: int | None, duration: int, room: bool) -> None:
    nobody: Any = None
    filler = Filler(nobody, fill_ns, lossless=False)
    assert filler.has_room(replace(shown(0), duration=duration)) is room


@pytest.mark.parametrize("mode", ["between", "ahead"])
def test_each_goes_out_with_its_own_companions(mode: Literal["between", "ahead"]) -> None:
    """What is shown again, with those that it had; what was made without any, with none."""
    found: list[tuple[int, int | None]] = []

    def publish(frame: Frame, at: int = 0, companions: Companions = NONE) -> None:
        key = companions.get(KEY)
        found.append((int(frame.y[0, 0]), None if key is None else int(key.y[0, 0])))

    filler = Filler(publish, 0, lossless=True)
    part = -0.5 if mode == "between" else 0.5
    for number in range(1, 4):
        beside = {KEY: flat(64, 36, 100 + number)}
        between = {KEY: flat(64, 36, 150)} if number == 2 else NONE
        one = None if number == 1 else made(number, part)
        filler.send(shown(number), one, mode, beside, between)
    filler.send(shown(4), None, mode, {KEY: flat(64, 36, 104)})
    pairs = [(1, 101), (200, 150), (2, 102), (200, None), (3, 103), (3, 103), (4, 104)]
    if mode == "ahead":
        pairs = [
            (1, 101),
            (1, 101),
            (2, 102),
            (200, 150),
            (3, 103),
            (200, None),
            (4, 104),
            (4, 104),
        ]
    assert found == pairs
