"""The person's layer in new light, against the formulas in float64."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from appliance.media.frame import Frame, Rect
from appliance.pixels import cpu
from tests.pixels.frames import noise

SIZES = ((64, 36), (2, 2), (322, 178), (130, 254), (720, 406))
MATRIX = np.array(
    [[0.8, 0.1, -0.05, 12], [0.06, 1.1, 0.04, -14], [-0.08, 0.05, 0.9, 20]], np.float32
)


def blob(width: int, height: int, pad: int = 0) -> cpu.PersonLayer:
    """A person of noise: an ellipse with soft edges, and nobody around it."""
    y, x = np.mgrid[0:height, 0:width]
    away = np.hypot((x - 0.4 * width) / (0.3 * width), (y - 0.6 * height) / (0.4 * height))
    alpha = np.clip((1.1 - away) * 600, 0, 255).astype(np.uint8)
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    left, top = columns[0] // 2 * 2, rows[0] // 2 * 2
    rect = Rect(left, top, (columns[-1] + 2 - left) // 2 * 2, (rows[-1] + 2 - top) // 2 * 2)
    return cpu.PersonLayer(noise(width, height, 1, pad), alpha, rect)


def wrap_of(width: int, height: int) -> cpu.Wrap:
    rows, columns = cpu.light_grid(width, height)
    rng = np.random.default_rng(2)
    share = np.where(rng.random((rows, columns)) < 0.5, 0, 255).astype(np.uint8)
    share[: rows // 2, columns // 3 :] = 0
    luma, chroma = (rng.integers(0, 256, (rows, columns, n), np.uint8) for n in (1, 2))
    return cpu.Wrap(cpu.soft(share, 4), cpu.soft(luma[..., 0], 4), cpu.soft(chroma, 4))


def relit(
    layer: cpu.PersonLayer, matrix: np.ndarray | None, wrap: cpu.Wrap | None
) -> tuple[np.ndarray, np.ndarray]:
    """Luma and chroma by the formulas, float64."""
    y, uv = layer.front.y.astype(float), layer.front.uv.astype(float)
    height, width = y.shape

    def quarters(plane: np.ndarray) -> np.ndarray:
        return plane.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))

    if matrix is not None:
        m, mean = matrix.astype(float), quarters(y)
        cb, cr = uv[..., 0], uv[..., 1]
        shift = m[0, 1] * cb + m[0, 2] * cr + m[0, 3]
        y = m[0, 0] * y + shift.repeat(2, axis=0).repeat(2, axis=1)
        uv = np.stack([r[0] * mean + r[1] * cb + r[2] * cr + r[3] for r in (m[1], m[2])], axis=-1)
        y, uv = np.floor(np.clip(y + 0.5, 0, 255)), np.floor(np.clip(uv + 0.5, 0, 255))
    if wrap is not None:
        alpha = layer.alpha / 255

        def wide(plane: np.ndarray, size: tuple[int, int]) -> np.ndarray:
            return cv2.resize(plane.astype(np.float32), size).astype(float)

        share = wide(wrap.share, (width, height)) / 255
        half = wide(wrap.share, (width // 2, height // 2)) / 255
        y += share * alpha * (wide(wrap.luma, (width, height)) - y)
        behind = wide(wrap.chroma, (width // 2, height // 2))
        uv += (half * quarters(alpha))[..., None] * (behind - uv)
    return y, uv


@pytest.mark.parametrize("pad", [0, 6])
@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("parts", ["map", "wrap", "both"])
def test_as_the_formulas_say(width: int, height: int, pad: int, parts: str) -> None:
    matrix = None if parts == "wrap" else MATRIX
    wrap = None if parts == "map" else wrap_of(width, height)
    layer = blob(width, height, pad)
    want_y, want_uv = relit(layer, matrix, wrap)
    relight = cpu.Relight()
    relight(layer, matrix, wrap)
    there = layer.alpha > 0
    # Ties in float32; and the stretched share and light are rounded to a step of 255.
    limit = 1 if parts == "map" else 2.1
    assert np.abs(layer.front.y - want_y)[there].max() <= limit
    both = there.reshape(height // 2, 2, width // 2, 2).any(axis=(1, 3))
    # Chroma takes the share at the columns of luma that it stands in, not between them.
    limit = 1 if parts == "map" else 4.1 if width < 400 else 2.1
    assert np.abs(layer.front.uv - want_uv)[both].max() <= limit


def test_without_light_nothing_changes() -> None:
    layer, before = blob(320, 180), noise(320, 180, 1)
    cpu.Relight()(layer, None, None)
    wrap = wrap_of(320, 180)
    cpu.Relight()(layer, None, cpu.Wrap(np.zeros_like(wrap.share), wrap.luma, wrap.chroma))
    cpu.Relight()(layer, np.eye(3, 4, dtype=np.float32), None)
    assert (layer.front.y == before.y).all()
    assert (layer.front.uv == before.uv).all()


def test_a_new_light_is_not_the_last_one() -> None:
    relight, wrap = cpu.Relight(), wrap_of(320, 180)
    relight(blob(320, 180), None, wrap)
    darker = cpu.Wrap(wrap.share, wrap.luma // 2, wrap.chroma)
    one, other = blob(320, 180), blob(320, 180)
    relight(one, None, darker)
    cpu.Relight()(other, None, darker)
    assert (one.front.y == other.front.y).all()


def test_the_share_is_what_is_near_the_edge() -> None:
    alpha = np.zeros((60, 100), np.uint8)
    alpha[:, 40:] = 255
    share = cpu.wrap_share(alpha, 3.0, 0.5)
    assert share[30, 99] == 0
    assert abs(int(share[30, 40]) - 64) <= 12
    assert abs(int(share[30, 37]) - 112) <= 12
    assert share[30, 0] == 0, "far from anybody nothing has to be done"
    assert not cpu.wrap_share(alpha, 3.0, 0.0).any()


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1080, 1920), (322, 178), (6, 200)])
def test_small_pictures_keep_their_mean(width: int, height: int) -> None:
    frame = noise(width, height, 3)
    luma, chroma = cpu.small_picture(frame)
    assert luma.shape == chroma.shape[:2] == cpu.light_grid(width, height)
    assert max(luma.shape) <= 240
    assert abs(float(luma.mean()) - float(frame.y.mean())) < 1.5
    assert abs(float(chroma.mean()) - float(frame.uv.mean())) < 1.5


def test_a_flat_picture_stays_flat() -> None:
    flat = Frame(np.full((180, 322), 77, np.uint8), np.full((90, 161, 2), 99, np.uint8))
    luma, chroma = cpu.small_picture(flat)
    assert (luma == 77).all()
    assert (cpu.soft(chroma, 4.0) == 99).all()
