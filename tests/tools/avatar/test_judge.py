"""J and S of seams whose values are known."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from appliance.tools.avatar import judge
from appliance.tools.avatar.person import Planes
from tests.tools.avatar.moving import HEIGHT, disc, nobody, write


def test_a_step_is_the_difference_over_the_person() -> None:
    first, second = (judge.seen(disc(60, light=light), HEIGHT) for light in (0, 10))
    assert judge.step(first, first) == 0
    assert judge.step(first, second) == pytest.approx(10, abs=0.5)


def test_nobody_does_not_step() -> None:
    empty = judge.seen(nobody(), HEIGHT)
    assert judge.step(empty, empty) == 0


def test_black_clothes_that_vanish_are_seen() -> None:
    person = disc(60)
    black = Planes(np.zeros_like(person.y), person.uv, person.alpha)
    gone = Planes(black.y, black.uv, black.alpha // 2)
    first, second = (judge.seen(each, HEIGHT) for each in (black, gone))
    assert judge.step(first, second) == pytest.approx(127, abs=3)


def test_jump_of_a_cut_by_the_clips_own_steps(tmp_path: Path) -> None:
    """Frames get lighter by 4, one by 8: the 95th percentile of 20 steps lies between."""
    light = [4 * i for i in range(11)] + [44 + 4 * i for i in range(10)]
    steps = judge.own_steps(write(tmp_path / "a.clip", [disc(60, light=each) for each in light]))
    assert judge.usual_step(steps) == pytest.approx(4, abs=0.2)
    large = judge.large_step(steps)
    assert large == pytest.approx(4, abs=0.3)
    cut = [disc(60, light=each) for each in (0, 12)]
    assert judge.jump(cut, HEIGHT, large) == pytest.approx(12 / large, rel=0.05)
    seam = [disc(60, light=each) for each in (0, 4, 8, 12)]
    assert judge.jump(seam, HEIGHT, large) == pytest.approx(4 / large, rel=0.05)


def test_a_still_clip_has_steps_of_rounding() -> None:
    still = np.zeros(5, np.float32)
    assert judge.large_step(still) == judge.usual_step(still) > 0
    assert judge.large_step(still[:0]) > 0


def test_sharpness_of_a_dissolve_and_of_a_blur() -> None:
    first, second = disc(60), disc(66)
    mean = Planes((first.y // 2 + second.y // 2), first.uv, first.alpha)
    blurred = Planes(
        np.asarray(cv2.GaussianBlur(first.y, (0, 0), 2), np.uint8), first.uv, first.alpha
    )
    assert judge.sharpness([first, second]) == 1
    assert judge.sharpness([first, disc(63), second]) == pytest.approx(1, abs=0.1)
    assert judge.sharpness([first, mean, second]) < judge.LEAST_SHARPNESS
    assert judge.sharpness([first, disc(63), blurred, second]) < 0.2
    assert judge.sharpness([nobody(), nobody(), nobody()]) == 1
