"""Things in the colours of the people in front of them."""

from __future__ import annotations

import numpy as np
import pytest

from export.synthesis.lookalikes import lookalikes, of_person
from export.synthesis.people import Person


@pytest.fixture
def red() -> Person:
    """Somebody all in red, surrounded by green that is not theirs."""
    foreground = np.zeros((64, 48, 3), np.uint8)
    foreground[:] = (0, 200, 0)
    alpha = np.zeros((64, 48), np.uint8)
    foreground[16:, 12:36] = (20, 30, 180)
    alpha[16:, 12:36] = 255
    return Person(foreground, alpha, 64, (12, 16, 36, 40), upright=False)


def test_surfaces_have_the_persons_colours(red: Person) -> None:
    plain = woven = 0
    for seed in range(40):
        surface = of_person(np.random.default_rng(seed), red)(50, 30)
        assert surface.shape == (30, 50, 3)
        if np.ptp(surface, axis=(0, 1)).max() == 0:
            plain += 1
            colour = surface[0, 0] / surface[0, 0].sum()
            np.testing.assert_allclose(colour, np.array([20, 30, 180]) / 230, atol=1e-3)
        else:
            woven += 1
    assert plain > 10
    assert woven > 2


def test_they_stand_in_the_picture(red: Person) -> None:
    table = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2)
    black = np.zeros((90, 160, 3), np.uint8)
    pose = np.eye(2, 3, dtype=np.float32)
    shares = []
    for seed in range(20):
        picture = lookalikes(np.random.default_rng(seed), black, [(red, table, pose)])
        assert picture.shape == black.shape
        assert picture.dtype == np.uint8
        shares.append(float((picture.max(axis=2) > 40).mean()))
    assert not black.any()
    assert 0.03 < np.mean(shares) < 0.6


def test_nobody_solid_makes_grey() -> None:
    ghost = Person(
        np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.uint8), 8, (0, 0, 8, 8), upright=False
    )
    assert (of_person(np.random.default_rng(0), ghost)(4, 4) == 128).all()
