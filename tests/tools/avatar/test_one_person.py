"""Who stays where a clip has several people."""

from __future__ import annotations

import numpy as np

from appliance.media.frame import U8
from appliance.tools.avatar.one_person import OnePerson


def picture(*blocks: tuple[int, int, int, int]) -> U8:
    """Alpha, 320x240, with blocks of x, y, width, height."""
    alpha = np.zeros((240, 320), np.uint8)
    for x, y, width, height in blocks:
        alpha[y : y + height, x : x + width] = 255
    return alpha


def test_the_largest_stays_also_when_the_other_grows() -> None:
    person = OnePerson()
    for grown in range(0, 100, 20):
        alpha = picture((20, 60, 80, 180), (200, 100, 60, 100 + grown))
        # A soft edge of the other's, which no component has.
        alpha[95:100, 200:260] = 40
        assert person(alpha)
        assert alpha[:, 20:100].sum() == 80 * 180 * 255
        assert alpha[:, 190:].max() == 0
    assert person.others == 5


def test_a_hand_apart_stays() -> None:
    person, alpha = OnePerson(), picture((20, 60, 80, 180), (150, 40, 30, 30))
    before = alpha.copy()
    assert person(alpha)
    assert (alpha == before).all()
    assert person.others == 0


def test_nobody() -> None:
    assert not OnePerson()(picture())
