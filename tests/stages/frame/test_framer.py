"""Framing over time: rest, steps, walks, people who come and go, cuts; at any frame rate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from appliance.config.settings.stages.frame import FramingSettings
from appliance.pixels.cpu.affine import Viewport
from appliance.stages.frame.framer import Framer
from appliance.stages.frame.subject import Subject

WIDTH, HEIGHT = 1920, 1080
RATES = [10, 30, 60]

Scene = Callable[[float], "Subject | None"]


def somebody(
    x: float = 960, top: float = 250, bottom: float = 1080, width: float = 420, reach: float = 0
) -> Subject:
    """Somebody about ``x``; ``reach``: how far an arm goes to the left."""
    left, right = max(x - width / 2 - reach, 0), min(x + width / 2, WIDTH)
    return Subject(left, top, right, bottom, x - 0.42 * width, x + 0.42 * width, x)


def noisy(subject: Subject, rng: np.random.Generator, sigma: float = 8) -> Subject:
    """As a matte's box jitters: half a grid pixel is 4 of the picture's."""
    values = np.array(subject) + rng.normal(0, sigma, len(subject))
    values[[0, 2]] = values[[0, 2]].clip(0, WIDTH)
    values[3] = min(values[3], HEIGHT)
    return Subject(*(float(each) for each in values))


def views(
    scene: Scene, fps: float, seconds: float, sigma: float = 8, **settings: float
) -> np.ndarray:
    """Middle x, middle y, width of what is shown, for each frame."""
    rng = np.random.default_rng(0)
    framer = Framer(FramingSettings(enabled=True, **settings), WIDTH, HEIGHT)
    made = []
    for k in range(round(seconds * fps)):
        now = round(k * 1e9 / fps)
        subject = scene(k / fps)
        framer.see(now, noisy(subject, rng, sigma) if subject and sigma else subject)
        made.append(corners(framer.at(now)))
    return np.array(made)


def corners(view: Viewport) -> tuple[float, float, float]:
    wide = WIDTH / view.scale
    return view.left + wide / 2, view.top + HEIGHT / view.scale / 2, wide


@pytest.mark.parametrize("fps", RATES)
def test_at_rest_nothing_moves(fps: float) -> None:
    """The box jitters by 8 pixels, the picture by none."""
    made = views(lambda _: somebody(), fps, 30)
    assert np.ptp(made, axis=0).max() == 0
    assert made[0, 2] < WIDTH, "it is framed"


@pytest.mark.parametrize("fps", RATES)
def test_inside_the_dead_zone_nothing_moves(fps: float) -> None:
    made = views(lambda t: somebody(960 + 60 * np.sin(t), 250 + 25 * np.sin(2 * t)), fps, 30)
    assert np.ptp(made, axis=0).max() == 0


@pytest.mark.parametrize("fps", RATES)
def test_a_step_is_followed_without_overshoot(fps: float) -> None:
    made = views(lambda t: somebody(800 if t < 3 else 1150, 330), fps, 14)
    x, rest = made[:, 0], made[-1, 0]
    assert abs(rest - 1150) < 30
    assert x.max() <= rest + 1e-6
    speed = np.abs(np.diff(x)).max() * fps / made[-1, 2]
    assert 0.1 < speed < 0.25, "widths a second"
    gone = x[round(3 * fps) :]
    assert (np.diff(gone) >= -1e-6).all(), "there is no way back"
    arrived = np.argmax(np.abs(gone - rest) < 0.01 * WIDTH) / fps
    assert 1 < arrived < 5


def test_the_path_is_the_same_at_any_frame_rate() -> None:
    """But for the frame at which it starts: they see the step at most a frame apart."""
    paths = [
        views(lambda t: somebody(800 if t < 3 else 1150, 330), fps, 14, sigma=0)[:: fps // 10]
        for fps in RATES
    ]
    for path in paths[:2]:
        assert np.abs(path - paths[2]).max() < 0.2 * WIDTH * 0.11
        assert np.abs(path[-1] - paths[2][-1]).max() < 0.1


@pytest.mark.parametrize("fps", RATES)
def test_a_gesture_moves_nothing(fps: float) -> None:
    """An arm is stretched out for a third of a second, every three seconds."""

    def scene(t: float) -> Subject:
        up = t % 3 > 2.7
        return somebody(reach=250 if up else 0, top=120 if up else 250)

    made = views(scene, fps, 20)
    assert np.ptp(made, axis=0).max() == 0


@pytest.mark.parametrize("fps", RATES)
def test_a_torso_never_floats(fps: float) -> None:
    """Whatever they do, as long as the camera's lower edge cuts them, it is not to be seen."""

    def scene(t: float) -> Subject:
        return somebody(960 + 500 * np.sin(t), 300 + 200 * np.sin(0.7 * t), width=350)

    made = views(scene, fps, 20, size=0.4, headroom=0.3)
    bottom = made[:, 1] + made[:, 2] * HEIGHT / WIDTH / 2
    assert bottom.max() <= HEIGHT + 1e-6


@pytest.mark.parametrize("fps", RATES)
def test_whoever_comes_close_never_floats(fps: float) -> None:
    """Somebody whole, over a canvas that reaches below the picture, walks up to the camera."""

    def scene(t: float) -> Subject:
        near = min(max(t - 3, 0) / 2, 1)
        return somebody(960, 500 - 250 * near, 800 + 280 * near, 200 + 200 * near)

    made = views(scene, fps, 12, sigma=2, size=0.3, headroom=0.3)
    bottom = made[:, 1] + made[:, 2] * HEIGHT / WIDTH / 2
    assert bottom[: 2 * fps].max() > HEIGHT + 20
    assert bottom[round(5.1 * fps) :].max() <= HEIGHT + 1e-6
    steps = np.abs(np.diff(made, axis=0)).max() / WIDTH
    assert steps < 0.02 * 30 / fps + 0.01, "and without a jump"


