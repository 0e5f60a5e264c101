"""Which input the ROI is looked at through: standing people upright, all others as ever."""

from __future__ import annotations

import pytest

from appliance.config.settings import RoiSettings
from appliance.media.frame import Rect
from appliance.stages.roi import Box, Tracker
from appliance.stages.shape import gain

W, H = 1920, 1080
USUAL, UPRIGHT = 288 / 160, 160 / 288

STANDING = Box(800, 60, 1100, 1060)
AT_A_DESK = Box(600, 350, 1250, 1080)
SPREAD = Box(500, 60, 1400, 1060)
GROUP = Box(300, 400, 1600, 1060)


def tracker(width: int = W, height: int = H, **settings: object) -> Tracker:
    return Tracker(RoiSettings.model_validate(settings), width, height, USUAL, UPRIGHT)


def settle(t: Tracker, box: Box | None, frames: int = 40) -> Tracker:
    """The box stays for a while."""
    for _ in range(frames):
        t.update(box)
    return t


@pytest.mark.parametrize(
    ("box", "upright"), [(STANDING, True), (AT_A_DESK, False), (SPREAD, False), (GROUP, False)]
)
def test_by_the_person(box: Box, upright: bool) -> None:
    """From the first look on, and it stays so."""
    t = tracker()
    assert not t.upright
    t.update(box)
    assert t.upright is upright
    assert settle(t, box).upright is upright
    assert t.whole_upright is False, "a wide frame as a whole is looked at as ever"


def test_the_roi_is_aimed_in_its_shape() -> None:
    t = settle(tracker(), STANDING)
    assert t.roi.width / t.roi.height == pytest.approx(UPRIGHT, rel=0.02)
    assert t.roi.x <= STANDING.left - 50
    assert t.roi.right >= STANDING.right + 50


@pytest.mark.parametrize(
    ("width", "height", "upright"),
    [(720, 1280, True), (960, 1280, True), (720, 720, False), (1280, 720, False)],
)
def test_a_whole_frame_by_its_own_shape(width: int, height: int, upright: bool) -> None:
    t = tracker(width, height)
    assert (t.upright, t.whole_upright) == (upright, upright)
    t.update(Box(0, 0, width, height))
    assert (t.roi, t.upright) == (Rect(0, 0, width, height), upright)
    off = tracker(width, height, enabled=False)
    off.update(STANDING)
    assert off.upright is upright


def test_a_group_in_an_upright_frame() -> None:
    t = tracker(720, 1280)
    t.update(Box(10, 600, 710, 850))
    assert not t.upright
    assert t.whole_upright


def test_arms_spread_and_taken_down_again_change_nothing() -> None:
    t = settle(tracker(), STANDING)
    for box in (SPREAD, STANDING, SPREAD, STANDING):
        assert settle(t, box).upright
        assert t.roi.x <= box.left
        assert t.roi.right >= box.right


def test_a_moment_changes_nothing_either() -> None:
    """A group walks through for a few frames; then it stays."""
    t = settle(tracker(), STANDING)
    assert settle(t, GROUP, 5).upright
    assert t.roi.x <= GROUP.left
    assert t.roi.right >= GROUP.right
    assert settle(t, STANDING).upright
    assert not settle(t, GROUP).upright


def test_between_the_two_it_stays_as_it_is() -> None:
    between = Box(700, 100, 1200, 700)
    assert settle(settle(tracker(), STANDING), between).upright
    assert not settle(settle(tracker(), GROUP), between).upright


def test_the_roi_follows_at_once_when_the_input_changes() -> None:
    """A ROI in the other shape does not rest, though all of its margins hold."""
    t = settle(tracker(), AT_A_DESK)
    rising = Box(700, 100, 1000, 1080)
    rois = set()
    for _ in range(40):
        t.update(rising)
        rois.add((t.upright, t.roi))
    assert t.upright
    assert t.roi.width / t.roi.height == pytest.approx(UPRIGHT, rel=0.02)
    assert len({roi for upright, roi in rois if upright}) == 1


def test_when_nobody_is_left_it_starts_over() -> None:
    t = settle(tracker(), STANDING)
    t.update(None)
    assert (t.roi, t.upright) == (Rect(0, 0, W, H), False)


def test_without_an_upright_input_all_is_as_ever() -> None:
    plain, turned = Tracker(RoiSettings(), W, H, USUAL), tracker()
    turned.offer_upright(None)
    for box in (STANDING, SPREAD, None, GROUP, STANDING):
        for _ in range(15):
            plain.update(box)
            turned.update(box)
            assert plain.roi == turned.roi
            assert not plain.upright
            assert not turned.upright


def test_an_upright_input_that_goes_and_comes() -> None:
    t = settle(tracker(), STANDING)
    t.offer_upright(None)
    assert not t.upright
    t.update(STANDING)
    assert t.roi.width / t.roi.height == pytest.approx(W / H, rel=0.02), "aimed anew at once"
    t.offer_upright(UPRIGHT)
    assert settle(t, STANDING).upright


def test_gain_is_how_much_finer_it_sees() -> None:
    """In 288x160 and 160x288, of which the first is fitted to 180x100."""
    whole, third = Rect(0, 0, 180, 100), Rect(60, 0, 56, 100)
    assert gain(whole, whole, USUAL, USUAL) == 1
    assert gain(whole, third, USUAL, UPRIGHT) == pytest.approx((160 / 56) / (160 / 100), rel=0.01)
    square = Rect(0, 0, 100, 100)
    assert gain(square, square, USUAL, UPRIGHT) == pytest.approx(1)
    # An upright frame is stretched by 1.5 in the usual input: its height is seen less finely.
    phone = Rect(0, 0, 720, 1280)
    assert gain(phone, phone, USUAL, UPRIGHT) == pytest.approx((160 / 720) / (160 / 1280), rel=0.01)
