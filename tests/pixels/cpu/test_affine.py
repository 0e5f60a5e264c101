"""The layer's warp against a float64 reference that mixes alpha and products pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.media.frame import Rect
from appliance.pixels import cpu
from appliance.pixels.cpu.affine import Viewport, fades
from tests.pixels.cpu.test_composite import SIZES
from tests.pixels.frames import noise

VIEWS = [
    Viewport(0.5, 0, 1), Viewport(3.25, -2.5, 1.0), Viewport(-7.3, 4.1, 1.37),
    Viewport(11.0, 6.0, 2.0), Viewport(-20, -10, 0.6), Viewport(1e4, 0, 1.2),
]  # fmt: skip


def blob(width: int, height: int) -> cpu.PersonLayer:
    """Noise under a soft ellipse that the lower edge cuts off, and stands in an even rectangle."""
    frame = noise(width, height, 1)
    layer = cpu.empty_layer(width, height, frame.colour)
    layer.front.y[:], layer.front.uv[:] = frame.y, frame.uv
    y, x = np.mgrid[:height, :width] + 0.5
    far = np.hypot((x - 0.45 * width) / (0.3 * width), (y - 0.9 * height) / (0.6 * height))
    layer.alpha[:] = np.clip((1.1 - far) * 600, 0, 255)
    across, down = layer.alpha.any(axis=0).nonzero()[0], layer.alpha.any(axis=1).nonzero()[0]
    left, top = int(across[0]) // 2 * 2, int(down[0]) // 2 * 2
    right, bottom = (int(across[-1]) // 2 + 1) * 2, (int(down[-1]) // 2 + 1) * 2
    layer.rect = Rect(left, top, right - left, bottom - top)
    return layer


def sampled(plane: np.ndarray, view: Viewport, ratio: int) -> np.ndarray:
    """A plane (rows, columns) through ``view``, bilinear, its border going on."""
    rows, columns = plane.shape
    y, x = np.mgrid[:rows, :columns] + 0.5
    v = np.clip(y / view.scale + view.top / ratio - 0.5, 0, rows - 1)
    u = np.clip(x / view.scale + view.left / ratio - 0.5, 0, columns - 1)
    k, c = v.astype(int), u.astype(int)
    n, d = np.minimum(k + 1, rows - 1), np.minimum(c + 1, columns - 1)
    t, s = v - k, u - c
    upper = plane[k, c] * (1 - s) + plane[k, d] * s
    lower = plane[n, c] * (1 - s) + plane[n, d] * s
    return upper * (1 - t) + lower * t


def reference(layer: cpu.PersonLayer, view: Viewport) -> tuple[np.ndarray, ...]:
    """Alpha, luma, chroma as they should be."""
    height, width = layer.alpha.shape
    alpha = layer.alpha.astype(float)
    mixed = sampled(alpha, view, 1)
    luma = sampled(alpha * layer.front.y, view, 1) / np.maximum(mixed, 1e-3)
    quarter = alpha.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
    share = np.maximum(sampled(quarter, view, 2), 1e-3)
    chroma = [sampled(quarter * layer.front.uv[..., k], view, 2) / share for k in range(2)]
    y, x = np.mgrid[:height, :width] + 0.5
    x, y = x / view.scale + view.left, y / view.scale + view.top
    inside = (x >= 0) & (x <= width) & (y >= 0) & (y <= height)
    left, top, right, bottom = (max(each, 1e-6) for each in fades(view, width, height))
    for rise in (x / left, (width - x) / right, y / top, (height - y) / bottom):
        mixed = mixed * np.clip(rise, 0, 1)
    return mixed * inside, luma, np.stack(chroma, axis=2)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_against_the_reference(width: int, height: int) -> None:
    layer = blob(width, height)
    into = cpu.empty_layer(width, height, layer.front.colour)
    for view in VIEWS:
        into.front.y[:], into.front.uv[:] = 9, 9
        cpu.warp_layer(layer, view, into)
        alpha, luma, chroma = reference(layer, view)
        assert np.abs(into.alpha - alpha).max() < 0.6, view
        shown = into.alpha > 2
        if shown.any():
            assert np.abs(into.front.y[shown] - luma[shown]).max() < 0.6, view
        quarter = into.alpha.reshape(height // 2, 2, width // 2, 2).min(axis=(1, 3)) > 2
        if quarter.any():
            assert np.abs(into.front.uv[quarter] - chroma[quarter]).max() < 0.6, view
        outside, box = into.alpha.copy(), into.rect
        outside[box.y : box.bottom, box.x : box.right] = 0
        assert not outside.any()


def test_the_room_beside_the_person_does_not_bleed_in() -> None:
    """Colour under no alpha must not be mixed into the edge, whatever it is."""
    layer = cpu.empty_layer(64, 36, noise(64, 36, 1).colour)
    layer.front.y[:], layer.front.uv[:] = 10, 10
    layer.front.y[8:, 20:40], layer.front.uv[4:, 10:20] = 200, 90
    layer.alpha[8:, 20:40], layer.rect = 255, Rect(20, 8, 20, 28)
    into = cpu.empty_layer(64, 36, layer.front.colour)
    cpu.warp_layer(layer, Viewport(3.3, 1.7, 1.37), into)
    assert 0 < into.alpha[into.alpha > 0].min() < 255
    assert (into.front.y[into.alpha > 0] == 200).all()
    assert (into.front.uv[into.alpha[::2, ::2] > 0] == 90).all()


def test_a_torso_reaches_the_canvas_to_its_last_row() -> None:
    """The last rows lie beyond the last pixels' centres: they are as opaque as these."""
    layer = cpu.empty_layer(64, 36, noise(64, 36, 1).colour)
    layer.alpha[8:, 20:40], layer.rect = 255, Rect(20, 8, 20, 28)
    into = cpu.empty_layer(64, 36, layer.front.colour)
    cpu.warp_layer(layer, Viewport(10, 36 - 36 / 1.7, 1.7), into)
    assert (into.alpha[-4:, 20:48] == 255).all()


def test_what_the_camera_cuts_off_within_the_canvas_fades() -> None:
    layer = cpu.empty_layer(200, 100, noise(64, 36, 1).colour)
    layer.alpha[40:60, :], layer.rect = 255, Rect(0, 40, 200, 20)
    into = cpu.empty_layer(200, 100, layer.front.colour)
    cpu.warp_layer(layer, Viewport(-20, 0, 1), into)
    row = into.alpha[50].astype(int)
    assert (row[:20] == 0).all()
    assert (np.diff(row[19:27]) > 0).all(), "over 6 pixels, 3 % of the width"
    assert (row[27:] == 255).all()
    cpu.warp_layer(layer, Viewport(0, 1, 1), into)
    assert (into.alpha[45] == 255).all(), "an edge at the canvas' border does not"


def test_nobody_and_sizes() -> None:
    layer = cpu.empty_layer(64, 36, noise(64, 36, 1).colour)
    into = blob(64, 36)
    cpu.warp_layer(layer, Viewport(1, 1, 1.5), into)
    assert not into.alpha.any()
    assert into.rect.area == 0
    with pytest.raises(ValueError, match="66x36"):
        cpu.warp_layer(layer, Viewport(1, 1, 1.5), blob(66, 36))
