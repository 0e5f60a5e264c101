"""The ROI tracker: the smoothing's formula, and the rules that make it real."""

from __future__ import annotations

import pytest

from appliance.config.settings import RoiSettings
from appliance.media.frame import Rect
from appliance.stages.roi import Box, Side, Tracker, even

W, H, ASPECT = 1920, 1080, 256 / 144


def tracker(**settings: object) -> Tracker:
    """A tracker on a 1080p frame."""
    return Tracker(RoiSettings.model_validate(settings), W, H, ASPECT)


def person(x: float, y: float = 300, w: float = 200, h: float = 400) -> Box:
    """A person's box with its top left corner at (x, y)."""
    return Box(x, y, x + w, y + h)


def inside(box: Box, roi: Rect) -> bool:
    """Whether a box lies in an ROI."""
    across = roi.x <= box.left and box.right <= roi.right
    return across and roi.y <= box.top and box.bottom <= roi.bottom


def test_side_is_the_three_lines() -> None:
    side, a, b = Side(0.6, 0.2, 10.0), 0.6, 0.2
    level, trend = 10.0, 0.0
    for x in (12.0, 17.0, 16.0, 30.0):
        new = a * x + (1 - a) * (level + trend)
        trend = b * (new - level) + (1 - b) * trend
        level = new
        side.update(x)
        assert side.predicted == pytest.approx(level + trend)


def test_side_catches_up_with_even_motion() -> None:
    side = Side(0.6, 0.2, 0.0)
    for t in range(60):
        side.update(5.0 * t)
    assert side.predicted == pytest.approx(5.0 * 60, abs=0.5)


def test_starts_with_the_whole_frame_then_closes_in() -> None:
    t = tracker()
    assert t.roi == Rect(0, 0, W, H)
    t.update(person(800))
    assert t.tracking
    assert inside(person(800), t.roi)
    assert t.roi.width / t.roi.height == pytest.approx(ASPECT, rel=0.02)


def test_prediction_leads_a_walking_person() -> None:
    t = tracker(hold=0)
    for step in range(40):
        t.update(person(100 + 20 * step))
    ahead = person(100 + 20 * 40)
    assert inside(ahead, t.roi)
    middle = t.roi.x + t.roi.width / 2
    assert middle == pytest.approx((ahead.left + ahead.right) / 2, abs=15)


def test_rests_while_the_person_sways() -> None:
    t = tracker()
    t.update(person(800))
    for _ in range(20):
        t.update(person(800))
    roi = t.roi
    for step in range(50):
        t.update(person(800 + (8 if step % 2 else -8)))
        assert t.roi == roi


def test_border_contact_grows_at_once() -> None:
    t = tracker()
    for _ in range(5):
        t.update(person(800))
    roi = t.roi
    t.update(Box(800, 300, roi.right, 700))
    assert t.roi.right >= min(W, roi.right + 0.3 * roi.width)


def test_no_growth_beyond_the_frame() -> None:
    t = tracker()
    for _ in range(5):
        t.update(Box(0, 680, 200, H))
    assert t.roi.x == 0
    assert t.roi.bottom == H
    assert t.tracking


def test_loss_looks_at_the_whole_frame() -> None:
    t = tracker()
    t.update(person(800))
    assert t.tracking
    t.update(None)
    assert t.roi == Rect(0, 0, W, H)
    assert not t.tracking


def test_reacquires_elsewhere_without_a_glide() -> None:
    t = tracker()
    for _ in range(30):
        t.update(person(100))
    t.update(None)
    t.update(person(1500))
    assert inside(person(1500), t.roi)
    assert t.roi.x > 700


def test_rescan_finds_the_second_person() -> None:
    t = tracker()
    t.update(person(300))
    assert not inside(person(1500), t.roi)
    t.update(person(300), elsewhere=Box(300, 300, 1700, 700))
    assert inside(person(1500), t.roi)
    assert inside(person(300), t.roi)


def test_rescan_is_due_about_once_a_second_while_tracking() -> None:
    t = tracker()
    assert not t.rescan_due(0)
    t.update(person(800))
    due = sum(t.rescan_due(int(i * 1e9 / 30)) for i in range(1, 301))
    assert 9 <= due <= 11


def test_rescan_survives_a_clock_that_goes_back() -> None:
    t = tracker()
    t.rescan_due(10**12)
    t.update(person(800))
    assert t.rescan_due(0)


def test_nearly_everything_is_everything() -> None:
    t = tracker()
    t.update(Box(300, 40, 1500, H))
    assert t.roi == Rect(0, 0, W, H)


@pytest.mark.parametrize("box", [Box(0, 0, 1, 1), Box(1919, 1079, 1920, 1080), Box(5, 5, 5, 5)])
def test_never_under_a_least_size(box: Box) -> None:
    t = tracker()
    for _ in range(10):
        t.update(box)
    assert t.roi.height >= 0.15 * H
    assert Rect(0, 0, W, H).contains(t.roi)


@pytest.mark.parametrize(("w", "h"), [(32, 32), (640, 360), (1080, 1920), (7680, 4320), (34, 4096)])
def test_always_even_and_inside(w: int, h: int) -> None:
    t = Tracker(RoiSettings(), w, h, ASPECT)
    for step in range(60):
        x, y = (step * 37) % w, (step * 53) % h
        t.update(Box(x, y, min(w, x + w / 9), min(h, y + h / 7)) if step % 13 else None)
        roi = t.roi
        assert Rect(0, 0, w, h).contains(roi)
        assert roi.width >= 2
        assert roi.height >= 2
        assert not (roi.x | roi.y | roi.width | roi.height) & 1


def test_switched_off() -> None:
    t = tracker(enabled=False)
    t.update(person(800))
    assert t.roi == Rect(0, 0, W, H)


def test_even_covers_what_it_is_given() -> None:
    assert even((1.2, 3.9, 7.1, 8.0), 100, 100) == Rect(0, 2, 8, 6)
    assert even((-5, -5, 300, 300), 100, 100) == Rect(0, 0, 100, 100)