@pytest.mark.parametrize("fps", RATES)
def test_a_walker_stays_in_the_picture(fps: float) -> None:
    """At an eighth of the width a second, and as fast as a third."""
    for pace in (0.125, 0.33):
        made = views(
            lambda t, v=pace: somebody(500 + min(v * WIDTH * t, 900), 450, 1080, 250), fps, 12
        )
        times = np.arange(len(made)) / fps
        x = 500 + np.minimum(pace * WIDTH * times, 900)
        off = np.abs(x - made[:, 0]) / made[:, 2]
        assert off.max() < 0.5, "their middle is always to be seen"


@pytest.mark.parametrize("fps", RATES)
def test_who_leaves_takes_the_edge_along(fps: float) -> None:
    """Where the camera cuts them off, the canvas has ended already, or nearly."""

    def scene(t: float) -> Subject | None:
        x = 700 - 0.2 * WIDTH * max(t - 3, 0)
        if x < -150:
            return None
        s = somebody(x, 350, 1000, 300)
        return Subject(max(s.left, 0), s.top, s.right, s.bottom, max(s.core_left, 0),
                       max(s.core_right, 0), max(x, 0))  # fmt: skip

    made = views(scene, fps, 8, sigma=0, size=0.5)
    times = np.arange(len(made)) / fps
    left = made[:, 0] - made[:, 2] / 2
    cut = np.array([s is not None and s.left <= 20 for s in map(scene, times)])
    assert cut.any()
    assert left[~cut][0] < 0, "before, the canvas reaches beyond the picture"
    assert (left[cut] > -0.04 * WIDTH).all()


@pytest.mark.parametrize("fps", RATES)
def test_nobody_holds_then_drifts_back(fps: float) -> None:
    made = views(lambda t: somebody(700, 400) if t < 3 else None, fps, 15, sigma=0)
    held = made[: round(5.9 * fps)]
    assert np.ptp(held, axis=0).max() == 0
    assert tuple(made[-1]) == (WIDTH / 2, HEIGHT / 2, WIDTH), "to the picture as it is, exactly"
    assert np.abs(np.diff(made, axis=0)).max() * fps < 0.25 * WIDTH, "without a jump"


def test_who_comes_anew_is_glided_to() -> None:
    made = views(lambda t: None if t < 2 else somebody(700, 400), 30, 15)
    assert tuple(made[0]) == (WIDTH / 2, HEIGHT / 2, WIDTH)
    assert np.abs(np.diff(made, axis=0)).max() * 30 < 0.3 * WIDTH
    assert made[-1, 2] < 0.9 * WIDTH


def test_a_cut_is_crossed_at_once() -> None:
    framer = Framer(FramingSettings(enabled=True), WIDTH, HEIGHT)
    for k in range(30):
        framer.see(k * 33_000_000, somebody(700, 400))
        before = corners(framer.at(k * 33_000_000))
    framer.reset()
    assert corners(framer.at(30 * 33_000_000)) == before, "until somebody is found"
    framer.see(30 * 33_000_000, somebody(1200, 500))
    after = corners(framer.at(30 * 33_000_000))
    assert after[0] > before[0] + 300
    framer.see(31 * 33_000_000, somebody(1200, 500))
    assert corners(framer.at(31 * 33_000_000)) == after, "there is no glide"


def test_new_settings_are_glided_to() -> None:
    framer = Framer(FramingSettings(enabled=True), WIDTH, HEIGHT)
    made = []
    for k in range(300):
        if k == 30:
            framer.configure(FramingSettings(enabled=True, size=1.6))
        framer.see(k * 33_000_000, somebody())
        made.append(corners(framer.at(k * 33_000_000)))
    widths = np.array(made)[:, 2]
    assert np.abs(np.diff(widths)).max() < 0.01 * WIDTH
    assert widths[-1] < 0.7 * widths[0]


@pytest.mark.parametrize("settings", [{}, {"size": 3.0, "zoom": 4.0}, {"size": 0.2, "calm": 0.0}])
def test_whatever_happens(settings: dict[str, float]) -> None:
    """Random people and times, back in time too: always a view, and never beyond the limits."""
    rng = np.random.default_rng(1)
    framer = Framer(FramingSettings(enabled=True, **settings), WIDTH, HEIGHT)
    now = 0
    for _ in range(1000):
        now += int(rng.integers(-50_000_000, 400_000_000) if rng.random() < 0.05 else 33_000_000)
        if rng.random() < 0.01:
            framer.reset()
        subject = None
        if rng.random() < 0.9:
            left, right = np.sort(rng.uniform(0, WIDTH, 2))
            top, bottom = np.sort(rng.uniform(0, HEIGHT, 2))
            inner = np.sort(rng.uniform(left, right, 3))
            subject = Subject(left, top, right, bottom, inner[0], inner[2], inner[1])
        framer.see(now, subject)
        view = framer.at(now)
        assert 0.49 < view.scale <= framer._settings.zoom + 1e-9 or view.scale == pytest.approx(1)
        assert np.isfinite(corners(view)).all()


def test_a_torso_cut_off_at_once_does_not_float_for_a_frame() -> None:
    def scene(t: float) -> Subject:
        return somebody(960, 500, 800 if t < 3 else HEIGHT, 200)

    made = views(scene, 10, 5, sigma=0, size=0.3, headroom=0.3)
    bottom = made[:, 1] + made[:, 2] * HEIGHT / WIDTH / 2
    assert bottom[29] > HEIGHT + 20
    assert bottom[30:].max() <= HEIGHT + 1e-6
