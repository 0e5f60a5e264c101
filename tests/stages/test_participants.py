"""Who takes part: people as boxes on a grid, frame by frame, through ``taking_part`` and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from appliance.config.settings import CleanSettings
from appliance.media.frame import Rect
from appliance.pixels.cpu.taking_part import MOST, Component, taking_part
from appliance.stages.participants import Participants, Sighting, by_participation
from appliance.stages.roi import Box

# A frame of 1280x720 on a grid of 320x180.
FRAME, GRID = Rect(0, 0, 1280, 720), (180, 320)
HOST = (120, 40, 80, 140)
"""At the desk: left, top, width, height on the grid; down to the lower edge."""
HALF_A_HEAD = (294, 30, 26, 78)
RATES = [1, 5, 12, 30, 120]

Place = tuple[int, int, int, int]


class Scene:
    """Shows boxes to ``Participants`` at a rate, as the pipelines do."""

    def __init__(self, fps: float = 30) -> None:
        self.people = Participants(FRAME.width, FRAME.height)
        self._step = round(1e9 / fps)
        self.now = 0

    def __call__(self, *places: Place, rect: Rect = FRAME) -> list[bool]:
        """One frame: which of these places, on the whole frame's grid, are shown.

        ``rect``: the ROI; what lies beyond is not seen, and never shown.
        """
        self.now += self._step
        grid = (rect.height // 4, rect.width // 4)
        found = self.found(places, rect)
        order = sorted(found, key=lambda number: -found[number].area)
        known = self.people.known(self.now, rect, grid)
        parts = [found[number] for number in order]
        shown = dict(zip(order, taking_part(parts, known), strict=True))
        self.people.look(self.now, Sighting(rect, grid, tuple(parts)))
        return [shown.get(number, False) for number in range(len(places))]

    def aside(self, *places: Place) -> Box | None:
        """A look at the whole frame, after a frame."""
        parts = sorted(self.found(places, FRAME).values(), key=lambda one: -one.area)
        return self.people.look(self.now, Sighting(FRAME, GRID, tuple(parts)), aside=True)

    @staticmethod
    def found(places: tuple[Place, ...], rect: Rect) -> dict[int, Component]:
        """The components; whoever goes on beyond a border of it touches that all along."""
        x, y = rect.x // 4, rect.y // 4
        whole = Rect(0, 0, rect.width // 4, rect.height // 4)
        there = {}
        for number, (left, top, width, height) in enumerate(places):
            box = Rect(left - x, top - y, width, height).intersect(whole)
            if box.area:
                at_border = left < x or left + width > x + whole.width
                at_edge = left == 0 or left + width == GRID[1]
                touching = box.height if at_border else box.height * 9 // 10 if at_edge else 0
                there[number] = Component(box, box.area * 7 // 10, touching)
        return there

    def until(self, most: float, scene: Callable[[], tuple[Place, ...]]) -> float | None:
        """Seconds until all are shown; None: not within ``most``."""
        start = self.now
        while self.now - start <= most * 1e9:
            if all(self(*scene())):
                return (self.now - start) / 1e9
        return None


def seconds(scene: Scene, fps: float, time: float) -> Iterator[None]:
    """The frames of so many seconds."""
    for _ in range(max(1, round(time * fps))):
        yield


def test_everybody_is_there_from_the_first_frame() -> None:
    scene = Scene()
    for _ in range(60):
        assert scene((60, 40, 60, 100), (140, 60, 60, 110), (210, 80, 40, 90)) == [True] * 3


@pytest.mark.parametrize("fps", RATES)
def test_half_a_head_at_the_edge_is_nobody(fps: float) -> None:
    scene = Scene(fps)
    for _ in seconds(scene, fps, 10):
        assert scene(HOST, HALF_A_HEAD) == [True, False]


def test_a_shoulder_at_the_edge_is_not_cut() -> None:
    found = Component(Rect(260, 20, 60, 160), 6000, 90)
    assert not found.cut
    assert taking_part([found], ()) == [True]


@pytest.mark.parametrize("fps", RATES)
def test_who_comes_to_stay_is_shown(fps: float) -> None:
    """Half a second after they stopped, whatever the rate; a frame more, as it is decided late."""
    scene = Scene(fps)
    for _ in seconds(scene, fps, 2):
        scene(HOST)
    time = scene.until(5, lambda: (HOST, (240, 50, 50, 120)))
    assert time is not None
    assert 0.5 <= time <= 0.5 + 3.1 / fps


@pytest.mark.parametrize("fps", [5, 12, 30, 120])
def test_who_walks_past_is_not_shown(fps: float) -> None:
    """In at the right, behind the host and out at the left would touch them: past on the right."""
    scene = Scene(fps)
    for _ in seconds(scene, fps, 2):
        scene((20, 40, 80, 140))
    # 3.5 m across at 1.4 m/s; a body is half a metre wide: 1.4 s in which nothing cuts them.
    x = 320.0
    while x > 140:
        x -= 130 / fps
        left, right = max(round(x), 0), min(round(x) + 46, 320)
        if right > left:
            assert scene((20, 40, 80, 140), (left, 50, right - left, 110)) == [True, False], x


def test_who_walks_about_in_view_is_shown_after_a_while() -> None:
    scene = Scene()
    frames = 0

    def both() -> tuple[Place, ...]:
        nonlocal frames
        frames += 1
        turn = abs(frames * 4 % 180 - 90)  # 90 pixels there and back, at 4 a frame
        return (20, 40, 60, 140), (130 + turn, 50, 46, 110)

    for _ in range(30):
        scene((20, 40, 60, 140))
    time = scene.until(5, both)
    assert time is not None
    assert 1.9 < time < 2.2


def test_who_is_far_away_is_left_out() -> None:
    scene = Scene()
    for _ in range(120):
        assert scene(HOST, (250, 60, 20, 50)) == [True, False]


@pytest.mark.parametrize("fps", RATES[1:])
def test_who_takes_part_stays_while_the_edge_cuts_them(fps: float) -> None:
    """A lecturer steps to the side until half of them is out, stands there, and leaves."""
    scene = Scene(fps)
    other = (20, 40, 60, 140)
    for _ in seconds(scene, fps, 2):
        assert scene(other, (180, 40, 80, 140)) == [True, True]
    x = 180.0
    while x < 280:
        x += 60 / fps
        assert scene(other, (round(x), 40, 320 - round(x) if x > 240 else 80, 140))[1], x
    for _ in seconds(scene, fps, 5):
        assert scene(other, (280, 40, 40, 140)) == [True, True]
    for _ in seconds(scene, fps, 2.5):
        scene(other)
    assert scene(other, (290, 40, 30, 140)) == [True, False], "who comes back is new"


def test_somebody_lost_for_some_frames_is_still_there() -> None:
    scene = Scene()
    both = (60, 40, 60, 130), (200, 40, 60, 130)
    scene(*both)
    for _ in range(25):
        scene(both[0])
    assert scene(*both) == [True, True]
    for _ in range(40):
        scene(both[0])
    assert scene(*both) == [True, False]


def test_whoever_is_alone_is_shown_at_once() -> None:
    scene = Scene()
    for _ in range(30):
        assert scene() == []
    assert scene(HALF_A_HEAD) == [True]
    # Half a head was shown for want of anybody else. The host walks in and sits down.
    for _ in range(30):
        scene(HALF_A_HEAD, HOST)
    assert scene(HALF_A_HEAD, HOST) == [False, True]


def test_whoever_is_far_larger_is_shown_at_once() -> None:
    """A patch of the room was taken for somebody: whoever comes then walks about, and is shown."""
    scene = Scene()
    for _ in range(30):
        assert scene((20, 150, 20, 20)) == [True]
    shown = [scene((20, 150, 20, 20), (250 - 5 * k, 40, 60, 130))[1] for k in range(10)]
    assert shown == [False] + [True] * 9


def test_a_hand_apart_belongs_to_its_body() -> None:
    scene = Scene()
    for k in range(60):
        assert scene(HOST, (204 + k % 12, 70, 14, 14)) == [True, True]


def test_a_head_at_the_edge_is_no_part_of_an_arm_that_reaches_out() -> None:
    scene = Scene()
    scene(HOST, HALF_A_HEAD)
    for _ in range(60):
        assert scene((120, 40, 150, 140), HALF_A_HEAD) == [True, False]


def test_two_pieces_of_one_person_stay() -> None:
    """A lectern parts somebody in two, and lets them be one again."""
    scene = Scene()
    for _ in range(10):
        scene((120, 40, 60, 130))
    for _ in range(60):
        assert scene((120, 40, 60, 60), (125, 110, 50, 60)) == [True, True]
    for _ in range(10):
        assert scene((120, 40, 60, 130)) == [True]


def test_who_touches_somebody_goes_with_them_and_is_left_out_again() -> None:
    scene, host = Scene(), (60, 40, 60, 140)
    for _ in range(10):
        scene(host)
    for x in range(270, 123, -5):
        assert scene(host, (x, 50, 46, 110)) == [True, False], x
    for _ in range(20):
        assert scene((60, 40, 110, 140)) == [True], "one component"
    for x in range(124, 170, 5):
        shown = scene(host, (x, 50, 46, 110))
    assert shown == [True, False]


def test_two_who_take_part_touch_and_part_as_they_like() -> None:
    """They are one component at first, then two, then one: nobody is lost in any frame."""
    scene, apart = Scene(), ((20, 40, 110, 140), (140, 30, 90, 150))
    for _ in range(4):
        for _ in range(20):
            assert scene((20, 30, 210, 150)) == [True]
        for _ in range(20):
            assert scene(*apart) == [True, True]


def test_who_takes_part_is_not_lost_in_a_larger_passer_by() -> None:
    scene, passer = Scene(), (190, 10, 120, 170)
    for _ in range(10):
        scene((120, 80, 50, 100))
    assert scene((120, 80, 50, 100), passer) == [True, False]
    for _ in range(10):
        assert scene((120, 10, 190, 170)) == [True]


@pytest.mark.parametrize("fps", RATES[1:])
def test_who_leaves_slides_out(fps: float) -> None:
    scene, x, other = Scene(fps), 200.0, (20, 40, 60, 140)
    while x < 315:
        assert scene(other, (round(x), 40, min(60, 320 - round(x)), 140)) == [True, True], x
        x += 130 / fps


@pytest.mark.parametrize("fps", RATES)
def test_nobody_who_is_alone_is_lost_by_moving(fps: float) -> None:
    """At few frames a second a walk is a jump: whoever is the only one is shown all the same."""
    scene, x = Scene(fps), 20.0
    for _ in seconds(scene, fps, 1):
        scene((round(x), 40, 40, 130))
    while x < 240:
        x += 120 / fps
        assert scene((round(x), 40, 40, 130)) == [True]


ROI = Rect(400, 100, 500, 620)


def test_a_newcomer_outside_the_roi_is_counted_by_rescans() -> None:
    """They take part from the second rescan on; until then the ROI is the host's alone."""
    scene, guest = Scene(), (250, 40, 50, 130)
    for _ in range(30):
        assert scene(HOST, rect=ROI) == [True]
    assert scene.aside(HOST, guest) == Box(480, 160, 800, 720)
    for _ in range(30):
        scene(HOST, guest, rect=ROI)
    around = scene.aside(HOST, guest)
    assert around is not None
    assert around.right == 1200
    assert scene(HOST, guest) == [True, True], "the ROI follows, and there they are"


