"""The glide: no overshoot, no faster than asked, the same path at any frame rate."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.stages.frame.glide import Glide

START = np.array([960.0, 540.0, 1920.0])
GOAL = np.array([1200.0, 500.0, 1100.0])


def path(fps: float, seconds: float = 8, speed: float = 300, lag_s: float = 0.5) -> np.ndarray:
    glide = Glide(START, lag_s=lag_s)
    glide.send(GOAL)
    places = [glide.place]
    for _ in range(round(seconds * fps)):
        glide.advance(1 / fps, speed)
        places.append(glide.place)
    return np.array(places)


@pytest.mark.parametrize("fps", [5, 10, 30, 59.94, 240])
def test_no_overshoot_and_no_faster(fps: float) -> None:
    places = path(fps)
    steps = np.diff(places, axis=0)
    towards = np.sign(GOAL - START)
    assert (steps * towards > -1e-9).all(), "never back"
    assert ((GOAL - places) * towards > -1e-9).all(), "never beyond"
    assert np.abs(steps).max() * fps <= 300 + 1e-6
    assert np.abs(steps).max() * fps > 250, "the limit is made use of"
    assert (places[-1] == GOAL).all(), "it arrives, and rests"


def test_the_same_path_at_any_frame_rate() -> None:
    fine, coarse = path(60)[::6], path(10)
    resting = np.abs(fine - GOAL).max(axis=1) < 0.1
    assert np.abs(fine - coarse)[~resting].max() < 1e-6
    assert np.abs(fine - coarse).max() < 0.1


def test_straight_boundaries_are_kept() -> None:
    """A torso's edge stays at the canvas' border all the way, if it is there at both ends."""
    glide = Glide(np.array([540.0, 1080.0]), lag_s=0.5)
    rng = np.random.default_rng(0)
    for _ in range(400):
        if rng.random() < 0.1:
            high = rng.uniform(400, 1200)
            glide.send(np.array([1080 - high / 2 - rng.uniform(0, 50), high]))
        glide.advance(float(rng.uniform(0.005, 0.2)), 500)
        middle, high = glide.place
        assert middle + high / 2 <= 1080 + 1e-6


def test_starts_softly_and_can_be_sent_elsewhere_on_the_way() -> None:
    glide = Glide(START, lag_s=0.5)
    glide.send(GOAL)
    glide.advance(0.02, 300)
    assert 0 < np.abs(glide.place - START).max() < 0.5
    places = [glide.place]
    for k in range(300):
        if k == 60:
            glide.send(START)
        glide.advance(1 / 30, 300)
        places.append(glide.place)
    jolts = np.abs(np.diff(places, n=2, axis=0)).max() * 30 * 30
    assert jolts <= 2 * 300 * 2 / 0.5, "no step in speed"
    assert (places[-1] == START).all()


def test_at_rest_nothing_moves() -> None:
    glide = Glide(START, lag_s=0.5)
    for _ in range(100):
        glide.advance(1 / 30, 300)
        assert glide.resting
        assert (glide.place == START).all()
    glide.advance(-1, 300)
    assert (glide.place == START).all()
