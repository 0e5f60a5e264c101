"""Views: parts of a photograph as the appliance looks at them, with label and trust in step."""

from __future__ import annotations

import numpy as np
import pytest

from export.letterbox import letterboxed, window
from export.synthesis.views import Photograph, view


def photograph(width: int, height: int) -> Photograph:
    """A grey scene with a bright person; alpha is where it is bright, all of it believed."""
    alpha = np.zeros((height, width), np.uint8)
    alpha[height // 4 :, width // 3 : 2 * width // 3] = 255
    image = np.where(alpha[..., None] > 0, 200, 60).repeat(3, axis=2).astype(np.uint8)
    return Photograph(image, alpha, np.full_like(alpha, 255))


@pytest.mark.parametrize(("width", "height"), [(288, 160), (160, 288)])
@pytest.mark.parametrize("moments", [1, 2])
def test_planes_stay_in_step(width: int, height: int, moments: int) -> None:
    shown = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        frames, alphas, weights = view(rng, [photograph(300, 240)], width, height, moments)
        assert frames.shape == (moments, height, width, 3)
        assert alphas.shape == weights.shape == (moments, height, width)
        bars = weights < 255
        assert (frames[bars] == 0).all()
        assert (alphas[bars] == 0).all()
        grey = frames.mean(axis=-1)
        inside, outside = alphas > 250, (alphas < 5) & ~bars
        if inside.any() and outside.any() and grey[~bars].std() > 15:
            assert grey[inside].mean() > grey[outside].mean()
            shown += 1
    assert shown > 10


def test_letterbox_stretches_little_and_bars_the_rest() -> None:
    assert window(288 / 160, 288, 160).width == 288
    place = window(9 / 16, 288, 160)
    assert place.height == 160
    assert place.width == 134  # 90 columns, stretched by a half
    frame, place = letterboxed(np.full((320, 180, 3), 255, np.uint8), 288, 160)
    assert frame.shape == (160, 288, 3)
    assert frame.sum() == 255 * 3 * place.width * place.height
