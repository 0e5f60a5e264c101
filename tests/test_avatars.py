"""The avatar that tests play: its frames can be told, and it is one that can be loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from appliance.avatars.avatar import load_avatar
from appliance.avatars.clip import samples_until
from tests.avatars import TINY, TINY_SEAM, TINY_SEAM_FRAMES, make_tiny_avatar, tiny_number


@pytest.mark.parametrize("size", [(64, 48), (320, 240)])
def test_every_frame_says_which_it_is(tmp_path: Path, size: tuple[int, int]) -> None:
    avatar = load_avatar(make_tiny_avatar(tmp_path / "tiny", frames=3, size=size))
    for index, name in enumerate(TINY):
        clip = avatar.clips[name]
        assert [tiny_number(clip.frame(n).y, size) for n in range(3)] == [
            (index, n) for n in range(3)
        ]
        found = clip.frame(1)
        canvas = np.zeros((size[1], size[0]), np.uint8)
        rect = found.rect
        canvas[rect.y : rect.bottom, rect.x : rect.right] = found.y
        assert tiny_number(canvas) == (index, 1)
        code = np.abs(found.y.astype(int) - 125) == 75
        assert found.alpha[code].min() == 255
    (seam,) = avatar.seams.values()
    assert tiny_number(seam.frame(2).y, size) == (TINY_SEAM, 2)
    assert seam.frames == TINY_SEAM_FRAMES


def test_its_sound_is_as_long_as_its_pictures(tmp_path: Path) -> None:
    avatar = load_avatar(make_tiny_avatar(tmp_path / "tiny", frames=7, fps=(30000, 1001)))
    wave = avatar.clips["wave"]
    sound = np.concatenate([wave.sound(n) for n in range(7)])
    assert (sound[:, 0] == np.arange(samples_until(7, (30000, 1001)))).all()
    assert (sound[:, 1] == 3).all()
    assert avatar.clips["talk"].sound(0) is None