def test_a_slice_of_a_passer_by_in_the_roi_is_not_shown() -> None:
    """Half of them lies in the host's reach, but they go on beyond the ROI."""
    scene, guest = Scene(), (210, 40, 60, 130)
    for k in range(90):
        assert scene(HOST, guest, rect=ROI) == [True, False], k


def test_who_is_beyond_the_roi_is_not_forgotten_unseen() -> None:
    scene, guest = Scene(), (250, 40, 50, 130)
    assert scene(HOST, guest) == [True, True]
    for _ in range(90):
        scene(HOST, guest, rect=ROI)
    assert scene(HOST, guest) == [True, True]
    scene.now += 2_000_000_000
    scene.aside(HOST)
    assert scene(HOST, guest) == [True, False], "a rescan would have seen them"


@pytest.mark.parametrize("how", ["reset", "back"])
def test_it_starts_over(how: str) -> None:
    scene, guest = Scene(), (240, 50, 50, 120)
    for _ in range(9):
        scene(HOST)
    assert scene(HOST, guest) == [True, False]
    if how == "reset":
        scene.people.reset()
        assert scene(HOST, guest) == [True, True]
    else:
        scene.now -= 300_000_000
        scene(HOST, guest)
        assert scene(HOST, guest) == [True, True], "time went back: another take"


def test_memory_is_bounded() -> None:
    scene = Scene()
    for k in range(40):
        x, y = k % 7, 9 * (k % 11)
        scene(*[(x + 36 * n, y + 40 * row, 6, 9) for n in range(8) for row in (0, 1)])
        assert len(scene.people.known(scene.now, FRAME, GRID)) <= MOST
        assert len(scene.people._people) <= MOST


def test_only_where_the_settings_ask_for_it() -> None:
    assert by_participation(CleanSettings())
    assert not by_participation(CleanSettings(keep="all"))
    assert not by_participation(CleanSettings(enabled=False))
