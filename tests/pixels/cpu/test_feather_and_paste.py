"""The feather and the paste against the published formula."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.media.frame import Colour, Matrix, Range
from appliance.pixels import cpu
from tests.pixels.frames import noise


def published(h: int, w: int, d: int) -> np.ndarray:
    """The disclosure's formula: per axis min(1, i/d, (n-1-i)/d), the two axes multiplied."""

    def axis(n: int) -> np.ndarray:
        return np.array([min(1.0, i / d, (n - 1 - i) / d) for i in range(n)])

    return np.outer(axis(h), axis(w))


@pytest.mark.parametrize("d", [1, 2, 7, 49, 77, 200])
def test_feather_is_the_published_formula(d: int) -> None:
    """49 is one of the ramps for which the published snippet fails, because of its arange."""
    want = published(1, 698, d)[0] if d == 0 else published(3, 698, d)
    fx = cpu.feather(698, d)
    assert np.allclose(fx, [min(1, i / d, (697 - i) / d) for i in range(698)], atol=1e-6)
    assert want.shape == (3, 698)
    assert fx[0] == fx[-1] == 0


def test_hard_edge_and_open_ends() -> None:
    assert np.array_equal(cpu.feather(5, 0), np.ones(5))
    assert np.allclose(cpu.feather(5, 2, start=False), [1, 1, 1, 0.5, 0])
    assert np.allclose(cpu.feather(5, 2, end=False), [0, 0.5, 1, 1, 1])
    assert np.allclose(cpu.feather(1, 3), [0])


@pytest.mark.parametrize(("n", "ramp"), [(0, 1), (-3, 1), (4, -1), (4, float("nan"))])
def test_feather_refuses_nonsense(n: int, ramp: float) -> None:
    with pytest.raises(ValueError, match="expected"):
        cpu.feather(n, ramp)


@pytest.mark.parametrize(("x", "y"), [(0, 0), (5, 3), (-9, -4), (60, 30), (500, 0), (-200, 7)])
@pytest.mark.parametrize("ramp", [None, 0, 3, 40])
def test_paste_is_the_published_formula(x: int, y: int, ramp: int | None) -> None:
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 256, (48, 80, 3), np.uint8)
    patch = rng.integers(0, 256, (21, 37, 3), np.uint8)
    d = 37 // 9 if ramp is None else ramp
    weight = np.ones((21, 37)) if d == 0 else published(21, 37, d)
    want = picture.astype(np.float64)
    for j in range(21):
        for i in range(37):
            if 0 <= y + j < 48 and 0 <= x + i < 80:
                under = want[y + j, x + i]
                want[y + j, x + i] = under + weight[j, i] * (patch[j, i] - under)
    cpu.paste(picture, patch, x, y, ramp)
    assert np.abs(picture - want).max() <= 0.51


def test_paste_refuses_other_channels() -> None:
    with pytest.raises(ValueError, match="cannot paste"):
        cpu.paste(np.zeros((4, 4, 3), np.uint8), np.zeros((2, 2, 1), np.uint8), 0, 0)


@pytest.mark.parametrize(("x", "y"), [(10, 8), (11, 8), (10, 9), (11, 9), (-3, -5), (55, 33)])
@pytest.mark.parametrize(("w", "h"), [(20, 12), (21, 13)])
def test_paste_into_nv12(x: int, y: int, w: int, h: int) -> None:
    """A patch of one colour: luma as in the plain paste, chroma by the mean of the 2x2 weights."""
    frame, patch = noise(64, 40, 1), noise(w, h, 2)
    patch.y[:], patch.uv[..., 0], patch.uv[..., 1] = 180, 90, 200
    before_y, before_uv = frame.y.astype(np.float64), frame.uv.astype(np.float64)
    weight = np.zeros((40 + 64, 64 + 64))
    weight[y + 32 : y + 32 + h, x + 32 : x + 32 + w] = published(h, w, 3)
    weight = weight[32:72, 32:96]
    cpu.paste_nv12(frame, patch, x, y, 3)
    assert np.abs(frame.y - (before_y + weight * (180 - before_y))).max() <= 0.51
    mean = weight.reshape(20, 2, 32, 2).mean(axis=(1, 3))[..., None]
    want = before_uv + mean * (np.array([90, 200]) - before_uv)
    assert np.abs(frame.uv - want).max() <= 0.51


def test_paste_at_even_offset_takes_the_patchs_chroma_as_it_is() -> None:
    frame, patch = noise(64, 40, 1), noise(20, 12, 2)
    cpu.paste_nv12(frame, patch, 10, 8, 0)
    assert np.array_equal(frame.y[8:20, 10:30], patch.y)
    assert np.array_equal(frame.uv[4:10, 5:15], patch.uv)


@pytest.mark.parametrize(("x", "y"), [(10, 8), (11, 9), (-3, -5), (55, 33)])
def test_a_mask_is_multiplied_by_the_feather(x: int, y: int) -> None:
    """Luma by the product; chroma by the mean of the products over its 2x2 luma pixels."""
    w, h = 21, 13
    frame, patch = noise(64, 40, 1), noise(w, h, 2)
    patch.y[:], patch.uv[..., 0], patch.uv[..., 1] = 180, 90, 200
    mask = np.random.default_rng(3).integers(0, 256, (h, w), np.uint8)
    before_y, before_uv = frame.y.astype(np.float64), frame.uv.astype(np.float64)
    weight = np.zeros((40 + 64, 64 + 64))
    weight[y + 32 : y + 32 + h, x + 32 : x + 32 + w] = published(h, w, 3) * mask / 255
    weight = weight[32:72, 32:96]
    cpu.paste_nv12(frame, patch, x, y, 3, mask)
    assert np.abs(frame.y - (before_y + weight * (180 - before_y))).max() <= 0.51
    mean = weight.reshape(20, 2, 32, 2).mean(axis=(1, 3))[..., None]
    want = before_uv + mean * (np.array([90, 200]) - before_uv)
    assert np.abs(frame.uv - want).max() <= 0.51


def test_paste_refuses_a_mask_of_another_size() -> None:
    with pytest.raises(ValueError, match=r"a mask of \(8, 7\) for a patch of \(8, 8\)"):
        cpu.paste_nv12(noise(64, 40, 1), noise(8, 8, 2), 0, 0, 0, np.zeros((8, 7), np.uint8))


def test_paste_refuses_other_colours() -> None:
    other = noise(8, 8, 1, colour=Colour(Matrix.BT601, Range.FULL))
    with pytest.raises(ValueError, match="convert the patch first"):
        cpu.paste_nv12(noise(64, 40, 1), other, 0, 0)
