"""People far apart: when the network's input is divided, and what its parts show."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from appliance.config.settings import RoiSettings
from appliance.media.frame import Rect
from appliance.stages.roi import Box, Tracker
from appliance.stages.split import Splitter, tiles

W, H = 1920, 1080
ROWS, COLUMNS = 160, 288
WHOLE = Rect(0, 0, W, H)


def splitter(**settings: object) -> Splitter:
    return Splitter(RoiSettings.model_validate(settings), W, H, COLUMNS / ROWS)


def person(x: float, height: float = 400) -> Box:
    """Somebody at a desk: at the frame's lower edge, centred at ``x``."""
    return Box(x - 0.4 * height, H - height, x + 0.4 * height, H)


def around(people: Sequence[Box]) -> Rect:
    """The ROI around them all."""
    tracker = Tracker(RoiSettings(), W, H, COLUMNS / ROWS)
    both = people[0]
    for box in people[1:]:
        both = both.union(box)
    tracker.update(both)
    return tracker.roi


def shown(s: Splitter, *people: Box) -> tuple[Rect, ...]:
    s.update(people, around(people))
    return s.rois


def test_two_far_apart_get_half_the_input_each() -> None:
    s = splitter()
    left, right = person(300), person(1600)
    made = tiles(shown(s, right, left), ROWS, COLUMNS)
    assert [tile.inner for tile in made] == [Rect(0, 0, 144, 160), Rect(144, 0, 144, 160)]
    for tile, box in zip(made, (left, right), strict=True):
        roi = tile.roi
        assert roi.x <= box.left
        assert box.right <= roi.right
        assert roi.y <= box.top
        assert roi.x % 2 == roi.y % 2 == roi.width % 2 == roi.height % 2 == 0
        assert WHOLE.contains(roi)
        # Twice as large as in one look at both, and nearly in its own shape.
        assert tile.inner.height / roi.height > 1.8 * 160 / H
        assert roi.width / roi.height == pytest.approx(0.9, rel=0.05)


def test_three_get_a_third_each() -> None:
    s = splitter()
    rois = shown(s, person(250, 250), person(950, 250), person(1700, 250))
    assert [tile.inner.width for tile in tiles(rois, ROWS, COLUMNS)] == [96, 96, 96]
    small = tiles(rois, 112, 200)  # what the smaller network has
    assert [tile.inner.right for tile in small] == [66, 134, 200]


def test_more_than_three_share_with_their_nearest() -> None:
    s = splitter()
    rois = shown(s, *(person(x, 120) for x in (150, 800, 960, 1750)))
    assert len(rois) == 3
    assert rois[1].x < 800 < 960 < rois[1].right


@pytest.mark.parametrize(
    "people",
    [
        (),
        (person(900),),
        (person(800), person(1150)),  # side by side
        (person(500, 1000), person(1400, 1000)),  # near the camera: one look shows them as large
    ],
)
def test_otherwise_there_is_one_look(people: tuple[Box, ...]) -> None:
    s = splitter()
    s.update(people, around(people) if people else WHOLE)
    assert s.rois == ()


def test_on_the_edge_of_being_apart_it_does_not_flip() -> None:
    """From where they begin to be looked at apart, a little nearer keeps them so."""
    s, changes, apart = splitter(), 0, False
    for step in range(200):
        x = 1150 + step % 3 * 8 + step
        now = bool(shown(s, person(600, 300), person(x, 300)))
        changes += now != apart
        apart = now
    assert apart
    assert changes == 1


def test_a_part_follows_its_person() -> None:
    s = splitter()
    for step in range(40):
        right = person(1500 + 5 * step)
        shown(s, person(300), right)
        assert s.rois[1].x <= right.left
        assert right.right <= s.rois[1].right or s.rois[1].right == W
    resting = s.rois[0]
    assert all(shown(s, person(300), person(1695))[0] == resting for _ in range(20))


def test_who_leaves_ends_it_at_once() -> None:
    s = splitter()
    assert shown(s, person(300), person(1600))
    assert shown(s, person(300)) == ()


def test_an_odd_small_grid_and_frame() -> None:
    s = Splitter(RoiSettings(), 320, 180, 50 / 37)
    left, right = Box(10, 120, 50, 180), Box(270, 120, 310, 180)
    s.update((left, right), Rect(0, 0, 320, 180))
    assert len(s.rois) == 2
    for tile in tiles(s.rois, 37, 50):
        assert tile.inner.right <= 50
        assert tile.inner.bottom <= 37
